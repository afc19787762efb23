"""The heading: where we look, how fresh it is, totals, troubles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_nodedns.metrics import units
from kubectl_nodedns.metrics.fleet import totals
from kubectl_nodedns.metrics.histogram import quantile
from kubectl_nodedns.tui.heading import Seen, counts, problem_line, tiles, title
from kubectl_nodedns.tui.ports import Place
from kubectl_nodedns.tui.trends import Moment
from tests.screens.stand_ins import Found
from tests.unit.metrics.fleets import CACHE, NOW, mixed, row, snapshot, traffic, unasked

PLACE = Place(
    context="staging", mode="iptables", kube_dns_ip="10.96.0.10", cluster_domain="cluster.local"
)


def text(pieces: list[tuple[str, str]]) -> str:
    return "".join(piece[0] for piece in pieces)


def test_the_title_says_where_we_look_and_how_old_the_picture_is() -> None:
    said = title(mixed(), PLACE, Seen(now=NOW + 1, paused=False), 160)
    assert text(said).startswith(" nodedns · staging   iptables · 169.254.20.10 + 10.96.0.10")
    assert "node-cache 1.26.8 / CoreDNS 1.13.2 · by kubectl nodedns" in text(said)
    assert text(said).rstrip().endswith("live · 1s ago")
    assert len(text(said)) <= 160


def test_how_many_nodes_the_totals_are_over_is_said_while_it_is_not_all() -> None:
    seen = snapshot(row("a", figures=traffic()), row("b"))
    some = replace(seen, fleet=replace(seen.fleet, ready=2, sampled=1))
    assert "  sampled 1" in text(counts(some, Seen(now=NOW), 120))
    every = replace(seen, fleet=replace(seen.fleet, ready=2, sampled=2))
    assert "sampled" not in text(counts(every, Seen(now=NOW), 120))
    for width in range(40, 120):
        assert len(text(counts(some, Seen(now=NOW), width))) <= max(
            len(text(counts(every, Seen(now=NOW), width))), width
        )


def test_a_source_with_a_long_name_is_cut_and_named() -> None:
    source = "prometheus https://prometheus.monitoring.svc.cluster.local:9090/long/prefix"
    seen = replace(mixed(), source=source)
    assert text(counts(seen, Seen(now=NOW), 100)).endswith(" prometheus ht… · 1.5 requests/s")
    assert "prometheus" not in text(counts(seen, Seen(now=NOW), 80))
    for width in range(40, 200):
        longest = max(len(text(counts(mixed(), Seen(now=NOW), width))), width)
        assert len(text(counts(seen, Seen(now=NOW), width))) <= longest


def test_the_clock_goes_on_while_paused() -> None:
    assert "PAUSED · 90s ago" in text(title(mixed(), PLACE, Seen(now=NOW + 90, paused=True), 100))


def test_a_picture_that_moves_is_not_live_when_its_figures_are_old() -> None:
    said = text(title(mixed(), PLACE, Seen(now=NOW + 90, paused=False), 100))
    assert "newest 90s old" in said
    assert "no figures yet" in text(title(snapshot(), PLACE, Seen(now=NOW, paused=False), 100))


@pytest.mark.parametrize(
    ("context", "production"),
    [
        ("prod-eu-1", True),
        ("eu-PROD1", True),
        ("arn:aws:eks:eu:1:cluster/production", True),
        ("gke_acme_prd", True),
        ("product-dev", False),
        ("staging", False),
        ("", False),
    ],
)
def test_what_looks_like_production_stands_out(context: str, production: bool) -> None:
    place = replace(PLACE, context=context)
    assert bool(place.production) is production
    styles = [style for _, style in title(mixed(), place, Seen(now=NOW), 80)]
    assert ("production" in styles) is production


@pytest.mark.parametrize("width", [80, 100, 160])
def test_heading_lines_fit(width: int) -> None:
    seen = mixed()
    assert len(text(title(seen, PLACE, Seen(now=NOW, paused=True), width))) <= width
    assert len(text(counts(seen, Seen(now=NOW), width))) <= width
    for said in tiles(seen, [], width, notes=True):
        assert len(text(said)) <= width


def test_counts() -> None:
    said = text(counts(mixed(), Seen(now=NOW), 160))
    assert said.startswith(" nodes 8  ready 5 of 7  intercepting 4 of 7 by counters")
    assert said.rstrip().endswith("pod proxy · 1.5 requests/s · 8.8KiB/s")


def test_a_cache_that_does_not_listen_on_the_kube_dns_ip() -> None:
    seen = mixed()
    dark = replace(seen, caches=(replace(seen.caches[0], kube_dns_ips=()),))
    assert "intercepting not at the kube-dns IP" in text(counts(dark, Seen(now=NOW), 120))


def test_problems() -> None:
    assert problem_line(mixed(), 80) == []
    seen = snapshot(problems=("cannot reach the API server " * 9, "another"))
    said = text(problem_line(seen, 80))
    assert said.startswith(" ‼ cannot reach")
    assert len(said) == 80
    assert "(and 1 more)" in text(problem_line(seen, 400))


def test_tiles() -> None:
    moments = [Moment(lookups=1.0, hit_ratio=0.5), Moment(lookups=2.0, hit_ratio=1.0)]
    value, trend, note = (text(said) for said in tiles(mixed(), moments, 160, notes=True))
    assert "lookups/s 3.2k" in value
    assert "hit ratio 89.9 %" in value
    assert "▅█" in trend
    assert "p50 <0.25ms · upstream" in note
    assert len(tiles(mixed(), moments, 80, notes=False)) == 2


def test_findings_and_the_stretch_of_the_rates_are_counted_where_they_are_known() -> None:
    assert "findings" not in text(counts(mixed(), Seen(now=NOW), 160))
    said = counts(mixed(), Seen(now=NOW, findings=[Found(), Found(severity="error")]), 160)
    assert "findings 2 ‼1" in text(said)
    assert "rates total" in text(counts(mixed(), Seen(now=NOW, mode="total"), 160))


def test_a_red_context_says_by_what_word_where_there_is_room() -> None:
    place = replace(PLACE, context="prod-eu-1")
    assert "“prod” in its name" in text(title(mixed(), place, Seen(now=NOW), 160))
    assert "in its name" not in text(title(mixed(), place, Seen(now=NOW), 80))


def test_what_coredns_was_spared_is_said_when_its_address_is_known() -> None:
    rows = mixed().nodes
    known = {"at": NOW, "interval": 2.0, "caches": [CACHE]}
    fleet = totals(rows, coredns_ips=["10.96.77.12"], **known)  # type: ignore[arg-type]
    notes = tiles(replace(mixed(), fleet=fleet), [], 160, notes=True)[2]
    assert "CoreDNS spared 95.0 %" in text(notes)
    notes = tiles(replace(mixed(), fleet=replace(fleet, spared=None)), [], 160, notes=True)[2]
    assert "CoreDNS spared –" in text(notes)


def test_a_refuted_node_is_said_and_the_line_fits_80_cells_in_every_mode() -> None:
    found = [replace(one, refuted_at=NOW) for one in mixed().nodes[:2]]
    seen = snapshot(*found, *mixed().nodes[2:])
    for mode in ("now", "since start", "total"):
        line = counts(seen, Seen(now=NOW, paused=False, mode=mode), 80)
        text = "".join(piece for piece, _ in line)
        assert "‼ 2 proved NOT" in text
        assert len(text.rstrip()) < 80


def test_caches_that_are_not_asked_are_counted_and_the_way_to_a_proof_is_said() -> None:
    seen = snapshot(unasked("node1"), row("node2", figures=traffic()))
    wide, narrow = (text(counts(seen, Seen(now=NOW), width)) for width in (160, 80))
    assert "intercepting 1 of 2, ! 1 not asked (z shows, t proves)" in wide
    assert "! 1 not asked" in narrow
    assert "not asked" not in text(counts(snapshot(row(figures=traffic())), Seen(now=NOW), 160))


@pytest.mark.parametrize("width", [80, 100, 102, 110, 120, 160])
def test_no_figure_of_a_tile_is_cut(width: int) -> None:
    seen = snapshot(row("n", figures=traffic(upstream_seconds=0.3)))
    upstream = units.latency(quantile(0.99, seen.fleet.upstream_latency))
    assert f"upstream {upstream} " in text(tiles(seen, [], width, notes=True)[2]) + " "

"""What the screens say, without a screen: rows, headings, plots, verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_nodedns.lookup.question import Answer, Question
from kubectl_nodedns.metrics.columns import COLUMNS
from kubectl_nodedns.tui.filter import keep
from kubectl_nodedns.tui.given import Place
from kubectl_nodedns.tui.heading import counts, problem_line, tiles, title
from kubectl_nodedns.tui.live import Session
from kubectl_nodedns.tui.lookup_lines import lookup_lines, microseconds, questions, verdict
from kubectl_nodedns.tui.node_lines import interception_words, node_lines, row_words
from kubectl_nodedns.tui.rows import Cell, fit, fit_name, header, layout, line
from kubectl_nodedns.tui.sparks import plot, spark
from kubectl_nodedns.tui.trends import MOMENTS, Moment, Trends
from tests.screens.stand_ins import FixedFeed, NoAsker, answer
from tests.unit.metrics.fleets import NOW, mixed, row, snapshot, traffic

PLACE = Place(
    context="staging", mode="iptables", kube_dns_ip="10.96.0.10", cluster_domain="cluster.local"
)
LOCAL, KUBE_DNS = "169.254.20.10", "10.96.0.10"
MARKER = "id.nodedns.cluster.local."


def text(pieces: list[tuple[str, str]] | list[Cell]) -> str:
    return "".join(piece[0] for piece in pieces)


def session(seen: object = None) -> Session:
    shown = seen or mixed()
    return Session(
        feed=FixedFeed(shown),  # type: ignore[arg-type]
        asker=NoAsker(),
        place=PLACE,
        clock=lambda: NOW,
        snapshot=shown,  # type: ignore[arg-type]
    )


# rows


@pytest.mark.parametrize("width", [40, 80, 100, 120, 160, 200, 300])
@pytest.mark.parametrize("longest", [3, 14, 30, 63])
def test_a_line_never_exceeds_the_width(width: int, longest: int) -> None:
    slots = layout(width, longest)
    seen = snapshot(row("n" * longest, figures=traffic()))
    if width >= 80:
        assert len(text(line(seen.nodes[0], seen, slots))) <= width
        assert len(text(header(slots, "node", reverse=False))) <= width


def test_80_cells_hold_what_matters() -> None:
    keys = [slot.column.key for slot in layout(80, 10)]
    wanted = "node state restarts lookups hit p50 p99 failures entries memory"
    assert keys == wanted.split()


def test_160_cells_hold_everything() -> None:
    assert [slot.column for slot in layout(160, 20)] == list(COLUMNS)


@pytest.mark.parametrize("width", range(60, 200, 7))
def test_columns_find_room_in_the_order_of_their_rank(width: int) -> None:
    slots = layout(width, 20)
    chosen = {slot.column.key for slot in slots}
    highest = max(slot.column.rank for slot in slots)
    missing = [c for c in COLUMNS if c.key not in chosen]
    assert all(column.rank >= highest for column in missing)


def test_long_node_names_are_cut_in_the_middle() -> None:
    assert fit_name("gke-prod-pool-1-abcdef-x1z2", 13) == "gke-pr…f-x1z2"
    assert fit_name("n1", 5) == "n1   "
    assert fit("CrashLoopBackOff", 8, left=True) == "CrashLo…"
    assert fit("123456", 5, left=False) == "    …"


def test_each_kind_of_row() -> None:
    seen = mixed()
    slots = layout(80, 12)
    lines = {r.node.name: text(line(r, seen, slots)) for r in seen.nodes}
    assert "no cache pod on this node" in lines["ip-10-0-2-51"]
    assert "the cache pod is CrashLoopBackOff" in lines["ip-10-0-3-19"]
    assert "40s old" in lines["ip-10-0-3-18"]
    assert "(500)" in lines["ip-10-0-3-18"]
    assert lines["ip-10-0-3-17"].startswith("‼ ")
    assert lines["ip-10-0-2-44"].startswith("! ")
    assert lines["ip-10-0-1-9"].startswith("  ")
    assert "Windows" in lines["win-1"]


def test_the_cell_that_is_wrong_is_marked_too() -> None:
    seen = mixed()
    slots = layout(80, 12)
    cells = line(seen.nodes[3], seen, slots)
    assert [cell.text.strip() for cell in cells if cell.style == "bad"] == ["‼", "5.0"]


def test_a_row_whose_scrape_fails_says_why() -> None:
    seen = snapshot(row(error="connection refused"))
    assert "connection refused" in text(line(seen.nodes[0], seen, layout(80, 12)))


def test_a_row_without_a_sample_yet_says_so() -> None:
    seen = snapshot(row())
    assert "no sample yet" in text(line(seen.nodes[0], seen, layout(80, 12)))


@pytest.mark.parametrize(
    ("key", "reverse", "arrow"),
    [("node", False, "NODE▲"), ("lookups", False, "LOOKUP/▼"), ("lookups", True, "LOOKUP/▲")],
)
def test_the_heading_shows_the_order(key: str, reverse: bool, arrow: str) -> None:
    assert arrow in text(header(layout(120, 12), key, reverse=reverse))


# headings


def test_the_title_says_where_we_look_and_how_old_the_picture_is() -> None:
    said = title(mixed(), PLACE, now=NOW + 1, paused=False, width=160)
    assert text(said).startswith(" nodedns · staging   iptables · 169.254.20.10 + 10.96.0.10")
    assert "node-cache 1.26.8 / CoreDNS 1.13.2 · by kubectl nodedns" in text(said)
    assert text(said).rstrip().endswith("live")
    assert len(text(said)) <= 160


def test_the_clock_goes_on_while_paused() -> None:
    assert "PAUSED · 90s ago" in text(title(mixed(), PLACE, now=NOW + 90, paused=True, width=100))


def test_a_picture_that_moves_is_not_live_when_its_figures_are_old() -> None:
    said = text(title(mixed(), PLACE, now=NOW + 90, paused=False, width=100))
    assert "newest 90s old" in said
    assert "no figures yet" in text(title(snapshot(), PLACE, now=NOW, paused=False, width=100))


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
    assert place.production is production
    styles = [style for _, style in title(mixed(), place, now=NOW, paused=False, width=80)]
    assert ("production" in styles) is production


@pytest.mark.parametrize("width", [80, 100, 160])
def test_heading_lines_fit(width: int) -> None:
    seen = mixed()
    assert len(text(title(seen, PLACE, now=NOW, paused=True, width=width))) <= width
    assert len(text(counts(seen, width))) <= width
    for said in tiles(seen, [], width, notes=True):
        assert len(text(said)) <= width


def test_counts() -> None:
    said = text(counts(mixed(), 160))
    assert said.startswith(" nodes 8  ready 5 of 7  intercepting 4 of 7 by counters")
    assert said.rstrip().endswith("pod proxy · 1.5 requests/s · 8.8KiB/s")


def test_a_cache_that_does_not_listen_on_the_kube_dns_ip() -> None:
    seen = mixed()
    dark = replace(seen, caches=(replace(seen.caches[0], kube_dns_ips=()),))
    assert "intercepting not at the kube-dns IP" in text(counts(dark, 120))


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


# plots


def test_sparks() -> None:
    assert spark([0, 1, 2, 4], 4) == "▁▃▅█"
    assert spark([1, None, 1], 5) == "  █ █"
    assert spark([9, 1, 1], 2) == "██"
    assert spark([0.0, 0.0], 2) == "▁▁"
    assert spark([0.5], 1, top=1.0) == "▅"
    assert spark([], 3) == "   "


def test_plots() -> None:
    assert plot([0, 1, 2], 3, 2) == ["  █", "▁██"]
    assert plot([None, 4], 3, 1) == ["  █"]
    assert plot([1.0], 1, 2, top=2.0) == [" ", "█"]


def test_trends_are_bounded_and_stale_moments_are_gaps() -> None:
    trends = Trends()
    seen = snapshot(row("a", figures=traffic()), row("b", figures=traffic(at=NOW - 60)))
    fresh, old, gone = trends.node("a"), trends.node("b"), trends.node("c")
    for _ in range(MOMENTS + 5):
        trends.add(seen)
    assert len(trends.fleet) == len(fresh) == MOMENTS
    assert fresh[-1].lookups == 1000
    assert old[-1] == Moment()
    assert gone[-1] == Moment()


# one node


def test_the_words_about_a_row() -> None:
    here = session()
    said = text(row_words(here.snapshot.nodes[3], here))
    assert "‼ 5.0% of lookups fail" in said
    assert "intercepting by counters" in said
    assert "nothing wrong" in text(row_words(here.snapshot.nodes[0], here))


def test_interception_in_words() -> None:
    here = session()
    first, idle = here.snapshot.nodes[0], here.snapshot.nodes[6]
    assert interception_words(idle, here) == "interception not known (t finds out)"
    here.proved[first.node.name] = (first.pods[0].name, NOW - 12)
    assert interception_words(first, here) == "interception proved 12s ago"
    here.proved[first.node.name] = ("an older pod", NOW - 12)
    assert interception_words(first, here).startswith("intercepting by counters")


@pytest.mark.parametrize(("width", "height"), [(78, 24), (158, 50), (198, 60)])
def test_the_node_s_lines(width: int, height: int) -> None:
    here = session()
    lines = [
        text(said)
        for said in node_lines(here.snapshot.nodes[3], here, [Moment()] * 5, width, height)
    ]
    whole = "\n".join(lines)
    assert lines[0].startswith(" ip-10-0-3-17 › node-local-dns-")
    assert "cluster.local." in whole
    assert "10.96.77.12:53" in whole
    assert "10.96.0.10 (kube-dns) 812/s" in whole
    assert "169.254.20.10 (local) 812/s" in whole
    words = text(row_words(here.snapshot.nodes[3], here))  # these are wrapped
    assert all(len(said) <= width for said in lines if said != words)


def test_a_node_without_figures_says_why() -> None:
    here = session()
    lines = [text(said) for said in node_lines(here.snapshot.nodes[2], here, [], 80, 24)]
    assert "no cache pod on this node" in "\n".join(lines)


# filter


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("", 8),
        ("3-1[79]", 2),
        ("!ip-", 1),
        ("crash", 1),
        ("NO POD", 2),
        ("[", 0),
        ("!", 8),
        ("nothing like it", 0),
    ],
)
def test_filter(typed: str, names: int) -> None:
    assert len(keep(mixed().nodes, typed)) == names


# lookups


def ask(*, kube_dns: str = "n1", **changes: Answer) -> list[Answer]:
    found = {
        (q.server, q.name == MARKER): answer(
            q, f'"{kube_dns} uid"' if q.rtype == "TXT" else "10.0.0.1"
        )
        for q in questions(name="a.b.", rtype="A", marker=MARKER, addresses=[LOCAL, KUBE_DNS])
    }
    return list(found.values())


def judge(answers: list[Answer]) -> tuple[bool | None, str]:
    found = verdict("n1", answers, marker=MARKER, local_ip=LOCAL, kube_dns_ip=KUBE_DNS)
    return found.proved, "; ".join(found.lines)


def replaced(
    answers: list[Answer], server: str, *, of_marker: bool, **changes: object
) -> list[Answer]:
    return [
        replace(a, **changes)  # type: ignore[arg-type]
        if a.question.server == server and (a.question.name == MARKER) == of_marker
        else a
        for a in answers
    ]


def test_four_questions_are_asked_and_two_without_a_marker() -> None:
    asked = questions(name="a.b.", rtype="AAAA", marker=MARKER, addresses=[LOCAL, KUBE_DNS])
    assert [(q.name, q.rtype, q.server) for q in asked] == [
        (MARKER, "TXT", LOCAL),
        ("a.b.", "AAAA", LOCAL),
        (MARKER, "TXT", KUBE_DNS),
        ("a.b.", "AAAA", KUBE_DNS),
    ]
    assert len(questions(name="a.b.", rtype="A", marker="", addresses=[LOCAL, KUBE_DNS])) == 2


def test_intercepted() -> None:
    proved, words = judge(ask())
    assert proved is True
    assert "intercepted: the cache on n1 itself answers" in words
    assert "both addresses give the same answer" in words


def test_another_node_answers() -> None:
    assert judge(ask(kube_dns="n2")) == (
        False,
        "not intercepted here: the cache on n2 answers; both addresses give the same answer",
    )


def test_not_intercepted() -> None:
    answers = replaced(ask(), KUBE_DNS, of_marker=True, rcode="NXDOMAIN", records=())
    proved, words = judge(answers)
    assert proved is False
    assert "the kube-dns IP said NXDOMAIN" in words


def test_a_cache_without_a_marker_proves_nothing() -> None:
    answers = ask()
    for server in (LOCAL, KUBE_DNS):
        answers = replaced(answers, server, of_marker=True, rcode="NXDOMAIN", records=())
    proved, words = judge(answers)
    assert proved is None
    assert "no marker" in words


def test_no_response() -> None:
    answers = replaced(ask(), KUBE_DNS, of_marker=True, rcode="", records=(), error="timed out")
    assert judge(answers)[0] is None
    assert "no response from the kube-dns IP: timed out" in judge(answers)[1]


def test_without_marker_or_address_it_is_not_known() -> None:
    asked = questions(name="a.b.", rtype="A", marker="", addresses=[LOCAL])
    proved, words = judge([answer(q, "10.0.0.1") for q in asked])
    assert proved is None
    assert "interception not known" in words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rcode": "SERVFAIL", "records": ()}, "SERVFAIL at kube-dns"),
        ({"rcode": "", "error": "timed out"}, "the kube-dns IP did not answer"),
        ({"records": ()}, "differ in their records"),
    ],
)
def test_differences(changes: dict[str, object], words: str) -> None:
    assert words in judge(replaced(ask(), KUBE_DNS, of_marker=False, **changes))[1]


@pytest.mark.parametrize("width", [60, 70, 120])
def test_answers_stand_side_by_side(width: int) -> None:
    answers = ask()
    found = verdict("n1", answers, marker=MARKER, local_ip=LOCAL, kube_dns_ip=KUBE_DNS)
    columns = [("local", LOCAL), ("kube-dns", KUBE_DNS)]
    lines = [text(s) for s in lookup_lines(answers, found, addresses=columns, width=width)]
    assert "local 169.254.20.10" in lines[0]
    assert "kube-dns 10.96.0.10" in lines[0]
    assert sum("NOERROR  212 µs" in said for said in lines) == 2
    assert any(said.startswith(" ✓ intercepted") for said in lines)
    assert all(len(said) <= width for said in lines[:-2])


def test_an_answer_that_is_missing_is_said() -> None:
    question = Question(name="a.b.", server=LOCAL)
    found = verdict("n1", [answer(question, "1")], marker="", local_ip=LOCAL, kube_dns_ip=KUBE_DNS)
    columns = [("local", LOCAL), ("kube-dns", KUBE_DNS)]
    lines = lookup_lines([answer(question, "1")], found, addresses=columns, width=80)
    assert any("not asked" in text(said) for said in lines)


@pytest.mark.parametrize(
    ("value", "said"), [(None, ""), (212, "212 µs"), (9999, "9999 µs"), (1_400_000, "1400 ms")]
)
def test_microseconds(value: int | None, said: str) -> None:
    assert microseconds(value) == said

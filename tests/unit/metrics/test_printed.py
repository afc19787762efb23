"""What a pipe gets: table, words and JSON."""

from __future__ import annotations

import json

import yaml

from kubectl_nodedns.metrics.columns import BY_KEY
from kubectl_nodedns.metrics.document import document
from kubectl_nodedns.metrics.report import row_text, summary, table
from kubectl_nodedns.metrics.table import cells, render
from tests.unit.metrics.fleets import MIB, mixed, row, snapshot, traffic, unasked


def test_a_table_is_aligned_by_cells_and_no_line_ends_in_spaces() -> None:
    lines = render(("NAME", "N"), [("日本", "1"), ("e\u0301", "100")], (True, False))
    assert lines == ["NAME     N", "日本     1", "e\u0301      100"]


def test_no_cell_ends_its_line() -> None:
    lines = render(("NAME", "N"), [("a\nb\u202e", "1")], (True, False))
    assert lines == ["NAME                 N", "a\\010b\\226\\128\\174   1"]


def test_cells() -> None:
    assert (cells("abc"), cells("日本"), cells("e\u0301")) == (3, 4, 1)


def test_the_table_has_a_line_for_each_node_and_cuts_nothing() -> None:
    lines = table(mixed(), wide=False, sort_by=BY_KEY["node"])
    assert len(lines) == 9
    assert lines[0].split()[:4] == ["NODE", "POD", "STATE", "RESTARTS"]
    crashing = next(line for line in lines if "ip-10-0-3-19" in line)
    assert "CrashLoopBackOff" in crashing
    assert "…" not in "\n".join(lines)


def test_the_wide_table_has_more_columns_at_its_end() -> None:
    narrow = table(mixed(), wide=False, sort_by=BY_KEY["node"])[0].split()
    wide = table(mixed(), wide=True, sort_by=BY_KEY["node"])[0].split()
    assert set(narrow) < set(wide)
    assert "KUBE-DNS/S" in wide


def test_stale_figures_stand_in_brackets() -> None:
    lines = table(mixed(), wide=False, sort_by=BY_KEY["node"])
    stale = next(line for line in lines if "ip-10-0-3-18" in line)
    assert "(500)" in stale
    assert "(90.0)" in stale


def test_the_order() -> None:
    lines = table(mixed(), wide=False, sort_by=BY_KEY["lookups"])
    assert lines[1].startswith("ip-10-0-3-17")


def test_a_copied_row_has_its_headings() -> None:
    seen = mixed()
    head, line = row_text(seen.nodes[0], seen).splitlines()
    assert head.split()[0] == "NODE"
    assert line.split()[0] == "ip-10-0-1-9"


def test_the_summary_says_totals_and_troubles() -> None:
    lines = summary(mixed())
    assert lines[0].startswith("5 of 7 nodes ready, 4 intercepting by counters, 3.2k lookups/s")
    assert "warning: ip-10-0-3-19: the cache pod is CrashLoopBackOff" in lines
    assert not any("win-1" in line for line in lines)


def test_the_summary_names_the_caches_that_are_not_asked() -> None:
    busy = [row(f"busy{number}", figures=traffic()) for number in range(9)]
    said = summary(snapshot(*(unasked(f"node{number}") for number in range(7)), *busy))
    named = [line for line in said if line.startswith("warning: node")]
    assert len(named) == 5
    assert named[0].startswith("warning: node0: not asked: ")
    assert "warning: and 2 nodes more like these" in said
    assert "counters are no proof" in said[-1]


def test_the_summary_of_many_silent_nodes_is_short() -> None:
    silent = [row(f"n{n}", error="refused") for n in range(9)]
    lines = summary(snapshot(*silent, row("fine", figures=traffic())))
    assert lines[-1] == "warning: and 4 nodes more like these"


def test_where_no_page_can_be_read_it_is_said_once() -> None:
    seen = snapshot(row("a", error="no right"), row("b", error="no right"), problems=("none",))
    assert seen.blind
    assert summary(seen)[1:] == ["warning: none"]


def test_problems_are_in_the_summary() -> None:
    assert "warning: no right" in summary(snapshot(row(), problems=("no right",)))


def test_json_of_a_node() -> None:
    seen = snapshot(row("node1", figures=traffic(lookups=401)))
    data = json.loads(json.dumps(document(seen)))
    assert set(data) == {"fleet", "nodes"}
    (found,) = data["nodes"]
    assert found["node"] == "node1"
    assert found["pod"] == "kube-system/node-local-dns-node1"
    assert found["lookups_per_second"] == 802
    assert round(found["hit_ratio"], 2) == 0.9
    assert (found["p50_seconds"], found["p50_relation"]) == (0.00025, "<")
    assert found["memory_limit_bytes"] == 128 * MIB
    assert found["interception"] == "by counters"
    assert found["lookups_total_by_address"] == {"169.254.20.10": 802, "10.96.0.10": 802}
    assert [zone["zone"] for zone in found["zones"]] == ["cluster.local.", "."]
    assert found["upstreams"][0]["to"] == "10.96.77.12:53"


def test_json_of_the_fleet() -> None:
    data = document(mixed())["fleet"]
    assert data["time"] == "2023-11-14T22:13:20.000Z"
    assert (data["nodes"], data["nodes_wanted"], data["nodes_ready"]) == (8, 7, 5)
    assert data["caches"][0]["kube_dns_ips"] == ["10.96.0.10"]


def test_missing_stale_failed_and_zero_are_four_things_in_json() -> None:
    data = {node["node"]: node for node in document(mixed())["nodes"]}
    assert data["ip-10-0-2-51"]["lookups_per_second"] is None
    assert data["ip-10-0-3-18"]["stale"] is True
    assert data["ip-10-0-3-18"]["lookups_per_second"] == 500
    assert data["ip-10-0-3-18"]["error"] == "no answer within 5 s"
    assert data["ip-10-0-3-19"]["state"] == "CrashLoopBackOff"
    assert data["ip-10-0-3-20"]["lookups_per_second"] == 0


def test_counts_are_whole_numbers() -> None:
    data = document(snapshot(row(figures=traffic())))
    for found in (data["fleet"], data["nodes"][0]):
        for key in ("lookups_total", "cache_entries", "memory_bytes"):
            assert isinstance(found[key], int)


def test_the_document_is_plain_enough_for_yaml() -> None:
    assert yaml.safe_load(yaml.safe_dump(document(mixed()))) == document(mixed())

"""A run of `lookup` as lines: rows of one node as they come, those of several node by node."""

from __future__ import annotations

import time

from kubectl_nodedns.errors import Exit
from kubectl_nodedns.lookup.comparison import compare
from kubectl_nodedns.lookup.events import LookupCame, NameFound, NodeDone, Report, RoundBegan
from kubectl_nodedns.lookup.rendering import Table, note_of
from tests.unit.lookup.rows import CORE_1, KUBE_DNS, NAME, answer, code, row

ONE = RoundBegan(nodes=("node1",), points=(KUBE_DNS,))
TWO = RoundBegan(nodes=("node1", "node2"), points=(KUBE_DNS,))
CAME = LookupCame(lookup=row(KUBE_DNS))
DONE = NodeDone(lookups=(row(KUBE_DNS), row(CORE_1)), done=1, of=2)
FOUND = NameFound(
    name="b.",
    tried=(answer(KUBE_DNS, rcode="NXDOMAIN"), answer(KUBE_DNS, "192.0.2.1", microseconds=None)),
)


def table(*, watching: bool = False, search: bool = False) -> Table:
    return Table(
        wide=False,
        cells=lambda: 160,
        watching=watching,
        search=search,
        now=lambda: time.gmtime(3723),
    )


def report(*lookups: object, **more: object) -> Report:
    values = {"name": NAME, "rtype": "A", "unasked": {}, "about": {}, **more}
    return Report(lookups=lookups, outcome=compare(lookups), **values)  # type: ignore[arg-type]


def test_rows_of_one_node_are_printed_as_they_come_below_one_header() -> None:
    shown = table()
    assert shown.lines(ONE) == []
    header, first = shown.lines(CAME)
    assert header.startswith("WHERE")
    assert first.startswith("kube-dns  10.96.0.10")
    assert len(shown.lines(CAME)) == 1
    assert shown.lines(NodeDone(lookups=(row(KUBE_DNS),), done=1, of=1)) == []


def test_rows_of_several_nodes_come_node_by_node() -> None:
    shown = table()
    shown.lines(TWO)
    assert shown.lines(CAME) == []
    header, *rows = shown.lines(DONE)
    assert header.startswith("NODE")
    assert [line.split()[0] for line in rows] == ["node1", "node1"]
    assert len(shown.lines(DONE)) == 2


def test_each_round_of_a_watch_has_its_time_and_a_header() -> None:
    shown = table(watching=True)
    for _ in range(2):
        shown.lines(ONE)
        assert shown.lines(CAME)[0] == "01:02:03 UTC"
        assert shown.lines(report(row(KUBE_DNS)))[-1] == ""


def test_names_that_were_tried_are_lines_where_they_are_wanted_and_else_a_note() -> None:
    assert table(search=True).lines(FOUND) == [
        f"NXDOMAIN      212 µs  {NAME}",
        f"NOERROR            –  {NAME}",
        "",
    ]
    assert table().lines(FOUND) == []
    assert note_of(FOUND, table=True, search=True) == ""
    said = "b. is what the search list comes to, after 2 names"
    assert note_of(FOUND, table=True, search=False) == said
    assert note_of(FOUND, table=False, search=True) == said
    assert note_of(NameFound(name="b.", tried=FOUND.tried[:1]), table=False, search=False) == ""


def test_where_no_table_shows_it_a_note_says_how_far_it_is() -> None:
    assert note_of(DONE, table=False, search=False) == "1 of 2 nodes answered"
    assert note_of(DONE, table=True, search=False) == ""
    alone = NodeDone(lookups=(), done=1, of=1)
    assert note_of(alone, table=False, search=False) == ""


def test_the_end_says_what_differs_what_was_not_asked_and_the_verdict() -> None:
    ended = report(
        row(KUBE_DNS), code(CORE_1, "NXDOMAIN"), unasked={"node3": "it is off"}, notes=("so it is",)
    )
    empty, *lines, verdict = table().lines(ended)
    assert empty == ""
    assert lines[0].startswith("‼ ")
    assert lines[-2:] == ["‼ not asked from node3: it is off", "· so it is"]
    assert verdict == f"verdict: {ended.outcome.text}"


def test_how_a_round_ended_is_an_exit_status() -> None:
    assert report(row(KUBE_DNS)).exit == Exit.OK
    assert report(row(KUBE_DNS), unasked={"node2": "off"}).exit == Exit.PARTIAL
    assert report(row(KUBE_DNS), code(CORE_1, "NXDOMAIN"), unasked={"n": "x"}).exit == Exit.FINDING

"""Vantage points, the plan of questions, and answers put to them; the table and JSON of it."""

from __future__ import annotations

from dataclasses import replace

from kubectl_nodedns.lookup.comparison import compare
from kubectl_nodedns.lookup.events import document
from kubectl_nodedns.lookup.question import Answer, Manner
from kubectl_nodedns.lookup.rendering import Layout
from kubectl_nodedns.lookup.vantage import Where, pair, plan, questions, vantage_points
from tests.unit.lookup.rows import CORE_1, KUBE_DNS, LOCAL, RESOLVER, healthy, marked, row, silent

POINTS = vantage_points(
    local_ips=["169.254.20.10", "10.96.0.10"],
    kube_dns_ips=["10.96.0.10"],
    upstream_ips=["10.96.77.12"],
    endpoints=[("10.244.1.3", "coredns-1 on node1")],
    resolvers=["10.88.0.1"],
    servers=["10.244.1.3", "192.0.2.53"],
)


def test_an_address_is_one_point_as_what_it_is_first_on_the_way() -> None:
    assert [str(point) for point in POINTS] == [
        "local 169.254.20.10",
        "kube-dns 10.96.0.10",
        "upstream 10.96.77.12",
        "CoreDNS 10.244.1.3",
        "resolver 10.88.0.1",
        "server 192.0.2.53",
    ]


def test_each_point_is_asked_over_each_protocol_with_the_marker_where_a_cache_may_answer() -> None:
    asks = plan(POINTS, name="a.b.", rtype="AAAA", marker="id.nodedns.x.", manner=Manner(nsid=True))
    assert len(asks) == 2 * len(POINTS)
    assert [ask.question.protocol for ask in asks[:2]] == ["udp", "tcp"]
    assert all(ask.question.manner.nsid for ask in asks)
    marked_at = {ask.point.where for ask in asks if ask.marker}
    assert marked_at == {Where.LOCAL, Where.KUBE_DNS, Where.UPSTREAM, Where.SERVER}
    assert all(ask.marker.tcp == ask.question.tcp for ask in asks if ask.marker)


def test_without_a_marker_only_the_name_is_asked() -> None:
    asks = plan(POINTS, name="a.b.", rtype="A", protocols=("tcp",))
    assert [question.name for question in questions(asks)] == ["a.b."] * len(POINTS)


def test_answers_find_their_rows_in_the_order_of_the_questions() -> None:
    asks = plan(POINTS[:4], name="a.b.", rtype="A", marker="m.", protocols=("udp",))
    answers = [Answer(question=question, rcode="NOERROR") for question in questions(asks)]
    lookups = pair("node1", asks, answers)
    assert [lookup.point for lookup in lookups] == list(POINTS[:4])
    assert [lookup.answer.question.name for lookup in lookups] == ["a.b."] * 4
    assert [bool(lookup.marker) for lookup in lookups] == [True, True, True, False]


def test_a_row_is_there_only_with_all_its_answers() -> None:
    asks = plan(POINTS[:2], name="a.b.", rtype="A", marker="m.", protocols=("udp",))
    answers = [Answer(question=question, rcode="NOERROR") for question in questions(asks)]
    assert [len(pair("node1", asks, answers[:n])) for n in range(5)] == [0, 0, 1, 1, 2]


def test_a_line_shows_rcode_time_ttl_flags_who_answered_and_the_answer() -> None:
    layout = Layout.of(["node1"], POINTS)
    lookup = marked(row(LOCAL, flags=("qr", "aa", "rd"), size=67))
    assert layout.header().split() == [
        "WHERE", "ADDRESS", "PROTO", "RESULT", "TIME", "TTL", "FLAGS", "BY", "ANSWER",
    ]  # fmt: skip
    line = layout.line(lookup)
    assert line.split("  ")[0] == "local"
    for words in ("169.254.20.10", "udp", "NOERROR", "212 µs", "14", "qr aa rd", "cache node1"):
        assert words in line
    assert line.endswith("10.7.1.20")
    assert line.index("10.7.1.20") == layout.header().index("ANSWER")


def test_a_wide_line_adds_size_opt_and_who_is_behind() -> None:
    layout = Layout.of(["node1", "node2"], [CORE_1], wide=True)
    line = layout.line(row(CORE_1, size=67, opt=("EDNS: version: 0, flags:; udp: 1232",)))
    assert line.startswith("node1")
    for words in ("67", "coredns-1 on node1", "10.7.1.20 [EDNS: version: 0, flags:; udp: 1232]"):
        assert words in line


def test_what_is_not_known_is_a_dash_and_silence_says_why() -> None:
    line = Layout.of(["node1"], [KUBE_DNS]).line(silent(KUBE_DNS))
    assert "silent" in line
    assert line.count("–") == 4
    assert line.endswith("no response in 2 s")


def test_a_kube_dns_ip_that_denies_the_marker_is_answered_by_no_cache() -> None:
    assert "no cache" in Layout.of(["node1"], POINTS).line(marked(row(KUBE_DNS), None))


def test_a_huge_answer_is_cut_and_its_length_said() -> None:
    line = Layout.of(["node1"], POINTS, cells=160).line(row(RESOLVER, "x" * 60_000))
    assert len(line) <= 160
    assert line.endswith("… (60000 characters)")


def test_many_records_are_counted() -> None:
    line = Layout.of(["node1"], POINTS).line(row(LOCAL, *(f"10.0.0.{n}" for n in range(9))))
    assert line.endswith("10.0.0.0, 10.0.0.1, 10.0.0.2, 10.0.0.3 and 5 more")


def test_the_document_holds_every_answer_with_digs_own_time() -> None:
    lookups = [*healthy(), silent(CORE_1)]
    first = replace(lookups[0].answer, measured="212 usec")
    lookups[0] = replace(lookups[0], answer=first)
    whole = document(
        name="a.", rtype="A", lookups=lookups, outcome=compare(lookups), unasked={"node9": "down"}
    )
    assert whole["lookups"][0]["microseconds"] == 212
    assert whole["lookups"][0]["measured"] == "212 usec"
    assert whole["lookups"][0]["answeredBy"]["node"] == "node1"
    assert whole["lookups"][5]["rcode"] is None
    assert whole["unasked"] == [{"node": "node9", "why": "down"}]
    assert whole["verdict"]["intercepted"] is True
    [difference] = whole["differences"]
    assert (difference["kind"], difference["serious"]) == ("silent", True)
    assert (difference["nodes"], difference["addresses"]) == (["node1"], ["10.244.1.3"])

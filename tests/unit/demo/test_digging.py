"""What the demo's dig prints is what a real one prints, as recorded for the lookup room."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from kubectl_nodedns.demo.digging import parse, printed
from kubectl_nodedns.demo.replies import NXDOMAIN, Outcome, Record, Reply, Silence

RECORDED = Path(__file__).parents[1] / "lookup" / "dig"
MARKER = '"node1 1f0c6b1e-6a65-4c1e-9d33-3e1d6a2f7c11"'
SOA = "ns.dns.cluster.local. hostmaster.cluster.local. 1795373759 7200 1800 86400 5"


def answered(name: str, rtype: str, *data: str, ttl: int = 5, cluster: bool = False) -> Reply:
    records = tuple(Record(name, ttl, rtype, one) for one in data)
    return Reply(answer=records, authoritative=cluster, recursive=not cluster)


OUTCOMES: dict[str, Outcome] = {
    "noerror": answered("one.test.", "A", "192.0.2.1"),
    "noerror_tcp": answered("one.test.", "A", "192.0.2.1"),
    "many": answered("many.test.", "A", "192.0.2.3", "192.0.2.1", "192.0.2.2", ttl=30),
    "marker": answered("marker.test.", "TXT", MARKER, ttl=0),
    "nodata": Reply(recursive=True),
    "alias": Reply(
        answer=(
            Record("alias.test.", 30, "CNAME", "one.test."),
            Record("one.test.", 5, "A", "192.0.2.1"),
        ),
        recursive=True,
    ),
    "coredns_cluster": answered(
        "kubernetes.default.svc.cluster.local.", "A", "10.96.0.1", cluster=True
    ),
    "coredns_reverse": answered(
        "1.0.96.10.in-addr.arpa.", "PTR", "kubernetes.default.svc.cluster.local.", cluster=True
    ),
    "coredns_nxdomain": Reply(
        rcode=NXDOMAIN,
        authority=(Record("cluster.local.", 5, "SOA", SOA),),
        authoritative=True,
    ),
    "timeout": Silence("timed out"),
    "closed": Silence("connection refused"),
    "closed_tcp": Silence("connection refused"),
    "illegal_name": Silence("timed out"),
}


def plain(text: str) -> str:
    """Leave out what no two runs have in common."""
    for pattern, instead in (
        (r"id: \d+", "id: N"),
        (r"udp: \d+", "udp: N"),
        (r"time: \d+ usec", "time: N"),
        (r"WHEN: .*", "WHEN: -"),
        (r"rcvd: \d+", "rcvd: N"),
    ):
        text = re.sub(pattern, instead, text)
    return text.strip()


@pytest.mark.parametrize("name", OUTCOMES)
def test_it_prints_what_dig_prints(name: str) -> None:
    recorded = (RECORDED / f"{name}.txt").read_text().removeprefix(";;; nodedns\n")
    command = re.search(r"<<>> (-u .*)", recorded)
    words = command[1] if command else _command_of(name)
    query = parse(words.split(), "127.0.0.1")
    ours = printed(query, OUTCOMES[name], random.Random(1))
    assert plain(ours) == plain(recorded)


def _command_of(name: str) -> str:
    """The command line of a recording that does not show it."""
    tail = {"closed_tcp": "+tcp @127.0.0.55 -q one.test.", "illegal_name": "@127.0.0.53 -q b..c."}
    return f"-u +tries=1 +time=2 +nosearch {tail[name]} -t A"


def test_short_prints_the_data_alone() -> None:
    query = parse(["+short", "TXT", "marker.test.", "@192.0.2.53"], "127.0.0.1")
    assert (query.server, query.name, query.rtype) == ("192.0.2.53", "marker.test.", "TXT")
    assert printed(query, OUTCOMES["marker"], random.Random(1)) == f"{MARKER}\n"


def test_without_a_server_the_pods_own_nameserver_is_asked() -> None:
    query = parse(["example.com"], "10.96.0.10")
    assert (query.server, query.name, query.rtype) == ("10.96.0.10", "example.com.", "A")

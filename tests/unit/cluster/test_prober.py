from __future__ import annotations

import json

import pytest

from tests.cluster.errors import ClusterError
from tests.e2e.prober import Count, NodeCounts, Probing, parse_dnsperf, parse_output

REPORT = """\
Statistics:

  Queries sent:         1000
  Queries completed:    990 (99.00%)
  Queries lost:         7 (0.70%)
  Queries interrupted:  3 (0.30%)

  Response codes:       NOERROR 980 (98.99%), SERVFAIL 6 (0.61%), NXDOMAIN 4 (0.40%)
"""


def streams(lost: int = 0) -> str:
    one = {
        "sent": 5,
        "answered": 5 - lost,
        "lost": lost,
        "severed": 1,
        "errors": {},
        "longest_gap_seconds": 0.1,
    }
    return json.dumps({"streams": dict.fromkeys(("tcp-new", "tcp-held", "udp"), one)})


def test_answers_that_are_no_addresses_are_losses_and_interrupted_queries_are_not() -> None:
    found = parse_dnsperf(REPORT)
    assert found == Count(1000, 17, errors={"servfail": 6, "nxdomain": 4, "timeout": 7})


def test_a_report_without_losses_has_no_errors() -> None:
    found = parse_dnsperf("Queries sent: 10\nQueries completed: 10 (100%)\n")
    assert found == Count(10, 0)


@pytest.mark.parametrize("text", ["", "Error: cannot open\n"])
def test_dnsperf_that_did_not_report_is_an_error(text: str) -> None:
    with pytest.raises(ClusterError):
        parse_dnsperf(text)


def test_both_reports_make_the_counts_of_a_node() -> None:
    found = parse_output(f"{streams(lost=2)}\n---\n{REPORT}")
    assert found.udp.lost == 17
    assert found.tcp_new == Count(5, 2, 1, longest_gap=0.1)


def test_a_prober_that_did_not_report_is_an_error() -> None:
    with pytest.raises(ClusterError, match="dnsprober"):
        parse_output(f"killed\n---\n{REPORT}")


def test_losses_add_up_over_nodes() -> None:
    one = NodeCounts(Count(10, 1), Count(1, 0), Count(1, 0), Count(1, 1))
    probing = Probing({"node1": one, "node2": one})
    assert (probing.sent("udp"), probing.lost("udp"), probing.lost("tcp_held")) == (20, 2, 2)

"""Nameservers that no service has."""

from __future__ import annotations

from typing import Any

from kubectl_nodedns.facts.handed_out import unserved
from kubectl_nodedns.facts.ranges import Range


def service(name: str, *ips: str) -> dict[str, Any]:
    metadata = {"namespace": "default", "name": name}
    return {"metadata": metadata, "spec": {"clusterIP": ips[0], "clusterIPs": list(ips)}}


SERVICES = [service("kubernetes", "10.96.0.1", "fd00::1"), service("x", "10.96.9.9", "fd00::9")]
RANGE = Range(cidr="10.96.0.0/16", what="services", evidence="here")
PODS = Range(cidr="10.0.0.0/8", what="pods", evidence="here")


def test_what_is_in_the_services_range_and_no_service_has_is_answered_by_nobody() -> None:
    asked = ["10.96.0.10", "10.96.9.9", "10.96.200.1", "10.1.1.1", "192.0.2.1", "junk"]
    assert unserved(asked, SERVICES, [RANGE, PODS]) == {"10.96.0.10", "10.96.200.1"}


def test_without_a_range_what_lies_between_two_services_is_in_it() -> None:
    asked = ["10.96.0.10", "10.96.200.1", "10.95.0.1", "fd00::5", "fd00::a", "junk", "None"]
    assert unserved(asked, [*SERVICES, service("h", "None")], [PODS]) == {"10.96.0.10", "fd00::5"}


def test_without_services_nothing_is_told() -> None:
    assert unserved(["10.96.0.10"], [], []) == frozenset()

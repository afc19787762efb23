from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.facts.clients import names, nameservers

LOCAL = "169.254.20.10"


def pod(*servers: str, phase: str = "Running") -> dict[str, Any]:
    return {"spec": {"dnsConfig": {"nameservers": list(servers)}}, "status": {"phase": phase}}


def test_a_pod_whose_dns_config_names_the_address_is_a_client() -> None:
    assert names(pod(LOCAL, "10.96.0.10"), LOCAL)


def test_a_pod_that_names_another_address_is_none() -> None:
    assert not names(pod("169.254.20.1"), LOCAL)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_is_none(phase: str) -> None:
    assert not names(pod(LOCAL, phase=phase), LOCAL)


def test_a_pod_that_is_still_pending_will_be_one() -> None:
    assert names(pod(LOCAL, phase="Pending"), LOCAL)


@pytest.mark.parametrize("spec", [{}, {"dnsConfig": None}, {"dnsConfig": {"nameservers": None}}])
def test_a_pod_without_nameservers_of_its_own_is_none(spec: dict[str, Any]) -> None:
    assert not names({"spec": spec}, LOCAL)


def test_nameservers_of_a_resolv_conf_are_read_in_order() -> None:
    text = (
        "# made by the kubelet\n"
        "search default.svc.cluster.local svc.cluster.local\n"
        "nameserver 169.254.20.10\n"
        "nameserver\t10.96.0.10\n"
        "options ndots:5\n"
    )
    assert nameservers(text) == ["169.254.20.10", "10.96.0.10"]


@pytest.mark.parametrize("text", ["", "nameserver\n", "#nameserver 1.2.3.4\n", "search a.b\n"])
def test_a_resolv_conf_without_nameservers_has_none(text: str) -> None:
    assert nameservers(text) == []

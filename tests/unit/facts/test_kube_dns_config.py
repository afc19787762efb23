"""ConfigMap kube-dns as the agent reads it."""

from __future__ import annotations

import json

import pytest

from kubectl_nodedns.facts.kube_dns_config import stub_domains


def read(stubs: object = None, upstream: object = None) -> tuple[dict[str, object], object]:
    data = {
        "stubDomains": json.dumps(stubs or {}),
        "upstreamNameservers": json.dumps(upstream or []),
    }
    return stub_domains(data)


def test_zones_and_servers_are_read() -> None:
    stubs = {"Acme.local.": ["192.0.2.1", "192.0.2.2:5353", "[fd00::1]:53", "fd00::2"]}
    zones, upstream = read(stubs, ["192.0.2.53"])
    assert zones == {"acme.local": tuple(stubs["Acme.local."])}
    assert upstream == ("192.0.2.53",)
    assert stub_domains({}) == ({}, ())


@pytest.mark.parametrize(
    "server", ["resolver.corp.example", "192.0.2.1:x", "192.0.2.1:70000", "[fd00::1", "", 5, None]
)
def test_one_server_that_is_no_address_makes_the_agent_drop_all(server: object) -> None:
    stubs = {"corp.example": [server], "ok.example": ["192.0.2.1"]}
    with pytest.raises(ValueError, match=r"for corp\.example, which is no IP address"):
        read(stubs)
    with pytest.raises(ValueError, match="upstreamNameservers names"):
        read(None, [server])


@pytest.mark.parametrize(
    "data",
    [
        {"stubDomains": "[]"},
        {"upstreamNameservers": "{}"},
        {"stubDomains": "corp.example:53 { forward . 192.0.2.1 }"},
        {"stubDomains": '{"a.example": "192.0.2.1"}'},
        {"upstreamNameservers": '["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]'},
    ],
)
def test_another_shape_is_dropped_as_well(data: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"stubDomains|upstreamNameservers|Expecting"):
        stub_domains(data)

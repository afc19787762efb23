from __future__ import annotations

import pytest

from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.customisations import (
    by_client,
    customisations,
    stub_zones,
)
from tests.unit.facts.corefiles import CACHE, CUSTOM, KUBEADM, MANAGED

SHAPE = """
. {{
    kubernetes cluster.local in-addr.arpa ip6.arpa
    {}
}}
"""


def found(text: str, cache: str = CACHE, port: int = 53) -> list[tuple[str, str]]:
    """Zone and plugin of what would change."""
    read = customisations(read_corefile(text, files=CUSTOM), read_corefile(cache), port=port)
    return [(one.zone, one.plugin) for one in read]


def test_kubeadms_corefile_has_nothing_that_would_change() -> None:
    assert found(KUBEADM) == []


def test_files_of_customers_are_reported_zone_by_zone() -> None:
    assert found(MANAGED) == [
        ("registry.example", "hosts"),
        ("shop.example", "rewrite"),
        ("intra", "rewrite"),
        ("internal.cloudapp.net", "template"),
        ("corp.example", "forward"),
        ("lab.example", "forward"),
    ]
    # git.corp.example is not among them: CoreDNS's own block for corp.example answers for it.


@pytest.mark.parametrize(
    ("plugin", "expected"),
    [
        ("forward . /etc/resolv.conf", []),
        ("forward . 192.0.2.53", [(".", "forward")]),
        ("forward . tls://192.0.2.53 {\n tls_servername dns.example\n}", [(".", "forward")]),
        ("forward corp.example 10.0.0.2", [("corp.example", "forward")]),
        ("hosts /etc/coredns/names.db corp.example", [("corp.example", "hosts")]),
        ("hosts /etc/coredns/names.db", [(".", "hosts")]),
        ("hosts {\n ::1 six.example\n ttl 60\n}", [("six.example", "hosts")]),
        ("hosts {\n 192.0.2.1 a.default.svc.cluster.local\n}", []),
        ("rewrite name a.example b.default.svc.cluster.local", [("a.example", "rewrite")]),
        ("rewrite stop name regex ^a-.*\\.cluster\\.local\\.$ b.cluster.local", []),
        ("rewrite name regex a\\.example|b\\.test c.cluster.local", [(".", "rewrite")]),
        ("rewrite name prefix x- y-", [(".", "rewrite")]),
        ("rewrite type ANY HINFO", [(".", "rewrite")]),
        ("template IN A svc.example {\n answer x\n}", [("svc.example", "template")]),
        ("template ANY AAAA {\n rcode NXDOMAIN\n}", [(".", "template")]),
        ("file /zones/db.example example.org", [("example.org", "file")]),
        ("multicluster clusterset.local", [("clusterset.local", "multicluster")]),
        ("k8s_external ext.example", [("ext.example", "k8s_external")]),
        ("route53 r53.example.:Z1", [("r53.example", "route53")]),
        ("azure group:az.example", [("az.example", "azure")]),
        ("dns64 64:ff9b::/96", [(".", "dns64")]),
        ("cache 30\n loadbalance\n log", []),
    ],
)
def test_what_a_plugin_changes(plugin: str, expected: list[tuple[str, str]]) -> None:
    assert found(SHAPE.format(plugin)) == expected


def test_a_second_domain_of_the_kubernetes_plugin_does_not_reach_coredns() -> None:
    text = ". {\n kubernetes cluster.local k8s.example in-addr.arpa\n}"
    assert found(text) == [("k8s.example", "kubernetes")]


def test_server_blocks_of_other_ports_are_not_asked() -> None:
    text = KUBEADM + "corp.example:1053 {\n forward . 10.0.0.2\n}\n"
    assert found(text) == []
    assert found(text, port=1053) == [("corp.example", "forward")]


def test_a_cache_that_forwards_everything_to_coredns_changes_nothing() -> None:
    everything = CACHE.replace("__PILLAR__UPSTREAM__SERVERS__", "__PILLAR__CLUSTER__DNS__")
    assert found(MANAGED, everything) == []


def test_a_stub_zone_that_the_cache_has_too_changes_nothing() -> None:
    stub = "{}:53 {{\n forward . {}\n}}\n"
    same = CACHE + stub.format("corp.example", "10.0.0.3 10.0.0.2:53")
    other = CACHE + stub.format("corp.example", "10.0.0.9")
    assert ("corp.example", "forward") not in found(MANAGED, same)
    assert ("corp.example", "forward") in found(MANAGED, other)
    assert ("lab.example", "forward") in found(MANAGED, same)


def test_stub_zones_are_told_with_their_servers() -> None:
    read = read_corefile(MANAGED, files=CUSTOM)
    servers = ("10.0.0.2", "10.0.0.3:53")
    assert stub_zones(read) == {"corp.example": servers, "lab.example": servers}


def test_plugins_that_look_at_the_client_are_named() -> None:
    text = SHAPE.format("autopath @kubernetes\n acl {\n block type A net 10.0.0.0/8\n }")
    assert [str(plugin) for plugin in by_client(read_corefile(text))] == [
        "autopath @kubernetes",
        "acl",
    ]
    assert by_client(read_corefile(KUBEADM)) == []

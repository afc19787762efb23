"""Whether the cluster's names reach CoreDNS, by the cache's Corefile."""

from __future__ import annotations

import pytest

from kubectl_nodedns.facts.cluster_names import strayed
from kubectl_nodedns.facts.corefile_reader import read_corefile

DOMAIN = "prod.example.net"
NODE = ".:53 {\n forward . __PILLAR__UPSTREAM__SERVERS__\n}\n"
CLUSTER = "__PILLAR__CLUSTER__DNS__"


def said(*blocks: tuple[str, str], rest: str = NODE) -> str:
    """What is said of a Corefile with these zones and forwards."""
    text = "".join(f"{zone} {{\n forward . {to}\n}}\n" for zone, to in blocks) + rest
    return strayed(read_corefile(text).blocks, DOMAIN, {"10.96.0.10", "fd00::a"})


@pytest.mark.parametrize(
    "zone", [f"{DOMAIN}:53", "Prod.Example.NET.:53", f"other:53 {DOMAIN}:53", "example.net:53"]
)
@pytest.mark.parametrize("to", [CLUSTER, "10.96.0.10", "10.96.0.10:53", "dns://[fd00::a]:53"])
def test_a_block_that_asks_coredns_for_the_domain_is_right(zone: str, to: str) -> None:
    assert said((zone, to)) == ""


def test_all_names_may_go_to_coredns() -> None:
    assert said(rest=f". {{\n forward . {CLUSTER} {{\n force_tcp\n}}\n}}\n") == ""


def test_without_a_block_for_it_the_domain_strays_and_is_named() -> None:
    text = said(("cluster.local:53", CLUSTER), ("in-addr.arpa:53", CLUSTER))
    assert f"sends {DOMAIN} to CoreDNS" in text
    assert "asks the node's resolvers" in text
    assert "blocks for cluster.local, in-addr.arpa" in text


def test_a_placeholder_for_the_domain_is_named_as_one() -> None:
    assert "__PILLAR__DNS__DOMAIN__ (a placeholder" in said(("__PILLAR__DNS__DOMAIN__:53", CLUSTER))


@pytest.mark.parametrize(
    ("rest", "asked"),
    [
        ("", "asks nobody"),
        (".:53 {\n forward . 192.0.2.1 192.0.2.2\n}\n", "asks 192.0.2.1, 192.0.2.2"),
        (f"{DOMAIN} {{\n forward . /etc/resolv.conf\n}}\n", "asks the node's resolvers"),
        (f"{DOMAIN}:1053 {{\n forward . {CLUSTER}\n}}\n", "asks nobody"),
    ],
)
def test_whoever_is_asked_instead_is_named(rest: str, asked: str) -> None:
    assert asked in said(rest=rest)


def test_a_block_for_the_domain_that_asks_a_server_of_somebodys_was_meant() -> None:
    assert said((f"{DOMAIN}:53", "192.0.2.1")) == ""


def test_a_block_for_the_domain_that_asks_nobody_answers_nothing() -> None:
    assert "asks nobody" in said(rest=f"{DOMAIN}:53 {{\n errors\n}}\n")

"""What a person says about the blocks that every cache has: forward options and plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.install.option_checks import check
from kubectl_nodedns.install.options import settle
from kubectl_nodedns.install.settings import Settings

if TYPE_CHECKING:
    from kubectl_nodedns.facts.corefile import ServerBlock

AAAA = "template IN AAAA {\n    rcode NOERROR\n}\n"


def blocks(image: str = "", **given: str) -> dict[str, ServerBlock]:
    """The blocks of a Corefile with these options, by zone."""
    options = {
        name.replace("_", "-"): check(name.replace("_", "-"), v) for name, v in given.items()
    }
    memory, _ = settle(options | ({"image": image} if image else {}), None, upgrade=False)
    settings = Settings.of(
        memory,
        namespace="kube-system",
        dns_selector={"k8s-app": "kube-dns"},
        dns_ports={"UDP": 53, "TCP": 53},
        service_ips=("10.96.0.10",),
        cluster_domain="cluster.local",
        mode="iptables",
        dns_service="kube-dns",
    )
    return {block.names[0]: block for block in read_corefile(settings.corefile()).blocks}


def options_of(block: ServerBlock) -> set[str]:
    (forward,) = block.all("forward")
    return {" ".join(words) for words in forward.body} - {"max_concurrent 1000"}


def test_coredns_is_asked_over_tcp_unless_something_else_is_said() -> None:
    assert options_of(blocks()["cluster.local"]) == {"force_tcp"}
    found = blocks(cluster_forward="prefer_udp; policy  sequential;max_fails 5;health_check 30s")
    wanted = {"prefer_udp", "policy sequential", "max_fails 5", "health_check 30s"}
    for zone in ("cluster.local", "in-addr.arpa", "ip6.arpa"):
        assert options_of(found[zone]) == wanted
    assert options_of(found["."]) == set()
    assert options_of(blocks(cluster_forward="max_fails 0")["cluster.local"]) == {
        "force_tcp",
        "max_fails 0",
    }


def test_names_outside_have_options_of_their_own() -> None:
    found = blocks(outside_forward="force_tcp;expire 20s;health_check 0.5s no_rec domain a.example")
    assert options_of(found["."]) == {
        "force_tcp",
        "expire 20s",
        "health_check 0.5s no_rec domain a.example",
    }
    assert options_of(found["cluster.local"]) == {"force_tcp"}


@pytest.mark.parametrize(
    "wrong",
    [
        "prefer_udp;force_tcp",
        "prefer_udp;prefer_udp",
        "policy best",
        "max_fails -1",
        "health_check",
        "health_check 30",
        "max_concurrent 5",
        "tls_servername x",
        "prefer_udp\n}\nfile x",
        "prefer_udp yes",
    ],
)
def test_other_options_of_forward_are_refused(wrong: str) -> None:
    for name in ("cluster-forward", "outside-forward"):
        with pytest.raises(UsageError, match=f"--{name}"):
            check(name, wrong)


def test_plugins_are_added_to_the_one_block_that_they_are_for() -> None:
    found = blocks(cluster_plugins=f"# AAAA\n{AAAA}log")
    assert [p.name for p in found["cluster.local"].plugins[-2:]] == ["template", "log"]
    assert not any(found[zone].all("template") for zone in (".", "in-addr.arpa"))
    assert blocks(outside_plugins=AAAA)["."].all("template")


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "# nothing",
        "cache 30",
        "bind 0.0.0.0",
        "forward . 192.0.2.1",
        "kubernetes",
        "import /etc/x",
        "log\n}\nevil:53 {\n whoami",
        "template IN AAAA {",
        ".:53 {\n log\n}",
    ],
)
def test_what_cannot_stand_in_a_block_of_the_cache_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError):
        check("cluster-plugins", wrong)


def test_a_plugin_that_the_image_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="rewrite is not in node-cache before"):
        blocks(image="example.test/k8s-dns-node-cache:1.16.0", outside_plugins="rewrite name a b")

from __future__ import annotations

import re

from kubectl_nodedns.install.corefile import CLUSTER, LOCAL, UPSTREAM, Block, corefile
from kubectl_nodedns.install.objects import read_objects

IPV4 = corefile(
    cluster_domain="cluster.local",
    local_ip="169.254.20.10",
    marker_zone="id.nodedns.cluster.local",
)
IPV6 = corefile(
    cluster_domain="cluster.local",
    local_ip="fd00:90de:d95::1",
    marker_zone="id.nodedns.cluster.local",
)


def blocks(text: str) -> dict[str, str]:
    return dict(re.findall(r"^(\S+):53 \{\n(.*?)^\}\n", text, re.MULTILINE | re.DOTALL))


def test_the_model_renders_what_the_manifest_holds() -> None:
    [config] = [obj for obj in read_objects() if obj["kind"] == "ConfigMap"]
    assert config["data"]["Corefile"] == IPV4


def test_there_is_a_block_for_each_kind_of_name_and_one_for_the_marker() -> None:
    assert list(blocks(IPV4)) == [
        "cluster.local",
        "in-addr.arpa",
        "ip6.arpa",
        ".",
        "id.nodedns.cluster.local",
    ]


def test_cluster_and_reverse_names_go_to_the_upstream_service_over_tcp() -> None:
    found = blocks(IPV4)
    for zone in ("cluster.local", "in-addr.arpa", "ip6.arpa"):
        assert f"forward . {CLUSTER} {{\n        force_tcp\n" in found[zone]


def test_all_other_names_go_to_the_nodes_own_resolvers() -> None:
    assert f"forward . {UPSTREAM} {{\n        max_concurrent 1000\n" in blocks(IPV4)["."]
    assert IPV4.count(UPSTREAM) == 1


def test_every_block_binds_the_addresses_that_the_agent_fills_in() -> None:
    assert all(f"    bind {LOCAL}\n" in body for body in blocks(IPV4).values())


def test_our_own_questions_are_not_counted_as_lookups() -> None:
    found = blocks(IPV4)
    marker = found.pop("id.nodedns.cluster.local")
    assert "prometheus" not in marker
    assert all("prometheus :9253" in body for body in found.values())


def test_the_marker_is_answered_from_the_pods_own_fields_and_never_cached() -> None:
    marker = blocks(IPV4)["id.nodedns.cluster.local"]
    assert "template IN TXT" in marker
    assert "0 IN TXT" in marker
    assert "{$NODE_NAME} {$POD_UID}" in marker
    assert "cache" not in marker


def test_health_listens_on_the_literal_address_once() -> None:
    assert re.findall(r"health (.*)", IPV4) == ["169.254.20.10:8080"]


def test_an_ipv6_address_has_brackets_in_health_and_stands_nowhere_else() -> None:
    assert re.findall(r"health (.*)", IPV6) == ["[fd00:90de:d95::1]:8080"]
    assert IPV6.count("fd00:90de:d95::1") == 1


def test_another_domain_changes_its_own_block_and_the_marker_only() -> None:
    other = corefile(
        cluster_domain="k8s.test", local_ip="169.254.20.10", marker_zone="id.nodedns.k8s.test"
    )
    assert other == IPV4.replace("cluster.local", "k8s.test")


def test_braces_are_balanced_and_indentation_is_by_four() -> None:
    for text in (IPV4, IPV6):
        lines = text.splitlines()
        assert sum(line.endswith("{") for line in lines) == sum(
            line.strip() == "}" for line in lines
        )
        assert {(len(line) - len(line.lstrip())) % 4 for line in lines} == {0}


def test_a_plugin_with_a_body_is_indented_with_it() -> None:
    block = Block(zone="a.test", plugins=("errors", "cache {\n    success 1\n}"))
    assert block.render() == ("a.test:53 {\n    errors\n    cache {\n        success 1\n    }\n}\n")

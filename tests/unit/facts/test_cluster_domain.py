from __future__ import annotations

import pytest

from kubectl_nodedns.facts.cluster_domain import domains_of_corefile
from kubectl_nodedns.install.corefile import corefile
from tests.unit.facts.corefiles import KUBEADM


def test_the_forward_zone_of_the_kubernetes_plugin_is_the_domain() -> None:
    assert domains_of_corefile(KUBEADM) == ["cluster.local"]


@pytest.mark.parametrize(
    ("line", "domains"),
    [
        ("kubernetes k8s.example.com. {", ["k8s.example.com"]),
        ("kubernetes Cluster.Local", ["cluster.local"]),
        ("kubernetes\tcluster.local\tin-addr.arpa {", ["cluster.local"]),
        ("kubernetes a.test b.test 10.in-addr.arpa {", ["a.test", "b.test"]),
        ("kubernetes a.test # the old one", ["a.test"]),
        ("# kubernetes a.test", []),
        ("kubernetes {", []),
        ("kubernetes  {", []),
        ("kubernetesx a.test", []),
    ],
)
def test_zones_of_the_plugin_are_read_in_any_spelling(line: str, domains: list[str]) -> None:
    assert domains_of_corefile(f".:53 {{\n    errors\n    {line}\n}}\n") == domains


def test_several_plugins_for_several_domains_are_all_found_once() -> None:
    text = KUBEADM + KUBEADM + KUBEADM.replace("cluster.local", "other.test")
    assert domains_of_corefile(text) == ["cluster.local", "other.test"]


def test_the_corefile_of_a_cache_names_no_domain() -> None:
    """It has no kubernetes plugin; its zones must not be taken for CoreDNS's."""
    ours = corefile(cluster_domain="a.test", local_ip="169.254.20.10", marker_zone="id.a.test")
    assert domains_of_corefile(ours) == []


def test_an_empty_corefile_names_no_domain() -> None:
    assert domains_of_corefile("") == []

from __future__ import annotations

import pytest

from kubectl_nodedns.facts.dataplane import mode_of_config

HEAD = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"


@pytest.mark.parametrize(
    ("line", "mode"),
    [
        ("mode: iptables", "iptables"),
        ('mode: "nftables"', "nftables"),
        ("mode: ipvs", "ipvs"),
        ("mode: IPVS", "ipvs"),
        ('mode: ""', "iptables"),
        ("mode:", "iptables"),
        ("mode: null", "iptables"),
        ("clusterCIDR: 10.244.0.0/16", "iptables"),
    ],
)
def test_the_mode_is_read_and_an_empty_one_means_iptables(line: str, mode: str) -> None:
    """kubeadm writes `mode: ""`, which kube-proxy takes as iptables on Linux."""
    assert mode_of_config(f"{HEAD}{line}\nbindAddress: 0.0.0.0\n") == mode


def test_the_configuration_is_found_among_other_documents() -> None:
    assert mode_of_config(f"kind: Other\nmode: ipvs\n---\n{HEAD}mode: nftables\n") == "nftables"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "kind: Config\nmode: ipvs\n",
        "- a\n- list\n",
        "kind: [unclosed",
        "key: value: other",
        "\tkind: KubeProxyConfiguration",
        "!!python/object:os.system {}",
    ],
)
def test_what_is_no_kube_proxy_configuration_tells_nothing(text: str) -> None:
    assert mode_of_config(text) is None

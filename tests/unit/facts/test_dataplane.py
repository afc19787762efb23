"""Where the DNS service's address can be taken over."""

from __future__ import annotations

import pytest

from kubectl_nodedns.facts.dataplane import _beside_of_antrea, _beside_of_cilium, out_of_reach
from kubectl_nodedns.install.variants import LIVE, VARIANTS, Variant


@pytest.mark.parametrize("mode", ["iptables", "nftables", "userspace", ""])
def test_where_nothing_stands_in_the_way_nothing_is_said(mode: str) -> None:
    assert out_of_reach(mode) == ""


def test_ipvs_cilium_and_calicos_ebpf_keep_the_address() -> None:
    assert "kube-ipvs0" in out_of_reach("ipvs", excluded=True)
    assert "before the node's netfilter" in out_of_reach("cilium", excluded=True)
    assert "before the node's netfilter" in out_of_reach("calico-ebpf")
    assert out_of_reach("calico-ebpf", excluded=True) == ""


@pytest.mark.parametrize("mode", LIVE)
def test_what_is_installed_is_within_reach(mode: str) -> None:
    assert (VARIANTS[mode] is Variant.TRANSPARENT) is (out_of_reach(mode) == "")


@pytest.mark.parametrize(
    ("conf", "told"),
    [
        ("", True),
        ("antreaProxy:\n  enable: true\n", True),
        ("antreaProxy:\n  enable: false\n", False),
        ("antreaProxy:\n  skipServices: [kube-system/kube-dns]\n", False),
        ("antreaProxy:\n  skipServices: [kube-system/other]\n", True),
        ("- no\n", True),
    ],
)
def test_antreas_proxy_is_told_unless_it_leaves_the_dns_service_out(conf: str, told: bool) -> None:
    found = _beside_of_antrea({"antrea-agent.conf": conf}, "kube-system/kube-dns")
    assert (found is not None) is told


@pytest.mark.parametrize(("value", "told"), [("true", False), ("strict", False), ("false", True)])
def test_cilium_is_told_where_it_does_not_replace_kube_proxy(value: str, told: bool) -> None:
    assert (_beside_of_cilium({"kube-proxy-replacement": value}, "") is not None) is told

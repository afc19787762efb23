"""Where the DNS service's address can be taken over."""

from __future__ import annotations

import pytest

from kubectl_nodedns.facts.dataplane import out_of_reach
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

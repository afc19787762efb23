from __future__ import annotations

import copy
from typing import Any

import pytest

from kubectl_nodedns.facts.caches import (
    MANAGED_BY,
    METRICS_PORT,
    OURS,
    SETUP_METRICS_PORT,
    Cache,
    cache_of,
    local_ips_of,
    setup_metrics_port,
    sort_out,
)
from kubectl_nodedns.facts.command_line import flag
from kubectl_nodedns.install.objects import build, daemonset_of
from tests.unit.facts import daemonsets
from tests.unit.install.samples import SETTINGS, stored


def read(obj: dict[str, Any]) -> Cache:
    cache = cache_of(obj)
    assert cache is not None
    return cache


def test_the_docs_pages_cache_is_recognised() -> None:
    cache = read(daemonsets.DOCS_PAGE)
    assert not cache.ours
    assert cache.owner == "the Kubernetes add-on manifest"
    assert cache.local_ips == ("169.254.20.10", "10.96.0.10")
    assert cache.version == "1.26.8"
    assert cache.selector == "k8s-app=node-local-dns"
    assert cache.metrics_port == 9253
    assert cache.memory_limit is None
    assert cache.desired == 3


def test_kubesprays_cache_is_recognised() -> None:
    cache = read(daemonsets.KUBESPRAY)
    assert cache.owner == "kubespray"
    assert cache.local_ips == ("169.254.25.10",)
    assert cache.memory_limit == 200 * 2**20


def test_kops_cache_is_recognised() -> None:
    cache = read(daemonsets.KOPS)
    assert cache.owner == "kOps"
    assert cache.local_ips == ("169.254.20.10",)


def test_a_helm_releases_cache_is_recognised_and_named_by_its_release() -> None:
    cache = read(daemonsets.HELM)
    assert cache.owner == "Helm release dns-cache"
    assert cache.local_ips == ("169.254.20.25", "172.20.0.10")
    assert cache.selector == (
        "app.kubernetes.io/instance=dns-cache,app.kubernetes.io/name=node-local-dns"
    )
    assert cache.metrics_port == 9254
    assert cache.memory_limit == 128 * 2**20


def test_our_own_cache_is_recognised_by_our_label_and_name_in_its_namespace() -> None:
    [daemonset] = [o for (kind, _), o in stored(build(SETTINGS)).items() if kind == "DaemonSet"]
    assert not read(daemonset).ours
    cache = cache_of(daemonset, home="kube-system")
    assert cache is not None
    assert cache.ours
    assert cache.owner == "kubectl nodedns"
    assert cache.local_ips == ("169.254.20.10", "10.96.0.10")
    assert cache.annotations == daemonset_of(build(SETTINGS))["metadata"]["annotations"]


def test_an_image_under_another_name_is_recognised_by_its_arguments() -> None:
    cache = read(daemonsets.MIRRORED)
    assert cache.owner == "whoever applied its manifest"
    assert cache.metrics_port == 9253


@pytest.mark.parametrize("obj", [daemonsets.KUBE_PROXY, daemonsets.COREDNS])
def test_what_is_no_node_local_cache_is_left_alone(obj: dict[str, Any]) -> None:
    assert cache_of(obj) is None


def test_a_cache_is_never_recognised_by_its_name_alone() -> None:
    container = {"image": "registry.example.com/log-shipper:1"}
    assert cache_of(daemonsets.daemonset("node-local-dns", container)) is None


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("registry.k8s.io/dns/k8s-dns-node-cache:1.26.8", "1.26.8"),
        ("localhost:5000/k8s-dns-node-cache:1.26.8", "1.26.8"),
        ("k8s-dns-node-cache:1.26.8@sha256:" + "ab" * 32, "1.26.8"),
        ("localhost:5000/k8s-dns-node-cache@sha256:" + "ab" * 32, "sha256:" + "ab" * 32),
        ("localhost:5000/k8s-dns-node-cache", ""),
    ],
)
def test_the_version_is_the_tag_else_the_digest(image: str, version: str) -> None:
    assert read(daemonsets.daemonset("dns", {"image": image})).version == version


@pytest.mark.parametrize(
    "words",
    [
        ("-localip", "169.254.20.10"),
        ("--localip", "169.254.20.10"),
        ("-localip=169.254.20.10",),
        ("--localip=169.254.20.10",),
        ("/node-cache", "-conf", "/etc/Corefile", "-localip", "169.254.20.10"),
    ],
)
def test_a_flag_is_read_in_every_spelling_that_go_knows(words: tuple[str, ...]) -> None:
    assert flag(words, "localip") == "169.254.20.10"


@pytest.mark.parametrize(
    "words",
    [(), ("localip", "1.2.3.4"), ("-localip",), ("-localipx", "1.2.3.4"), ("localip=1.2.3.4",)],
)
def test_what_is_no_such_flag_has_no_value(words: tuple[str, ...]) -> None:
    assert flag(words, "localip") == ""


def own(**metadata: Any) -> dict[str, Any]:
    """Our DaemonSet, with other metadata."""
    found = copy.deepcopy(stored(build(SETTINGS))["DaemonSet", "node-local-dns"])
    found["metadata"] |= metadata
    return found


@pytest.mark.parametrize(
    "decoy",
    [
        own(namespace="aaa", uid="other"),
        own(namespace="zzz", uid="other"),
        own(namespace="aaa", name="other", uid="other"),
        own(name="other", uid="other"),
    ],
)
def test_our_label_makes_nothing_ours_but_our_own(decoy: dict[str, Any]) -> None:
    for those in ([decoy, own()], [own(), decoy]):
        found = sort_out(those, "kube-system", {"other"})
        assert [cache.uid for cache in found.caches if cache.ours] == ["uid-of-node-local-dns"]
        assert found.caches[0].ours
        [imitation] = found.imitations
        assert imitation.labelled
        assert imitation.name == decoy["metadata"]["name"]
    alone = sort_out([decoy], "kube-system")
    assert not any(cache.ours for cache in alone.caches)
    assert not any(cache.owner == "kubectl nodedns" for cache in alone.caches)


def test_elsewhere_a_cache_is_what_has_pods_on_the_network_of_nodes() -> None:
    near = daemonsets.KUBESPRAY
    far = copy.deepcopy(near)
    far["metadata"] |= {"namespace": "aaa", "uid": "far"}
    far["spec"]["template"]["spec"]["hostNetwork"] = True
    assert [c.namespace for c in sort_out([far, near], "kube-system").caches] == ["kube-system"]
    [seeming] = sort_out([far, near], "kube-system").imitations
    assert (seeming.namespace, seeming.labelled) == ("aaa", False)
    both = sort_out([far, near], "kube-system", {"far"})
    assert [cache.namespace for cache in both.caches] == ["kube-system", "aaa"]
    assert both.imitations == ()
    inside = copy.deepcopy(far)
    inside["spec"]["template"]["spec"]["hostNetwork"] = False
    assert len(sort_out([inside, near], "kube-system", {"far"}).caches) == 1


def test_a_daemonset_that_is_no_cache_and_bears_our_label_is_an_imitation() -> None:
    shipper = daemonsets.daemonset("node-local-dns", {"image": "registry.example.com/shipper:1"})
    shipper["metadata"] |= {"namespace": "aaa", "labels": {MANAGED_BY: OURS}}
    [found] = sort_out([shipper], "kube-system").imitations
    assert found.labelled


ODD = ["²", "9" * 5000, "-1", "0", "65536", " 80", "8_0", "٣", "", "x", "1e3", "0x50"]


@pytest.mark.parametrize("text", ODD)
def test_a_port_that_is_none_is_the_usual_one(text: str) -> None:
    annotated = own()
    annotated["spec"]["template"]["metadata"] = {"annotations": {"prometheus.io/port": text}}
    annotated["spec"]["template"]["spec"]["containers"][0].pop("ports", None)
    assert read(annotated).metrics_port == METRICS_PORT
    listening = ("-metrics-listen-address", f"0.0.0.0:{text}")
    assert setup_metrics_port(listening) == SETUP_METRICS_PORT


@pytest.mark.parametrize(
    "word", ["garbage", "²", "1.2.3", "1.2.3.4.5", "::1%eth0", "\x1b[31m", "9" * 5000, "10.0.0.0/8"]
)
def test_a_local_ip_that_is_no_address_is_none(word: str) -> None:
    assert local_ips_of(("-localip", f"169.254.20.10,{word}, 10.96.0.10")) == (
        "169.254.20.10",
        "10.96.0.10",
    )

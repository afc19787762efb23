from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.facts.caches import Cache, cache_of, flag
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


def test_our_own_cache_is_recognised_by_our_label() -> None:
    [daemonset] = [o for (kind, _), o in stored(build(SETTINGS)).items() if kind == "DaemonSet"]
    cache = read(daemonset)
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

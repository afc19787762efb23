from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.facts.dns_service import candidate, split_name


def service(name: str, ip: str | None = "10.96.0.10", **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}, "spec": {"clusterIP": ip}}


@pytest.mark.parametrize("given", ["kube-system/kube-dns", "dns/my.dns"])
def test_a_service_is_named_by_its_namespace_and_name(given: str) -> None:
    namespace, name = split_name(given)
    assert f"{namespace}/{name}" == given


@pytest.mark.parametrize("given", ["kube-dns", "/kube-dns", "kube-system/", "a/b/c", "", "/"])
def test_another_form_is_refused_by_its_option(given: str) -> None:
    with pytest.raises(UsageError, match="--dns-service") as caught:
        split_name(given)
    assert "NAMESPACE/NAME" in str(caught.value)


def test_a_service_with_an_address_is_a_candidate() -> None:
    assert candidate(service("kube-dns")) == service("kube-dns")


@pytest.mark.parametrize("ip", [None, "", "None"])
def test_a_headless_service_is_none(ip: str | None) -> None:
    assert candidate(service("kube-dns", ip)) is None


def test_the_upstream_services_of_caches_are_none() -> None:
    """The add-on manifest gives its upstream service the DNS service's own label."""
    upstream = service("kube-dns-upstream", "10.96.0.11")
    labelled = service("coredns-2", "10.96.0.12", **{"kubernetes.io/name": "KubeDNSUpstream"})
    assert [candidate(one) for one in (upstream, labelled)] == [None, None]


def test_a_service_without_labels_can_be_looked_at() -> None:
    bare = {"metadata": {"name": "dns"}, "spec": {"clusterIP": "10.0.0.10"}}
    assert candidate(bare) == bare

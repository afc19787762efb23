"""What `enable` was told about the cluster once is known to every command from then on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.cli.parser import build_parser
from kubectl_nodedns.commands.lookup import read_request, way_of
from kubectl_nodedns.health.gathering import gather
from kubectl_nodedns.health.scope import Scope
from kubectl_nodedns.install.recalled import recalled
from kubectl_nodedns.top.wiring import watching
from tests.contract import cluster
from tests.contract.api import Api, answers
from tests.unit.top.requests import make_request

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client

SERVICE, DOMAIN = "kube-system/other-dns", "production-eu"
TWO_DOMAINS = cluster.COREFILE.replace("cluster.local", f"{DOMAIN} cluster.local")
TOLD = {"dns-service": SERVICE, "cluster-domain": DOMAIN}


def ours(namespace: str = "kube-system", **given: str) -> dict[str, Any]:
    image = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.8"
    made = cluster.daemonset("node-local-dns", image, "-localip", "169.254.20.10,10.96.0.99")
    made["metadata"] |= {
        "namespace": namespace,
        "labels": {"app.kubernetes.io/managed-by": "kubectl-nodedns"},
        "annotations": {"kubectl-nodedns/options": json.dumps({"given": given, "defaults": {}})},
    }
    return made


@pytest.fixture
def unclear(api: Api) -> Api:
    """A cluster with two DNS services and two domains, whose installation was told which."""
    cluster.fill(api)
    api.remove("configmaps")
    api.add("configmaps", cluster.configmap("coredns", Corefile=TWO_DOMAINS))
    api.add("services", cluster.dns_service("other-dns", "10.96.0.99"))
    api.add("daemonsets", ours(**TOLD))
    return api


@pytest.mark.usefixtures("unclear")
async def test_check_and_status_know_what_enable_was_told(client: Client) -> None:
    evidence = await gather(client, Scope(window=0.01))
    assert (evidence.dns.name, evidence.domain) == ("other-dns", DOMAIN)
    assert not any("domain" in what for what in evidence.unread)


@pytest.mark.usefixtures("unclear")
async def test_lookup_knows_what_enable_was_told(client: Client) -> None:
    request = read_request(build_parser().parse_args(["lookup", "x"]))
    way = await way_of(client, request)
    assert (way.dns.name, way.domain) == ("other-dns", DOMAIN)


@pytest.mark.usefixtures("unclear")
async def test_what_is_given_goes_before_what_is_remembered(client: Client) -> None:
    given = {"cluster-domain": "cluster.local", "dns-service": ""}
    assert await recalled(client, given) == {**TOLD, "cluster-domain": "cluster.local"}


@pytest.mark.usefixtures("unclear")
async def test_top_and_monitoring_know_what_enable_was_told(client: Client) -> None:
    async with watching(client, make_request(selector="pool=a")) as watched:
        known = watched.request
        assert watched.monitor.kube_dns_ip == "10.96.0.99"
    assert (known.dns_service, known.cluster_domain) == (SERVICE, DOMAIN)
    assert (known.dns_namespace, known.selector) == ("kube-system", "pool=a")
    # `monitoring` has no option for the domain.
    assert (await recalled(client, {"dns-service": ""}))["dns-service"] == SERVICE


async def test_what_somebody_writes_elsewhere_is_not_remembered(
    unclear: Api, client: Client
) -> None:
    unclear.remove("daemonsets")
    unclear.add("daemonsets", ours("shop", **TOLD))
    assert await recalled(client, {}) == {}
    unclear.add("daemonsets", ours(**{**TOLD, "dns-service": "shop/evil"}))
    assert await recalled(client, {}) == {"cluster-domain": DOMAIN}


async def test_where_daemonsets_cannot_be_read_nothing_is_remembered(
    unclear: Api, client: Client
) -> None:
    path = "/apis/apps/v1/namespaces/kube-system/daemonsets"
    unclear.script("GET", path, answers(403, "Forbidden", "no"))
    assert await recalled(client, {"cluster-domain": "a.example"}) == {
        "cluster-domain": "a.example"
    }

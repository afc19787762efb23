"""A policy of `--inject` is ours by name, and is proved on pods; no tenant stops that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.errors import PartialError
from kubectl_nodedns.facts.mutating_policies import read_admission
from kubectl_nodedns.install.injection import (
    LABELLED,
    install_injection,
    plan_injection,
    remove_injection,
)
from kubectl_nodedns.install.injection_policy import Resolver
from kubectl_nodedns.install.live import MANAGED
from tests.contract.api import Api, answers, document

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client

GROUP = "/apis/admissionregistration.k8s.io/v1"
POLICIES, BINDINGS = (f"{GROUP}/mutatingadmissionpolic{end}" for end in ("ies", "ybindings"))
RESOLVER = Resolver(
    local_ip="169.254.20.10", kube_dns_ip="10.96.0.10", cluster_domain="cluster.local"
)


@pytest.fixture
def served(api: Api) -> Api:
    """An API server that has MutatingAdmissionPolicy."""
    kinds = [{"kind": "MutatingAdmissionPolicy"}, {"kind": "MutatingAdmissionPolicyBinding"}]
    api.script("GET", GROUP, document({"resources": kinds}))
    return api


def policy(name: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/managed-by": "kubectl-nodedns"}
    return {"metadata": {"name": name, "labels": labels, "uid": f"uid-of-{name}"}, "spec": {}}


def asking(api: Api, *namespaces: str) -> None:
    """These namespaces ask for the cache."""
    key, _, value = LABELLED.partition("=")
    for name in namespaces:
        api.add("namespaces", {"metadata": {"name": name, "labels": {key: value}}})


def gives(api: Api, namespace: str, **spec: Any) -> None:
    """A new pod of `namespace` gets this."""

    async def create(request: web.Request) -> web.Response:
        pod = json.loads(await request.read())
        pod["spec"] |= spec
        return web.json_response(pod)

    api.script("POST", f"/api/v1/namespaces/{namespace}/pods", create)


def forbids(api: Api, namespace: str) -> None:
    """The owner of `namespace` lets no pod in."""
    words = 'pods "x" is forbidden: exceeded quota: none, requested: pods=1, limited: pods=0'
    api.script("POST", f"/api/v1/namespaces/{namespace}/pods", answers(403, "Forbidden", words))


async def install(client: Client) -> None:
    injection = await plan_injection(client, RESOLVER, asked=True)
    assert injection is not None
    await install_injection(client, injection, Talk(), image="i", force=False, patience=0.0)


async def test_a_policy_with_our_label_and_another_name_is_not_ours(
    served: Api, client: Client
) -> None:
    served.script("GET", POLICIES, document({"items": [policy("node-local-dns"), policy("other")]}))
    served.script("GET", BINDINGS, document({"items": [policy("theirs")]}))
    seen = await read_admission(client, MANAGED, "node-local-dns")
    assert [one["metadata"]["name"] for one in seen.found] == ["node-local-dns"]
    await remove_injection(client, seen.found, Talk())
    gone = [one.path for one in served.state.seen if one.method == "DELETE"]
    assert gone == [f"{POLICIES}/node-local-dns"]


async def test_a_policy_that_only_has_our_label_installs_none(served: Api, client: Client) -> None:
    served.script("GET", POLICIES, document({"items": [policy("other")]}))
    served.script("GET", BINDINGS, document({"items": []}))
    assert await plan_injection(client, RESOLVER, asked=False) is None


async def test_a_namespace_that_lets_no_pod_in_proves_nothing_and_stops_nothing(
    served: Api, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    asking(served, "a-tenant", "b")
    forbids(served, "a-tenant")
    gives(served, "b", dnsPolicy="None", dnsConfig=RESOLVER.dns_config("b"))
    await install(client)
    said = capsys.readouterr().err
    assert "a new pod of namespace a-tenant cannot be tried" in said
    assert "a new pod of namespace b gets 169.254.20.10" in said


async def test_where_no_namespace_lets_a_pod_in_that_is_said(
    served: Api, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    asking(served, "a-tenant")
    forbids(served, "a-tenant")
    await install(client)
    assert "is not known: no pod could be tried" in capsys.readouterr().err


async def test_a_pod_whose_policy_puts_other_nameservers_first_does_not_get_the_cache(
    served: Api, client: Client
) -> None:
    asking(served, "a")
    gives(served, "a", dnsPolicy="ClusterFirst", dnsConfig=RESOLVER.dns_config("a"))
    with pytest.raises(PartialError, match="its dnsPolicy is ClusterFirst"):
        await install(client)

"""Which installations can become ours, what they become, and why others cannot."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from kubectl_nodedns.facts.caches import cache_of
from kubectl_nodedns.install.adoption import (
    Adoption,
    belongings,
    headless,
    hindrance,
    merged,
)
from kubectl_nodedns.install.diff import diff_document, diff_lines
from kubectl_nodedns.install.live import Live, newest
from kubectl_nodedns.install.objects import ENABLING, FULL, OPTIONS, STATE, applicable
from kubectl_nodedns.install.plan import describe, make_plan
from tests.unit.install.samples import SETTINGS, build, node

KUBE_DNS_IP = "10.96.0.10"
APPLIED = {
    "manager": "kubectl-client-side-apply",
    "operation": "Update",
    "apiVersion": "apps/v1",
    "fieldsV1": {"f:spec": {"f:updateStrategy": {"f:rollingUpdate": {}}}},
}
STATUS = {"manager": "kube-controller-manager", "subresource": "status", "fieldsV1": {}}


def daemonset(
    name: str = "node-local-dns",
    *,
    local: str = "169.254.20.10,10.96.0.10",
    namespace: str = "kube-system",
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    selector: str = "node-local-dns",
) -> dict[str, Any]:
    words = ["-localip", local, "-conf", "/etc/Corefile", "-upstreamsvc", "kube-dns-upstream"]
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": "uid-1",
            "resourceVersion": "5",
            "labels": labels or {"addonmanager.kubernetes.io/mode": "Reconcile"},
            "annotations": annotations or {},
            "managedFields": [APPLIED, {**STATUS}],
        },
        "spec": {
            "selector": {"matchLabels": {"k8s-app": selector}},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
            "template": {
                "metadata": {"labels": {"k8s-app": selector}},
                "spec": {
                    "hostNetwork": True,
                    "serviceAccountName": "node-local-dns",
                    "volumes": [
                        {"name": "kube-dns-config", "configMap": {"name": "kube-dns"}},
                        {"name": "config-volume", "configMap": {"name": "node-local-dns"}},
                    ],
                    "containers": [
                        {
                            "name": "node-cache",
                            "image": "registry.k8s.io/dns/k8s-dns-node-cache:1.26.8",
                            "args": words,
                            "ports": [{"containerPort": 53, "protocol": "UDP"}],
                        }
                    ],
                },
            },
        },
    }


def why_not(obj: dict[str, Any]) -> str:
    cache = cache_of(obj)
    assert cache is not None
    return hindrance(cache, obj, namespace="kube-system")


@pytest.mark.parametrize(
    "local", ["__PILLAR__LOCAL__DNS__,__PILLAR__DNS__SERVER__", "169.254.20.10,"]
)
def test_a_cache_whose_agent_ends_at_its_arguments_is_not_adopted(local: str) -> None:
    why = why_not(daemonset(local=local))
    assert "-localip" in why
    assert "serves nobody" in why
    assert "kubelets" not in why, "nobody has to be led away from it first"


def adoption() -> Adoption:
    obj = daemonset()
    cache = cache_of(obj)
    assert cache is not None
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "node-local-dns", "namespace": "kube-system", "uid": "uid-2"},
        "data": {"Corefile": ".:53 {\n}\n"},
    }
    return Adoption(cache=cache, objects=(obj, config), kube_dns_ip=KUBE_DNS_IP)


def kubespray() -> dict[str, Any]:
    obj = daemonset("nodelocaldns", local="169.254.25.10", labels={"k8s-app": "kube-dns"})
    obj["spec"]["selector"] = {"matchLabels": {"k8s-app": "node-local-dns"}}
    return obj


def without(obj: dict[str, Any], *path: str) -> dict[str, Any]:
    at: Any = obj["spec"]["template"]["spec"]
    for key in path[:-1]:
        at = at["containers"][0] if key == "container" else at[key]
    del at[path[-1]]
    return obj


def test_the_manifest_of_the_documentation_can_become_ours() -> None:
    assert why_not(daemonset()) == ""


def test_so_can_one_of_another_name_that_serves_on_its_local_ip_alone() -> None:
    assert why_not(kubespray()) == ""
    assert why_not(daemonset("dns-cache")) == ""


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        (without(kubespray(), "container", "ports"), "clusterDNS of the kubelets was set back"),
        (without(kubespray(), "hostNetwork"), "no address of its own on the node"),
        (daemonset(annotations={"meta.helm.sh/release-name": "dns"}), "helm uninstall"),
        (daemonset(labels={"k8s-addon": "nodelocaldns.addons.k8s.io"}), "kOps puts its own back"),
        (daemonset(labels={"addon.gke.io/node-local-dns-ds-ready": "true"}), "managed cluster"),
        (without(daemonset("dns-cache"), "container", "ports"), "do not declare port 53"),
        (daemonset(namespace="dns"), "ours belong into kube-system"),
        (daemonset(selector="other"), "do not carry k8s-app=node-local-dns"),
    ],
)
def test_others_are_explained_with_the_way_out(obj: dict[str, Any], said: str) -> None:
    assert said in why_not(obj)


def test_what_belongs_to_a_cache_is_found_by_what_its_pods_use() -> None:
    assert belongings(daemonset()) == [
        ("ServiceAccount", "node-local-dns"),
        ("ConfigMap", "node-local-dns"),
        ("Service", "kube-dns-upstream"),
    ]
    services = [
        {"metadata": {"name": "kube-dns"}, "spec": {"clusterIP": "10.96.0.10"}},
        {
            "metadata": {"name": "metrics"},
            "spec": {"clusterIP": "None", "selector": {"k8s-app": "node-local-dns"}},
        },
    ]
    assert [s["metadata"]["name"] for s in headless(services)] == ["metrics"]


def test_what_others_wrote_becomes_what_we_applied_and_status_stays_theirs() -> None:
    found = adoption().as_ours('{"given": {}}')
    metadata = found["DaemonSet", "node-local-dns"]["metadata"]
    ours, status = metadata["managedFields"]
    assert (ours["manager"], ours["operation"]) == ("kubectl-nodedns", "Apply")
    assert ours["fieldsV1"] == APPLIED["fieldsV1"]
    assert status == STATUS
    assert metadata["annotations"] == {STATE: ENABLING, OPTIONS: '{"given": {}}'}
    assert metadata["labels"]["app.kubernetes.io/managed-by"] == "kubectl-nodedns"
    assert STATE not in adoption().objects[0]["metadata"]["annotations"]


def test_trees_of_fields_are_united() -> None:
    one = {"f:spec": {"f:a": {}, "f:c": {"f:x": {}}}}
    other = {"f:spec": {"f:b": {}, "f:c": {"f:y": {}}}}
    assert merged(one, other) == {"f:spec": {"f:a": {}, "f:b": {}, "f:c": {"f:x": {}, "f:y": {}}}}


def test_an_adopted_installation_is_upgraded_one_batch_through_the_dark() -> None:
    pods = newest(
        [
            {
                "metadata": {
                    "name": f"cache-{name}",
                    "uid": f"uid-{name}",
                    "labels": {"k8s-app": "node-local-dns"},
                    "ownerReferences": [{"kind": "DaemonSet", "name": "node-local-dns"}],
                },
                "spec": {"nodeName": name},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            }
            for name in ("node1", "node2")
        ]
    )
    assert {pod.phase for pod in pods.values()} == {FULL}
    live = Live(objects=adoption().as_ours(), pods=pods)
    made = make_plan(
        settings=SETTINGS,
        options="{}",
        wanted=build(SETTINGS),
        live=live,
        nodes=[node("node1"), node("node2")],
    )
    assert (made.switch, made.dark) == (("node1", "node2"), ("node1",))
    actions = {(c.kind, c.name): c.action for c in made.changes}
    assert actions["DaemonSet", "node-local-dns"] == "configure"
    assert actions["ConfigMap", "node-local-dns"] == "delete"


def test_what_is_put_back_never_rolls_by_itself() -> None:
    assert applicable(copy.deepcopy(daemonset()))["spec"]["updateStrategy"] == {"type": "OnDelete"}


def local_only() -> Adoption:
    obj = kubespray()
    cache = cache_of(obj)
    assert cache is not None
    pods = newest([pod_on(name, owner="nodelocaldns") for name in ("node1", "node2")])
    return Adoption(cache=cache, objects=(obj,), kube_dns_ip=KUBE_DNS_IP, pods=pods)


def pod_on(name: str, *, owner: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": f"cache-{name}",
            "uid": f"uid-{name}",
            "labels": {"k8s-app": "node-local-dns"},
            "ownerReferences": [{"kind": "DaemonSet", "name": owner}],
        },
        "spec": {
            "nodeName": name,
            "containers": [{"args": ["-localip", "169.254.25.10"]}],
        },
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def test_its_pods_go_over_to_our_daemonset_with_the_template_that_they_have() -> None:
    ours = local_only().as_ours('{"given": {}}')["DaemonSet", "node-local-dns"]
    assert ours["metadata"]["name"] == "node-local-dns"
    assert ours["spec"]["selector"] == {"matchLabels": {"k8s-app": "node-local-dns"}}
    assert ours["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert ours["spec"]["template"] == kubespray()["spec"]["template"]
    assert ours["metadata"]["annotations"] == {STATE: ENABLING, OPTIONS: '{"given": {}}'}
    assert "uid" not in ours["metadata"]
    [theirs] = local_only().labelled().values()
    assert (theirs["metadata"]["name"], theirs["metadata"]["uid"]) == ("nodelocaldns", "uid-1")


@pytest.mark.parametrize("mode", ["ipvs", "iptables"])
def test_each_node_of_it_has_one_announced_gap_in_every_mode(mode: str) -> None:
    taken = local_only()
    settings = replace(SETTINGS, mode=mode, local_ip="169.254.25.10")
    made = make_plan(
        settings=settings,
        options="{}",
        wanted=build(settings),
        live=Live(objects=taken.as_ours(), pods=taken.pods),
        nodes=[node("node1"), node("node2")],
    )
    assert made.gaps == made.switch == ("node1", "node2")
    assert made.dark == ()  # a dark start would cost a second gap
    said = "\n".join(describe(made))
    assert "GAP: on 2 nodes (node1, node2) whoever asks 169.254.25.10 gets no answer" in said
    assert "1 to 5 seconds a node" in said
    live = Live(objects=taken.as_ours(), pods=taken.pods)
    diff = diff_lines(made, build(settings), live)
    assert "has no DNS meanwhile" in diff[-1]
    assert diff_document(made, build(settings), live)["gaps"] == ["node1", "node2"]


def test_who_comes_back_for_it_is_said() -> None:
    said = "\n".join(local_only().lines())
    assert "managed by kubespray" in said
    assert "enable_nodelocaldns to false" in said
    assert "keep clusterDNS 169.254.25.10" in said

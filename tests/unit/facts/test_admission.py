from __future__ import annotations

import copy
from typing import Any

import pytest

from kubectl_nodedns.facts.admission import changed, pod_of_template, short_quotas
from kubectl_nodedns.facts.kubelets import kubelet_of, loopbacks, loops

SPEC: dict[str, Any] = {
    "priorityClassName": "system-node-critical",
    "dnsPolicy": "Default",
    "hostNetwork": True,
    "containers": [
        {
            "name": "node-cache",
            "image": "cache:1",
            "resources": {"requests": {"cpu": "25m", "memory": "32Mi"}},
        }
    ],
}


def quota(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "kube-system", "name": "q"},
        "spec": {"hard": hard, **spec},
        "status": {"hard": hard, "used": used or {}},
    }


def short(*quotas: dict[str, Any], count: int = 10) -> list[tuple[str, str, str]]:
    return [(one.resource, one.needed, one.left) for one in short_quotas(quotas, SPEC, count)]


def test_a_quota_that_is_too_small_is_found_with_its_figures() -> None:
    assert short(quota({"pods": "12"}, {"pods": "5"})) == [("pods", "10", "7")]
    assert short(quota({"pods": "15"}, {"pods": "5"})) == []
    assert short(quota({"requests.memory": "256Mi"})) == [("requests.memory", "320Mi", "256Mi")]
    assert short(quota({"memory": "1Gi"}, {"memory": "900Mi"})) == [("memory", "320Mi", "124Mi")]
    assert short(quota({"requests.cpu": "200m"})) == [("requests.cpu", "0.25", "0.2")]
    assert short(quota({"services": "0"})) == []


def test_a_quota_counts_only_pods_in_its_scope() -> None:
    none = {"pods": "0"}
    critical = {"scopeName": "PriorityClass", "operator": "In", "values": ["system-node-critical"]}
    others = {**critical, "values": ["low"]}
    assert short(quota(none, scopeSelector={"matchExpressions": [critical]}))
    assert not short(quota(none, scopeSelector={"matchExpressions": [others]}))
    assert not short(
        quota(none, scopeSelector={"matchExpressions": [{**critical, "operator": "NotIn"}]})
    )
    assert short(quota(none, scopes=["NotTerminating", "NotBestEffort"]))
    assert not short(quota(none, scopes=["Terminating"]))
    assert not short(quota(none, scopes=["BestEffort"]))


def test_a_pod_of_a_template_needs_no_service_account_of_ours() -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {**SPEC, "serviceAccountName": "x"}}
    before = copy.deepcopy(template)
    pod = pod_of_template(template, "kube-system")
    assert pod["spec"]["serviceAccountName"] == "default"
    assert pod["metadata"]["labels"] == {"a": "b"}
    assert pod["metadata"]["namespace"] == "kube-system"
    assert template == before


def test_what_admission_changes_is_told() -> None:
    sent = {"spec": SPEC}
    got = copy.deepcopy(sent)
    got["spec"]["tolerations"] = [{"operator": "Exists"}]  # the API server's own additions
    assert changed(sent, got) == []
    container = got["spec"]["containers"][0]
    container["resources"]["limits"] = {"memory": "64Mi"}
    container["image"] = "mirror/cache:1"
    got["spec"]["containers"].append({"name": "istio-proxy", "image": "proxy:2"})
    got["spec"]["dnsConfig"] = {"nameservers": ["192.0.2.1"]}
    got["spec"]["hostNetwork"] = False
    assert changed(sent, got) == [
        "a container is added: istio-proxy (proxy:2)",
        "container node-cache gets a memory limit of 64Mi",
        "the image becomes mirror/cache:1",
        "hostNetwork becomes False",
        "a dnsConfig is added",
    ]


def test_a_kubelets_settings_about_dns() -> None:
    config = {"clusterDNS": ["10.96.0.10"], "clusterDomain": "cluster.local."}
    kubelet = kubelet_of("node1", config)
    assert (kubelet.cluster_dns, kubelet.cluster_domain) == (("10.96.0.10",), "cluster.local")
    assert kubelet.resolv_conf == "/etc/resolv.conf"
    assert kubelet_of("node1", {"resolvConf": ""}).resolv_conf == ""


@pytest.mark.parametrize(
    ("servers", "back", "own"),
    [
        (["192.0.2.1"], [], []),
        (["10.96.0.10", "192.0.2.1"], ["10.96.0.10"], []),
        (["127.0.0.53", "::1"], [], ["127.0.0.53", "::1"]),
        (["fe80::1%eth0", "not-an-address"], [], []),
    ],
)
def test_resolvers_that_lead_back(servers: list[str], back: list[str], own: list[str]) -> None:
    assert loops(servers, ("10.96.0.10", "169.254.20.10")) == back
    assert loopbacks(servers) == own

"""Preflight where a real cluster does not give the answer: clouds, webhooks, missing rights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.errors import Exit
from tests.contract import cluster
from tests.contract.api import Api, answers, document, drops

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aiohttp import web

    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

PODS = "/api/v1/pods"
POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"
CACHE_PODS = "/api/v1/namespaces/kube-system/pods"
JOBS = "/apis/batch/v1/namespaces/default/jobs"

pytestmark = pytest.mark.usefixtures("config")


@pytest.fixture
def sound(api: Api) -> Api:
    """A cluster with nothing in the way of a cache, whose kubelets tell their settings."""
    cluster.fill(api)
    kubelet(api, clusterDNS=["10.96.0.10"])
    api.script("GET", "/apis", document({"groups": []}))
    return api


def kubelet(api: Api, **settings: Any) -> None:
    for node in ("node1", "node2"):
        path = f"/api/v1/nodes/{node}/proxy/configz"
        api.script("GET", path, document({"kubeletconfig": settings}))


def node(number: int, **labels: str) -> dict[str, Any]:
    made = cluster.node(number)
    made["metadata"]["labels"] |= labels
    return made


def found(run: Run, *words: str) -> dict[str, list[dict[str, Any]]]:
    """The findings of `check --pre`, by code."""
    ended = run("check", "--pre", "-o", "json", *words)
    assert ended.code in (Exit.OK, Exit.FINDING), ended.err
    by_code: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(ended.out)["findings"]:
        by_code.setdefault(finding["code"], []).append(finding)
    return by_code


def test_a_sound_cluster_has_no_finding_and_nothing_is_written(sound: Api, run: Run) -> None:
    assert found(run) == {}
    assert sound.state.writes == []


@pytest.mark.parametrize(
    ("label", "name", "way_out"),
    [
        ("addon.gke.io/node-local-dns-ds-ready=true", "GKE", "NodeLocalDNS=DISABLED"),
        ("kubernetes.azure.com/localdns-state=enabled", "AKS LocalDNS", "Disabled"),
        ("eks.amazonaws.com/compute-type=auto", "EKS Auto Mode", "--node-selector"),
    ],
)
def test_caches_of_clouds_are_named(
    label: str, name: str, way_out: str, sound: Api, run: Run
) -> None:
    key, _, value = label.partition("=")
    sound.remove("nodes")
    sound.add("nodes", node(1), node(2, **{key: value, "pool": "managed"}))
    (one,) = found(run)["ND107"]
    assert (one["subject"], name in one["seen"], way_out in one["wayOut"]) == (
        "nodes node2",
        True,
        True,
    )
    ended = run("enable", "--yes")
    assert ended.code == Exit.REFUSED, ended.err
    assert name in ended.err
    assert sound.state.writes == []


def test_nodes_that_are_left_out_do_not_count(sound: Api, run: Run) -> None:
    sound.remove("nodes")
    managed = {"eks.amazonaws.com/compute-type": "auto"}
    sound.add("nodes", node(1, pool="own"), node(2, **managed))
    assert "ND107" in found(run)
    assert found(run, "-l", "pool=own") == {}


def test_the_mode_of_kube_proxy_is_a_finding(api: Api, run: Run) -> None:
    cluster.fill(api, mode="userspace")
    (one,) = found(run)["ND102"]
    assert one["severity"] == "error"
    assert "userspace" in one["seen"]
    assert "ND102" not in found(run, "--mode", "iptables")
    (told,) = found(run, "--mode", "nftables")["ND102"]
    assert told["severity"] == "info"


@pytest.mark.parametrize("mode", ["cilium", "calico-ebpf"])
def test_other_dataplanes_are_a_finding_with_their_own_way_out(
    mode: str, sound: Api, run: Run
) -> None:
    by_code = found(run, "--mode", mode)
    assert list(by_code) == ["ND102"]
    (one,) = by_code["ND102"]
    assert (one["severity"], f"--mode {mode} --dry-run=client" in one["wayOut"]) == ("error", True)
    if mode == "cilium":
        replacement = {"kube-proxy-replacement": "true"}
        sound.add("configmaps", cluster.configmap("cilium-config", **replacement))
        assert found(run)["ND102"][0]["wayOut"] == one["wayOut"]


def test_the_resolvers_that_would_be_asked_instead_are_named(sound: Api, run: Run) -> None:
    stub = cluster.COREFILE + "corp.example:53 {\n    forward . 192.0.2.53\n}\n"
    sound.remove("configmaps")
    sound.add("configmaps", cluster.configmap("coredns", Corefile=stub))
    mode = ("--mode", "iptables")
    assert "would ask the node's resolvers instead" in found(run, *mode)["ND160"][0]["seen"]
    given = found(run, *mode, "--upstream", "192.0.2.9", "--upstream", "192.0.2.10")["ND160"]
    assert all("would ask 192.0.2.9, 192.0.2.10 instead" in one["seen"] for one in given)


def test_the_servers_for_all_other_names_are_named_as_upstreams(sound: Api, run: Run) -> None:
    text = cluster.COREFILE.replace("}\n}", "}\n forward . 192.0.2.1 192.0.2.2:53\n}")
    sound.remove("configmaps")
    sound.add("configmaps", cluster.configmap("coredns", Corefile=text))
    by_zone = {one["subject"]: one for one in found(run, "--mode", "iptables")["ND160"]}
    assert "enable --upstream 192.0.2.1,192.0.2.2" in by_zone["zone ."]["wayOut"]
    assert "--extra-blocks" not in by_zone["zone ."]["wayOut"], "the cache has a block for it"


def test_an_entry_that_the_agent_cannot_use_drops_all_of_them(sound: Api, run: Run) -> None:
    stubs = '{"corp.example": ["resolver.corp.example"], "ok.example": ["192.0.2.1"]}'
    sound.add("configmaps", cluster.configmap("kube-dns", stubDomains=stubs))
    (one,) = found(run)["ND161"]
    assert "drops the whole ConfigMap" in one["seen"]
    assert "resolver.corp.example for corp.example" in one["seen"]
    assert "delete" not in one["wayOut"]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("cilium-config", {"kube-proxy-replacement": "false"}, "Cilium runs beside kube-proxy"),
        (
            "antrea-config",
            {"antrea-agent.conf": "antreaProxy: {}\n"},
            "AntreaProxy",
        ),
    ],
)
def test_what_translates_beside_kube_proxy_is_told(
    name: str, data: dict[str, str], says: str, sound: Api, run: Run
) -> None:
    sound.add("configmaps", cluster.configmap(name, **data))
    (one,) = found(run)["ND102"]
    assert (one["severity"], says in one["seen"]) == ("warning", True)


def test_nobody_is_told_to_delete_what_the_old_kube_dns_lives_by(sound: Api, run: Run) -> None:
    stubs = '{"corp.example": ["192.0.2.1"]}'
    sound.add("configmaps", cluster.configmap("kube-dns", stubDomains=stubs))
    (one,) = found(run)["ND161"]
    assert "delete" not in one["wayOut"]
    assert "as on GKE" in one["wayOut"]


@pytest.mark.parametrize("given", ["stub", "block"])
def test_a_zone_that_the_agent_would_add_once_more_is_refused(
    given: str, sound: Api, run: Run, tmp_path: Path
) -> None:
    sound.add("configmaps", cluster.configmap("kube-dns", stubDomains='{"a.test": ["192.0.2.1"]}'))
    file = tmp_path / "blocks"
    file.write_text("a.test:53 {\n bind __PILLAR__LOCAL__DNS__\n forward . 192.0.2.1\n}\n")
    words = ("--stub-domain", "a.test=192.0.2.1")
    words = words if given == "stub" else ("--extra-blocks", str(file))
    assert [one["severity"] for one in found(run)["ND161"]] == ["warning"]
    first = found(run, *words)["ND161"][0]
    assert (first["severity"], "a second one" in first["seen"]) == ("error", True)
    ended = run("enable", "--yes", *words)
    assert (ended.code, "error: ND161" in ended.err) == (Exit.REFUSED, True), ended.err
    assert sound.state.writes == []


def test_ipvs_is_told_and_not_refused(api: Api, run: Run) -> None:
    cluster.fill(api, mode="ipvs")
    (told,) = found(run)["ND102"]
    assert told["severity"] == "info"
    assert "ipvs" in told["seen"]


def test_under_ipvs_the_kube_dns_ip_is_not_among_the_caches_addresses(api: Api, run: Run) -> None:
    cluster.fill(api, mode="ipvs")
    kubelet(api, clusterDNS=["10.96.0.10"])
    ended = run("check", "--pre")
    assert "at 169.254.20.10\n" in ended.err
    assert "ND133" not in ended.out, "kubelets are led to the local IP after the install"


def test_a_dns_service_that_cannot_be_told_is_the_only_finding(sound: Api, run: Run) -> None:
    sound.remove("services")
    (one,) = found(run)["ND100"]
    assert "no DNS service" in one["seen"]
    assert "pods have no DNS" in one["seen"]
    assert "Make a Service with clusterIP: 10.96.0.10" in one["wayOut"]


def test_a_second_address_family_is_said_not_to_be_covered(sound: Api, run: Run) -> None:
    dual = cluster.dns_service()
    dual["spec"]["clusterIPs"].append("fd00::a")
    sound.remove("services")
    sound.add("services", dual)
    (one,) = found(run)["ND106"]
    assert "fd00::a as well as 10.96.0.10; the cache takes over 10.96.0.10 alone" in one["seen"]
    second = found(run, "--local-ip", "fd00:90de:d95::1")
    assert (
        "10.96.0.10 as well as fd00::a; the cache takes over fd00::a alone"
        in (second["ND106"][0]["seen"])
    )
    assert [one["subject"] for one in second["ND133"]] == ["node node1", "node node2"]


def test_kubelets_that_hand_out_something_else(sound: Api, run: Run) -> None:
    sound.state.scripts.clear()
    kubelet(sound, clusterDNS=["169.254.25.10"], resolvConf="")
    by_code = found(run)
    assert [one["subject"] for one in by_code["ND132"]] == ["node node1", "node node2"]
    assert "169.254.25.10" in by_code["ND133"][0]["seen"]


def test_of_many_findings_alike_enable_shows_the_first(sound: Api, run: Run) -> None:
    sound.state.scripts.clear()
    sound.remove("nodes")
    sound.add("nodes", *(cluster.node(number) for number in range(1, 10)))
    for number in range(1, 10):
        path = f"/api/v1/nodes/node{number}/proxy/configz"
        settings = {"clusterDNS": ["10.96.0.99"], "resolvConf": ""}
        sound.script("GET", path, document({"kubeletconfig": settings}))
    assert len(found(run)["ND132"]) == 9
    ended = run("enable", "--yes")
    assert ended.code == Exit.REFUSED, ended.err
    assert ended.err.count("ND132 node node") == 5
    assert "ND132: 4 more like these" in ended.err
    assert ended.err.count("warning    ND133") == 5
    assert "ND133: 4 more like these" in ended.err


def test_a_service_range_is_told_by_kubeadm_where_there_is_no_api_for_it(
    sound: Api, run: Run
) -> None:
    path = "/apis/networking.k8s.io/v1/servicecidrs"
    sound.script("GET", path, answers(404, "NotFound", "the server could not find the resource"))
    text = "networking:\n  serviceSubnet: 169.254.0.0/16\n"
    sound.add("configmaps", cluster.configmap("kubeadm-config", ClusterConfiguration=text))
    (one,) = found(run)["ND120"]
    assert "169.254.0.0/16 of services (ConfigMap kube-system/kubeadm-config)" in one["seen"]


def test_an_address_of_a_service_is_used(sound: Api, run: Run) -> None:
    sound.add("services", cluster.dns_service("web", "203.0.113.9"))
    (one,) = found(run, "--local-ip", "203.0.113.9", "--dns-service", "kube-system/kube-dns")[
        "ND120"
    ]
    assert "service kube-system/web" in one["seen"]


def test_a_sidecar_that_a_webhook_adds_is_told(sound: Api, run: Run) -> None:
    async def inject(request: web.Request) -> web.Response:
        from aiohttp import web

        pod = await request.json()
        pod["spec"]["containers"].append({"name": "istio-proxy", "image": "proxyv2"})
        return web.json_response(pod)

    sound.script("POST", "/api/v1/namespaces/default/pods", inject)
    (one,) = found(run)["ND143"]
    assert one["subject"] == "probe pods in namespace default"
    assert "istio-proxy" in one["seen"]
    ended = run("enable", "--dry-run=server")
    assert ended.code == Exit.OK, ended.err
    assert "warning    ND143 probe pods" in ended.err


def test_a_webhook_that_denies_cache_pods_is_told_in_its_words(sound: Api, run: Run) -> None:
    words = 'admission webhook "policy.example.com" denied the request: no host network'
    sound.script("POST", CACHE_PODS, answers(403, "Forbidden", words))
    (one,) = found(run)["ND142"]
    assert words in one["seen"]
    ended = run("enable", "--yes")
    assert ended.code == Exit.REFUSED, ended.err
    assert words in ended.err
    assert run("enable", "--dry-run=server", "--ignore", "ND142").code == Exit.OK


@pytest.mark.parametrize("path", [CACHE_PODS, "/api/v1/namespaces/default/pods", JOBS])
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (409, "Operation cannot be fulfilled on resourcequotas"),
        (429, "too many requests"),
        (500, "etcdserver: leader changed"),
        (503, "the server is currently unable to handle the request"),
        (404, "the server could not find the requested resource"),
    ],
)
def test_a_server_that_did_not_look_has_not_refused(
    path: str, code: int, words: str, sound: Api, run: Run
) -> None:
    sound.script("POST", path, answers(code, "", words, {"Retry-After": "0"}))
    by_code = found(run)
    assert list(by_code) == ["ND199"]
    (one,) = by_code["ND199"]
    assert one["subject"].startswith("admission of ")
    assert words in one["seen"]


def test_an_object_that_the_server_did_not_look_at_was_not_refused(sound: Api, run: Run) -> None:
    path = "/apis/apps/v1/namespaces/kube-system/daemonsets/node-local-dns"
    sound.script("PATCH", path, answers(500, "", "etcdserver: leader changed"))
    (one,) = found(run)["ND199"]
    assert one["subject"] == "admission of DaemonSet node-local-dns"


def test_a_webhook_that_does_not_answer_is_a_refusal(sound: Api, run: Run) -> None:
    words = 'failed calling webhook "policy.example.com": context deadline exceeded'
    sound.script("POST", CACHE_PODS, answers(500, "InternalError", words))
    (one,) = found(run)["ND142"]
    assert "an exemption" in one["wayOut"]


def test_a_conflict_with_another_field_manager_is_a_finding(sound: Api, run: Run) -> None:
    path = "/apis/apps/v1/namespaces/kube-system/daemonsets/node-local-dns"
    sound.script("PATCH", path, answers(409, "Conflict", "Apply failed with 1 conflict"))
    (one,) = found(run)["ND142"]
    assert one["subject"] == "DaemonSet kube-system/node-local-dns"
    assert "--force-conflicts" in one["wayOut"]
    assert "exemption" not in one["wayOut"]


def test_a_right_that_is_missing_leaves_a_gap_and_stops_nothing(sound: Api, run: Run) -> None:
    for path in (PODS, POLICIES, "/api/v1/services", "/api/v1/namespaces/default"):
        sound.script("GET", path, answers(403, "Forbidden", "jane cannot list that"))
    said = 'User "jane" cannot create resource "pods" in API group ""'
    sound.script("POST", CACHE_PODS, answers(403, "Forbidden", said))
    by_code = found(run)
    assert list(by_code) == ["ND199"]
    assert {one["subject"] for one in by_code["ND199"]} == {
        "pods",
        "network policies",
        "services",
        "namespace default",
        "admission of cache pods",
    }
    ended = run("enable", "--dry-run=server")
    assert ended.code == Exit.OK, ended.err
    assert "not seen   " in ended.err
    assert "network policies" in ended.err


def test_a_corefile_that_is_none_leaves_a_gap(sound: Api, run: Run) -> None:
    sound.remove("configmaps")
    sound.add(
        "configmaps",
        cluster.configmap("coredns", Corefile=cluster.COREFILE + "hosts {\n"),
        cluster.configmap("kube-proxy", **{"config.conf": cluster.config("iptables")}),
    )
    assert [one["subject"] for one in found(run)["ND199"]] == ["CoreDNS's Corefile"]


def test_an_api_server_that_goes_away_ends_it(sound: Api, run: Run) -> None:
    sound.script("GET", POLICIES, drops)
    ended = run("check", "--pre")
    assert ended.code == Exit.API, ended.err
    assert "cannot reach the API server" in ended.err


def test_the_answer_is_about_the_options_that_enable_is_to_have(
    sound: Api, run: Run, tmp_path: Path
) -> None:
    taken = {"containerPort": 9999, "hostPort": 9999, "protocol": "TCP"}
    pod = cluster.pod("takes-a-port", "10.244.0.9")
    pod["spec"] = {"nodeName": "node1", "containers": [{"name": "it", "ports": [taken]}]}
    sound.add("pods", pod)
    assert found(run) == {}
    file = tmp_path / "nodedns.yaml"
    head = "apiVersion: nodedns/v1alpha1\nkind: NodeDNSConfiguration\n"
    file.write_text(head + "spec: {metricsPort: 9999}\n")
    assert list(found(run, "--config", str(file))) == ["ND121"]
    assert found(run, "--config", str(file), "--metrics-port", "9998") == {}
    assert list(found(run, "--metrics-port", "9999")) == ["ND121"]
    mirrored = found(run, "--image-registry", "mirror.example", "--priority-class", "dns")
    assert mirrored == {}
    sent = [json.loads(one.body) for one in sound.state.seen if one.method == "POST"]
    cache, probe = [one for one in sent if one.get("kind") == "Pod"][-2:]
    assert cache["spec"]["containers"][0]["image"].startswith("mirror.example/dns/")
    assert cache["spec"]["priorityClassName"] == "dns"
    assert probe["spec"]["containers"][0]["image"].startswith("mirror.example/")


def test_options_of_an_installation_go_with_pre(sound: Api, run: Run) -> None:
    for words in (("--config", "-"), ("--upgrade",), ("--no-forward-all-to-kube-dns",)):
        ended = run("check", *words)
        assert ended.code == Exit.USAGE, ended.err
        assert "goes with --pre" in ended.err
    ended = run("check", "--pre", "-l", "a=b", "--node-selector", "c=d")
    assert ended.code == Exit.USAGE, ended.err
    assert sound.state.seen == []


def test_a_namespace_for_probes_that_is_not_there_is_a_usage_error(sound: Api, run: Run) -> None:
    said = "--probe-namespace: there is no namespace 'nowhere'"
    for words in (("check", "--pre"), ("enable", "--yes"), ("enable", "--dry-run=client")):
        ended = run(*words, "--probe-namespace", "nowhere")
        assert (ended.code, said in ended.err) == (Exit.USAGE, True), ended.err
    # Where namespaces may not be read, a probe that is sent in a dry run tells.
    sound.script("GET", "/api/v1/namespaces/nowhere", answers(403, "Forbidden", "jane may not"))
    missing = answers(404, "NotFound", 'namespaces "nowhere" not found')
    sound.script("POST", "/api/v1/namespaces/nowhere/pods", missing)
    ended = run("enable", "--yes", "--probe-namespace", "nowhere")
    assert (ended.code, said in ended.err) == (Exit.USAGE, True), ended.err
    assert sound.state.writes == []


def test_a_code_that_does_not_exist_is_a_usage_error(sound: Api, run: Run) -> None:
    for words in (("check", "--pre"), ("enable", "--yes")):
        ended = run(*words, "--ignore", "ND999")
        assert ended.code == Exit.USAGE, ended.err
        assert "--ignore: there is no check ND999" in ended.err
    assert sound.state.seen == []


def test_findings_can_be_ignored_and_weighed(sound: Api, run: Run) -> None:
    dual = cluster.dns_service()
    dual["spec"]["clusterIPs"].append("fd00::a")
    sound.remove("services")
    sound.add("services", dual)
    assert run("check", "--pre").code == Exit.OK
    assert run("check", "--pre", "--fail-on", "warning").code == Exit.FINDING
    assert run("check", "--pre", "--fail-on", "warning", "--ignore", "ND106").code == Exit.OK

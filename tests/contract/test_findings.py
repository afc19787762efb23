"""Every finding, provoked once: a sound cluster has none, and one change of it has the one.

The real cluster of the end-to-end tests gives those that it can; here are all of them, each with
what it says.
"""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_nodedns.checks.finding import Severity
from kubectl_nodedns.checks.finding import run as run_checks
from kubectl_nodedns.checks.registry import RUNNING
from kubectl_nodedns.checks.status import status_of
from kubectl_nodedns.cluster.paths import PLURALS
from kubectl_nodedns.health.gathering import gather
from kubectl_nodedns.health.scope import Scope
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.options import settle
from kubectl_nodedns.install.settings import Settings
from kubectl_nodedns.lookup.question import Answer
from tests.contract.ailing import (
    CACHE_COREFILE,
    KUBE_DNS,
    LOCAL,
    NODES,
    Ailing,
    Page,
    cache_pod,
    owner,
)
from tests.contract.api import answers
from tests.contract.cluster import config, configmap, named, node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.lookup.question import Question
    from tests.contract.api import Api

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
LEFT = {"kube-dns-upstream", "node-local-dns"}
"""Objects of the cache that the sound cluster has."""
CASES: list[tuple[str, Severity, str, str, Callable[[Ailing], None]]] = []
"""Code, severity, subject, a piece of what is seen, and what provokes it."""


def case(
    code: str, severity: Severity, subject: str, seen: str
) -> Callable[[Callable[[Ailing], None]], Callable[[Ailing], None]]:
    def keep(provoke: Callable[[Ailing], None]) -> Callable[[Ailing], None]:
        CASES.append((code, severity, subject, seen, provoke))
        return provoke

    return keep


async def findings(api: Api, client: Client, cluster: Ailing) -> Any:
    cluster.serve(api)
    evidence = await gather(client, Scope(window=0.05))
    return run_checks(RUNNING, evidence), evidence


async def test_a_sound_cluster_has_no_finding(api: Api, client: Client) -> None:
    outcome, evidence = await findings(api, client, Ailing())
    assert outcome.findings == ()
    assert evidence.unread == ()
    assert set(outcome.skipped) == {"ND005"}, "only an installation of ours can drift"


@case("ND001", WARNING, "cluster", "no DaemonSet")
def no_cache(cluster: Ailing) -> None:
    cluster.objects["daemonsets"].clear()
    cluster.objects["pods"] = cluster.objects["pods"][2:]


@case(
    "ND002", WARNING, "daemonset kube-system/node-local-dns", "enable is unfinished: 2 of 2 served"
)
def unfinished(cluster: Ailing) -> None:
    metadata = cluster.objects["daemonsets"][0]["metadata"]
    metadata["labels"] = {"app.kubernetes.io/managed-by": "kubectl-nodedns"}
    metadata["annotations"] = {"kubectl-nodedns/state": "enabling"}


@case("ND002", WARNING, "daemonset kube-system/node-local-dns", "1 of 2 switched, 1 in the dark")
def dark(cluster: Ailing) -> None:
    unfinished(cluster)
    cluster.pod("node2")["metadata"]["labels"]["kubectl-nodedns/phase"] = "dark"
    cluster.pod("node2")["spec"]["containers"][0]["args"][1] = LOCAL


@case("ND003", ERROR, "node node1", "kube-system/node-local-dns and kube-system/other")
def duplicates(cluster: Ailing) -> None:
    other = copy.deepcopy(cluster.objects["daemonsets"][0])
    other["metadata"] = named("other")
    other["spec"]["selector"]["matchLabels"] = {"app": "other"}
    cluster.objects["daemonsets"].append(other)
    pod = cache_pod("node1")
    pod["metadata"] = {**named("other-node1", app="other"), "ownerReferences": [owner("other")]}
    cluster.objects["pods"].append(pod)


@case("ND004", WARNING, "configmap kube-system/nodelocaldns", "no cache uses it")
def leftovers(cluster: Ailing) -> None:
    cluster.objects["configmaps"].append({"metadata": named("nodelocaldns"), "data": {}})


@case("ND004", WARNING, "service kube-system/kube-dns-upstream", "no cache uses it")
def leftover_service(cluster: Ailing) -> None:
    no_cache(cluster)


@case("ND005", WARNING, "cluster", "serviceaccount node-local-dns is not there")
def drift(cluster: Ailing) -> None:
    unfinished(cluster)


@case("ND006", ERROR, "service kube-system/kube-dns-upstream", "there is no such service")
def no_upstream(cluster: Ailing) -> None:
    del cluster.objects["services"][1]


@case("ND006", ERROR, "service kube-system/kube-dns-upstream", "it has no ready endpoint")
def no_endpoint(cluster: Ailing) -> None:
    del cluster.objects["endpointslices"][1]


@case("ND006", ERROR, "service kube-system/kube-dns-upstream", "it is headless")
def headless_upstream(cluster: Ailing) -> None:
    cluster.objects["services"][1]["spec"] |= {"clusterIP": "None", "clusterIPs": ["None"]}


@case("ND007", WARNING, "daemonset tenant/other", "it bears our label")
def imitation(cluster: Ailing) -> None:
    """One of a tenant, in whose namespace everything else may be as ours is."""
    other = copy.deepcopy(cluster.objects["daemonsets"][0])
    labels = {"app.kubernetes.io/managed-by": "kubectl-nodedns"}
    other["metadata"] = named("other", "tenant", **labels)
    cluster.objects["daemonsets"].append(other)


@case("ND007", INFO, "daemonset tenant/node-local-dns", "no pod of it is on a node's network")
def seeming_cache(cluster: Ailing) -> None:
    other = copy.deepcopy(cluster.objects["daemonsets"][0])
    other["metadata"] = named("node-local-dns", "tenant")
    cluster.objects["daemonsets"].append(other)


@case(
    "ND008", ERROR, "daemonset kube-system/node-local-dns", "the placeholder __PILLAR__LOCAL__DNS__"
)
def placeholder(cluster: Ailing) -> None:
    cluster.cache["containers"][0]["args"][1] = f"__PILLAR__LOCAL__DNS__,{KUBE_DNS}"


@case("ND010", WARNING, "node node2", "no cache pod, and it should have one")
def no_pod(cluster: Ailing) -> None:
    cluster.objects["pods"].remove(cluster.pod("node2"))


@case("ND010", WARNING, "node node2", "do not tolerate the taint dedicated=gpu:NoSchedule")
def tainted(cluster: Ailing) -> None:
    no_pod(cluster)
    taint = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
    cluster.objects["nodes"][1]["spec"]["taints"] = [taint]
    del cluster.cache["tolerations"]


@case("ND010", INFO, "node node2", "its nodeSelector asks for dns=local")
def left_out(cluster: Ailing) -> None:
    no_pod(cluster)
    cluster.cache["nodeSelector"] = {"dns": "local"}
    cluster.objects["nodes"][0]["metadata"]["labels"]["dns"] = "local"


@case("ND010", INFO, "node node2", "its affinity chooses other nodes")
def left_out_by_affinity(cluster: Ailing) -> None:
    no_pod(cluster)
    cluster.cache["affinity"] = {"nodeAffinity": {}}
    cluster.objects["daemonsets"][0]["status"]["desiredNumberScheduled"] = 1


@case("ND010", ERROR, "node node2", f"its kubelet hands out {LOCAL}")
def no_pod_and_no_fallback(cluster: Ailing) -> None:
    no_pod(cluster)
    cluster.kubelets["node2"] = [LOCAL]


@case("ND011", ERROR, "node node1", "ImagePullBackOff: Back-off pulling image")
def not_ready(cluster: Ailing) -> None:
    status = cluster.pod("node1")["status"]
    status["conditions"][0]["status"] = "False"
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
    status["containerStatuses"][0]["state"] = {"waiting": waiting}


@case("ND011", WARNING, "node win1", "the node runs Windows, and the agent knows Linux only")
def on_windows(cluster: Ailing) -> None:
    windows = node(3)
    windows["metadata"] |= {"name": "win1", "labels": {"kubernetes.io/os": "windows"}}
    cluster.objects["nodes"].append(windows)
    pod = cache_pod("win1")
    pod["status"] = {"phase": "Pending"}
    cluster.objects["pods"].append(pod)


@case("ND012", WARNING, "pod shop/resolver", "asks 8.8.8.8, not the cache")
def other_servers(cluster: Ailing) -> None:
    cluster.add_pod("resolver", dnsPolicy="None", dnsConfig={"nameservers": ["8.8.8.8"]})


@case("ND013", INFO, "pod shop/agent", "gets the node's resolvers")
def on_the_host(cluster: Ailing) -> None:
    cluster.add_pod("agent", hostNetwork=True, dnsPolicy="ClusterFirst")


@case("ND014", WARNING, "node node2", f"hands out 10.0.0.53, and its cache listens on {KUBE_DNS}")
def other_kubelet(cluster: Ailing) -> None:
    cluster.kubelets["node2"] = ["10.0.0.53"]


def for_another_cluster(cluster: Ailing) -> None:
    """A cache from a manifest in which another cluster's DNS address was left (field, 09)."""
    for spec in (cluster.cache, *(cluster.pod(name)["spec"] for name in NODES)):
        spec["containers"][0]["args"][1] = f"{LOCAL},172.20.0.10"
    cluster.corefile(CACHE_COREFILE.replace(KUBE_DNS, "172.20.0.10"))


async def test_where_the_manifest_is_wrong_nobody_is_told_to_change_kubelets(
    api: Api, client: Client
) -> None:
    cluster = Ailing()
    for_another_cluster(cluster)
    outcome, _ = await findings(api, client, cluster)
    found = [one for one in outcome.findings if one.code == "ND014"]
    assert [one.subject for one in found] == ["node node1", "node node2"]
    for one in found:
        assert "leave the kubelets as they are: 172.20.0.10 is no address of" in one.way_out
        assert f"Put {KUBE_DNS} in its place, in -localip and in every bind" in one.way_out
        assert "edit daemonset/node-local-dns configmap/node-local-dns" in one.way_out


async def test_where_a_kubelet_is_wrong_it_is_the_one_to_change(api: Api, client: Client) -> None:
    cluster = Ailing()
    other_kubelet(cluster)
    outcome, _ = await findings(api, client, cluster)
    [found] = [one for one in outcome.findings if one.code == "ND014"]
    assert found.way_out.startswith("let the kubelet's clusterDNS name ")


@case("ND015", WARNING, "pod shop/old", "it asks 169.254.25.10, where no cache listens")
def dead_address(cluster: Ailing) -> None:
    cluster.add_pod("old", dnsPolicy="None", dnsConfig={"nameservers": ["169.254.25.10"]})


@case("ND015", ERROR, "node node1", "its kubelet hands out 169.254.25.10")
def dead_address_of_a_kubelet(cluster: Ailing) -> None:
    cluster.kubelets["node1"] = ["169.254.25.10"]


@case("ND015", ERROR, "node node2", "its pods have no DNS: its kubelet hands out 10.96.0.77")
def handed_out_and_gone(cluster: Ailing) -> None:
    cluster.kubelets["node2"] = ["10.96.0.77"]
    kubernetes = {"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"]}
    cluster.objects["services"].append({"metadata": named("kubernetes"), "spec": kubernetes})


@case("ND016", WARNING, "daemonset kube-system/node-local-dns", "the IPv6 address fd00::a")
def dual_stack(cluster: Ailing) -> None:
    cluster.objects["services"][0]["spec"]["clusterIPs"] = [KUBE_DNS, "fd00::a"]


@case("ND017", ERROR, "daemonset kube-system/node-local-dns", "take over 10.96.0.10, the DNS")
def under_ipvs(cluster: Ailing) -> None:
    cluster.objects["configmaps"][1]["data"]["config.conf"] = config("ipvs")


@case("ND017", ERROR, "daemonset kube-system/node-local-dns", "translated by cilium")
def under_cilium(cluster: Ailing) -> None:
    data = {"kube-proxy-replacement": "true"}
    cluster.objects["configmaps"].append(configmap("cilium-config", **data))


ASKED = f'coredns_dns_requests_total{{server="dns://{KUBE_DNS}:53",zone="."}}'


@case("ND022", WARNING, "node node1", f"no lookup at {KUBE_DNS} within ")
def never_asked(cluster: Ailing) -> None:
    for page in (cluster.before["node1"], cluster.after["node1"]):
        page.samples[ASKED] = 0
    cluster.count(ASKED, 5000, on="node2")
    cluster.add_pod("web")


@case("ND022", WARNING, "node node1", "2 pods on it ask there")
def not_asked_any_more(cluster: Ailing) -> None:
    for page in (cluster.before["node1"], cluster.after["node1"]):
        page.samples[ASKED] = 1e9
        page.started = time.time() - 100
    cluster.count(ASKED, 5000, on="node2")
    cluster.add_pod("web")
    cluster.add_pod("proxy", hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet")


async def test_a_node_in_the_dark_gets_no_advice_about_its_kubelet(
    api: Api, client: Client
) -> None:
    cluster = Ailing()
    dark(cluster)
    outcome, evidence = await findings(api, client, cluster)
    assert {one.code for one in outcome.findings} == {"ND002", "ND005"}
    kinds = {one.node: one.interception.value for one in status_of(evidence, outcome).nodes}
    assert kinds == {"node1": "not known", "node2": "in the dark"}


async def test_a_node_whose_pods_are_gone_is_idle(api: Api, client: Client) -> None:
    cluster = Ailing()
    not_asked_any_more(cluster)
    cluster.objects["pods"] = cluster.objects["pods"][:-2]
    outcome, evidence = await findings(api, client, cluster)
    assert outcome.findings == ()
    assert [one.askers for one in evidence.nodes] == [0, None]


@case("ND021", WARNING, "node node1", "2 SERVFAIL, 1 REFUSED")
def failures(cluster: Ailing) -> None:
    cluster.count('coredns_dns_responses_total{zone=".",rcode="NXDOMAIN"}', 197)
    cluster.count('coredns_dns_responses_total{zone=".",rcode="SERVFAIL"}', 2)
    cluster.count('coredns_dns_responses_total{zone=".",rcode="REFUSED"}', 1)


@case("ND021", ERROR, "node node1", "4.0% of 100 responses failed")
def many_failures(cluster: Ailing) -> None:
    cluster.count('coredns_dns_responses_total{zone=".",rcode="NXDOMAIN"}', 96)
    cluster.count('coredns_dns_responses_total{zone=".",rcode="SERVFAIL"}', 4)


def proxied(to: str, rcode: str) -> str:
    return f'coredns_proxy_request_duration_seconds_count{{to="{to}",rcode="{rcode}"}}'


def loads(cluster: Ailing, *, nxdomain: float, asked: float) -> None:
    """Three nodes, of which node1 has a thousand times the lookups of the others.

    That much, since each node's window lasts as long as it takes on a busy machine.
    """
    cluster.objects["nodes"].append(node(3))
    cluster.objects["pods"].append(cache_pod("node3"))
    for pages in (cluster.before, cluster.after):
        pages["node3"] = Page()
    cluster.kubelets["node3"] = [KUBE_DNS]
    requests = 'coredns_cache_requests_total{zones="."}'
    hits = 'coredns_cache_hits_total{zones=".",type="success"}'
    for name, times in (("node1", 1000), ("node2", 1), ("node3", 1)):
        share = nxdomain if name == "node1" else 0.4
        response = 'coredns_dns_responses_total{{zone=".",rcode="{}"}}'
        cluster.count(response.format("NXDOMAIN"), 1000 * times * share, on=name)
        cluster.count(response.format("NOERROR"), 1000 * times * (1 - share), on=name)
        cluster.count(requests, 1000 * times, on=name)
        cluster.count(hits, 1000 * times - (asked if name == "node1" else 100), on=name)


@case("ND023", WARNING, "node node1", "90% of them end in NXDOMAIN; the other nodes' median is ")
def storm(cluster: Ailing) -> None:
    loads(cluster, nxdomain=0.9, asked=400_000)


@case("ND024", INFO, "node node1", "and no more misses than theirs (")
def over_and_over(cluster: Ailing) -> None:
    loads(cluster, nxdomain=0.4, asked=0)


async def test_a_node_that_asks_for_more_names_is_only_busy(api: Api, client: Client) -> None:
    cluster = Ailing()
    loads(cluster, nxdomain=0.4, asked=100_000)
    outcome, _ = await findings(api, client, cluster)
    assert outcome.findings == ()


def slow(cluster: Ailing, *nodes: str) -> None:
    """Four nodes ask one upstream; half of its answers take some 300 ms on `nodes`."""
    for number in (3, 4):
        cluster.objects["nodes"].append(node(number))
        cluster.objects["pods"].append(cache_pod(f"node{number}"))
        for pages in (cluster.before, cluster.after):
            pages[f"node{number}"] = Page()
        cluster.kubelets[f"node{number}"] = [KUBE_DNS]
    bucket = 'coredns_proxy_request_duration_seconds_bucket{{to="10.0.0.2:53",le="{}"}}'
    for name in ("node1", "node2", "node3", "node4"):
        cluster.count(proxied("10.0.0.2:53", "NOERROR"), 100, on=name)
        fast = 10 if name in nodes else 100
        for bound, count in (("0.008", fast), ("0.25", fast), ("0.5", 100), ("+Inf", 100)):
            cluster.count(bucket.format(bound), count, on=name)


@case("ND034", WARNING, "node node2", "and no more than 8.0 ms on 3 other nodes")
def slow_for_one(cluster: Ailing) -> None:
    slow(cluster, "node2")


async def test_an_upstream_that_is_slow_for_two_is_not_slow_for_one(
    api: Api, client: Client
) -> None:
    cluster = Ailing()
    slow(cluster, "node2", "node3")
    outcome, _ = await findings(api, client, cluster)
    assert outcome.findings == ()


@case("ND030", WARNING, "upstream 10.0.0.2:53", "1 SERVFAIL, 1 REFUSED in 100 responses (2.0%)")
def failing_upstream(cluster: Ailing) -> None:
    cluster.count(proxied("10.0.0.2:53", "NOERROR"), 98)
    cluster.count(proxied("10.0.0.2:53", "SERVFAIL"), 1)
    cluster.count(proxied("10.0.0.2:53", "REFUSED"), 1)


@case("ND031", ERROR, "upstream 10.0.0.2:53", "7 health checks of node node1 failed: lookups")
def silent_upstream(cluster: Ailing) -> None:
    cluster.count('coredns_proxy_healthcheck_failures_total{to="10.0.0.2:53"}', 7)


@case(
    "ND032",
    WARNING,
    "pod kube-system/coredns-2",
    "it got 900 of 1000 lookups, the other one 100 (node node2)",
)
def uneven(cluster: Ailing) -> None:
    name = 'coredns_dns_requests_total{server="dns://:53",zone="."}'
    cluster.count(name, 100, on="coredns-1")
    cluster.count(name, 900, on="coredns-2")


async def test_a_coredns_that_was_read_once_alone_does_not_pass_for_an_idle_one(
    api: Api, client: Client
) -> None:
    cluster = Ailing()
    uneven(cluster)
    cluster.serve(api)
    page = "/api/v1/namespaces/kube-system/pods/coredns-1:9153/proxy/metrics"
    api.state.scripts["GET", page][-1] = answers(503, "ServiceUnavailable", "busy")
    evidence = await gather(client, Scope(window=0.05))
    assert "ND032" not in {one.code for one in run_checks(RUNNING, evidence).findings}
    [said] = [line for line in evidence.unread if line.startswith("CoreDNS: ")]
    assert "no two pages of metrics of coredns-1" in said


@case("ND033", ERROR, "node node1", "Loop (169.254.20.10:4711 -> 169.254.20.10:53) detected")
def looped(cluster: Ailing) -> None:
    status = cluster.pod("node1")["status"]["containerStatuses"][0]
    status["lastState"] = {"terminated": {"reason": "Error", "exitCode": 1}}
    words = f'[FATAL] plugin/loop: Loop ({LOCAL}:4711 -> {LOCAL}:53) detected for zone "."\n'
    cluster.logs["node-local-dns-node1"] = words


@case("ND033", ERROR, "node node1", f"forwards to {KUBE_DNS}:53, its own address")
def forwards_to_itself(cluster: Ailing) -> None:
    cluster.count(proxied(f"{KUBE_DNS}:53", "NOERROR"), 5)


@case("ND033", ERROR, "node node1", "127.0.0.53:53, an address of the node itself")
def forwards_to_a_stub(cluster: Ailing) -> None:
    cluster.count(proxied("127.0.0.53:53", "NOERROR"), 5)


def ended(cluster: Ailing, reason: str, code: int, at: str) -> None:
    status = cluster.pod("node1")["status"]["containerStatuses"][0]
    status["restartCount"] = 3
    terminated = {"reason": reason, "exitCode": code, "finishedAt": at}
    status["lastState"] = {"terminated": terminated}


def limit(cluster: Ailing, where: str, memory: str) -> None:
    cluster.pod(where)["spec"]["containers"][0]["resources"] = {"limits": {"memory": memory}}


@case("ND040", ERROR, "node node1", "OOMKilled, exit code 137, limit 300 MiB")
def killed(cluster: Ailing) -> None:
    ended(cluster, "OOMKilled", 137, "2026-11-02T00:00:00Z")
    limit(cluster, "node1", "300Mi")


@case("ND041", WARNING, "node node1", "restarted 3 times, last: Error, exit code 2")
def restarted(cluster: Ailing) -> None:
    ended(cluster, "Error", 2, "2099-11-02T00:00:00Z")


@case("ND041", INFO, "node node1", "days ago")
def restarted_long_ago(cluster: Ailing) -> None:
    ended(cluster, "Error", 2, "2020-11-02T00:00:00Z")


@case("ND042", WARNING, "node node2", "260 MiB resident, limit 300 MiB (87%)")
def near_the_limit(cluster: Ailing) -> None:
    limit(cluster, "node1", "600Mi")  # an older pod: under OnDelete they differ
    limit(cluster, "node2", "300Mi")
    cluster.after["node1"].memory = 260 * 2**20
    cluster.after["node2"].memory = 260 * 2**20


@case("ND043", INFO, "daemonset kube-system/node-local-dns", "limit 64 MiB; full caches would take")
def low_limit(cluster: Ailing) -> None:
    cluster.cache["containers"][0]["resources"] = {"limits": {"memory": "64Mi"}}


@case("ND044", ERROR, "node node1", "3 interface_add, 2 iptables")
def setup_errors(cluster: Ailing) -> None:
    cluster.count('coredns_nodecache_setup_errors_total{errortype="iptables"}', 2)
    cluster.count('coredns_nodecache_setup_errors_total{errortype="interface_add"}', 3)


@case(
    "ND044", WARNING, "node node1", "since it started a minute ago: 1 interface_add, 24 iptables;"
)
def setup_errors_of_a_round_before(cluster: Ailing) -> None:
    for page in (cluster.before["node1"], cluster.after["node1"]):
        page.started = time.time() - 65
        page.samples['coredns_nodecache_setup_errors_total{errortype="iptables"}'] = 24
        page.samples['coredns_nodecache_setup_errors_total{errortype="interface_add"}'] = 1


@case("ND044", INFO, "node node1", "1 configmap")
def harmless_setup_errors(cluster: Ailing) -> None:
    cluster.count('coredns_nodecache_setup_errors_total{errortype="configmap"}', 1)


@case("ND045", WARNING, "node node1", "2 Corefiles could not be loaded")
def reload_failures(cluster: Ailing) -> None:
    cluster.count("coredns_reload_failed_total", 2)


@case("ND045", ERROR, "configmap kube-system/node-local-dns", "autopath in the block .:53")
def plugin_unknown(cluster: Ailing) -> None:
    cluster.corefile(CACHE_COREFILE.replace(".:53 {", ".:53 {\n autopath"))


@case("ND045", ERROR, "configmap kube-system/node-local-dns", "its { is never closed")
def brace_left_out(cluster: Ailing) -> None:
    cluster.corefile(CACHE_COREFILE.rstrip().removesuffix("}"))


@case("ND045", ERROR, "configmap kube-system/node-local-dns", "two server blocks of the Corefile")
def zone_twice(cluster: Ailing) -> None:
    again = "in-addr.arpa {\n bind 10.96.0.10\n forward . __PILLAR__CLUSTER__DNS__\n}\n"
    cluster.corefile(CACHE_COREFILE + again)


@case("ND050", WARNING, "daemonset kube-system/node-local-dns", "for .:53")
def open_resolver(cluster: Ailing) -> None:
    head, _, tail = CACHE_COREFILE.rpartition("bind 169.254.20.10 10.96.0.10")
    cluster.corefile(f"{head}bind 0.0.0.0{tail}")


def policy(name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    metadata = named(name, namespace)
    return {"apiVersion": "networking.k8s.io/v1", "metadata": metadata, "spec": spec}


@case("ND051", WARNING, "networkpolicy shop/dns", f"and not the cache at {KUBE_DNS}")
def egress_by_selector(cluster: Ailing) -> None:
    everywhere = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    rule = {"to": [everywhere], "ports": [{"port": 53, "protocol": "UDP"}]}
    one = policy("dns", "shop", podSelector={}, policyTypes=["Egress"], egress=[rule])
    cluster.objects["networkpolicies"].append(one)


@case("ND051", WARNING, "networkpolicy kube-system/coredns", "lets no node's address ask CoreDNS")
def ingress_from_pods(cluster: Ailing) -> None:
    rule = {"from": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "TCP"}]}
    selector = {"matchLabels": {"k8s-app": "kube-dns"}}
    one = policy("coredns", "kube-system", podSelector=selector, ingress=[rule])
    cluster.objects["networkpolicies"].append(one)


@case("ND060", WARNING, "prometheusrule monitoring/coredns", "coredns_proxy_request_duration_sec")
def dead_rule(cluster: Ailing) -> None:
    expr = 'rate(coredns_forward_responses_total{rcode="SERVFAIL"}[5m]) > 0'
    cluster.objects["prometheusrules"].append(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "metadata": named("coredns", "monitoring"),
            "spec": {"groups": [{"rules": [{"alert": "Forwarding", "expr": expr}]}]},
        }
    )


@case("ND061", WARNING, "node node1", "the metrics page cannot be read")
def no_metrics(cluster: Ailing) -> None:
    class Nonsense(Page):
        def text(self) -> str:
            return "<html>not metrics</html>"

    cluster.before["node1"] = cluster.after["node1"] = Nonsense()


def image(cluster: Ailing, reference: str) -> None:
    cluster.cache["containers"][0]["image"] = reference


@case("ND070", INFO, "daemonset kube-system/node-local-dns", "image 1.26.4; 1.26.8 is out")
def old_image(cluster: Ailing) -> None:
    image(cluster, "registry.k8s.io/dns/k8s-dns-node-cache:1.26.4")


@case("ND070", WARNING, "daemonset kube-system/node-local-dns", "those before 1.22.20")
def bad_image(cluster: Ailing) -> None:
    image(cluster, "registry.k8s.io/dns/k8s-dns-node-cache:1.21.1")


@case("ND070", WARNING, "daemonset kube-system/node-local-dns", "a registry that is frozen")
def frozen_registry(cluster: Ailing) -> None:
    image(cluster, "k8s.gcr.io/dns/k8s-dns-node-cache:1.26.8")


@case("ND071", WARNING, "zone corp.example", "forward . 10.1.1.1")
def stub_zone(cluster: Ailing) -> None:
    corefile = cluster.objects["configmaps"][0]["data"]
    corefile["Corefile"] += "corp.example:53 {\n forward . 10.1.1.1\n}\n"


@case("ND072", ERROR, "daemonset kube-system/node-local-dns", "sends cluster.local to CoreDNS")
def another_domain(cluster: Ailing) -> None:
    cluster.corefile(CACHE_COREFILE.replace("cluster.local", "other.example"))


@case("ND073", WARNING, "configmap kube-system/kube-dns", "resolver.corp.example for corp.example")
def stub_by_name(cluster: Ailing) -> None:
    cluster.cache["volumes"].append({"configMap": {"name": "kube-dns", "optional": True}})
    stubs = '{"corp.example": ["resolver.corp.example"], "ok.example": ["192.0.2.1"]}'
    cluster.objects["configmaps"].append(configmap("kube-dns", stubDomains=stubs))


@pytest.mark.parametrize(
    ("code", "severity", "subject", "seen", "provoke"),
    CASES,
    ids=[f"{code}-{provoke.__name__}" for code, _, _, _, provoke in CASES],
)
async def test_a_change_is_found(
    api: Api,
    client: Client,
    code: str,
    severity: Severity,
    subject: str,
    seen: str,
    provoke: Callable[[Ailing], None],
) -> None:
    cluster = Ailing()
    provoke(cluster)
    outcome, _ = await findings(api, client, cluster)
    found = [one for one in outcome.findings if (one.code, one.subject) == (code, subject)]
    assert found, outcome.findings
    assert (found[0].severity, seen in found[0].seen) == (severity, True), found
    assert found[0].matters
    assert found[0].way_out
    alone = code not in {"ND001", "ND002", "ND004", "ND005", "ND010", "ND011", "ND033", "ND003"}
    assert not alone or {one.code for one in outcome.findings} == {code}, outcome.findings


def test_every_check_is_provoked() -> None:
    probed = {"ND020", "ND062"}  # they take a probe: see test_tours.py, test_check_command.py
    assert {code for code, *_ in CASES} | probed == {check.code for check in RUNNING}


async def test_a_cache_on_its_local_ip_may_ask_coredns_at_the_kube_dns_ip(
    api: Api, client: Client
) -> None:
    """It has no other address for it under ipvs, and that one is not its own."""
    cluster = Ailing()
    under_ipvs(cluster)
    for spec in (cluster.cache, *(cluster.pod(name)["spec"] for name in NODES)):
        spec["containers"][0]["args"][1] = LOCAL
    cluster.kubelets = {name: [LOCAL] for name in NODES}
    cluster.count(proxied(f"{KUBE_DNS}:53", "NOERROR"), 50)
    outcome, _ = await findings(api, client, cluster)
    assert not {one.code for one in outcome.findings} & {"ND017", "ND033"}


class Unknown:
    """Probes to which every name is unknown: somebody answers, and knows nothing."""

    async def start(self, nodes: Sequence[str]) -> dict[str, str]:
        return {}

    async def ask(self, node: str, questions: Sequence[Question]) -> list[Answer]:
        return [Answer(question=question, rcode="NXDOMAIN") for question in questions]


@pytest.mark.parametrize(("domain", "refuted"), [("other.example", 0), ("cluster.local", 2)])
async def test_that_a_corefile_lacks_the_domain_says_nothing_about_interception(
    api: Api, client: Client, domain: str, refuted: int
) -> None:
    cluster = Ailing()
    cluster.corefile(CACHE_COREFILE.replace("cluster.local", domain))
    cluster.serve(api)
    evidence = await gather(client, Scope(window=0.05), probes=cast("Any", Unknown()))
    codes = [one.code for one in run_checks(RUNNING, evidence).findings]
    assert codes.count("ND020") == refuted
    assert ("ND072" in codes) is (refuted == 0)


@pytest.mark.parametrize("domain", ["corp.local", ""])
async def test_options_that_were_given_are_no_drift(api: Api, client: Client, domain: str) -> None:
    memory, _ = settle({"cluster-domain": domain} if domain else {}, None, upgrade=False)
    settings = Settings.of(
        memory,
        namespace="kube-system",
        dns_selector={"k8s-app": "kube-dns"},
        dns_ports={"UDP": 53, "TCP": 53},
        service_ips=[KUBE_DNS],
        cluster_domain=domain or "cluster.local",
        mode="iptables",
        dns_service="kube-dns",
    )
    cluster = Ailing()
    cluster.objects["daemonsets"].clear()
    cluster.objects["pods"] = cluster.objects["pods"][2:]
    for plural in ("services", "configmaps"):
        cluster.objects[plural] = [
            one for one in cluster.objects[plural] if one["metadata"]["name"] not in LEFT
        ]
    for obj in build(settings, options=memory.as_text()):
        obj["metadata"]["uid"] = f"uid-of-{obj['metadata']['name']}"
        if obj["kind"] == "Service":
            obj["spec"].setdefault("clusterIP", "10.96.7.7")
        cluster.objects[PLURALS[obj["kind"]]].append(obj)
    _, evidence = await findings(api, client, cluster)
    assert evidence.drift == ()


async def test_setup_errors_at_the_start_alone_are_over_after_a_while(
    api: Api, client: Client
) -> None:
    cluster = Ailing()
    for page in (cluster.before["node1"], cluster.after["node1"]):
        page.started = time.time() - 25 * 60
        page.samples['coredns_nodecache_setup_errors_total{errortype="iptables_lock"}'] = 24
    outcome, _ = await findings(api, client, cluster)
    assert outcome.findings == ()


async def test_findings_come_in_a_persons_order_of_nodes(api: Api, client: Client) -> None:
    cluster = Ailing()
    cluster.objects["nodes"].append(node(10))
    cluster.kubelets["node10"] = [KUBE_DNS]
    cluster.objects["pods"] = cluster.objects["pods"][2:]
    outcome, _ = await findings(api, client, cluster)
    subjects = [one.subject for one in outcome.findings if one.code == "ND010"]
    assert subjects == ["node node1", "node node2", "node node10"]

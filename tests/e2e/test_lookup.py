"""`lookup` on a real Kubernetes: every vantage point, bad servers, and what keeps probes away."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.images import TOOL_BOX_IMAGE
from tests.cluster.layout import DNS_SERVICE_IP
from tests.e2e.api_tap import Tap
from tests.e2e.nodes import OwnNodes
from tests.e2e.official_addon import wait_for
from tests.e2e.plugin import Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall

LOCAL_IP = "169.254.20.10"
NAME = "kubernetes.default.svc.cluster.local."
NAMESPACE = "nodedns-lookup"
PATIENT = ("--query-timeout", "10")
"""A lookup that is lost on a busy machine would be a difference."""
ASKED = re.compile(r"(\+tcp|\+notcp)[^@]* @(\S+) -q (\S+) -t \S+$", re.MULTILINE)
TIME = re.compile(r"^;; Query time: (\d+) usec$", re.MULTILINE)


@pytest.fixture(scope="module")
def pods(real_cluster: RealCluster, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Pods by name: a bad DNS server, one that asks as most do, one with its own nameserver."""
    image = request.config.getoption("--tool-image", default=TOOL_BOX_IMAGE)
    if not isinstance(real_cluster.nodes, OwnNodes):
        pytest.skip("the bad DNS server is in the test cluster's own tool box only")
    node = real_cluster.node_names[0]
    sleep = ["sleep", "3600"]
    own = {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.88.0.1"]}}
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        pod("bad", node, image, ["/usr/bin/badserver"]),
        pod("usual", node, image, sleep),
        pod("own", node, image, sleep, **own),
    ]
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    real_cluster.kubectl.run("apply", "-f", "-", stdin=manifest)
    try:
        ready = ("wait", "--for=condition=Ready", "pod", "--all", "--timeout=300s")
        real_cluster.kubectl.run("-n", NAMESPACE, *ready)
        listing = real_cluster.kubectl.run("-n", NAMESPACE, "get", "pods", "-o", "json")
        yield {item["metadata"]["name"]: item for item in json.loads(listing)["items"]}
    finally:
        real_cluster.kubectl.run(
            "delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false"
        )


def pod(name: str, node: str, image: str, command: list[str], **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": image, "command": command}
    spec = {"nodeName": node, "containers": [container], "terminationGracePeriodSeconds": 0, **spec}
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def probes(kubectl: KubectlCall, kinds: str = "jobs,pods") -> list[str]:
    """The names of what is left of probes."""
    label = ("-A", "-l", "app.kubernetes.io/component=probe", "-o", "name")
    return str(kubectl("get", kinds, *label)).split()


def leaves_nothing(kubectl: KubectlCall) -> None:
    """Check that no Job is left, and that the cluster takes their pods away."""
    assert probes(kubectl, "jobs") == []
    wait_for(lambda: not probes(kubectl), "the pods of probes are gone")


def test_without_a_cache_the_service_and_each_coredns_pod_are_asked_and_agree(
    no_cache: Plugin, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    asked = nodedns.run("lookup", "kubernetes.default", "-o", "json", *PATIENT)
    assert asked.code == 0, str(asked)
    answer = json.loads(asked.stdout)
    assert answer["name"] == NAME
    assert [one["rcode"] for one in answer["search"]] == ["NXDOMAIN", "NOERROR"]
    places = Counter((one["where"], one["protocol"]) for one in answer["lookups"])
    assert places == {
        ("kube-dns", "udp"): 1,
        ("kube-dns", "tcp"): 1,
        ("CoreDNS", "udp"): 2,
        ("CoreDNS", "tcp"): 2,
    }
    assert answer["verdict"]["same"] is True
    assert answer["verdict"]["intercepted"] is None
    leaves_nothing(kubectl)


def test_a_cache_that_is_not_ours_is_told_by_its_counters_and_that_is_called_evidence(
    agents: RealCluster, nodedns: Plugin
) -> None:
    asked = nodedns.run("lookup", NAME, "--udp", *PATIENT)
    assert asked.code == 0, str(asked)
    assert "cache node" not in asked.stdout
    said = [line for line in asked.stdout.splitlines() if "(evidence, no proof)" in line]
    assert [DNS_SERVICE_IP in line for line in said].count(True) == 1
    assert all("grew by" in line and "it may have answered" in line for line in said), str(asked)


def test_every_vantage_point_of_every_node_and_every_time_is_digs_own(
    real_cluster: RealCluster, cache: Plugin, tmp_path: Path
) -> None:
    with Tap(real_cluster.kubeconfig, tmp_path / "kubeconfig") as tap:
        asked = Plugin(tap.own_kubeconfig).run(
            "lookup", "example.com", "-A", "-o", "json", *PATIENT
        )
    assert asked.code == 0, str(asked)
    answer = json.loads(asked.stdout)
    assert answer["verdict"]["intercepted"] is True
    wheres = {"local", "kube-dns", "upstream", "CoreDNS", "resolver"}
    for node in real_cluster.node_names:
        rows = [one for one in answer["lookups"] if one["node"] == node]
        assert {row["where"] for row in rows} == wheres
        by = {row["server"]: row["answeredBy"] for row in rows}
        assert by[LOCAL_IP]["node"] == by[DNS_SERVICE_IP]["node"] == node

    shown: Counter[tuple[str, str, int]] = Counter()
    for row in answer["lookups"]:
        assert row["measured"] == f"{row['microseconds']} usec"
        shown[row["server"], row["protocol"], row["microseconds"]] += 1
        if row["marker"]:
            shown[row["server"], row["protocol"], row["marker"]["microseconds"]] += 1
    for tried in answer["search"]:
        shown[DNS_SERVICE_IP, "udp", tried["microseconds"]] += 1
    printed: Counter[tuple[str, str, int]] = Counter()
    for stream in tap.printed:
        for block in stream.decode().split(";;; nodedns\n"):
            if (question := ASKED.search(block)) and (took := TIME.search(block)):
                protocol = "tcp" if question[1] == "+tcp" else "udp"
                printed[question[2], protocol, int(took[1])] += 1
    assert shown == printed
    assert shown.total() >= len(answer["lookups"]) + 3


def test_the_table_ends_with_the_verdict_and_says_where_it_asked(
    cache: Plugin, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    asked = nodedns.run("lookup", "10.96.0.10", "--udp", *PATIENT)
    assert asked.code == 0, str(asked)
    lines = asked.stdout.splitlines()
    assert lines[0].split()[:4] == ["WHERE", "ADDRESS", "PROTO", "RESULT"]
    assert lines[-1].startswith("verdict: the same everywhere: NOERROR kube-dns.kube-system.svc.")
    assert lines[-1].endswith("intercepted")
    assert "-A asks from all" in asked.stderr
    leaves_nothing(kubectl)


BAD = {
    "control": r"\027[2J\027]0;owned\007\013\010;; Query",
    "alias": r"\027[31mred.bad.test.",
    "huge": "(61200 characters)",
    "cut": "end of file",
    "wrongid": "only a response with a wrong ID in 1 s",
    "silent": "no response in 1 s",
    "garbage": "no answer at server",
}
"""What the bad DNS server does when it is asked for LABEL.bad.test, and what is told of it."""


def test_what_a_bad_server_sends_comes_out_readable_and_harmless(
    pods: dict[str, Any], nodedns: Plugin
) -> None:
    options = ("--at", pods["bad"]["status"]["podIP"], "--query-timeout", "1", "-o", "wide")
    runs = {label: nodedns.start("lookup", f"{label}.bad.test.", "TXT", *options) for label in BAD}
    for label, process in runs.items():
        asked = nodedns.wait(process)
        assert asked.code == 1, str(asked)
        assert BAD[label] in asked.stdout, str(asked)
        lines = asked.stdout.splitlines()
        # Whatever the server sends, its row is one line, and the others were asked all the same.
        assert all(line.isprintable() for line in lines), str(asked)
        assert sum(line.startswith("server") for line in lines) == 2, str(asked)
        assert sum(line.startswith("CoreDNS") for line in lines) == 4, str(asked)
        if label == "huge":
            assert "truncated over UDP, and asked again over TCP" in asked.stdout


def test_a_pods_own_way_is_explained_and_asked_from_the_pod_itself(
    cache: Plugin, pods: dict[str, Any], nodedns: Plugin
) -> None:
    asked = nodedns.run(
        "lookup", "kubernetes.default", "--from", "pod/usual", "-n", NAMESPACE, *PATIENT
    )
    assert asked.code == 0, str(asked)
    assert "resolv.conf     read in the pod" in asked.stderr
    assert f"search {NAMESPACE}.svc.cluster.local svc.cluster.local cluster.local" in asked.stderr
    assert "asked from      the pod itself, by its dig" in asked.stderr
    node = pods["usual"]["spec"]["nodeName"]
    assert (
        f"asks the kube-dns IP, {DNS_SERVICE_IP}, and the cache of {node} answers" in asked.stdout
    )


def test_a_pod_that_bypasses_the_cache_is_called_out(
    cache: Plugin, pods: dict[str, Any], nodedns: Plugin
) -> None:
    asked = nodedns.run("lookup", "example.com", "--from", "own", "-n", NAMESPACE, "-o", "json")
    assert asked.code == 1, str(asked)
    answer = json.loads(asked.stdout)
    assert answer["pod"]["nameservers"] == ["10.88.0.1"]
    assert answer["differences"][0]["kind"] == "bypass"
    assert "bypasses the cache: its nameserver is 10.88.0.1" in answer["verdict"]["text"]


def test_a_pod_without_a_shell_has_its_resolv_conf_computed(
    cache: Plugin, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    name = ("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-dns", "-o", "name")
    coredns = kubectl(*name).split()[0]
    asked = nodedns.run("lookup", NAME, "--from", coredns, "-n", "kube-system", "--udp")
    assert "resolv.conf     computed from dnsPolicy Default" in asked.stderr
    assert "asked from      a probe pod on" in asked.stderr
    assert asked.code == 1, str(asked)


def test_a_node_asks_directly_without_a_probe(
    cache: Plugin, real_cluster: RealCluster, kubectl: KubectlCall
) -> None:
    node = real_cluster.node_names[0]
    words = ("lookup", NAME, "--direct", "--at", LOCAL_IP, "--at", DNS_SERVICE_IP)
    more = ("--cluster-domain", "cluster.local", "--kubeconfig", "/nonexistent", "-o", "json")
    # Exit code 1 is right here: the node's own resolver does not know the cluster's names.
    printed = real_cluster.nodes.run(
        node, sys.executable, "-m", "kubectl_nodedns", *words, *more, check=False
    )
    answer = json.loads(printed[printed.index("{") :])
    rows = [one for one in answer["lookups"] if one["server"] in (LOCAL_IP, DNS_SERVICE_IP)]
    assert [row["rcode"] for row in rows] == ["NOERROR"] * 4
    assert {row["answeredBy"]["node"] for row in rows} == {node}
    leaves_nothing(kubectl)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "a quota or limit of the namespace stands in the way"),
        (("--probe-image", "registry.k8s.io/none:0"), "the image stands in the way"),
    ],
    ids=["quota", "image"],
)
def test_what_keeps_a_probe_away_is_named_with_a_way_out(
    options: tuple[str, ...],
    words: str,
    pods: dict[str, Any],
    nodedns: Plugin,
    kubectl: KubectlCall,
) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "full", "namespace": NAMESPACE},
        "spec": {"hard": {"pods": "0"}},
    }
    where = ("--probe-namespace", NAMESPACE)
    if options:
        where = ("--timeout", "5s")
    else:
        kubectl("apply", "-f", "-", stdin=json.dumps(quota))
    asked = nodedns.run("lookup", NAME, *where, *options)
    if not options:
        kubectl("-n", NAMESPACE, "delete", "resourcequota", "full")
    assert asked.code == 1, str(asked)
    assert words in asked.stderr
    assert "--probe-" in asked.stderr
    leaves_nothing(kubectl)


def test_a_tainted_node_is_asked_from_all_the_same(
    real_cluster: RealCluster, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    node = real_cluster.node_names[-1]
    kubectl("taint", "node", node, "dedicated=gpu:NoSchedule")
    try:
        asked = nodedns.run("lookup", NAME, "--node", node, "--udp", *PATIENT)
    finally:
        kubectl("taint", "node", node, "dedicated=gpu:NoSchedule-")
    assert f"from {node}" in asked.stderr
    assert asked.code == 0, str(asked)


def test_a_client_that_is_killed_leaves_no_probe_behind_after_its_limit(
    nodedns: Plugin, kubectl: KubectlCall
) -> None:
    process = nodedns.start("lookup", NAME, "--watch", "--udp", "--probe-lifetime", "10s")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("verdict"):
            break
    assert probes(kubectl)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    # 10 s of life, and 30 s until the cluster deletes what has ended; the rest is patience.
    began = time.monotonic()
    wait_for(lambda: not probes(kubectl), "the probes are gone")
    print(f"\nno probe is left {time.monotonic() - began:.0f} s after the client was killed")

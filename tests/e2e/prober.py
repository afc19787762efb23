"""Asks DNS questions from a pod on every node while a test does something, and counts the lost.

Two programs run in each pod, both in the tool box image. dnsperf asks over UDP with one socket at
a high rate. dnsprober asks at a lower one in three ways: a TCP connection for each lookup, TCP
connections held open, and a UDP socket for each lookup. Half of the names are in a cache after
the first lookup, the other half are new each time.

The programs run detached and write into the pod's own folder. Between start and end nobody needs
the API server, so a test may pause it.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cluster.kubectl import Kubectl

NAMESPACE = "nodedns-prober"
CLUSTER_NAME = "kubernetes.default.svc.cluster.local"
WILDCARD_ZONE = "example.test"
QUERIES = 60_000
STREAMS = ("tcp-new", "tcp-held", "udp")


@dataclass(frozen=True)
class Count:
    """What became of the lookups of one kind on one node."""

    sent: int
    """How many were asked."""
    lost: int
    """How many had no answer in time, or one that was not what the name has."""
    severed: int = 0
    """How many were answered only when asked again, for their TCP connection broke."""
    errors: Mapping[str, int] = field(default_factory=dict)
    """How many were lost for which reason."""
    longest_gap: float | None = None
    """The longest time in seconds without an answer, where it is known."""


@dataclass(frozen=True)
class NodeCounts:
    """The counts of one node."""

    udp: Count
    """Over UDP, one socket (dnsperf)."""
    udp_new: Count
    """Over UDP, a socket for each lookup."""
    tcp_new: Count
    """Over TCP, a connection for each lookup."""
    tcp_held: Count
    """Over TCP, connections held open."""


@dataclass
class Probing:
    """One run of the probers."""

    counts: dict[str, NodeCounts] = field(default_factory=dict)
    """The counts by node; filled when the run has ended."""

    def __str__(self) -> str:
        """Say what was sent and lost."""
        parts = [
            f"{kind} {self.lost(kind)} of {self.sent(kind)} lost"
            for kind in ("udp", "udp_new", "tcp_new", "tcp_held")
        ]
        return "; ".join((*parts, f"tcp_new severed and asked again: {self.severed('tcp_new')}"))

    def lost(self, kind: str) -> int:
        """Return how many lookups of a kind (a field of NodeCounts) were lost on all nodes."""
        return sum(getattr(counts, kind).lost for counts in self.counts.values())

    def severed(self, kind: str) -> int:
        """Return how many lookups of a kind were severed on all nodes."""
        return sum(getattr(counts, kind).severed for counts in self.counts.values())

    def errors(self, kind: str) -> dict[str, dict[str, int]]:
        """Return why lookups of a kind were lost, by node; nodes without a loss are left out."""
        found = {node: dict(getattr(counts, kind).errors) for node, counts in self.counts.items()}
        return {node: errors for node, errors in found.items() if errors}

    def sent(self, kind: str) -> int:
        """Return how many lookups of a kind were sent on all nodes."""
        return sum(getattr(counts, kind).sent for counts in self.counts.values())


def manifest(image: str) -> str:
    """Return the namespace and the DaemonSet of the probing pods."""
    security = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 65534,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "prober",
        "image": image,
        "command": ["sleep", "86400"],
        "securityContext": security,
        "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
    }
    pod = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
    }
    labels = {"app": "prober"}
    daemon_set = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "prober", "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [namespace, daemon_set]})


def queries_script() -> str:
    """Return the shell line that writes dnsperf's queries, every other name a new one."""
    program = (
        f"BEGIN {{ srand(seed); for (i = 0; i < {QUERIES // 2}; i++) {{"
        f' print "{CLUSTER_NAME} A";'
        f' printf "d%08x%04x.{WILDCARD_ZONE} A\\n", i, int(rand() * 65536) }} }}'
    )
    return f"awk -v seed=$$ '{program}' > /scratch/queries"


def start_script(server: str, udp_rate: int, tcp_rate: int) -> str:
    """Return the shell lines that start both programs, detached."""
    port = 53
    dnsperf = f"dnsperf -s {server} -p {port} -d queries -Q {udp_rate} -l 86400 -t 5 -c 1"
    streams = ",".join(STREAMS)
    prober = f"dnsprober -server {server}:{port} -streams {streams} -rate {tcp_rate}"
    prober += f" -cached {CLUSTER_NAME} -uncached {WILDCARD_ZONE}"
    detached = "</dev/null 2>&1 &"
    return (
        "cd /scratch && rm -f *.out *.pid && "
        f"{{ {dnsperf} >dnsperf.out {detached} echo $! >dnsperf.pid; "
        f"{prober} >dnsprober.out {detached} echo $! >dnsprober.pid; }}"
    )


def stop_script() -> str:
    """Return the shell lines that end both programs and print what they found.

    An ended program stays in the pod's list of processes, since `sleep` does not collect it; but
    its command line is empty from then on.
    """
    return (
        "cd /scratch && for p in dnsperf dnsprober; do kill -INT $(cat $p.pid); done; "
        "for p in dnsperf dnsprober; do n=0; "
        "while grep -q . /proc/$(cat $p.pid)/cmdline 2>/dev/null && [ $n -lt 150 ]; do "
        "n=$((n+1)); sleep 0.1; done; done; "
        "cat dnsprober.out; echo ---; cat dnsperf.out"
    )


def parse_output(text: str) -> NodeCounts:
    """Return the counts from what `stop_script` printed."""
    probed, _, performed = text.partition("\n---\n")
    try:
        streams = json.loads(probed)["streams"]
    except json.JSONDecodeError as error:
        raise ClusterError(f"dnsprober did not report: {text[:2000]}") from error
    return NodeCounts(
        udp=parse_dnsperf(performed),
        udp_new=_stream(streams["udp"]),
        tcp_new=_stream(streams["tcp-new"]),
        tcp_held=_stream(streams["tcp-held"]),
    )


def _stream(found: Mapping[str, object]) -> Count:
    return Count(
        sent=int(str(found["sent"])),
        lost=int(str(found["lost"])),
        severed=int(str(found["severed"])),
        errors=found["errors"] if isinstance(found["errors"], dict) else {},
        longest_gap=float(str(found["longest_gap_seconds"])),
    )


def parse_dnsperf(text: str) -> Count:
    """Return the counts of dnsperf's report.

    Queries that were under way when dnsperf was told to end are neither answered nor lost. An
    answer other than NOERROR is a loss: every name of the queries has an address.
    """
    numbers = {}
    for label in ("sent", "completed", "lost", "interrupted"):
        found = re.search(rf"Queries {label}:\s+(\d+)", text)
        numbers[label] = int(found[1]) if found else 0
    if not numbers["sent"]:
        raise ClusterError(f"dnsperf did not report: {text[:2000]}")
    codes = re.search(r"Response codes:\s+(.*)", text)
    answers = dict(re.findall(r"([A-Z]+) (\d+)", codes[1])) if codes else {}
    errors = {name.lower(): int(count) for name, count in answers.items() if name != "NOERROR"}
    unanswered = numbers["sent"] - numbers["completed"] - numbers["interrupted"]
    if unanswered:
        errors["timeout"] = unanswered
    return Count(sent=numbers["sent"], lost=sum(errors.values()), errors=errors)


class Prober:
    """The probing pods of a cluster."""

    def __init__(self, kubectl: Kubectl) -> None:
        """Use the pods of this cluster; `set_up` makes them."""
        self.kubectl = kubectl
        self.pods: dict[str, str] = {}

    def set_up(self, image: str) -> None:
        """Make a pod on every node, with the queries ready."""
        self.kubectl.apply(manifest(image))
        self.kubectl.rollout(NAMESPACE, "daemonset/prober")
        listing = self.kubectl.run("-n", NAMESPACE, "get", "pods", "-l", "app=prober", "-o", "json")
        for item in json.loads(listing)["items"]:
            self.pods[item["spec"]["nodeName"]] = item["metadata"]["name"]
        for node in self.pods:
            self._shell(node, queries_script())

    def tear_down(self) -> None:
        """Remove the pods and their namespace."""
        self.kubectl.run("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false")

    def start(self, server: str, udp_rate: int, tcp_rate: int) -> None:
        """Start asking on every node, and return when every node has begun."""
        for node in self.pods:
            self._shell(node, start_script(server, udp_rate, tcp_rate))
        time.sleep(0.5)

    def stop(self) -> dict[str, NodeCounts]:
        """Stop asking and return the counts by node."""
        return {node: parse_output(self._shell(node, stop_script())) for node in self.pods}

    def _shell(self, node: str, script: str) -> str:
        return self.kubectl.run("-n", NAMESPACE, "exec", self.pods[node], "--", "sh", "-c", script)

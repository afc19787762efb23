"""How e2e tests reach into nodes: the cluster of this repository, kind, or not at all.

A test asks for what it needs. Where the cluster cannot serve it, the test is skipped with that
reason, so the same tests run against a developer's own cluster as far as that goes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.cluster.bring_up import MODES
from tests.cluster.errors import ClusterError
from tests.cluster.progress import Progress
from tests.cluster.proxy_mode import set_mode, switch_mode

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster
    from tests.cluster.kubectl import Kubectl

KIND_LABEL = "io.x-k8s.kind.role"


class Nodes:
    """Access to the nodes of a cluster of which nothing is known: every request is a skip."""

    kind = "a cluster whose nodes cannot be reached"

    def _refuse(self, what: str) -> NoReturn:
        pytest.skip(f"{self.kind} cannot {what}")

    def run(self, node: str, *command: str, check: bool = True) -> str:
        """Run a command on a node and return what it printed."""
        self._refuse(f"run {command[0]} on a node")

    def stop_kubelet(self, node: str) -> None:
        """End a node's kubelet; its pods go on running."""
        self._refuse("stop a kubelet")

    def start_kubelet(self, node: str) -> None:
        """Start a node's kubelet again."""
        self._refuse("start a kubelet")

    def set_cluster_dns(self, node: str, ip: str) -> None:
        """Have a node's kubelet hand another nameserver to the pods that come."""
        self._refuse("change what a kubelet hands out")

    def pause_api_server(self) -> None:
        """Keep the API server from answering, its connections open."""
        self._refuse("pause the API server")

    def resume_api_server(self) -> None:
        """Let the API server answer again."""
        self._refuse("resume the API server")

    def kill_container(
        self, node: str, pod: str, container: str, namespace: str = "kube-system"
    ) -> None:
        """Kill a container with SIGKILL, as the kernel does when memory is short."""
        self._refuse("kill a container")

    def set_proxy_mode(self, mode: str) -> None:
        """Have kube-proxy run in another mode on every node."""
        self._refuse(f"switch kube-proxy to {mode}")


class OwnNodes(Nodes):
    """The nodes of a cluster that tests.cluster made: namespaces of this machine."""

    kind = "the test cluster"

    def __init__(self, cluster: Cluster) -> None:
        """Reach into the nodes of this cluster."""
        self.cluster = cluster

    def run(self, node: str, *command: str, check: bool = True) -> str:
        return self.cluster.execute(node, *command, check=check).stdout

    def stop_kubelet(self, node: str) -> None:
        self.cluster.stop_kubelet(node)

    def start_kubelet(self, node: str) -> None:
        self.cluster.start_kubelet(node)

    def set_cluster_dns(self, node: str, ip: str) -> None:
        self.cluster.stop_kubelet(node)
        self.cluster.start_kubelet(node, dns=ip)

    def pause_api_server(self) -> None:
        self.cluster.pause_api_server()

    def resume_api_server(self) -> None:
        self.cluster.resume_api_server()

    def kill_container(
        self, node: str, pod: str, container: str, namespace: str = "kube-system"
    ) -> None:
        self.cluster.kill_container(node, pod, container, namespace)

    def set_proxy_mode(self, mode: str) -> None:
        switch_mode(self.cluster, mode, Progress(quiet=True))


class KindNodes(Nodes):
    """The nodes of a kind cluster: containers of this machine with the nodes' names."""

    kind = "kind"

    def __init__(self, kubectl: Kubectl) -> None:
        """Reach into the containers whose names are those of the nodes."""
        self.kubectl = kubectl

    def run(self, node: str, *command: str, check: bool = True) -> str:
        words = ["docker", "exec", node, *command]
        result = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
        if check and result.returncode != 0:
            raise ClusterError(f"{' '.join(words)}: {result.stderr.strip()}")
        return result.stdout

    def stop_kubelet(self, node: str) -> None:
        self.run(node, "systemctl", "stop", "kubelet")

    def start_kubelet(self, node: str) -> None:
        self.run(node, "systemctl", "start", "kubelet")

    def kill_container(
        self, node: str, pod: str, container: str, namespace: str = "kube-system"
    ) -> None:
        selection = ("--namespace", namespace, "--name", f"^{container}$", "--label")
        label = f"io.kubernetes.pod.name={pod}"
        identifier = self.run(node, "crictl", "ps", "--quiet", *selection, label).strip()
        if not identifier:
            raise ClusterError(f"container {container} of {namespace}/{pod} does not run on {node}")
        inspect = ("crictl", "inspect", "--output", "go-template", "--template", "{{.info.pid}}")
        self.run(node, "kill", "-KILL", self.run(node, *inspect, identifier).strip())

    def set_proxy_mode(self, mode: str) -> None:
        name = ("-n", "kube-system", "configmap", "kube-proxy")
        found = json.loads(self.kubectl.run("get", *name, "-o", "json"))
        patch = {"data": {"config.conf": set_mode(found["data"]["config.conf"], mode)}}
        self.kubectl.run("patch", *name, "--type=merge", "-p", json.dumps(patch))
        self.kubectl.run("-n", "kube-system", "rollout", "restart", "daemonset/kube-proxy")
        self.kubectl.rollout("kube-system", "daemonset/kube-proxy")
        # kube-proxy has no readiness there: give the rules the time of a first sync.
        time.sleep(5)


def nodes_of(kubectl: Kubectl) -> Nodes:
    """Return access to the nodes of a cluster that was given by its kubeconfig."""
    listing = json.loads(kubectl.run("get", "nodes", "-o", "json"))
    names = {item["metadata"]["name"] for item in listing["items"]}
    if shutil.which("docker") is None:
        return Nodes()
    words = ["docker", "ps", "--filter", f"label={KIND_LABEL}", "--format", "{{.Names}}"]
    containers = subprocess.run(words, capture_output=True, text=True, check=False)
    return KindNodes(kubectl) if names <= set(containers.stdout.split()) else Nodes()


def proxy_mode_of(kubectl: Kubectl) -> str | None:
    """Return the mode of kube-proxy from kubeadm's ConfigMap; None where there is none."""
    name = ("-n", "kube-system", "configmap", "kube-proxy")
    found = kubectl.run("get", *name, "-o", "json", "--ignore-not-found")
    if not found:
        return None
    config = json.loads(found)["data"].get("config.conf", "")
    for mode in MODES:
        if f'mode: "{mode}"' in config or f"mode: {mode}" in config:
            return mode
    return "iptables"

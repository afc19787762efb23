"""`up`: from nothing, or from whatever an earlier `up` left, to a cluster in which DNS answers.

Every step makes what is missing and leaves what is there, so `up` may be killed at any point and
run again. The order is for speed: nodes prepare while the API server starts; CoreDNS comes when
kube-proxy works, because one that starts earlier cannot reach the API server, and backs off.
"""

from __future__ import annotations

import dataclasses
import shutil
import socket
import sys
from string import Template
from typing import TYPE_CHECKING

from tests.cluster import cgroups, control_plane, images, network, node, pki, seed
from tests.cluster.cluster import CONTROL, KUBELET, Cluster, State
from tests.cluster.errors import ClusterError
from tests.cluster.layout import (
    API_PORT,
    CLUSTER_DOMAIN,
    CONTROL_IP,
    DNS_SERVICE_IP,
    MANIFESTS,
    MAX_NODES,
    POD_RANGE,
    REPOSITORY,
    Layout,
    Node,
)
from tests.cluster.packages import requirements
from tests.cluster.processes import find_supervisor
from tests.cluster.programs import build, locked
from tests.cluster.progress import Progress
from tests.cluster.proxy_mode import switch_mode
from tests.cluster.readiness import is_healthy, wait_for_answer, wait_for_nodes
from tests.cluster.supervisor import LISTENER_TARGET, LISTENER_VARIABLE, Service, start

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_NODES = 3
DEFAULT_MODE = "iptables"
MODES = ("iptables", "nftables")


def up(
    layout: Layout,
    nodes: int | None = None,
    mode: str | None = None,
    progress: Progress | None = None,
) -> Cluster:
    """Bring the cluster up; without `nodes` and `mode`, as it was or by default."""
    progress = progress or Progress()
    reasons = requirements()
    if reasons:
        raise ClusterError("the test cluster cannot run here: " + "; ".join(reasons))
    layout.root.mkdir(parents=True, exist_ok=True)
    with locked(layout.lock):
        before = State.read(layout)
        wanted = decide(before, nodes, mode)
        cluster = Cluster(layout)
        if before and wanted.nodes == before.nodes and is_healthy(cluster):
            progress.say(f"already up: {before.nodes} nodes, kube-proxy in {before.mode} mode")
        else:
            # A mode that is to change does so at the end, when there is something to change.
            present = before.mode if before else wanted.mode
            _make(cluster, dataclasses.replace(wanted, mode=present), progress)
        if before and wanted.mode != before.mode:
            switch_mode(cluster, wanted.mode, progress)
    return cluster


def decide(before: State | None, nodes: int | None, mode: str | None) -> State:
    """Return the state to reach from the state before and what was asked for."""
    count = nodes or (before.nodes if before else DEFAULT_NODES)
    if not 1 <= count <= MAX_NODES:
        raise ClusterError(f"the number of nodes must be between 1 and {MAX_NODES}")
    if before and count < before.nodes:
        raise ClusterError(
            f"the cluster has {before.nodes} nodes: nodes can be added, to have fewer run `down`"
        )
    return State(
        nodes=count,
        mode=mode or (before.mode if before else DEFAULT_MODE),
        port=before.port if before else 0,
    )


def _make(cluster: Cluster, wanted: State, progress: Progress) -> None:
    layout = cluster.layout
    with progress.step("programs (the first build takes about ten minutes)"):
        programs = build()
    with progress.step("images"):
        planted = seed.prepare(layout, programs)
    nodes = [Node(number + 1) for number in range(wanted.nodes)]
    with progress.step("control plane"):
        wanted = _start_control_plane(cluster, wanted, programs)
        for each in nodes:
            _start_node(cluster, each, planted)
        control_plane.wait_until_ready(layout, wanted.port)
        cluster.request(CONTROL, control_plane.controllers(layout, programs))
        for each in nodes:
            service = node.kubelet_service(layout, each, programs)
            cluster.request(each.name, {KUBELET: service})
        cluster.kubectl.apply(manifest("kube-proxy", wanted.mode))
    with progress.step(f"{wanted.nodes} nodes"):
        wait_for_nodes(cluster)
    with progress.step("kube-proxy"):
        cluster.kubectl.rollout("kube-system", "daemonset/kube-proxy")
    with progress.step("CoreDNS"):
        cluster.kubectl.apply(manifest("coredns", wanted.mode))
        cluster.kubectl.rollout("kube-system", "deployment/coredns")
    with progress.step("DNS answers on every node"):
        for each in nodes:
            wait_for_answer(cluster, each)


def manifest(name: str, mode: str) -> str:
    """Return one of the manifests with its variables filled in."""
    template = Template((MANIFESTS / f"{name}.yaml").read_text())
    image = {"kube-proxy": images.KUBE_PROXY_IMAGE, "coredns": images.COREDNS_IMAGE}[name]
    return template.safe_substitute(
        IMAGE=image,
        MODE=mode,
        SERVER=f"https://{CONTROL_IP}:{API_PORT}",
        POD_RANGE=POD_RANGE,
        DNS_IP=DNS_SERVICE_IP,
        DOMAIN=CLUSTER_DOMAIN,
    )


def _start_control_plane(cluster: Cluster, wanted: State, programs: Path) -> State:
    layout = cluster.layout
    layout.log.mkdir(exist_ok=True)
    if find_supervisor(layout.services(CONTROL)) is None:
        for old in layout.log.iterdir():
            old.unlink()
        # Services of nodes whose network is gone must wait until it is made again.
        shutil.rmtree(layout.root / "run", ignore_errors=True)
        wanted = _start_supervisor(layout, wanted)
    wanted.write(layout)
    network.set_up_control(cluster.wait_for_supervisor(CONTROL))
    pki.make(layout)
    pki.write_host_kubeconfig(layout, wanted.port)
    cluster.request(CONTROL, control_plane.foundation(layout, programs))
    return wanted


def _start_supervisor(layout: Layout, wanted: State) -> State:
    """Start the control plane's supervisor, with a socket of the host's loopback in its hands."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", wanted.port))
        except OSError:
            listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        spaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        init = [sys.executable, "-m", "tests.cluster.supervisor", str(layout.services(CONTROL))]
        service = Service(
            argv=("/usr/bin/unshare", *spaces, *init),
            log=str(layout.log / f"{CONTROL}.log"),
            environment={"PYTHONPATH": str(REPOSITORY), LISTENER_VARIABLE: str(LISTENER_TARGET)},
            listener=True,
        )
        start(service, listener.fileno())
        return dataclasses.replace(wanted, port=listener.getsockname()[1])


def _start_node(cluster: Cluster, each: Node, planted: Path) -> None:
    layout = cluster.layout
    layout.node(each).mkdir(parents=True, exist_ok=True)
    cgroups.make(layout, each)
    seed.plant(planted, layout.node(each) / "containerd")
    cluster.request(CONTROL, {each.name: node.namespaces_service(layout, each)})
    process = cluster.wait_for_supervisor(each.name)
    network.connect_node(cluster.supervisor(CONTROL), each, process)
    cluster.request(each.name, {"containerd": node.containerd_service(layout, each)})

"""One cluster as its users see it: find its processes, run commands in nodes, stop and start parts.

This is the Python interface that tests use. Starting and ending the whole is in `bring_up` and
`tear_down`; the kube-proxy mode is in `proxy_mode`.
"""

from __future__ import annotations

import json
import signal
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tests.cluster import commands
from tests.cluster.control_plane import API_SERVER
from tests.cluster.errors import ClusterError
from tests.cluster.kubectl import Kubectl
from tests.cluster.layout import DNS_SERVICE_IP, Layout, Node
from tests.cluster.node import kubelet_service
from tests.cluster.processes import Process, find_child, find_supervisor
from tests.cluster.programs import programs_directory
from tests.cluster.supervisor import Service

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

CONTROL = "control"
KUBELET = "kubelet"


@dataclass(frozen=True)
class State:
    """What `up` was asked for."""

    nodes: int
    """How many nodes there are."""
    mode: str
    """The mode of kube-proxy."""
    port: int
    """The port on the host's loopback that leads to the API server; 0 before one is chosen."""

    def write(self, layout: Layout) -> None:
        """Keep the state in the cluster's directory."""
        draft = layout.state.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(layout.state)

    @classmethod
    def read(cls, layout: Layout) -> State | None:
        """Return the state kept in the cluster's directory, if there is one."""
        try:
            return cls(**json.loads(layout.state.read_text()))
        except FileNotFoundError:
            return None


class Cluster:
    """A cluster that has been started."""

    def __init__(self, layout: Layout) -> None:
        """Look at the cluster of this layout."""
        self.layout = layout
        self.kubectl = Kubectl(layout.kubeconfig)

    @property
    def nodes(self) -> list[Node]:
        """The cluster's nodes."""
        state = State.read(self.layout)
        return [Node(number + 1) for number in range(state.nodes if state else 0)]

    def supervisor(self, name: str) -> Process:
        """Return the running supervisor of the control plane or of a node."""
        process = find_supervisor(self.layout.services(name))
        if process is None:
            log = self.layout.log / f"{name}.log"
            raise ClusterError(f"{name} of the cluster in {self.layout.root} is not running", log)
        return process

    def wait_for_supervisor(self, name: str, seconds: float = 120) -> Process:
        """Wait until a supervisor has been started."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.supervisor(name)
            except ClusterError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def request(self, supervisor: str, services: dict[str, Service]) -> None:
        """Have a supervisor run these services besides those it runs."""
        folder = self.layout.services(supervisor)
        for name, service in services.items():
            service.write(folder / f"{name}.json")
        self.supervisor(supervisor).send(signal.SIGHUP)

    def withdraw(self, supervisor: str, service: str, seconds: float = 120) -> None:
        """Have a supervisor end a service, and wait until it has ended."""
        process = self.service_process(supervisor, service)
        (self.layout.services(supervisor) / f"{service}.json").unlink(missing_ok=True)
        self.supervisor(supervisor).send(signal.SIGHUP)
        deadline = time.monotonic() + seconds
        while process is not None and process.is_current():
            if time.monotonic() > deadline:
                raise ClusterError(f"{service} of {supervisor} does not end")
            time.sleep(0.05)

    def service_process(self, supervisor: str, service: str) -> Process | None:
        """Return the running process of a service, None when it does not run."""
        path = self.layout.services(supervisor) / f"{service}.json"
        if not path.exists():
            return None
        return find_child(self.supervisor(supervisor), Service.read(path).argv)

    def command_in(self, name: str, command: Sequence[str]) -> list[str]:
        """Return the words that run a command inside a node or the control plane."""
        return [*commands.inside(self.supervisor(name), everything=True), *command]

    def execute(
        self, name: str, *command: str, check: bool = True, timeout: float | None = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in all namespaces of a node, or of the control plane ("control")."""
        return commands.run(self.command_in(name, command), check=check, timeout=timeout)

    def stop_kubelet(self, node: str) -> None:
        """End a node's kubelet; its pods go on running."""
        self.withdraw(node, KUBELET)

    def start_kubelet(self, node: str, *, dns: str = DNS_SERVICE_IP) -> None:
        """Start a node's kubelet again; it hands `dns` to pods as their nameserver."""
        number = int(node.removeprefix("node"))
        service = kubelet_service(self.layout, Node(number), programs_directory(), dns=dns)
        self.request(node, {KUBELET: service})

    def pause_api_server(self) -> None:
        """Stop the API server's process where it stands: connections stay open, nothing answers."""
        self._signal_api_server(signal.SIGSTOP)

    def resume_api_server(self) -> None:
        """Let a paused API server go on."""
        self._signal_api_server(signal.SIGCONT)

    def _signal_api_server(self, number: signal.Signals) -> None:
        process = self.service_process(CONTROL, API_SERVER)
        if process is None or not process.send(number):
            raise ClusterError("the API server does not run", self.layout.log / f"{API_SERVER}.log")

    def kill_container(self, node: str, pod: str, container: str, namespace: str) -> None:
        """Kill a container with SIGKILL, as the kernel does when memory is short."""
        labels = {"pod.namespace": namespace, "pod.name": pod, "container.name": container}
        query = ",".join(f'labels."io.kubernetes.{key}"=={value}' for key, value in labels.items())
        runtime = ("ctr", "--namespace", "k8s.io")
        listing = self.execute(node, *runtime, "containers", "list", "--quiet", query)
        running = self.execute(node, *runtime, "tasks", "list").stdout
        states = {row.split()[0]: row.split()[2] for row in running.splitlines()[1:] if row}
        for identifier in listing.stdout.split():
            if states.get(identifier) == "RUNNING":
                words = ("tasks", "kill", "--signal", "SIGKILL", identifier)
                self.execute(node, *runtime, *words)
                return
        raise ClusterError(f"container {container} of {namespace}/{pod} does not run on {node}")

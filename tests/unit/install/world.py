"""A cluster whose kubelets are quick, a proof that says what it is told to, and a report."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import NotFoundError
from kubectl_nodedns.install.objects import DARK, PHASE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from kubectl_nodedns.verdict import Verdict as Judged


UID = "uid-of-node-local-dns"
OWNER = {"kind": "DaemonSet", "name": "node-local-dns", "uid": UID, "controller": True}


class World:
    """Stands in for the client: pods follow the DaemonSet's template as under `OnDelete`."""

    def __init__(self, *nodes: str) -> None:
        self.nodes = nodes
        self.template: dict[str, Any] = {}
        self.pods: dict[str, dict[str, Any]] = {}
        self.deleted: list[str] = []
        self.faults: defaultdict[tuple[str, str], list[BaseException]] = defaultdict(list)
        """What happens at the next requests, by verb and the last part of the path."""
        self._count = 0

    def phase(self, node: str) -> str:
        """The phase of a node's pod."""
        return str(self.pods[node]["metadata"]["labels"][PHASE])

    def phases(self) -> list[str]:
        """The phases of all pods."""
        return [self.phase(node) for node in self.nodes]

    def start(self, daemonset: dict[str, Any]) -> None:
        """Have a DaemonSet, and a pod of it on each node."""
        self.template = daemonset["spec"]["template"]
        for node in self.nodes:
            if node not in self.pods:
                self._pod(node)

    def _pod(self, node: str) -> None:
        self._count += 1
        name = f"node-local-dns-{self._count}"
        self.pods[node] = {
            "metadata": {
                "name": name,
                "uid": f"uid-{self._count}",
                "labels": self.template["metadata"]["labels"],
                "ownerReferences": [OWNER],
            },
            "spec": {"nodeName": node, "containers": [{"args": []}]},
            "status": {
                "containerStatuses": [{"state": {"running": {}}}],
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }

    def _fault(self, verb: str, path: str) -> None:
        if faults := self.faults[verb, path.rpartition("/")[2]]:
            raise faults.pop(0)

    async def list(self, path: str, *, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        self._fault("list", path)
        name = fields.rpartition("=")[2]
        if path.endswith("/pods"):
            return [pod for node, pod in self.pods.items() if name in ("", node)]
        if path.endswith("/nodes"):
            ready = {"conditions": [{"type": "Ready", "status": "True"}]}
            nodes = [node for node in self.nodes if name in ("", node)]
            return [{"metadata": {"name": node}, "status": ready} for node in nodes]
        if path.endswith("/daemonsets"):
            return []
        return [{"endpoints": [{"addresses": ["10.244.1.2"]}]}]

    async def get(self, path: str) -> dict[str, Any]:
        raise NotFoundError(f"{path} is not there")

    async def apply(self, obj: dict[str, Any], *, force: bool = False) -> dict[str, Any]:
        self._fault("apply", f"{obj['kind']}")
        if obj["kind"] == "DaemonSet":
            self.start(obj)
        return {**obj, "metadata": {**obj["metadata"], "uid": UID}}

    async def delete(self, path: str, *, uid: str, grace: int | None = None) -> bool:
        name = path.rpartition("/")[2]
        for node, pod in self.pods.items():
            if pod["metadata"]["name"] == name:
                self._fault("delete", node)
                self._pod(node)
                return True
        self._fault("delete", name)
        self.deleted.append(name)
        if name == "node-local-dns" and "daemonsets" in path:
            self.pods.clear()
        return True


@dataclass(frozen=True)
class Verdict:
    """A verdict."""

    node: str
    ok: bool = True
    asked: bool = True
    text: str = "well"


@dataclass
class Proof:
    """A proof that is good, but where it is told to do something else."""

    instead: dict[tuple[str, str], Callable[[], Verdict]] = field(default_factory=dict)
    """What to do, by question and node; it may raise."""

    async def _say(self, question: str, node: str) -> Verdict:
        act = self.instead.get((question, node))
        return act() if act else Verdict(node)

    async def dark(self, node: str, pod_uid: str, *, timeout: float) -> Verdict:
        return await self._say("dark", node)

    async def switched(self, node: str, pod_uid: str, *, timeout: float) -> Verdict:
        return await self._say("switched", node)

    async def back(self, node: str, *, timeout: float) -> Verdict:
        return await self._say("back", node)

    async def local(self, node: str, *, timeout: float) -> Verdict:
        return await self._say("local", node)

    async def silent(self, node: str, *, timeout: float) -> Verdict:
        return await self._say("silent", node)

    async def watch(self, node: str) -> Any:
        raise AssertionError("nobody asks the local IP here")


@dataclass
class Report:
    """What was told."""

    told: list[str] = field(default_factory=list)

    def step(self, text: str) -> None:
        self.told.append(text)

    def note(self, text: str) -> None:
        self.told.append(text)

    def node(self, verdict: Judged) -> None:
        self.told.append(f"{verdict.node} {verdict.ok}")


def dark(world: World, nodes: Collection[str]) -> bool:
    """Whether the pods of `nodes` intercept nothing."""
    return all(world.phase(node) == DARK for node in nodes)

"""What `disable` finds, refuses, and would do: read and weighed before it asks to go ahead."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.facts.caches import Cache, Imitation, find_caches
from kubectl_nodedns.facts.clients import Clients, read_clients
from kubectl_nodedns.facts.dns_service import home_of, read_dns_service
from kubectl_nodedns.facts.mutating_policies import Admission, read_admission
from kubectl_nodedns.facts.nodes import Node, read_nodes
from kubectl_nodedns.facts.progress import read_progress
from kubectl_nodedns.install.handover import read_record
from kubectl_nodedns.install.live import MANAGED, Live, is_ours, read_live
from kubectl_nodedns.install.needs import left_text, read_users
from kubectl_nodedns.install.objects import FULL, NAME, OPTIONS, RECORD, serves_alone
from kubectl_nodedns.install.options import Memory
from kubectl_nodedns.install.plan import LARGEST_BATCH, nodes_text
from kubectl_nodedns.install.result import NAMED, Result
from kubectl_nodedns.install.takeover import adopted_cache, find_adoption, with_labelled
from kubectl_nodedns.readable import said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.adoption import Adoption
    from kubectl_nodedns.install.needs import User
    from kubectl_nodedns.install.proof import Report
    from kubectl_nodedns.install.requests import DisableRequest

# The ConfigMap goes last: a run that was stopped half-way is known by it (see `installed`).
_ORDER = ("DaemonSet", "Service", "ServiceAccount", "ConfigMap")
CLIENTS_NAMED = 5
"""Clients of the local IP that a refusal names."""


@dataclass(frozen=True, kw_only=True)
class Installed:
    """What there is to take out."""

    home: str
    """Namespace of the DNS service, where our installation can be."""
    caches: tuple[Cache, ...]
    """All caches of the cluster."""
    imitations: tuple[Imitation, ...]
    """DaemonSets that only look like one, or like ours."""
    found: Live
    """Our objects as they are."""
    live: Live
    """The same, with those of an installation that is taken over, under their own names."""
    admission: Admission
    """The admission policy that injects the cache."""
    adoption: Adoption | None
    """An installation of somebody else that is taken out."""

    @property
    def nothing(self) -> bool:
        """Whether nothing of ours is there."""
        return not ours(self.live) and not self.admission.found

    @property
    def memory(self) -> Memory:
        """The options that our DaemonSet remembers; none without one."""
        daemonset = self.live.daemonset
        if daemonset is None:
            return Memory()
        annotations = daemonset["metadata"].get("annotations") or {}
        home = daemonset["metadata"]["namespace"]
        return Memory.of_text(annotations.get(OPTIONS, ""), home=home)

    @property
    def adopted(self) -> Cache | None:
        """The cache of somebody else, taken over by this run or by one that was stopped."""
        return self.adoption.cache if self.adoption is not None else adopted_cache(self.live)

    def refuse_foreign(self) -> Result:
        """Say that there is nothing to take out, where nothing of ours is there.

        Raises:
            RefusedError: there is a cache, and it is somebody else's.
        """
        if self.caches:
            cache = self.caches[0]
            raise RefusedError(
                f"the cache {cache.namespace}/{cache.name} ({cache.image}) is not ours: "
                f"it is managed by {cache.owner}",
                hint="take it out the way it was installed, or with --adopt",
            )
        return Result(word="unchanged", text="nothing to do: no cache is installed")


@dataclass(frozen=True, kw_only=True)
class UninstallPlan:
    """What `disable` would do."""

    there: Installed
    """What there is to take out."""
    ready: tuple[str, ...]
    """Nodes that can be asked."""
    left_out: Mapping[str, str]
    """The others that the DaemonSet selects, with the reason."""
    batch_size: int
    """Nodes that are given back at once."""
    left: Mapping[str, User] = field(default_factory=dict)
    """Objects that stay as long as they are used, by kind and name, each with who uses it."""

    @property
    def going(self) -> list[Mapping[str, Any]]:
        """Our objects that are deleted, in their order."""
        return [
            obj
            for obj in ours(self.there.live)
            if f"{obj['kind']} {obj['metadata']['name']}" not in self.left
        ]


async def find_installed(client: Client, request: DisableRequest, report: Report) -> Installed:
    """Find what there is to take out.

    Raises:
        RefusedError: it is somebody else's, and cannot be taken over.
    """
    home = home_of(request.dns_service)
    there = await find_caches(client, home)
    found = await read_live(client, home)
    admission = await read_admission(client, MANAGED, NAME)
    adoption = await _adoption(client, request, there.caches, found)
    report.lines(f"          {line}" for line in (adoption.lines() if adoption else ()))
    return Installed(
        home=home,
        caches=there.caches,
        imitations=there.imitations,
        found=found,
        live=with_labelled(found, adoption),
        admission=admission,
        adoption=adoption,
    )


async def tell_state(client: Client, there: Installed, report: Report) -> None:
    """Say what only looks like ours, and where an earlier run stopped."""
    report.lines(f"          {line}" for line in imitated(there.imitations, there.home))
    if progress := await read_progress(client, there.caches):
        report.note(str(progress))


async def plan_uninstall(
    client: Client, request: DisableRequest, there: Installed, report: Report
) -> UninstallPlan:
    """Say what would become of what is installed; refuse where pods would lose DNS.

    Raises:
        RefusedError: somebody else's cache needs what is ours, or clients were given its address.
    """
    left = await _refuse_users(client, request, there)
    daemonset = there.adoption.daemonset if there.adoption else there.live.daemonset
    nodes = selected(await read_nodes(client), daemonset)
    ready = tuple(node.name for node in nodes if node.ready)
    plan = UninstallPlan(
        there=there,
        ready=ready,
        left_out={node.name: "not ready" for node in nodes if not node.ready},
        batch_size=request.batch_size or max(1, min(LARGEST_BATCH, len(ready) // 10)),
        left=left,
    )
    report.step("plan")
    asked = () if request.now else ready
    lines = describe(there.live, asked, plan.left_out, plan.batch_size, left)
    report.lines(f"          {line}" for line in lines)
    admission = there.admission
    for obj in admission.found:
        report.note(f"{'delete':<10} {obj['kind']} {obj['metadata']['name']}")
    if admission.forbidden:
        report.note(f"a policy that injects the cache would not be seen: {admission.forbidden}")
    if request.now:
        report.note("the same by hand:")
        report.lines(f"          {line}" for line in commands((*admission.found, *plan.going)))
    else:
        await _refuse_clients(client, plan, report)
    return plan


def installed(live: Live) -> tuple[str, str]:
    """Return local IP and cluster domain of what is installed, from its own Corefile.

    Returns:
        Two empty strings when no Corefile of ours is left.
    """
    for (kind, _), obj in live.objects.items():
        text = (obj.get("data") or {}).get("Corefile", "") if kind == "ConfigMap" else ""
        domain = re.search(r"^id\.nodedns\.(\S+):53", text, re.MULTILINE)
        health = re.search(r"^\s*health \[?([0-9a-f.:]+?)\]?:\d+$", text, re.MULTILINE)
        if domain and health and is_ours(obj):
            return health[1], domain[1]
    return "", ""


def ours(live: Live) -> list[Mapping[str, Any]]:
    """Return our objects, in the order in which they are deleted."""
    found = [obj for obj in live.objects.values() if is_ours(obj)]
    found.sort(key=lambda o: (_ORDER.index(o["kind"]), o["metadata"]["name"]))
    # A record without our DaemonSet is a handover that is to be gone on with: so it goes first.
    return sorted(found, key=lambda o: o["metadata"]["name"] != RECORD)


def describe(
    live: Live,
    nodes: Sequence[str],
    left_out: Mapping[str, str],
    size: int,
    left: Mapping[str, User] | None = None,
) -> list[str]:
    """Say in lines what `disable` does.

    Args:
        live: what is installed.
        nodes: nodes that can be asked.
        left_out: the others, each with the reason.
        size: nodes given back at once.
        left: objects that stay, by kind and name, each with who uses it.
    """
    full = [n for n in nodes if n in live.pods and live.pods[n].phase == FULL]
    lines = []
    alone = live.daemonset is not None and serves_alone(live.daemonset)
    if full and not alone:
        lines.append(f"{'give back':<10} {nodes_text(len(full))}, at most {size} at a time")
    for obj in ours(live):
        metadata = obj["metadata"]
        user = (left or {}).get(f"{obj['kind']} {metadata['name']}")
        where = f"{obj['kind']} {metadata['namespace']}/{metadata['name']}"
        lines.append(f"{'keep':<10} {where}: {user} uses it" if user else f"{'delete':<10} {where}")
    lines += [f"{'unproved':<10} node {node}: {why}" for node, why in left_out.items()]
    return lines


def commands(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return kubectl commands that delete `objects`, in their order."""
    return [
        f"kubectl{_in(obj)} delete {obj['kind'].lower()} {obj['metadata']['name']}"
        for obj in objects
    ]


def _in(obj: Mapping[str, Any]) -> str:
    namespace = obj["metadata"].get("namespace")
    return f" -n {namespace}" if namespace else ""


def imitated(imitations: Sequence[Imitation], home: str) -> list[str]:
    """Say which DaemonSets bear our label and are left alone."""
    names = [f"{one.namespace}/{one.name}" for one in imitations if one.labelled]
    if not names:
        return []
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    text = f"DaemonSet {', '.join(names[:NAMED])}{more}: our label is on it, and ours is"
    return [f"left alone {text} {home}/{NAME} (--dns-service says where the DNS service is)"]


def selected(nodes: Sequence[Node], daemonset: Mapping[str, Any] | None) -> list[Node]:
    """Return the Linux nodes that the DaemonSet selects."""
    selector: dict[str, str] = {}
    if daemonset is not None:
        selector = daemonset["spec"]["template"]["spec"].get("nodeSelector") or {}
    return [node for node in nodes if node.system == "linux" and node.selected(selector)]


def refuse_clients(found: Clients, local_ip: str, *, injected: bool = False) -> None:
    """Refuse to take away an address that somebody asks.

    Args:
        found: kubelets and pods that name it.
        local_ip: the address.
        injected: whether a policy of ours hands it to new pods.

    Raises:
        RefusedError: there are such clients; it names some.
    """
    who = [f"the kubelet of node {node}" for node in found.kubelets]
    who += [f"pod {pod}" for pod in found.pods]
    if who:
        more = f" and {len(who) - CLIENTS_NAMED} more" if len(who) > CLIENTS_NAMED else ""
        raise RefusedError(
            f"these name {local_ip} as their nameserver, and would lose DNS: "
            f"{', '.join(who[:CLIENTS_NAMED])}{more}",
            hint=(
                "new pods are handed it by our policy: take the label kubectl-nodedns/inject off "
                "their namespaces, then replace the pods\n"
                if injected and found.pods
                else ""
            )
            + "set clusterDNS of the kubelets back to the DNS service and restart their pods; "
            "remove dnsConfig from the others. --now goes on regardless",
        )


async def _adoption(
    client: Client, request: DisableRequest, caches: Sequence[Cache], live: Live
) -> Adoption | None:
    """Return the installation of somebody else that is to be taken out."""
    begun = live.daemonset is None and live.taken_over is not None
    if not begun and (live.daemonset is not None or not (request.adopt and caches)):
        return None
    dns = await read_dns_service(client, request.dns_service)
    record = await read_record(client, dns.namespace)
    return await find_adoption(client, caches, dns, record, asked=request.adopt)


async def _refuse_users(
    client: Client, request: DisableRequest, there: Installed
) -> Mapping[str, User]:
    """Refuse where somebody else's DaemonSet runs on what is ours; `--now` leaves that.

    Returns:
        What is left as long as it is used, each object with who uses it.
    """
    if there.live.daemonset is not None or there.adoption is not None:
        return {}
    left = await read_users(client, ours(there.live))
    if not request.now and any(user.kind == "DaemonSet" for user in left.values()):
        raise RefusedError(
            f"our DaemonSet is gone, and a cache runs on what it needed: {left_text(left)}",
            hint="--adopt takes that cache out too; --now deletes what nobody uses, and leaves the "
            "rest",
        )
    return left


async def _refuse_clients(client: Client, plan: UninstallPlan, report: Report) -> None:
    there = plan.there
    local_ip, _ = installed(there.live)
    if cache := there.adopted:
        dns = await read_dns_service(client, there.memory.value("dns-service"))
        local_ip = next((ip for ip in cache.local_ips if ip not in dns.ips), "")
    if not local_ip:
        return
    found = await read_clients(client, local_ip, plan.ready)
    refuse_clients(found, local_ip, injected=bool(there.admission.found))
    if found.unread:
        report.note(
            f"pods, of which nobody knows whether they name {local_ip}: {said(found.unread)}"
        )
    if found.unknown:
        report.note(
            f"the kubelets of {len(found.unknown)} nodes cannot be asked for their clusterDNS "
            "(nodes/proxy); their probes' resolv.conf will tell"
        )

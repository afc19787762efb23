"""Where the cache serves on the local IP alone: do kubelets hand that address to pods?

A kubelet's own word is its configz; where that may not be read, the resolv.conf of a fresh pod
tells. A kubelet counts only when a fresh pod on its node got the address and its own node's cache
answers there.

This plugin changes no kubelet: the setting lives on the node, in the hands of whatever made the
node. So people are shown steps, by distribution. A pod keeps the resolv.conf that it was created
with: every step ends with replacing pods.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import TimedOutError
from kubectl_nodedns.facts.clients import nameservers
from kubectl_nodedns.facts.distribution import (
    AKS,
    EKS,
    GKE,
    K3S,
    KIND,
    KOPS,
    KUBEADM,
    RKE2,
    TALOS,
    Distribution,
    read_distribution,
)
from kubectl_nodedns.facts.kubelets import read_handed_out
from kubectl_nodedns.install.live import read_pods
from kubectl_nodedns.lookup.proof import Prover, Target, Verdict
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.proof import MakeProbes, Report
    from kubectl_nodedns.install.requests import Wait
    from kubectl_nodedns.lookup.probes import Probes
    from kubectl_nodedns.verdict import Verdict as Judged

_FIELD = "clusterDNS of its KubeletConfiguration"
POLL = 5.0
"""Seconds between two looks at kubelets."""
FRESH = 30.0
"""Seconds between two fresh pods on a node whose kubelet cannot be asked."""
PROOF = 15.0
"""Seconds that a cache may take to answer a fresh pod."""


def steps(distribution: Distribution, ip: str) -> list[str]:
    """Return the steps after which kubelets hand out `ip`, one a line.

    Sources: "Reconfiguring a kubeadm cluster" in the Kubernetes documentation, and the kubelet
    settings that each distribution documents.
    """
    specific = _STEPS.get(distribution.name, _other)(ip)
    return [
        *specific,
        (
            "one node at a time: drain it first, or replace its pods afterwards; a pod keeps the "
            "resolv.conf that it was created with"
        ),
    ]


def _kubeadm(ip: str) -> list[str]:
    return [
        (
            "kubectl -n kube-system edit configmap kubelet-config   # clusterDNS: "
            f"[{ip}], for nodes to come and for upgrades"
        ),
        "on each node: kubeadm upgrade node phase kubelet-config && systemctl restart kubelet",
        (
            "made by kubespray? Then set it in the inventory, or the next playbook sets it back: "
            "its own cache is enable_nodelocaldns with nodelocaldns_ip"
        ),
    ]


def _k3s(ip: str) -> list[str]:
    return [
        f'on each node, in /etc/rancher/k3s/config.yaml: kubelet-arg: ["cluster-dns={ip}"]',
        "(not cluster-dns alone: that is the address of the CoreDNS service)",
        "on each node: systemctl restart k3s, or k3s-agent",
    ]


def _rke2(ip: str) -> list[str]:
    return [
        f'on each node, in /etc/rancher/rke2/config.yaml: kubelet-arg: ["cluster-dns={ip}"]',
        "on each node: systemctl restart rke2-server, or rke2-agent",
    ]


def _kops(ip: str) -> list[str]:
    return [
        f"kops edit cluster   # spec.kubelet.clusterDNS: {ip}",
        "kops update cluster --yes && kops rolling-update cluster --yes",
    ]


def _talos(ip: str) -> list[str]:
    return [
        (
            "talosctl patch machineconfig --nodes NODE --patch "
            f'\'[{{"op": "add", "path": "/machine/kubelet/clusterDNS", "value": ["{ip}"]}}]\''
        )
    ]


def _eks(ip: str) -> list[str]:
    return [
        (
            f"in the node group's launch template: clusterDNS: [{ip}] under spec.kubelet.config of "
            "NodeConfig (Amazon Linux 2023), or settings.kubernetes.cluster-dns-ip (Bottlerocket)"
        ),
        "then replace the nodes",
    ]


def _managed(name: str) -> list[str]:
    return [
        (
            f"{name} does not let you set clusterDNS of its kubelets; use --inject=install "
            f"instead, or {name}'s own node-local cache"
        )
    ]


def _gke(_ip: str) -> list[str]:
    return _managed(GKE)


def _aks(_ip: str) -> list[str]:
    return _managed(AKS)


def _kind(ip: str) -> list[str]:
    return [
        (
            f"on each node (docker exec -it NODE bash): set clusterDNS: [{ip}] in "
            "/var/lib/kubelet/config.yaml, then systemctl restart kubelet"
        ),
    ]


def _other(ip: str) -> list[str]:
    return [f"on each node: set {_FIELD} to [{ip}], then restart the kubelet"]


_STEPS = {
    KUBEADM: _kubeadm,
    K3S: _k3s,
    RKE2: _rke2,
    KOPS: _kops,
    TALOS: _talos,
    EKS: _eks,
    GKE: _gke,
    AKS: _aks,
    KIND: _kind,
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """What is to be handed out, and where."""

    namespace: str
    """Namespace of the cache pods."""
    target: Target
    """Addresses and names of the proof."""
    nodes: tuple[str, ...]
    """Nodes with a proved cache."""
    registry: str = ""
    """Registry to take the probes' image from, when it is a mirror."""


class KubeletRollout:
    """The kubelets of one run, and what each hands out.

    Args:
        client: an open client.
        place: what is to be handed out, and where.
        make_probes: makes the fresh pods.
        report: where progress goes.
    """

    def __init__(
        self, client: Client, place: Place, make_probes: MakeProbes, report: Report
    ) -> None:
        self._client = client
        self._place = place
        self._make_probes = make_probes
        self._report = report
        self._verdicts: dict[str, Verdict] = {}

    async def run(self, wait: Wait | None) -> list[Verdict]:
        """Say which kubelets hand out the local IP, and prove it; wait for the others if asked to.

        Returns:
            A verdict on each node.

        Raises:
            TimedOutError: the wait has a limit, and it passed.
        """
        ip = self._place.target.local_ip
        self._report.step(f"which kubelets hand out {ip}")
        await self._look()
        for verdict in self._verdicts.values():
            self._report.node(verdict)
        if missing := self._missing():
            distribution = await read_distribution(self._client)
            known = f" ({distribution.name}: {distribution.evidence})" if distribution.name else ""
            self._report.note(
                f"to have {len(missing)} of {len(self._place.nodes)} hand it out{known}:"
            )
            self._report.lines(f"            {line}" for line in steps(distribution, ip))
            if wait is not None:
                await self._wait(wait)
        return list(self._verdicts.values())

    async def _wait(self, wait: Wait) -> None:
        self._report.step(
            "wait for the others; leave with Ctrl-C, the same command goes on from here"
        )
        try:
            async with asyncio.timeout(wait.limit):
                await self._until_all()
        except TimeoutError:
            ip, names = self._place.target.local_ip, ", ".join(self._missing())
            raise TimedOutError(
                f"these kubelets do not hand out {ip} after {wait.text}: {names}",
                hint="the cache works, and the others use it; enable --wait goes on from here",
            ) from None

    async def _until_all(self) -> None:
        while missing := self._missing():
            asked = await read_handed_out(self._client, self._place.nodes)
            blind = any(node not in asked for node in missing)
            await asyncio.sleep(FRESH if blind else POLL)
            await self._look()
            for node in missing:
                if self._verdicts[node].ok:
                    self._report.node(self._verdicts[node])

    def _missing(self) -> list[str]:
        return [node for node, verdict in self._verdicts.items() if not verdict.ok]

    async def _look(self) -> None:
        """Look at every node that is not proved yet."""
        proved = {node for node, verdict in self._verdicts.items() if verdict.ok}
        nodes = [node for node in self._place.nodes if node not in proved]
        handed = await read_handed_out(self._client, nodes)
        others = elsewhere(handed, self._place.target.local_ip)
        # A kubelet that cannot be asked may hand it out: a fresh pod tells.
        rest = await self._prove([node for node in nodes if node not in others])
        self._verdicts |= others | rest

    async def _prove(self, nodes: Sequence[str]) -> dict[str, Verdict]:
        """Start a fresh pod on each node: what was it handed, and who answers there?"""
        if not nodes:
            return {}
        caches = await read_pods(self._client, self._place.namespace)
        async with self._make_probes(self._place.registry) as probes:
            failed = await probes.start(nodes)
            uids = {node: caches[node].uid for node in nodes if node in caches}
            asked = await together(
                self._prove_one(probes, node, uids.get(node, ""))
                for node in nodes
                if node not in failed
            )
        silent = {
            node: Verdict(node=node, ok=False, text=f"no fresh pod: {why}")
            for node, why in failed.items()
        }
        found = {verdict.node: verdict for verdict in asked} | silent
        return {node: found[node] for node in nodes}

    async def _prove_one(self, probes: Probes, node: str, uid: str) -> Verdict:
        target = self._place.target
        servers = nameservers(await probes.resolv_conf(node))
        if servers[:1] != [target.local_ip]:
            text = f"a fresh pod was handed {', '.join(servers) or 'no nameserver'}"
            return Verdict(node=node, ok=False, text=text)
        verdict = await Prover(probes, target).dark(node, uid, timeout=PROOF)
        if not verdict.ok:
            return verdict
        text = f"a fresh pod asks {servers[0]}, and its own node's cache answers"
        return Verdict(node=node, ok=True, text=text, answers=verdict.answers)


def elsewhere(handed: Mapping[str, Sequence[str]], ip: str) -> dict[str, Verdict]:
    """Return the verdict on each kubelet that says that it hands out another address than `ip`."""
    return {
        node: Verdict(
            node=node, ok=False, text=f"its kubelet hands out {', '.join(servers) or 'nothing'}"
        )
        for node, servers in handed.items()
        if ip not in servers
    }


def kubelets_text(verdicts: Sequence[Judged]) -> str:
    """Say how many kubelets are switched."""
    done = sum(verdict.ok for verdict in verdicts)
    return f"{done} of {len(verdicts)} kubelets switched"

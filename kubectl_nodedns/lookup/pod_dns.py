"""The DNS of one pod: its resolv.conf, whether that leads to the cache, and asking from it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import named
from kubectl_nodedns.errors import ApiError, NodednsError, NotFoundError, TimedOutError, UsageError
from kubectl_nodedns.facts.kubelets import read_kubelets
from kubectl_nodedns.lookup.ask import answers_in_pod
from kubectl_nodedns.lookup.differences import Difference, Kind
from kubectl_nodedns.lookup.resolv_conf import ResolvConf, effective_policy, of_pod, parse
from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.way import Way
    from kubectl_nodedns.lookup.comparison import Outcome
    from kubectl_nodedns.lookup.question import Answer, Question

EXEC_TIMEOUT = 20.0
"""Seconds that a command in the pod may take,"""
EXEC_BYTES = 64 * 1024
"""and bytes that it may print."""


@dataclass(frozen=True, kw_only=True)
class PodDns:
    """What decides where one pod's lookups go."""

    namespace: str
    """Its namespace."""
    name: str
    """Its name."""
    node: str
    """The node that it runs on."""
    policy: str
    """Its dnsPolicy."""
    effective: str
    """The dnsPolicy that its kubelet follows."""
    host_network: bool
    """Whether it is on its node's network."""
    hosts: tuple[str, ...]
    """Names that its hostAliases answer before any lookup."""
    conf: ResolvConf
    """Its resolv.conf."""
    evidence: str
    """How that is known: read in the pod, or computed."""
    asked_from: str
    """Where questions are asked from, in words."""

    def lines(self) -> list[str]:
        """Say it in lines."""
        where = "on the host network" if self.host_network else "on the pod network"
        policy = f"dnsPolicy {self.policy}"
        if self.effective != self.policy:
            policy += f", which is {self.effective} {where}"
        lines = [
            f"pod             {self.namespace}/{self.name} on {self.node}, {where}, {policy}",
            f"resolv.conf     {self.evidence}:",
            *(f"                {line}" for line in self.conf.lines()),
            f"asked from      {self.asked_from}",
        ]
        if self.hosts:
            lines.append(f"hostAliases     answer without a lookup: {', '.join(self.hosts)}")
        return lines

    def as_json(self) -> dict[str, Any]:
        """Return it as `-o json` shows it."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "node": self.node,
            "dnsPolicy": self.policy,
            "effectivePolicy": self.effective,
            "hostNetwork": self.host_network,
            "hostAliases": list(self.hosts),
            "nameservers": list(self.conf.nameservers),
            "search": list(self.conf.search),
            "options": list(self.conf.options),
            "resolvConf": self.evidence,
            "askedFrom": self.asked_from,
        }


def pod_dns(pod: Mapping[str, Any], *, conf: ResolvConf, evidence: str, asked_from: str) -> PodDns:
    """Say what decides where the lookups of a Pod object go whose resolv.conf is known."""
    spec = pod["spec"]
    aliases = spec.get("hostAliases") or ()
    return PodDns(
        namespace=pod["metadata"]["namespace"],
        name=pod["metadata"]["name"],
        node=spec.get("nodeName") or "",
        policy=spec.get("dnsPolicy") or "ClusterFirst",
        effective=effective_policy(spec),
        host_network=bool(spec.get("hostNetwork")),
        hosts=tuple(host for alias in aliases for host in alias.get("hostnames") or ()),
        conf=conf,
        evidence=evidence,
        asked_from=asked_from,
    )


def conclusion(
    pod: PodDns,
    outcome: Outcome,
    *,
    local_ips: Collection[str],
    kube_dns_ips: Collection[str],
    cached: bool,
) -> tuple[str, Difference | None]:
    """Say whether the pod's lookups go through the cache of its node.

    Args:
        pod: what decides where its lookups go.
        outcome: the verdict on what was asked.
        local_ips: addresses of the cache, the DNS service's left out.
        kube_dns_ips: addresses of the DNS service.
        cached: whether there is a cache at all.

    Returns:
        The answer in words, and a difference when the pod bypasses a cache that is there.
    """
    who = f"pod {pod.namespace}/{pod.name}"
    server = next(iter(pod.conf.nameservers), "")
    if not server:
        return f"{who} has no nameserver", None
    if server in local_ips:
        return f"{who} asks the cache at its own IP, {server}", None
    if server in kube_dns_ips:
        if not cached:
            return f"{who} asks the kube-dns IP, {server}; there is no cache", None
        through = {
            True: f"and the cache of {pod.node} answers there",
            False: "and is not intercepted",
            None: "and whether the cache answers there is not proved",
        }[outcome.proved]
        return f"{who} asks the kube-dns IP, {server}, {through}", None
    text = f"{who} bypasses the cache: its nameserver is {server}"
    return text, Difference(kind=Kind.BYPASS, text=text) if cached else None


class PodAsker:
    """Asks from a pod that has dig; an `ask.Asker`."""

    def __init__(self, client: Client, namespace: str, pod: str, container: str) -> None:
        self._client = client
        self._place = (namespace, pod, container)

    def answers(
        self,
        node: str,  # noqa: ARG002 - a pod is on one node
        questions: Sequence[Question],
    ) -> AsyncGenerator[Answer, None]:
        """Ask `questions` one after the other from the pod."""
        return answers_in_pod(self._client, *self._place, questions)


async def read_pod(client: Client, text: str, namespace: str) -> Mapping[str, Any]:
    """Read the pod that `--from` names, as "pod/NAME" or "NAME".

    Raises:
        UsageError: there is none, or it is written otherwise.
        NodednsError: it runs on no node.
    """
    kind, slash, name = text.rpartition("/")
    if (slash and kind not in ("pod", "pods", "po")) or not name:
        raise UsageError(f"--from: {text!r} is not of the form pod/NAME")
    try:
        pod: Mapping[str, Any] = await client.get(named("v1", "pods", namespace, name))
    except NotFoundError as error:
        raise UsageError(
            f"--from: there is no pod {name} in namespace {namespace}",
            hint="-n names another namespace",
        ) from error
    phase = (pod.get("status") or {}).get("phase", "")
    if not pod["spec"].get("nodeName") or phase in ("Failed", "Succeeded"):
        raise NodednsError(
            f"pod {namespace}/{name} runs on no node: it is {phase or 'not scheduled'}",
            hint="kubectl describe pod says why",
        )
    return pod


async def ask_pod(
    client: Client,
    pod: Mapping[str, Any],
    way: Way,
    *,
    node_conf: Callable[[], Awaitable[ResolvConf]],
) -> tuple[PodDns, PodAsker | None]:
    """Find out the pod's resolv.conf, and whether it can ask by itself.

    Args:
        client: an open client.
        pod: the Pod object.
        way: the way of lookups through this cluster.
        node_conf: returns, awaited, the resolv.conf of the pod's node.

    Returns:
        What decides where its lookups go, and an asker in the pod; None when it has no dig or may
        not be entered.
    """
    metadata, spec = pod["metadata"], pod["spec"]
    place = (metadata["namespace"], metadata["name"], spec["containers"][0]["name"])
    text, refused = await _try(client, place, ["cat", "/etc/resolv.conf"])
    if text:
        conf, evidence = parse(text), "read in the pod"
    else:
        conf, evidence = await _computed(client, pod, way, node_conf)
        evidence += f", because it cannot be read in the pod ({refused})" if refused else ""
    found, _ = await _try(client, place, ["sh", "-c", "command -v dig"])
    asker = PodAsker(client, *place) if found.strip() else None
    asked_from = "the pod itself, by its dig" if asker else f"a probe pod on {spec['nodeName']}"
    return pod_dns(pod, conf=conf, evidence=evidence, asked_from=asked_from), asker


async def _try(
    client: Client, place: tuple[str, str, str], words: Sequence[str]
) -> tuple[str, str]:
    """Run a command in the pod: what it printed, and why nothing came."""
    try:
        done = await client.exec(*place, words, timeout=EXEC_TIMEOUT, most=EXEC_BYTES)
    except (ApiError, TimedOutError) as error:
        if "executable file not found" in str(error):
            return "", f"it has no {words[0]}"
        said = str(error).partition(": ")[2] or str(error)
        return "", printable(said[:120])
    return (done.stdout, "") if done.code == 0 else ("", printable(done.stderr.strip()[:120]))


async def _computed(
    client: Client, pod: Mapping[str, Any], way: Way, node_conf: Callable[[], Awaitable[ResolvConf]]
) -> tuple[ResolvConf, str]:
    """Compute a resolv.conf from the pod's specification."""
    node = pod["spec"]["nodeName"]
    policy = effective_policy(pod["spec"])
    evidence = f"computed from dnsPolicy {policy}"
    servers: tuple[str, ...] = ()
    if policy == "ClusterFirst":
        with contextlib.suppress(ApiError):
            servers = (await read_kubelets(client, [node]))[0].cluster_dns
        evidence += ", with the clusterDNS of its kubelet" if servers else ""
        if not servers:
            servers, evidence = way.dns.ips, f"{evidence}, with the DNS service's IP assumed"
    own = ResolvConf() if policy == "None" else await node_conf()
    return of_pod(pod, domain=way.domain, servers=servers, node=own), evidence

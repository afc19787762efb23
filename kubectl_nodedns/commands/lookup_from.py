"""`lookup --from pod/NAME`: the pod's own resolv.conf, and whether it can ask itself."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import named
from kubectl_nodedns.errors import ApiError, NodednsError, NotFoundError, TimedOutError, UsageError
from kubectl_nodedns.facts.kubelets import read_kubelets
from kubectl_nodedns.lookup.asking import ask_in_pod
from kubectl_nodedns.lookup.pod_way import PodWay, pod_way
from kubectl_nodedns.lookup.resolv_conf import ResolvConf, effective_policy, of_pod, parse
from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.way import Way
    from kubectl_nodedns.lookup.question import Answer, Question

EXEC_TIMEOUT = 20.0
"""Seconds that a command in the pod may take,"""
EXEC_BYTES = 64 * 1024
"""and bytes that it may print."""


class PodAsker:
    """Asks from a pod that has dig; has the interface of `Probes`."""

    def __init__(self, client: Client, namespace: str, pod: str, container: str) -> None:
        self._client = client
        self._namespace = namespace
        self._pod = pod
        self._container = container
        self._gate = asyncio.Semaphore(1)

    async def ask(
        self,
        node: str,  # noqa: ARG002 - a pod is on one node
        questions: Sequence[Question],
        *,
        answered: Callable[[Answer], None] = lambda _: None,
    ) -> list[Answer]:
        """Ask `questions` one after the other from the pod."""
        return await ask_in_pod(
            self._client,
            self._namespace,
            self._pod,
            self._container,
            questions,
            self._gate,
            answered,
        )


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
    node_conf: Callable[[], Any],
) -> tuple[PodWay, PodAsker | None]:
    """Find out the pod's resolv.conf, and whether it can ask by itself.

    Args:
        client: an open client.
        pod: the Pod object.
        way: the way of lookups through this cluster.
        node_conf: returns, awaited, the resolv.conf of the pod's node.

    Returns:
        The pod's way, and an asker in the pod; None when it has no dig or may not be entered.
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
    return pod_way(pod, conf=conf, evidence=evidence, asked_from=asked_from), asker


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
    client: Client, pod: Mapping[str, Any], way: Way, node_conf: Callable[[], Any]
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

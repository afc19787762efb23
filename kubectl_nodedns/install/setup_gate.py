"""A proof with one gate more: no error was counted while a cache's agent set its node up.

For kube-proxy's nftables mode, which upstream does not document. What can be missing there is the
kernel's part of a rule, such as xt_CT. The agent counts that in the dark already, where it puts in
the same rules for the local IP: nobody asks that node's cache by then.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import named
from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.facts.cache_pods import CachePod as Scraped
from kubectl_nodedns.install.live import read_pods
from kubectl_nodedns.install.objects import DARK
from kubectl_nodedns.metrics.exposition import ExpositionError
from kubectl_nodedns.metrics.forwarded import through_api_server
from kubectl_nodedns.metrics.series import Series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.live import CachePod
    from kubectl_nodedns.install.proof import Report, Watch
    from kubectl_nodedns.lookup.proof import Prover, Verdict

PASSING = frozenset({"configmap"})
"""Kinds of errors that have nothing to do with a node. "iptables_lock" has: it stands for exit
status 4 of iptables, and by nf_tables that is whatever the kernel refuses (iptables 1.8)."""
SETTLE = 1.0
"""Seconds from a cache's first answer until its agent has tried its rules: it puts them in when
CoreDNS is up."""


class SetupGate:
    """A prover whose good verdicts on a cache need an agent without setup errors, too.

    Args:
        prover: asks from the nodes.
        client: an open client.
        namespace: where the cache pods are.
        port: port of their metrics.
        report: told once when metrics cannot be read; the marker is the gate then.
        settle: seconds from a cache's first answer until its agent has tried its rules.
    """

    def __init__(
        self,
        prover: Prover,
        client: Client,
        *,
        namespace: str,
        port: int,
        report: Report,
        settle: float = SETTLE,
    ) -> None:
        self._prover = prover
        self._client = client
        self._namespace = namespace
        self._port = port
        self._report = report
        self._settle = settle
        self._source = through_api_server(client)
        self._told = False

    async def renew(self, pods: Mapping[str, CachePod]) -> None:
        """Replace pods in the dark whose agents counted errors: a count is never taken back.

        They are of a run before this one. Nobody asks them.
        """
        for node, pod in sorted(pods.items()):
            if pod.phase == DARK and await self._errors(pod):
                self._report.note(f"node {node}: its cache pod counted setup errors: a new one")
                path = named("v1", "pods", self._namespace, pod.name)
                await self._client.delete(path, uid=pod.uid)

    async def dark(self, node: str, pod_uid: str, *, timeout: float) -> Verdict:
        """Whether the cache pod answers at the local IP, and its node is set up."""
        return await self._gated(await self._prover.dark(node, pod_uid, timeout=timeout), pod_uid)

    async def switched(self, node: str, pod_uid: str, *, timeout: float) -> Verdict:
        """Whether the cache pod answers at the kube-dns IP, and its node is set up."""
        verdict = await self._prover.switched(node, pod_uid, timeout=timeout)
        return await self._gated(verdict, pod_uid)

    async def back(self, node: str, *, timeout: float) -> Verdict:
        """Whether kube-dns answers for itself."""
        return await self._prover.back(node, timeout=timeout)

    async def local(self, node: str, *, timeout: float) -> Verdict:
        """Whether the local IP answers ordinary names, whoever stands behind it."""
        return await self._prover.local(node, timeout=timeout)

    async def watch(self, node: str) -> Watch:
        """Begin to ask the local IP; returns when lookups have come to their end."""
        return await self._prover.watch(node)

    async def silent(self, node: str, *, timeout: float) -> Verdict:
        """Whether nothing answers at the local IP."""
        return await self._prover.silent(node, timeout=timeout)

    async def _gated(self, verdict: Verdict, pod_uid: str) -> Verdict:
        if not verdict.ok:
            return verdict
        await asyncio.sleep(self._settle)
        pod = (await read_pods(self._client, self._namespace, verdict.node)).get(verdict.node)
        if pod is None or pod.uid != pod_uid:
            return verdict
        errors = await self._errors(pod)
        if not errors:
            return verdict
        said = ", ".join(f"{number:.0f} {kind}" for kind, number in sorted(errors.items()))
        return replace(
            verdict, ok=False, text=f"its agent counted errors while it set the node up: {said}"
        )

    async def _errors(self, pod: CachePod) -> dict[str, float]:
        """Return how many errors a pod's agent counted, by kind; none where they are not read."""
        scraped = Scraped(
            namespace=self._namespace,
            name=pod.name,
            node=pod.node,
            ready=pod.ready,
            status="Running",
            metrics_port=self._port,
        )
        try:
            pages = await self._source.pages(scraped)
        except (NodednsError, ExpositionError) as error:
            if not self._told:
                self._told = True
                self._report.note(f"setup errors are not read, so they gate nothing: {error}")
            return {}
        parts = pages[-1].get(Series.SETUP_ERRORS).items()
        return {kind: number for (kind,), number in parts if number and kind not in PASSING}

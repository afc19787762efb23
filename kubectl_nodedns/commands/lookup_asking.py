"""The rounds of `lookup`: probes or a pod ask from each node, and all is printed as it comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.commands.lookup_confs import Confs
from kubectl_nodedns.commands.lookup_evidence import Evidence
from kubectl_nodedns.commands.lookup_from import ask_pod
from kubectl_nodedns.commands.lookup_output import Printer
from kubectl_nodedns.errors import Exit, NodednsError
from kubectl_nodedns.lookup.comparison import Outcome, compare, with_difference
from kubectl_nodedns.lookup.engine import look, outside, search
from kubectl_nodedns.lookup.places import points
from kubectl_nodedns.lookup.pod_way import PodWay, conclusion
from kubectl_nodedns.lookup.question import Question
from kubectl_nodedns.lookup.resolv_conf import ResolvConf, askable, chosen
from kubectl_nodedns.lookup.vantage import plan
from kubectl_nodedns.names import marker_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kubectl_nodedns.cli.talk import Talk
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.commands.lookup_request import Request
    from kubectl_nodedns.facts.way import Way
    from kubectl_nodedns.lookup.engine import Asker
    from kubectl_nodedns.lookup.probes import Probes
    from kubectl_nodedns.lookup.question import Answer
    from kubectl_nodedns.lookup.vantage import Lookup


class Asking:
    """One run of `lookup` from probes, or from a pod: a round, or with --watch one after the other.

    Args:
        client: an open client.
        way: the way of lookups through this cluster.
        probes: the probes; none is started yet.
        request: what was asked for.
        talk: for progress.
        unfit: nodes that were wanted and cannot be asked from, and why.
    """

    def __init__(
        self,
        client: Client,
        way: Way,
        probes: Probes,
        request: Request,
        talk: Talk,
        *,
        unfit: Mapping[str, str],
    ) -> None:
        self._client = client
        self._way = way
        self._probes = probes
        self._request = request
        self._talk = talk
        self._unfit = dict(unfit)
        self._asker: Asker = probes
        self._pod: PodWay | None = None
        self._confs = Confs(probes, way, talk)
        self._tried: asyncio.Task[tuple[Answer, ...]] | None = None
        self._printer = Printer(
            request.output, talk, watching=request.interval is not None, search=request.search
        )

    async def explain(self, pod: Mapping[str, Any]) -> None:
        """Say what decides where a pod's lookups go, and ask from it where that is possible."""

        async def node_conf() -> ResolvConf:
            await self._start([pod["spec"]["nodeName"]])
            return await self._confs.of_node(pod["spec"]["nodeName"])

        self._pod, asker = await ask_pod(self._client, pod, self._way, node_conf=node_conf)
        self._asker = asker or self._probes
        self._talk.lines(self._pod.lines())

    async def run(self, nodes: Sequence[str]) -> int:
        """Ask from `nodes`; once, or until interrupted."""
        if not nodes:
            node, why = next(iter(self._unfit.items()))
            raise NodednsError(
                f"nothing can be asked from node {node}: {why}", hint="--node asks from others"
            )
        self._talk.step(self._from(nodes))
        while True:
            ended = await self._round(nodes)
            if self._request.interval is None:
                return ended
            await asyncio.sleep(self._request.interval)

    async def _round(self, nodes: Sequence[str]) -> int:
        """Ask from each node as soon as its probe runs; print everything."""
        common = points(self._way, servers=self._servers())
        self._printer.begin(nodes, common)
        unasked = dict(self._unfit)
        lookups: dict[str, tuple[Lookup, ...]] = {}
        notes: list[str] = []
        tasks: list[asyncio.Task[None]] = []

        async def ask(node: str) -> None:
            evidence = Evidence(self._client, self._way, node)
            await evidence.begin()
            found = await self._ask(node)
            found, said = await evidence.end(found)
            lookups[node] = found
            notes.extend(said)
            if not any(lookup.answer.asked for lookup in found):
                self._probes.forget(node)  # its pod has ended: the next round gets a new one
            self._printer.node(found, done=len(lookups), of=len(nodes))

        def started(node: str) -> None:
            tasks.append(asyncio.create_task(ask(node)))

        try:
            unasked |= await self._start(nodes, started)
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        rows = [lookup for node in nodes for lookup in lookups.get(node, ())]
        return await self._end(rows, unasked, notes)

    async def _end(
        self, rows: Sequence[Lookup], unasked: Mapping[str, str], notes: list[str]
    ) -> int:
        tried = await self._tried if self._tried else ()
        name = self._name(tried)
        outcome = compare(
            rows,
            resolvers_know=outside(name, self._way.domain),
            interception=self._way.intercepting,
        )
        if self._pod is not None:
            outcome = self._of_pod(outcome, notes)
        self._printer.end(
            name=name,
            rtype=self._request.rtype,
            lookups=rows,
            outcome=outcome,
            tried=tried,
            unasked=unasked,
            about={"pod": self._pod.as_json()} if self._pod else {},
            notes=notes,
        )
        if not outcome.same:
            return Exit.FINDING
        return Exit.PARTIAL if unasked else Exit.OK

    def _of_pod(self, outcome: Outcome, notes: list[str]) -> Outcome:
        """Add whether the pod's own lookups go through the cache."""
        assert self._pod is not None  # noqa: S101 - for the type checker
        text, difference = conclusion(
            self._pod,
            outcome,
            local_ips=self._way.local_ips,
            kube_dns_ips=self._way.dns.ips,
            cached=self._way.cache is not None,
        )
        if difference is not None:
            return with_difference(outcome, difference)
        notes.append(text)
        return outcome

    async def _ask(self, node: str) -> tuple[Lookup, ...]:
        """Ask everything from one node, whose probe runs."""
        if self._tried is None:
            self._tried = asyncio.create_task(self._search(node))
        name = self._name(await asyncio.shield(self._tried))
        resolvers: Sequence[str] = ()
        if outside(name, self._way.domain):
            resolvers = await self._confs.resolvers(node)
        asks = plan(
            points(self._way, resolvers=resolvers, servers=self._servers()),
            name=name,
            rtype=self._request.rtype,
            marker=marker_name(self._way.domain) if self._way.marked else "",
            protocols=self._request.protocols,
            manner=self._request.manner,
        )
        return await look(self._asker, node, asks, row=self._printer.row)

    async def _search(self, node: str) -> tuple[Answer, ...]:
        """Find out which absolute name a pod's resolver ends with."""
        request = self._request
        if request.absolute:
            return ()
        namespace = request.namespace or self._client.access.namespace
        conf = self._pod.conf if self._pod else await self._confs.of_pods(node, namespace)
        servers, _ = askable(conf.nameservers)
        if not servers:
            return ()
        tried = await search(
            self._asker,
            node,
            request.name,
            conf,
            question=lambda name: Question(
                name=name, rtype=request.rtype, server=servers[0], manner=request.manner
            ),
        )
        self._printer.tried(chosen(request.whole, tried), tried)
        return tried

    async def _start(
        self, nodes: Sequence[str], started: Callable[[str], None] = lambda _: None
    ) -> dict[str, str]:
        """Have a probe on each node, where probes are what asks.

        Raises:
            NodednsError: none runs at all.
        """
        if self._asker is not self._probes:
            for node in nodes:
                started(node)
            return {}
        for node in nodes:
            if self._probes.runs(node):
                started(node)
        new = [node for node in nodes if not self._probes.runs(node)]
        if not new:
            return {}
        self._talk.step(f"start {len(new)} probe pod{'s' if len(new) != 1 else ''}")
        failed = await self._probes.start(new, started=started)
        if len(failed) == len(nodes):
            node, why = next(iter(failed.items()))
            raise NodednsError(f"no probe pod runs on {node}: {why}", hint=why.way_out)
        return {node: f"{why} ({why.way_out})" for node, why in failed.items()}

    def _servers(self) -> list[str]:
        """Return the addresses that were given, and the pod's own nameservers."""
        own = askable(self._pod.conf.nameservers)[0] if self._pod else []
        return [*self._request.servers, *own]

    def _name(self, tried: Sequence[Answer]) -> str:
        return chosen(self._request.whole, tried)

    def _from(self, nodes: Sequence[str]) -> str:
        """Say from where is asked, and how it was chosen."""
        request = self._request
        over = " and ".join(request.protocols)
        if len(nodes) > 1:
            return f"ask {request.name} {request.rtype} over {over} from {len(nodes)} nodes"
        text = f"ask {request.name} {request.rtype} over {over} from {nodes[0]}"
        if request.chooses or self._pod:
            return text
        return f"{text} (one of {len(self._way.nodes) or 1}; -A asks from all)"

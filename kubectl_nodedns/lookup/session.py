"""The rounds of `lookup`: probes or a pod ask from each node, and all is handed on as it comes."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.lookup.ask import look, outside, search
from kubectl_nodedns.lookup.comparison import Outcome, compare, with_difference
from kubectl_nodedns.lookup.counters import CacheCounters
from kubectl_nodedns.lookup.events import LookupCame, NameFound, NodeDone, Report, RoundBegan
from kubectl_nodedns.lookup.pod_dns import PodDns, ask_pod, conclusion
from kubectl_nodedns.lookup.resolv_conf import ResolvConf, askable, chosen, parse, usual
from kubectl_nodedns.lookup.targets import points
from kubectl_nodedns.lookup.vantage import plan
from kubectl_nodedns.names import marker_name
from kubectl_nodedns.together import arriving, side_by_side

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.way import Way
    from kubectl_nodedns.lookup.ask import Asker
    from kubectl_nodedns.lookup.events import Event, Progress
    from kubectl_nodedns.lookup.probes import Probes
    from kubectl_nodedns.lookup.question import Answer
    from kubectl_nodedns.lookup.request import LookupRequest
    from kubectl_nodedns.lookup.vantage import Lookup

    Put = Callable[[Event], None]


class NodeConfs:
    """The resolv.conf of each node, read in its probe once a run.

    Args:
        probes: probes with the nodes' own resolv.conf.
        way: the way of lookups through this cluster.
        told: where it is said what cannot be read or asked.
    """

    def __init__(self, probes: Probes, way: Way, told: Progress) -> None:
        self._probes = probes
        self._way = way
        self._told = told
        self._known: dict[str, ResolvConf] = {}

    async def of_node(self, node: str) -> ResolvConf:
        """Return the node's own resolv.conf; an empty one when it cannot be read."""
        if node not in self._known:
            conf = ResolvConf()
            try:
                conf = parse(await self._probes.resolv_conf(node))
            except NodednsError as error:
                self._told.note(f"{node}: its resolv.conf cannot be read: {error}")
            self._known[node] = conf
            if bad := askable(conf.nameservers)[1]:
                self._told.note(f"{node}: its resolver {', '.join(bad)} cannot be asked from a pod")
        return self._known[node]

    async def resolvers(self, node: str) -> Sequence[str]:
        """Return who is asked for names outside the cluster, as far as a pod can ask them."""
        if self._way.forwards:
            return self._way.forwards
        if node not in self._known and not self._probes.runs(node):
            return ()
        return askable((await self.of_node(node)).nameservers)[0]

    async def of_pods(self, node: str, namespace: str) -> ResolvConf:
        """Return what the node's kubelet gives to pods with `dnsPolicy: ClusterFirst`."""
        own = await self.of_node(node)
        return usual(namespace, self._way.domain, self._way.dns.ips, own)


class Session:
    """One run of `lookup` from probes, or from a pod: a round, or with --watch one after the other.

    Args:
        client: an open client.
        way: the way of lookups through this cluster.
        probes: the probes; none is started yet.
        request: what was asked for.
        told: how far it is.
        unfit: nodes that were wanted and cannot be asked from, and why.
    """

    def __init__(
        self,
        client: Client,
        way: Way,
        probes: Probes,
        request: LookupRequest,
        told: Progress,
        *,
        unfit: Mapping[str, str],
    ) -> None:
        self._client = client
        self._way = way
        self._probes = probes
        self._request = request
        self._told = told
        self._unfit = dict(unfit)
        self._asker: Asker = probes
        self._pod: PodDns | None = None
        self._confs = NodeConfs(probes, way, told)
        self._searching = asyncio.Lock()
        self._tried: tuple[Answer, ...] | None = None

    async def explain(self, pod: Mapping[str, Any]) -> None:
        """Say what decides where a pod's lookups go, and ask from it where that is possible."""

        async def node_conf() -> ResolvConf:
            await self._start([pod["spec"]["nodeName"]])
            return await self._confs.of_node(pod["spec"]["nodeName"])

        self._pod, asker = await ask_pod(self._client, pod, self._way, node_conf=node_conf)
        self._asker = asker or self._probes
        self._told.lines(self._pod.lines())

    async def rounds(self, nodes: Sequence[str]) -> AsyncGenerator[Event, None]:
        """Ask from `nodes`, once or without an end; yield what happens. Close it when done.

        Raises:
            NodednsError: nothing can be asked.
        """
        if not nodes:
            node, why = next(iter(self._unfit.items()))
            raise NodednsError(
                f"nothing can be asked from node {node}: {why}", hint="--node asks from others"
            )
        self._told.step(self._from(nodes))
        while True:
            async with aclosing(arriving(partial(self._round, nodes))) as events:
                async for event in events:
                    yield event
            if self._request.interval is None:
                return
            await asyncio.sleep(self._request.interval)

    async def _round(self, nodes: Sequence[str], put: Put) -> None:
        """Ask from each node as soon as its probe runs."""
        common = points(self._way, servers=self._servers())
        put(RoundBegan(nodes=tuple(nodes), points=common))
        lookups: dict[str, tuple[Lookup, ...]] = {}
        notes: list[str] = []

        async def ask(node: str) -> None:
            counters = CacheCounters(self._client, self._way, node)
            await counters.begin()
            found, said = await counters.end(await self._ask(node, put))
            lookups[node] = found
            notes.extend(said)
            if not any(lookup.answer.asked for lookup in found):
                self._probes.forget(node)  # its pod has ended: the next round gets a new one
            put(NodeDone(lookups=found, done=len(lookups), of=len(nodes)))

        async with side_by_side() as group:
            failed = await self._start(nodes, lambda node: group.create_task(ask(node)))
        rows = tuple(lookup for node in nodes for lookup in lookups.get(node, ()))
        put(self._report(rows, {**self._unfit, **failed}, notes))

    async def _ask(self, node: str, put: Put) -> list[Lookup]:
        """Ask everything from one node, whose probe runs."""
        async with self._searching:  # for all nodes alike, by the first that can ask
            if self._tried is None:
                self._tried = await self._search(node, put)
        name = self._name()
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
        found = []
        async with aclosing(look(self._asker, node, asks)) as lookups:
            async for lookup in lookups:
                put(LookupCame(lookup=lookup))
                found.append(lookup)
        return found

    async def _search(self, node: str, put: Put) -> tuple[Answer, ...]:
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
            self._asker, node, request.name, conf, question=request.question_at(servers[0])
        )
        put(NameFound(name=chosen(request.whole, tried), tried=tried))
        return tried

    async def _start(
        self, nodes: Sequence[str], started: Callable[[str], object] = lambda _: None
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
        self._told.step(f"start {len(new)} probe pod{'s' if len(new) != 1 else ''}")
        failed = await self._probes.start(new, started=started)
        if len(failed) == len(nodes):
            node, why = next(iter(failed.items()))
            raise NodednsError(f"no probe pod runs on {node}: {why}", hint=why.way_out)
        return {node: f"{why} ({why.way_out})" for node, why in failed.items()}

    def _report(
        self, rows: tuple[Lookup, ...], unasked: Mapping[str, str], notes: Sequence[str]
    ) -> Report:
        outcome = compare(
            rows,
            resolvers_know=outside(self._name(), self._way.domain),
            interception=self._way.intercepting,
        )
        said = tuple(notes)
        if self._pod is not None:
            outcome, more = self._of_pod(self._pod, outcome)
            said += more
        return Report(
            name=self._name(),
            rtype=self._request.rtype,
            lookups=rows,
            outcome=outcome,
            tried=self._tried or (),
            unasked=unasked,
            about={"pod": self._pod.as_json()} if self._pod else {},
            notes=said,
        )

    def _of_pod(self, pod: PodDns, outcome: Outcome) -> tuple[Outcome, tuple[str, ...]]:
        """Say whether the pod's own lookups go through the cache: a difference, or a note."""
        text, difference = conclusion(
            pod,
            outcome,
            local_ips=self._way.local_ips,
            kube_dns_ips=self._way.dns.ips,
            cached=self._way.cache is not None,
        )
        if difference is not None:
            return with_difference(outcome, difference), ()
        return outcome, (text,)

    def _servers(self) -> list[str]:
        """Return the addresses that were given, and the pod's own nameservers."""
        own = askable(self._pod.conf.nameservers)[0] if self._pod else []
        return [*self._request.servers, *own]

    def _name(self) -> str:
        return chosen(self._request.whole, self._tried or ())

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

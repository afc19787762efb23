"""What `bench` asks, where and how much: options and facts to names, nodes and addresses."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Protocol

from kubectl_nodedns.bench.series import CACHE, COREDNS, FINE, KUBE_DNS, LOCAL, UPSTREAM, Server
from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import RefusedError, UsageError
from kubectl_nodedns.facts.machine import read_machines
from kubectl_nodedns.facts.nodes import Node, node_of
from kubectl_nodedns.facts.production import production_word
from kubectl_nodedns.install.options import DEFAULTS, NO_EXTERNAL_NAME
from kubectl_nodedns.lookup.events import Progress
from kubectl_nodedns.lookup.marker import read_marker
from kubectl_nodedns.lookup.question import Question
from kubectl_nodedns.names import absolute, marker_name, record_type, reverse
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.access import Access, AccessOptions
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.inspection import Inspection
    from kubectl_nodedns.lookup.probes import Probes
    from kubectl_nodedns.probes.probe_job import ProbeOptions

MOST = 200
"""Names that a file may hold; they travel in the address of one request to the API server."""
ROUNDS = 2
"""Each series is made in so many slices. The second round goes through the series backwards, so
that whatever grows or fades meanwhile touches all of them alike."""
LIGHT_RATE, LIGHT_TOTAL = 200, 20_000
"""Lookups a second, and in all, up to which no CoreDNS notices: nobody is asked before them."""


@dataclass(frozen=True, kw_only=True)
class Name:
    """One name to ask for."""

    label: str
    """What to call it in tables."""
    name: str
    """The domain name, absolute."""
    rtype: str = "A"
    """The type of the records asked for."""


def usual(*, domain: str, kube_dns_ip: str, external: str) -> list[Name]:
    """Return the names that are asked for when nobody names any.

    Args:
        domain: the cluster domain, without a final dot.
        kube_dns_ip: whose reverse name is asked for.
        external: a name outside the cluster; empty for none.
    """
    names = [
        Name(label="cluster", name=f"kubernetes.default.svc.{domain}."),
        Name(label="missing", name=f"nodedns-bench-no-such-service.default.svc.{domain}."),
        Name(label="reverse", name=reverse(kube_dns_ip), rtype="PTR"),
    ]
    if external:
        names.insert(1, Name(label="external", name=absolute(external, option="--external-name")))
    return names


def read_names(text: str, *, file: str) -> list[Name]:
    """Read a file of names: on each line a name and, if it is not A, a record type.

    What follows a "#" is a comment. This is also the form of dnsperf's input.

    Raises:
        UsageError: a line is something else, or there is no name, or there are too many.
    """
    names = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        where = f"--names: {file}, line {number}"
        if len(words) > 2:  # noqa: PLR2004 - a name and a type
            raise UsageError(f"{where}: more than a name and a record type")
        name = absolute(words[0], option=where)
        rtype = record_type(words[1]) if len(words) > 1 else "A"
        label = name.removesuffix(".") + (f" {rtype}" if rtype != "A" else "")
        names.append(Name(label=label, name=name, rtype=rtype))
    if not names:
        raise UsageError(f"--names: {file} has no name in it")
    if len(names) > MOST:
        raise UsageError(f"--names: {file} has {len(names)} names; {MOST} is the most")
    return names


@dataclass(frozen=True, kw_only=True)
class Load:
    """How much to ask."""

    rate: int
    """Lookups a second from each node."""
    count: int
    """Lookups in a series, at most."""
    seconds: float
    """Length of a series, at most."""

    @property
    def lookups(self) -> int:
        """Lookups in a series: what count and time both allow."""
        return max(min(self.count, int(self.rate * self.seconds)), 1)

    def slices(self) -> list[int]:
        """Return how many of them each round makes."""
        first = ceil(self.lookups / ROUNDS)
        return [n for n in (first, self.lookups - first) if n]


@dataclass(frozen=True, kw_only=True)
class BenchRequest:
    """What was asked for on the command line, checked."""

    access: AccessOptions
    """Which cluster, and as whom."""
    probes: ProbeOptions
    """How probes are started."""
    host_probe: bool
    """Whether there is a second probe in each node's own network."""
    given: Mapping[str, str]
    """Options about the cluster, by name."""
    nodes: tuple[str, ...]
    """Nodes to ask from; empty for those of the selector, or one."""
    selector: str
    """Label selector of nodes; empty for none."""
    names: tuple[Name, ...]
    """Names to ask for; empty for the usual ones."""
    load: Load
    """How much to ask."""
    yes: bool
    """Whether it was confirmed beforehand."""
    terminal: bool
    """Whether there is a terminal to ask for it on."""


@dataclass(frozen=True, kw_only=True)
class Burden:
    """What a run asks of CoreDNS, at most."""

    rate: int
    """Lookups a second."""
    total: int
    """Lookups in all."""
    production: bool
    """Whether the context looks like production."""

    @classmethod
    def of(cls, load: Load, *, nodes: int, addresses: int, context: str) -> Burden:
        """Tell the burden of a run: each address is asked over both transports."""
        return cls(
            rate=load.rate * nodes,
            total=load.lookups * nodes * addresses * 2,
            production=bool(production_word(context)),
        )

    @property
    def light(self) -> bool:
        """Whether nobody needs to be asked before."""
        return self.rate <= LIGHT_RATE and self.total <= LIGHT_TOTAL and not self.production


class Talk(Progress, Protocol):
    """Tells a person how far it is, and asks; `cli.talk.Talk` does."""

    def confirm(self, question: str, *, yes: bool) -> bool:
        """Ask a yes-or-no question; `yes` when it was answered beforehand."""


async def choose_nodes(client: Client, seen: Inspection, request: BenchRequest) -> list[str]:
    """Choose the nodes to ask from.

    Raises:
        UsageError: a node that was named does not exist, or the selector matches none.
    """
    found: Sequence[Node] = seen.nodes
    if request.selector:
        items = await client.list(collection("v1", "nodes"), labels=request.selector)
        found = sorted((node_of(item) for item in items), key=lambda node: node.name)
    known = {node.name for node in found}
    for name in request.nodes:
        if name not in known:
            raise UsageError(f"--node: there is no node {name!r}", hint="kubectl get nodes")
    ready = [node.name for node in found if node.ready and node.system == "linux"]
    if request.nodes:
        return list(dict.fromkeys(request.nodes))
    if not ready:
        raise UsageError(
            "there is no ready Linux node to ask from, or -l matches none",
            hint="kubectl get nodes --show-labels",
        )
    return ready if request.selector else ready[:1]


def addresses_of(seen: Inspection, upstream: str) -> list[tuple[str, str]]:
    """Return the addresses to ask, with their keys."""
    local = [ip for cache in seen.caches[:1] for ip in cache.local_ips if ip not in seen.dns.ips]
    found = [(LOCAL, local[0])] if local else []
    found.append((KUBE_DNS, seen.dns.ip))
    return found + ([(UPSTREAM, upstream)] if upstream else [])


def agreed(burden: Burden, request: BenchRequest, access: Access, talk: Talk) -> bool:
    """Say what load it will be; ask where that could be felt.

    Raises:
        UsageError: it must be asked, and there is no terminal.
    """
    talk.note(
        f"up to {burden.rate} lookups/s at CoreDNS and {burden.total} lookups in all, UDP and TCP"
    )
    if burden.light:
        return True
    context = access.context
    if not request.yes and not request.terminal:
        looks = f"the context {context!r} looks like production"
        why = looks if burden.production else "that is a load"
        raise UsageError(
            f"bench would ask CoreDNS {burden.rate} times a second ({why}), and there is no "
            "terminal to ask on",
            hint="say --yes, or ask less with --rate, --count or fewer nodes",
        )
    return talk.confirm(f"Load the DNS of {context or access.server} so?", yes=request.yes)


async def choose_names(
    probes: Probes,
    nodes: Sequence[str],
    seen: Inspection,
    request: BenchRequest,
    addresses: Sequence[tuple[str, str]],
    notes: list[str],
) -> list[Name]:
    """Choose the names; leave those out that CoreDNS fails on.

    They are asked at the last address: CoreDNS's own where it has one, so that no cache is warm
    when the run begins.

    Raises:
        RefusedError: none is left.
    """
    external = request.given.get("external-name", DEFAULTS["external-name"])
    names = list(request.names) or usual(
        domain=seen.domain.name,
        kube_dns_ip=seen.dns.ip,
        external="" if external == NO_EXTERNAL_NAME else external,
    )
    server = addresses[-1][1]
    questions = [Question(name=n.name, rtype=n.rtype, server=server) for n in names]
    answers = await probes.ask(nodes[0], questions)
    left = []
    for name, answer in zip(names, answers, strict=True):
        if answer.rcode in FINE:
            left.append(name)
        else:
            notes.append(f"{name.name} {name.rtype} is left out: {answer.summary()}")
    if not left:
        raise RefusedError(
            f"no name resolves at {server} from node {nodes[0]}: {answers[0].summary()}",
            hint="there is nothing to measure; is --cluster-domain right?",
        )
    return left


async def choose_targets(
    probes: Probes,
    nodes: Sequence[str],
    seen: Inspection,
    addresses: Sequence[tuple[str, str]],
    names: Sequence[Name],
    notes: list[str],
) -> dict[str, list[Server]]:
    """Say who answers at each address, for each node; leave silent addresses out."""
    marker = marker_name(seen.domain.name)

    async def servers(node: str) -> list[Server]:
        questions = []
        for _, ip in addresses:
            questions += [
                Question(name=marker, rtype="TXT", server=ip),
                Question(name=names[0].name, rtype=names[0].rtype, server=ip),
            ]
        answers = await probes.ask(node, questions)
        found = []
        for (key, ip), mark, real in zip(addresses, answers[::2], answers[1::2], strict=True):
            if not real.rcode and key != KUBE_DNS:
                notes.append(f"{ip} ({key}) is left out on node {node}: {real.summary()}")
                continue
            found.append(
                Server(key=key, address=ip, answered_by=_who(key, read_marker(mark), seen))
            )
        return found

    return dict(zip(nodes, await together(map(servers, nodes)), strict=True))


def _who(key: str, marker: object, seen: Inspection) -> str:
    """Say who answers; empty where a cache without a marker leaves it to the counters."""
    if marker is not None or key == LOCAL:
        return CACHE
    if key == UPSTREAM or not seen.caches or seen.caches[0].ours:
        return COREDNS
    return ""


async def place_of(client: Client, seen: Inspection, nodes: Sequence[str]) -> dict[str, object]:
    """Say what it ran on."""
    machines = await read_machines(client, nodes)
    version = await client.get("/version")
    cache = seen.caches[0] if seen.caches else None
    return {
        "cluster": f"{client.access.context or client.access.server}, Kubernetes "
        f"{version.get('gitVersion', '?')}, {len(seen.nodes)} nodes, kube-proxy "
        f"{seen.dataplane.mode or 'not known'}",
        "machines": [str(machine) for machine in machines],
        "nodes": [machine.as_json() for machine in machines],
        "cache": f"{cache.image}, {cache.owner}" if cache else "",
        "coredns": f"{seen.dns.ready} endpoints behind {seen.dns.namespace}/{seen.dns.name}",
    }

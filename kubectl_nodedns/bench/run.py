"""The measuring of `bench`: what to ask and where, rounds of batches, counters around each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kubectl_nodedns.bench.meter import Meter, between, summed
from kubectl_nodedns.bench.plan import (
    BenchRequest,
    Burden,
    Load,
    addresses_of,
    agreed,
    choose_names,
    choose_nodes,
    choose_targets,
    place_of,
)
from kubectl_nodedns.bench.result import Counted, Result
from kubectl_nodedns.bench.series import (
    CACHE,
    COREDNS,
    Lookup,
    Series,
    Server,
    joined,
    rank,
)
from kubectl_nodedns.errors import ApiError, RefusedError, TimedOutError
from kubectl_nodedns.facts.inspection import inspect
from kubectl_nodedns.facts.progress import GO_ON, read_progress
from kubectl_nodedns.facts.upstream_service import read_upstream_ip
from kubectl_nodedns.install.recalled import recalled
from kubectl_nodedns.lookup import batch
from kubectl_nodedns.lookup.batch import Batch
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.bench.plan import Name, Talk
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.lookup.probes import Probes

IDLE = 2.0
"""Seconds for which counters are looked at before the run, to know what others ask."""
COUNTED_SHARE = 0.9
"""Share of lookups that a cache must have counted to be who answered."""
MARGIN = 20.0
"""Seconds that a command in a probe may take beyond the batch itself."""


async def measure(
    client: Client,
    probes: Probes,
    host_probes: Probes | None,
    request: BenchRequest,
    talk: Talk,
    *,
    idle: float = IDLE,
) -> tuple[Result, Mapping[str, str]] | None:
    """Measure.

    Args:
        client: an open client.
        probes: the probes that ask; none is started yet.
        host_probes: probes in the nodes' own networks; None where none are request.
        request: what was asked for.
        talk: for progress, and to ask whether so much load is all right.
        idle: seconds for which counters are looked at before the run.

    Returns:
        The result, and for each node that could not be asked from: why. None when the person said
        no.

    Raises:
        RefusedError: there is nothing to ask, or nowhere to ask from.
    """
    talk.step(f"inspect {client.access.context or client.access.server}")
    seen = await inspect(client, await recalled(client, request.given))
    if progress := await read_progress(client, seen.caches):
        talk.note(f"{progress}: {GO_ON}")
    upstream = await read_upstream_ip(client, seen.dns)
    nodes = await choose_nodes(client, seen, request)
    addresses = addresses_of(seen, upstream)
    burden = Burden.of(
        request.load,
        nodes=len(nodes),
        addresses=len(addresses),
        context=client.access.context,
    )
    if not agreed(burden, request, client.access, talk):
        return None
    talk.step(f"start {len(nodes)} probe pod{'s' if len(nodes) != 1 else ''}")
    missing = dict(await probes.start(nodes))
    if host_probes is not None:
        for node, why in (await host_probes.start(nodes)).items():
            talk.note(f"no probe in the network of node {node}: {why}")
            host_probes = None
    for node, why in missing.items():
        talk.note(f"node {node} is left out: {why}")
    nodes = [node for node in nodes if node not in missing]
    if not nodes:
        raise RefusedError(
            f"no probe runs: {next(iter(missing.values()))}",
            hint="--probe-image names an image that this cluster can pull, --probe-namespace a "
            "namespace that allows the pod",
        )
    notes: list[str] = []
    names = await choose_names(probes, nodes, seen, request, addresses, notes)
    targets = await choose_targets(probes, nodes, seen, addresses, names, notes)
    meter = await Meter.of(client, seen, nodes, host_probes)
    talk.step(f"look at the counters for {idle:.0f} s: what do others ask?")
    others = await meter.idle(idle)
    talk.step(
        f"{request.load.lookups} lookups a series, {request.load.rate} a second from each node"
    )
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    series, counted, throttled = await _rounds(probes, targets, names, request.load, meter, talk)
    if throttled:
        notes.append(
            f"the kernel held the probe back {throttled} times for its CPU limit: part of the tail "
            "is the probe's own; a smaller --rate avoids that"
        )
    for note in notes:
        talk.note(note)
    result = Result(
        at=at,
        place=await place_of(client, seen, nodes),
        options={
            "rate": request.load.rate,
            "lookups": request.load.lookups,
            "nodes": nodes,
            "names": [f"{name.name} {name.rtype}" for name in names],
        },
        series=tuple(_by_counters(series, counted)),
        counted=tuple(counted),
        others=others,
        notes=tuple(notes),
    )
    return result, {node: str(why) for node, why in missing.items()}


async def _rounds(
    probes: Probes,
    targets: Mapping[str, Sequence[Server]],
    names: Sequence[Name],
    load: Load,
    meter: Meter,
    talk: Talk,
) -> tuple[list[Series], list[Counted], int]:
    """Make every series, slice by slice; return them with what counters said meanwhile."""
    kinds = [
        (key, tcp)
        for key in dict.fromkeys(one.key for servers in targets.values() for one in servers)
        for tcp in (False, True)
    ]
    slices: list[Series] = []
    counted: list[Counted] = []
    throttled = 0
    for number, count in enumerate(load.slices()):
        for key, tcp in kinds if number % 2 == 0 else reversed(kinds):
            before = await meter.read()
            made = await together(
                (
                    _slice(
                        probes,
                        node,
                        server,
                        names,
                        Batch(
                            server=server.address,
                            tcp=tcp,
                            questions=tuple((name.name, name.rtype) for name in names),
                            count=count,
                            rate=load.rate,
                        ),
                    )
                    for node, servers in targets.items()
                    for server in servers
                    if server.key == key
                )
            )
            after = await meter.read()
            counted.append(
                replace(between(before, after), server=key, protocol="tcp" if tcp else "udp")
            )
            throttled += sum(times for _, times in made)
            slices += [one for one, _ in made]
            talk.note(_said([one for one, _ in made]))
    return joined(slices), summed(counted), throttled


async def _slice(
    probes: Probes, node: str, server: Server, names: Sequence[Name], wanted: Batch
) -> tuple[Series, int]:
    """Make one slice from one node; return it with how often the probe was held back.

    Raises:
        ApiError: the probe is gone, or dig does not work in it.
    """
    limit = batch.cut_off(wanted) + MARGIN
    try:
        output = await probes.run(
            node, batch.command(wanted), timeout=limit, most=batch.longest(wanted)
        )
        done = batch.read(output)
    except (ValueError, TimedOutError) as error:
        raise ApiError(
            f"the probe on node {node} did not bring its lookups to an end: {error}"
        ) from error
    if not done.responses:
        raise ApiError(
            f"the probe on node {node} made no lookup: {' '.join(output.split())[:200]}",
            hint="--probe-image needs dig 9.16 or later, sh, sleep and timeout",
        )
    lookups = tuple(
        Lookup(names[number % len(names)].label, one.rcode, one.microseconds)
        for number, one in enumerate(done.responses)
    )
    series = Series(node=node, server=server, tcp=wanted.tcp, lookups=lookups, seconds=done.seconds)
    return series, done.throttled


def _said(slices: Sequence[Series]) -> str:
    """Say in a line how a slice went."""
    first = slices[0]
    times = sorted(time for one in slices for time in one.times())
    lost = sum(one.lost for one in slices)
    asked = sum(one.asked for one in slices)
    figures = f"p50 {rank(times, 0.5)} µs, p99 {rank(times, 0.99)} µs" if times else "no response"
    where = f"{first.server.key} {first.server.address} {first.protocol}"
    return f"{where:<30}{asked} asked, {lost} lost, {figures}"


def _by_counters(series: Sequence[Series], counted: Sequence[Counted]) -> list[Series]:
    """Fill in who answered where no marker told: the caches counted the lookups, or did not."""
    by_kind = {(one.server, one.protocol): one for one in counted}
    asked: dict[tuple[str, str], int] = {}
    for one in series:
        kind = (one.server.key, one.protocol)
        asked[kind] = asked.get(kind, 0) + one.asked
    found = []
    for one in series:
        kind = (one.server.key, one.protocol)
        counts = by_kind.get(kind)
        server = one.server
        if not server.answered_by and counts and counts.cache_lookups is not None:
            cached = counts.cache_lookups >= COUNTED_SHARE * asked[kind]
            server = replace(server, answered_by=CACHE if cached else COREDNS)
        found.append(replace(one, server=server))
    return found

"""Where the cache serves on the local IP alone: do kubelets hand that address to pods?

A kubelet's own word is its configz; where that may not be read, the resolv.conf of a fresh pod
tells. A kubelet counts only when a fresh pod on its node got the address and its own node's cache
answers there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.access import duration
from kubectl_nodedns.commands.given import probe_options
from kubectl_nodedns.commands.session import make_probes
from kubectl_nodedns.errors import TimedOutError
from kubectl_nodedns.facts.clients import nameservers
from kubectl_nodedns.facts.distribution import read_distribution
from kubectl_nodedns.facts.kubelets import read_handed_out
from kubectl_nodedns.install.kubelets import steps
from kubectl_nodedns.install.live import read_pods
from kubectl_nodedns.lookup.proof import Prover, Target, Verdict

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cli.talk import Talk
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.verdict import Verdict as Judged

POLL = 5.0
"""Seconds between two looks at kubelets."""
FRESH = 30.0
"""Seconds between two fresh pods on a node whose kubelet cannot be asked."""
PROOF = 15.0
"""Seconds that a cache may take to answer a fresh pod."""


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


async def hand_out(
    client: Client, arguments: argparse.Namespace, place: Place, talk: Talk
) -> list[Verdict]:
    """Say which kubelets hand out the local IP, and prove it; with --wait, until all do.

    Returns:
        A verdict on each node.

    Raises:
        TimedOutError: --wait has a limit, and it passed.
    """
    ip = place.target.local_ip
    talk.step(f"which kubelets hand out {ip}")
    verdicts = await _round(client, arguments, place, {})
    for verdict in verdicts.values():
        talk.node(verdict)
    missing = _missing(verdicts)
    if missing:
        distribution = await read_distribution(client)
        known = f" ({distribution.name}: {distribution.evidence})" if distribution.name else ""
        talk.note(f"to have {len(missing)} of {len(place.nodes)} hand it out{known}:")
        talk.lines(f"            {line}" for line in steps(distribution, ip))
    if missing and arguments.wait is not None:
        talk.step("wait for the others; leave with Ctrl-C, the same command goes on from here")
        limit = duration(arguments.wait, option="--wait")
        try:
            async with asyncio.timeout(limit):
                await _wait(client, arguments, place, verdicts, talk)
        except TimeoutError:
            names = ", ".join(_missing(verdicts))
            raise TimedOutError(
                f"these kubelets do not hand out {ip} after {arguments.wait}: {names}",
                hint="the cache works, and the others use it; enable --wait goes on from here",
            ) from None
    return list(verdicts.values())


def kubelets_text(verdicts: Sequence[Judged]) -> str:
    """Say how many kubelets are switched."""
    done = sum(verdict.ok for verdict in verdicts)
    return f"{done} of {len(verdicts)} kubelets switched"


async def _wait(
    client: Client,
    arguments: argparse.Namespace,
    place: Place,
    verdicts: dict[str, Verdict],
    talk: Talk,
) -> None:
    while _missing(verdicts):
        asked = await read_handed_out(client, place.nodes)
        blind = any(node not in asked for node in _missing(verdicts))
        await asyncio.sleep(FRESH if blind else POLL)
        before = dict(verdicts)
        verdicts |= await _round(client, arguments, place, verdicts)
        for node, verdict in verdicts.items():
            if verdict.ok and not before[node].ok:
                talk.node(verdict)


async def _round(
    client: Client,
    arguments: argparse.Namespace,
    place: Place,
    before: Mapping[str, Verdict],
) -> dict[str, Verdict]:
    """Look at every node that is not proved yet."""
    open_nodes = [n for n in place.nodes if n not in before or not before[n].ok]
    handed = await read_handed_out(client, open_nodes)
    ip = place.target.local_ip
    verdicts = {
        node: Verdict(
            node=node, ok=False, text=f"its kubelet hands out {', '.join(servers) or 'nothing'}"
        )
        for node, servers in handed.items()
        if ip not in servers
    }
    rest = [node for node in open_nodes if node not in verdicts]
    return dict(before) | verdicts | await _prove(client, arguments, place, rest)


async def _prove(
    client: Client, arguments: argparse.Namespace, place: Place, nodes: Sequence[str]
) -> dict[str, Verdict]:
    """Start a fresh pod on each of `nodes`, and see what it was handed and who answers there."""
    if not nodes:
        return {}
    caches = await read_pods(client, place.namespace)
    async with make_probes(client, probe_options(arguments), place.registry) as probes:
        failed = await probes.start(nodes)
        prover = Prover(probes, place.target)

        async def one(node: str) -> Verdict:
            if node in failed:
                return Verdict(node=node, ok=False, text=f"no fresh pod: {failed[node]}")
            servers = nameservers(await probes.resolv_conf(node))
            if servers[:1] != [place.target.local_ip]:
                text = f"a fresh pod was handed {', '.join(servers) or 'no nameserver'}"
                return Verdict(node=node, ok=False, text=text)
            cache = caches.get(node)
            uid = cache.uid if cache else ""
            verdict = await prover.dark(node, uid, timeout=PROOF)
            if not verdict.ok:
                return verdict
            text = f"a fresh pod asks {servers[0]}, and its own node's cache answers"
            return Verdict(node=node, ok=True, text=text, answers=verdict.answers)

        return {verdict.node: verdict for verdict in await asyncio.gather(*map(one, nodes))}


def _missing(verdicts: Mapping[str, Verdict]) -> list[str]:
    return [node for node, verdict in verdicts.items() if not verdict.ok]

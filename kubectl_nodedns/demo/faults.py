"""Faults to find: what goes wrong in the demo's cluster, on which nodes, and when.

Nodes are chosen by the seed. Two faults are there from the start (a resolver that is slow, pods
that flood the cache); two happen to a cache a few seconds after it was switched on (rules that are
taken away, memory that runs out), as they do in a cluster: when everything looked well.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.demo import traffic
from kubectl_nodedns.demo.world import ZONES, zone_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection, Mapping

    from kubectl_nodedns.demo.clock import Clock
    from kubectl_nodedns.demo.kubelets import Kubelets
    from kubectl_nodedns.demo.machines import Machine
    from kubectl_nodedns.demo.store import Object

OOM, BYPASS, SLOW, STORM = "oom", "bypass", "slow-upstream", "search-storm"
ALL = (OOM, BYPASS, SLOW, STORM)
"""Every fault, by the name that `--fault` takes."""
ONE_OF = 100
"""One node of so many has a fault, and one at least."""
BYPASS_AFTER = 3.0
"""Seconds after the switch of a node until its rules are taken away."""
OOM_AFTER = 5.0
"""Seconds after the switch until memory runs out for the first time."""
OOM_AGAIN = 75.0
"""Seconds from there to the next time."""
LEAK = 330 * 2**20
"""Bytes that a cache leaks until it is killed."""
MOST = 4
"""Nodes that are named."""
SIGKILL = 137
"""Exit code of a process that the kernel ended."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which nodes have which fault."""

    oom: frozenset[str]
    """Nodes whose cache is killed for its memory."""
    bypass: frozenset[str]
    """Nodes that lose the rules of the kube-dns IP."""
    slow: frozenset[str]
    """Nodes whose resolver is slow."""
    storm: frozenset[str]
    """Nodes with a search-list storm."""

    def lines(self) -> list[str]:
        """Say in lines what is wrong where."""
        said = (
            (OOM, self.oom, "the cache is killed for its memory, again and again"),
            (BYPASS, self.bypass, "its packet filter rules are gone: pods bypass the cache"),
            (SLOW, self.slow, "the resolver of its zone is slow, and sometimes silent"),
            (STORM, self.storm, "its pods try every name with every suffix of their search list"),
        )
        return [f"{name:<14} {_some(nodes)}: {text}" for name, nodes, text in said if nodes]


def choose(names: Collection[str], wanted: Collection[str], chance: random.Random) -> Chosen:
    """Choose the nodes."""
    order = list(names)
    slow_zone = chance.choice(ZONES)
    slow = [name for i, name in enumerate(order, 1) if zone_of(i) == slow_zone]
    # The others are looked for where the resolver is well, so that each shows by itself.
    free = [name for name in order if name not in slow] or order
    chance.shuffle(free)
    share = max(1, len(order) // ONE_OF)
    parts: dict[str, list[str]] = {}
    for i, fault in enumerate((BYPASS, OOM, STORM)):
        parts[fault] = free[i * share : (i + 1) * share]
    return Chosen(
        oom=frozenset(parts[OOM] if OOM in wanted else ()),
        bypass=frozenset(parts[BYPASS] if BYPASS in wanted else ()),
        slow=frozenset(slow if SLOW in wanted else ()),
        storm=frozenset(parts[STORM] if STORM in wanted else ()),
    )


def prepare(chosen: Chosen, machines: Mapping[str, Machine]) -> None:
    """Put the faults in place that are there from the start."""
    for name, machine in machines.items():
        if name in chosen.slow:
            machine.profile = traffic.slowed(machine.profile)
        if name in chosen.storm:
            machine.profile = traffic.stormy(machine.profile)


class Happening:
    """Lets faults happen to caches that are switched on.

    Args:
        chosen: which nodes.
        kubelets: kill containers.
        clock: the cluster's clock.
        dns_ip: address of the DNS service.
    """

    def __init__(self, chosen: Chosen, kubelets: Kubelets, clock: Clock, dns_ip: str) -> None:
        self._chosen = chosen
        self._kubelets = kubelets
        self._clock = clock
        self._dns_ip = dns_ip
        self._left = set(chosen.oom | chosen.bypass)
        self._bypassed: set[str] = set()

    @property
    def waiting(self) -> bool:
        """Whether a fault that was chosen has not happened yet."""
        return bool(self._left)

    def started(self, pod: Object, machine: Machine) -> None:
        """Look at a cache that has started."""
        if self._dns_ip not in machine.link or machine.cache is None:
            return
        # Whoever repairs the node has repaired it: the rules are taken away once.
        if machine.name in self._chosen.bypass - self._bypassed:
            self._after(BYPASS_AFTER, self._bypass, machine)
        if machine.name in self._chosen.oom:
            seconds = OOM_AFTER if machine.name in self._left else OOM_AGAIN
            machine.cache.leak(LEAK / seconds)
            self._after(seconds, self._kill, machine, pod)

    def _after(self, seconds: float, act: Callable[..., None], *arguments: object) -> None:
        asyncio.get_running_loop().call_later(self._clock.wall(seconds), act, *arguments)

    def _bypass(self, machine: Machine) -> None:
        if self._dns_ip in machine.rules:
            self._bypassed.add(machine.name)
            machine.bypassed(self._dns_ip)
            self._left.discard(machine.name)

    def _kill(self, machine: Machine, pod: Object) -> None:
        self._kubelets.kill(pod, reason="OOMKilled", code=SIGKILL)
        self._left.discard(machine.name)


def _some(nodes: Collection[str]) -> str:
    names = sorted(nodes, key=lambda name: (len(name), name))
    more = len(names) - MOST
    return ", ".join(names[:MOST]) + (f" and {more} more" if more > 0 else "")

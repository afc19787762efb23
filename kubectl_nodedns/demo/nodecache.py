"""One process of node-cache: it answers from its cache or asks upstream, and counts."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.demo import traffic
from kubectl_nodedns.demo.replies import (
    NXDOMAIN,
    SERVFAIL,
    Asked,
    Outcome,
    Record,
    Reply,
    Silence,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kubectl_nodedns.demo.clock import Clock
    from kubectl_nodedns.demo.corefile import Zone

    Upstream = Callable[[Asked, bool], Outcome]

HIT_SECONDS = 0.00021
OVERHEAD_SECONDS = 0.0004
"""What the way to upstream costs beside upstream's own time."""
FRESH_MEMORY = 23.5 * 2**20
"""Bytes that a process holds when it starts."""
ENTRY_MEMORY = 1100
"""Bytes that an entry of the cache holds."""
LONGEST_TTL = 30
"""Entries are kept no longer than the plugin cache is told: `success 9984 30`, `cache 30`."""

Count = tuple[str, str, str, str, str]
"""Listen address, zone, record type, protocol, what became of it."""


class NodeCache:
    """A process of node-cache.

    Args:
        zones: the zones of its Corefile.
        addresses: what it listens on.
        upstream: asks upstream; the flag says whether the cluster's DNS.
        clock: the cluster's clock.
        profile: how the node's pods look names up.
        version: CoreDNS's version.
    """

    def __init__(
        self,
        *,
        zones: Sequence[Zone],
        addresses: tuple[str, ...],
        upstream: Upstream,
        clock: Clock,
        profile: traffic.Profile,
        version: str,
    ) -> None:
        self.zones = tuple(zones)
        self.addresses = addresses
        self.profile = profile
        self.version = version
        self.started = time.time()
        """When it started, in Unix seconds."""
        self.scrapes = 0
        """Metrics pages served."""
        self._upstream = upstream
        self._clock = clock
        self._born = self._leaks_since = clock.now()
        self._growth = 0.0
        self._entries: dict[tuple[str, str], tuple[float, Reply]] = {}
        self._asked: Counter[Count] = Counter()
        self._flowed = 0.0
        self._flows_since: float | None = None
        self._flow_address: str | None = None
        # The plugin loop asks itself once, in each zone that has it.
        for zone in self.zones:
            if "loop" in zone.plugins and addresses:
                count = (addresses[0], zone.name, "other", "udp", traffic.MISS_NX)
                self._asked[count] += 1

    def flow(self, address: str) -> None:
        """Let the lookups of the node's pods come in at an address."""
        if self._flows_since is None:
            self._flow_address = address
            self._flows_since = self._clock.now()

    def dry(self) -> None:
        """Let none come in any more."""
        self._flowed = self._lookups()
        self._flows_since = None

    def leak(self, growth: float) -> None:
        """Lose memory from now on: bytes per second that are never given back."""
        self._growth, self._leaks_since = growth, self._clock.now()

    def aged(self, seconds: float) -> None:
        """Make it look as if it had run for that long already."""
        self.started -= seconds
        self._born -= seconds
        self._flowed += self.profile.rate * seconds

    @property
    def uptime(self) -> float:
        """Seconds that it has run, by the cluster's clock."""
        return self._clock.now() - self._born

    def answer(self, asked: Asked, address: str) -> Outcome:
        """Answer a question that came in at an address."""
        found = [zone for zone in self.zones if within(asked.name, zone.name)]
        if not found:
            return Reply(rcode="REFUSED", seconds=HIT_SECONDS)
        zone = max(found, key=lambda z: len(z.name))
        if zone.template:
            return _templated(zone.template, asked)
        reply, outcome = self._resolved(zone, asked)
        if zone.counted:
            protocol = "tcp" if asked.tcp else "udp"
            self._asked[address, zone.name, asked.rtype, protocol, outcome] += 1
        return reply

    def counts(self) -> Mapping[Count, int]:
        """Return how many lookups there were, made by people and by pods."""
        found: Counter[Count] = Counter(self._asked)
        lookups = self._lookups()
        if lookups and self._flow_address is not None:
            names = self._zones_of_traffic()
            parts = traffic.counts(self.profile, lookups)
            for (kind, rtype, protocol, outcome), number in parts.items():
                if kind in names:
                    found[self._flow_address, names[kind], rtype, protocol, outcome] += number
        return found

    def entries(self, zone: Zone) -> tuple[int, int]:
        """Return how many answers and how many denials a zone's cache holds."""
        held = [key for key in self._entries if self._zone_of(key[0]) is zone]
        share = {name: part for part, name in self._zones_of_traffic().items()}.get(zone.name)
        lookups = self._lookups()
        if share is None or not lookups:
            return len(held), 0
        outcomes = self.profile.outcomes[share]
        size = self.profile.working_set * self.profile.kinds[share]
        size *= traffic.filled(self.profile, lookups)
        denials = (outcomes[traffic.DENIED] + outcomes[traffic.MISS_NX]) / sum(outcomes.values())
        return int(size * (1 - denials)) + len(held), int(size * denials)

    def memory(self) -> int:
        """Return the resident memory in bytes."""
        held = sum(sum(self.entries(zone)) for zone in self.zones)
        leaked = self._growth * (self._clock.now() - self._leaks_since)
        return int(FRESH_MEMORY + held * ENTRY_MEMORY + leaked)

    def _lookups(self) -> float:
        if self._flows_since is None:
            return self._flowed
        until, since = self._clock.now(), self._flows_since
        return self._flowed + self.profile.lookups(until) - self.profile.lookups(since)

    def _zones_of_traffic(self) -> dict[str, str]:
        """Return in which zone each kind of name is."""
        cluster = next(
            (z.name for z in self.zones if z.to_cluster and not z.name.endswith("arpa.")), None
        )
        names = {z.name for z in self.zones if z.counted}
        usual = {
            traffic.CLUSTER: cluster,
            traffic.REVERSE: "in-addr.arpa.",
            traffic.OUTSIDE: ".",
        }
        return {kind: name for kind, name in usual.items() if name and name in names}

    def _zone_of(self, name: str) -> Zone | None:
        found = [zone for zone in self.zones if within(name, zone.name)]
        return max(found, key=lambda zone: len(zone.name)) if found else None

    def _resolved(self, zone: Zone, asked: Asked) -> tuple[Outcome, str]:
        """Answer from the cache, or from upstream; say which."""
        now = self._clock.now()
        key = (asked.name, asked.rtype)
        expiry, kept = self._entries.get(key, (0.0, None))
        if kept is not None and expiry > now:
            left = int(expiry - now)
            fresh = tuple(replace(record, ttl=min(record.ttl, left)) for record in kept.answer)
            denied = kept.rcode == NXDOMAIN or not kept.answer
            outcome = traffic.DENIED if denied else traffic.HIT
            return replace(kept, answer=fresh, seconds=HIT_SECONDS), outcome
        reply = self._upstream(asked, zone.to_cluster)
        if isinstance(reply, Silence):
            return Reply(rcode=SERVFAIL, recursive=True, seconds=1.9), traffic.MISS_FAIL
        records = reply.answer or reply.authority
        if zone.cached and records and reply.rcode != SERVFAIL:
            ttl = min(LONGEST_TTL, *(record.ttl for record in records))
            self._entries[key] = (now + ttl, reply)
        outcome = {NXDOMAIN: traffic.MISS_NX, SERVFAIL: traffic.MISS_FAIL}.get(
            reply.rcode, traffic.MISS
        )
        return replace(reply, seconds=reply.seconds + OVERHEAD_SECONDS), outcome


def _templated(template: tuple[str, str], asked: Asked) -> Reply:
    """Answer as the plugin template does; another type has no plugin left to answer it."""
    rtype, text = template
    if asked.rtype != rtype:
        return Reply(rcode=SERVFAIL, authoritative=True, seconds=HIT_SECONDS)
    line = text.replace("{{ .Name }}", asked.name)
    name, ttl, _, kind, data = line.split(None, 4)
    record = Record(name, int(ttl), kind, data)
    return Reply(answer=(record,), authoritative=True, seconds=HIT_SECONDS)

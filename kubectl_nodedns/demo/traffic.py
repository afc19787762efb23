"""The lookups of a node's pods: how many, for what, and what becomes of them.

Everything is a pure function of the time, so that a node that nobody looks at costs nothing: the
number of lookups until a moment is the integral of a rate that goes up and down with a few sines,
and the counters are shares of it, rounded down, so that they never go back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

HIT, DENIED, MISS, MISS_NX, MISS_FAIL = "hit", "denied", "miss", "miss_nx", "miss_fail"
"""What becomes of a lookup: from the cache, from the cache of denials, or from upstream."""
WARM_SECONDS = 12.0
"""How long a cache takes to fill; until then it answers less by itself."""
CLUSTER, REVERSE, OUTSIDE = "cluster", "reverse", "outside"
"""What lookups are for."""

Share = tuple[str, str, str, str]
"""What for, record type, protocol, what becomes of it."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How a node's pods look names up."""

    rate: float
    """Lookups per second, on average."""
    phases: tuple[float, float, float]
    """Where the sines begin, in radians."""
    kinds: dict[str, float]
    """Share of each kind of name."""
    outcomes: dict[str, dict[str, float]]
    """For each kind of name, the share of what becomes of it."""
    working_set: float
    """Entries of the cache when it is warm."""
    resolver_seconds: float
    """What the node's resolver takes for an answer."""

    def lookups(self, until: float) -> float:
        """Return the lookups from the clock's start until a moment (seconds)."""
        waves = ((0.16, 41.0), (0.11, 13.0), (0.06, 5.0))
        swing = sum(
            (math.cos(phase) - math.cos(until / length * math.tau + phase))
            * (depth * length / math.tau)
            for (depth, length), phase in zip(waves, self.phases, strict=True)
        )
        return self.rate * (until + swing)


TYPES = {
    CLUSTER: (("A", "udp", 0.58), ("AAAA", "udp", 0.40), ("SRV", "udp", 0.02)),
    REVERSE: (("PTR", "udp", 1.0),),
    OUTSIDE: (
        ("A", "udp", 0.57),
        ("AAAA", "udp", 0.39),
        ("TXT", "udp", 0.02),
        ("A", "tcp", 0.02),
    ),
}
"""For each kind of name: record type, protocol, share."""
USUAL = {
    CLUSTER: {HIT: 0.47, DENIED: 0.45, MISS: 0.045, MISS_NX: 0.035},
    REVERSE: {HIT: 0.62, DENIED: 0.06, MISS: 0.26, MISS_NX: 0.06},
    OUTSIDE: {HIT: 0.78, DENIED: 0.06, MISS: 0.138, MISS_NX: 0.0215, MISS_FAIL: 0.0005},
}
STORM = {
    **USUAL,
    CLUSTER: {HIT: 0.05, DENIED: 0.55, MISS: 0.01, MISS_NX: 0.39},
}
"""Names outside are tried with every suffix of the search list first, and each name is new."""
SLOW = {
    **USUAL,
    OUTSIDE: {HIT: 0.74, DENIED: 0.05, MISS: 0.14, MISS_NX: 0.02, MISS_FAIL: 0.05},
}
"""Some answers come too late: the client hears SERVFAIL."""


def profile(chance: random.Random) -> Profile:
    """Make up the profile of a node."""
    return Profile(
        rate=chance.lognormvariate(math.log(240), 0.45),
        phases=(chance.uniform(0, 6), chance.uniform(0, 6), chance.uniform(0, 6)),
        kinds={CLUSTER: 0.71, REVERSE: 0.02, OUTSIDE: 0.27},
        outcomes=USUAL,
        working_set=chance.uniform(350, 900),
        resolver_seconds=chance.uniform(0.006, 0.012),
    )


def stormy(usual: Profile) -> Profile:
    """Return the profile of a node with a search-list storm."""
    kinds = {CLUSTER: 0.93, REVERSE: 0.005, OUTSIDE: 0.065}
    return replace(usual, rate=1500.0, kinds=kinds, outcomes=STORM, working_set=9300.0)


def slowed(usual: Profile) -> Profile:
    """Return the profile of a node whose resolver is slow."""
    return replace(usual, outcomes=SLOW, resolver_seconds=0.28)


def filled(profile: Profile, lookups: float) -> float:
    """Return how full a cache is after so many lookups, 0 to 1."""
    return 1 - math.exp(-lookups / (profile.rate * WARM_SECONDS))


def counts(profile: Profile, lookups: float) -> dict[Share, int]:
    """Return how many lookups there were of each share.

    Args:
        profile: how the node's pods look names up.
        lookups: lookups so far.
    """
    # Half of the lookups miss at first, and fewer and fewer as the cache fills.
    cold = 0.5 * profile.rate * WARM_SECONDS * filled(profile, lookups)
    found: dict[Share, int] = {}
    for kind, part in profile.kinds.items():
        shares = profile.outcomes[kind]
        for rtype, protocol, portion in TYPES[kind]:
            weight = part * portion
            for outcome, share in shares.items():
                number = lookups * share
                if outcome in (HIT, DENIED):
                    number -= cold * share
                elif outcome == MISS:
                    number += cold * shares[HIT]
                elif outcome == MISS_NX:
                    number += cold * shares[DENIED]
                found[kind, rtype, protocol, outcome] = int(number * weight)
    return found

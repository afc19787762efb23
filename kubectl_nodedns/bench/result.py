"""A whole run: its series, what others counted meanwhile, and what it ran on. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.bench.series import Series, merged
from kubectl_nodedns.documents import read_json
from kubectl_nodedns.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

KIND, VERSION = "kubectl-nodedns/bench", 1
"""What a document of ours says of itself; the version changes when its meaning does."""
SHARE_OF_OTHERS = 0.2
"""Counts in which other people's lookups weigh more than this against ours say nothing of ours."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What counters rose by while series of one kind ran; None where they could not be read."""

    server: str
    """Key of the address that was asked meanwhile."""
    protocol: str
    """Over which transport."""
    seconds: float
    """For how long the counters were looked at."""
    coredns_udp: float | None = None
    """Lookups that CoreDNS received over UDP."""
    coredns_tcp: float | None = None
    """Lookups that CoreDNS received over TCP."""
    cache_lookups: float | None = None
    """Lookups that the nodes' caches received."""
    cache_hits: float | None = None
    """Lookups that the nodes' caches answered with records they held."""
    cache_denial_hits: float | None = None
    """Lookups that the nodes' caches answered with a "no such name" they held."""
    tracked: float | None = None
    """Connections that the nodes' kernels track more than before."""

    @property
    def coredns(self) -> float | None:
        """Lookups that CoreDNS received."""
        if self.coredns_udp is None or self.coredns_tcp is None:
            return None
        return self.coredns_udp + self.coredns_tcp


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run of `bench`."""

    at: str
    """When it began: UTC, ISO 8601."""
    place: Mapping[str, Any]
    """What it ran on: context, server, versions, machines. For people; nothing is decided by it."""
    options: Mapping[str, Any]
    """How it was asked for: names, rate, count, nodes."""
    series: tuple[Series, ...]
    """The series: one for each node, address and transport."""
    counted: tuple[Counted, ...] = ()
    """What counters said, for each address and transport."""
    others: Counted | None = None
    """What the same counters rose by before the run, when nobody but others asked."""
    notes: tuple[str, ...] = ()
    """What a reader must know to judge the figures."""

    def merged(self) -> list[Series]:
        """Return one series for each address and transport, over all nodes."""
        return merged(self.series)

    def find(self, answered_by: str, *, tcp: bool) -> Series | None:
        """Return the series that `answered_by` answered, the one on pods' own path first."""
        found = [s for s in self.merged() if s.server.answered_by == answered_by and s.tcp is tcp]
        found.sort(key=lambda s: s.server.key != "kube-dns")
        return found[0] if found else None

    def count(self, series: Series, what: str) -> float | None:
        """Return what a counter rose by during `series`, without other people's part.

        Args:
            series: one of `merged()`.
            what: a field of `Counted`, or its property `coredns`.

        Returns:
            None where it could not be read, or others' lookups outweigh ours in it.
        """
        for one in self.counted:
            if (one.server, one.protocol) == (series.server.key, series.protocol):
                return self._without_others(one, series, what)
        return None

    def _without_others(self, one: Counted, series: Series, what: str) -> float | None:
        value: float | None = getattr(one, what)
        before: float | None = getattr(self.others, what) if self.others else None
        if value is None or before is None or self.others is None or not self.others.seconds:
            return None
        theirs = before / self.others.seconds * one.seconds
        if theirs > SHARE_OF_OTHERS * series.asked:
            return None
        return max(round(value - theirs), 0)

    def as_json(self) -> dict[str, Any]:
        """Return the document of `-o json`."""
        return {
            "kind": KIND,
            "version": VERSION,
            "at": self.at,
            "place": dict(self.place),
            "options": dict(self.options),
            "series": [one.as_json() for one in self.series],
            "counted": [asdict(one) for one in self.counted],
            "others": asdict(self.others) if self.others else None,
            "notes": list(self.notes),
        }


def read_result(text: str, *, file: str) -> Result:
    """Read a document that `-o json` wrote.

    Raises:
        UsageError: it is none, or one of another version.
    """
    try:
        data = read_json(text)
        _check_kind(data)
        result = Result(
            at=str(data["at"]),
            place=dict(data["place"]),
            options=dict(data["options"]),
            series=tuple(Series.of_json(one) for one in data["series"]),
            counted=tuple(Counted(**one) for one in data["counted"]),
            others=Counted(**data["others"]) if data["others"] else None,
            notes=tuple(map(str, data["notes"])),
        )
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise UsageError(
            f"{file} is no result of bench that can be read: {error}",
            hint="write one with: kubectl nodedns bench -o json > FILE",
        ) from error
    return result


def _check_kind(data: Mapping[str, Any]) -> None:
    if (data["kind"], data["version"]) != (KIND, VERSION):
        raise ValueError(f"kind {data['kind']!r}, version {data['version']!r}")

"""What a recording is made of, as plain JSON values, and back. Pure.

Format 1: gzip members, so that each can be read by itself. The first holds one line, the header.
Each of the others holds some frames, two lines a frame: when it was and how bad it was, then what
changed. The first frame of a member is whole; the next ones build upon it. Counters of a page are
written when they change, under a number that stands for series and labels within the member.
Reading leaves out fields that it does not know.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, TypeVar

from kubectl_nodedns.metrics.capacity import Capacity
from kubectl_nodedns.metrics.fleet import Load, Watched
from kubectl_nodedns.metrics.page import Page
from kubectl_nodedns.metrics.series import Series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.page import Key

KIND = "kubectl-nodedns/top"
VERSION = 1
CHANGED, WHOLE, FIRST = 0, 1, 2
"""How a page is written: what changed, everything, or everything of a pod's first page."""

T = TypeVar("T")
Counter = tuple[Series, "Key"]


def flat(value: Any) -> dict[str, Any] | None:
    """Write a dataclass of plain fields; None stays None."""
    return None if value is None else asdict(value)


def unflat(kind: type[T], data: Mapping[str, Any] | None) -> T | None:
    """Read what `flat` wrote."""
    if data is None:
        return None
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in data.items() if name in known})


def whole(kind: type[T], data: Mapping[str, Any]) -> T:
    """Read what `flat` wrote, where something has to be there."""
    read = unflat(kind, data)
    if read is None:
        raise ValueError(f"no {kind.__name__}")
    return read


def about(snapshot: FleetSnapshot) -> dict[str, Any]:
    """Write what a snapshot says besides its rows."""
    return {
        "caches": [asdict(cache) for cache in snapshot.caches],
        "coredns_ips": list(snapshot.coredns_ips),
        "source": snapshot.source,
        "interval": snapshot.interval,
        "load": asdict(snapshot.load),
        "problems": list(snapshot.problems),
    }


def read_about(data: Mapping[str, Any]) -> dict[str, Any]:
    """Read what `about` wrote, as arguments of a snapshot."""
    return {
        "caches": tuple(_watched(cache) for cache in data["caches"]),
        "coredns_ips": tuple(data["coredns_ips"]),
        "source": str(data["source"]),
        "interval": float(data["interval"]),
        "load": whole(Load, data["load"]),
        "problems": tuple(data["problems"]),
    }


def counters(page: Page) -> dict[Counter, float]:
    """Return a page's values one by one."""
    return {
        (series, key): value
        for series, parts in page.totals.items()
        for key, value in parts.items()
    }


def page_of(at: float, values: Mapping[Counter, float]) -> Page:
    """Put a page together again."""
    totals: dict[Series, dict[Key, float]] = {}
    for (series, key), value in values.items():
        totals.setdefault(series, {})[key] = value
    return Page(at=at, totals=totals)


def number(value: float) -> float:
    """Write whole numbers as such: most counters are, and ".0" is a third of their length."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _watched(data: Mapping[str, Any]) -> Watched:
    read = dict(data)
    read["kube_dns_ips"] = tuple(read["kube_dns_ips"])
    read["capacity"] = unflat(Capacity, read.get("capacity"))
    return whole(Watched, read)

"""What a recording is made of, as plain JSON values, and back. Pure.

Format 1: gzip members, so that each can be read by itself. The first holds one line, the header.
Each of the others holds some frames, two lines a frame: when it was and how bad it was, then what
changed. The first frame of a member is whole; the next ones build upon it. Counters of a page are
written when they change, under a number that stands for series and labels within the member.
Reading leaves out fields that it does not know, and takes no file's word for what it holds: a value
of another kind than its field, or a number that is none, is a `ValueError`.
"""

from __future__ import annotations

from dataclasses import asdict, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from kubectl_nodedns.documents import read_json
from kubectl_nodedns.metrics.capacity import Capacity
from kubectl_nodedns.metrics.fleet import Load, Watched
from kubectl_nodedns.metrics.page import Page
from kubectl_nodedns.metrics.series import Series
from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.page import Key

KIND = "kubectl-nodedns/top"
VERSION = 1
CHANGED, WHOLE, FIRST = 0, 1, 2
"""How a page is written: what changed, everything, or everything of a pod's first page."""

LARGEST = 2.0**63
"""No counter, time or size of a recording is larger."""
UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading something raises that was not written by `record`."""

TEXTS = "tuple[str, ...]"
"""How the type of several texts is written; JSON has them as a list."""

T = TypeVar("T")
Counter = tuple[Series, "Key"]


def flat(value: Any) -> dict[str, Any] | None:
    """Write a dataclass of plain fields; None stays None."""
    return None if value is None else asdict(value)


def unflat(kind: type[T], data: Mapping[str, Any] | None) -> T | None:
    """Read what `flat` wrote."""
    if data is None:
        return None
    known = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    given = {
        name: texts(value) if known[name] == TEXTS and isinstance(value, list) else value
        for name, value in data.items()
        if name in known
    }
    for name, value in given.items():
        if not any(_fits(value, one) for one in known[name].split(" | ")):
            raise ValueError(f"{kind.__name__}.{name} is no {known[name]}")
    return kind(**given)


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
        "coredns_ips": texts(data["coredns_ips"]),
        "source": str(data["source"]),
        "interval": read_number(data["interval"]),
        "load": whole(Load, data["load"]),
        "problems": texts(data["problems"]),
    }


def texts(data: Any) -> tuple[str, ...]:
    """Read a list of texts.

    Raises:
        ValueError: something else is in it.
    """
    if not all(isinstance(one, str) for one in data):
        raise ValueError("no text")
    return tuple(data)


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


def read_line(line: bytes) -> dict[str, Any]:
    """Read a line of a recording; text in it is made harmless for a terminal.

    Raises:
        ValueError: it is no object of JSON.
    """
    read = read_json(line)
    if not isinstance(read, dict):
        raise ValueError("no object")  # noqa: TRY004 - of the file, not of the program
    plain = line.isascii() and b"\\" not in line
    return read if plain else dict(_harmless(read))


def read_number(value: Any) -> float:
    """Read a number: a counter, a time, a size.

    Raises:
        ValueError: it is none, or one that cannot be.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("no number")  # noqa: TRY004 - of the file, not of the program
    if not -LARGEST <= value <= LARGEST:  # of NaN, neither is so
        raise ValueError("no number that can be")
    return float(value)


def read_counter(data: Any) -> Counter:
    """Read what a number in a page stands for: a series, and its labels' values.

    Raises:
        KeyError: there is no such series.
        ValueError: the labels are not those of the series.
    """
    name, *key = data
    series = Series[name]
    if len(key) != len(series.value.by) or not all(isinstance(one, str) for one in key):
        raise ValueError(f"{name} has other labels")
    return series, tuple(key)


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_harmless(one) for one in value]
    if isinstance(value, dict):
        return {printable(name): _harmless(one) for name, one in value.items()}
    return value


def _fits(value: Any, kind: str) -> bool:
    """Whether a value is of the kind that a field's annotation names."""
    if kind in ("int", "float"):
        whole_number = isinstance(value, int) or kind == "float"
        try:
            return whole_number and read_number(value) is not None
        except ValueError:
            return False
    if kind == TEXTS:
        return isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    if kind == "Mapping[str, int]":
        return isinstance(value, dict) and all(
            _fits(name, "str") and _fits(one, "int") for name, one in value.items()
        )
    if kind == "None":
        return value is None
    return type(value).__name__ == kind and (kind in ("str", "bool") or is_dataclass(value))


def _watched(data: Mapping[str, Any]) -> Watched:
    read = dict(data)
    read["capacity"] = unflat(Capacity, read.get("capacity"))
    return whole(Watched, read)

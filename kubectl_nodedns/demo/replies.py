"""A DNS question and what comes back, as the emulated servers hand them on."""

from __future__ import annotations

from dataclasses import dataclass

NOERROR, NXDOMAIN, SERVFAIL = "NOERROR", "NXDOMAIN", "SERVFAIL"


@dataclass(frozen=True)
class Asked:
    """A question."""

    name: str
    """Domain name, absolute, in lower case."""
    rtype: str
    """Type of the records asked for."""
    tcp: bool = False
    """Whether it comes over TCP."""


@dataclass(frozen=True)
class Record:
    """A resource record."""

    name: str
    """Owner name."""
    ttl: int
    """Time to live in seconds."""
    rtype: str
    """Type."""
    data: str
    """Data, in presentation format."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A response."""

    rcode: str = NOERROR
    """Response code."""
    answer: tuple[Record, ...] = ()
    """The answer section."""
    authority: tuple[Record, ...] = ()
    """The authority section."""
    authoritative: bool = False
    """The flag aa."""
    recursive: bool = False
    """The flag ra."""
    seconds: float = 0.0005
    """How long it took."""


@dataclass(frozen=True)
class Silence:
    """No response."""

    why: str
    """In dig's words: "timed out", "connection refused"."""


Outcome = Reply | Silence


def within(name: str, zone: str) -> bool:
    """Whether an absolute name is at or below a zone; "." holds everything."""
    return zone in (".", name) or name.endswith(f".{zone}")

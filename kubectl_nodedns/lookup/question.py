"""A DNS question and the answer to it, as frozen values.

Terms are those of RFC 8499. Nothing here touches the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question to one server, over one transport."""

    name: str
    """Domain name asked for, absolute: with a final dot."""
    rtype: str = "A"
    """Type of the resource records asked for."""
    server: str
    """IP address that the question is sent to, at port 53."""
    tcp: bool = False
    """Whether it is sent over TCP."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One resource record of an answer section."""

    name: str
    """Owner name."""
    ttl: int
    """Time to live in seconds."""
    rtype: str
    """Type, such as A."""
    data: str
    """The record's data in presentation format, escaped as dig prints it."""

    def text(self) -> str:
        """Return the data; for TXT without its quotes."""
        if self.rtype == "TXT" and self.data.startswith('"') and self.data.endswith('"'):
            return self.data[1:-1].replace('" "', "")
        return self.data


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back for one question."""

    question: Question
    """The question."""
    rcode: str = ""
    """Response code, such as NOERROR; empty when there was no response."""
    records: tuple[Record, ...] = ()
    """The answer section."""
    flags: tuple[str, ...] = ()
    """Header flags, such as qr, aa, rd, ra."""
    microseconds: int | None = None
    """Time from query to response as dig measured it on the node; None without a response."""
    size: int | None = None
    """Octets of the response message; None without one."""
    error: str = ""
    """Why there was no response, in words; empty when there was one."""
    asked: bool = True
    """Whether the question was sent at all; False when its probe is gone or an exec failed."""

    @property
    def ok(self) -> bool:
        """Whether the response is NOERROR with at least one record."""
        return self.rcode == "NOERROR" and bool(self.records)

    def summary(self) -> str:
        """Say in a few words what came back: the rcode, the records, or the error."""
        if not self.rcode:
            return self.error or "no response"
        if not self.records:
            return self.rcode
        return f"{self.rcode} " + ", ".join(r.text() for r in self.records)

    def as_json(self) -> dict[str, Any]:
        """Return the answer as `-o json` shows it."""
        return {
            "name": self.question.name,
            "type": self.question.rtype,
            "server": self.question.server,
            "protocol": "tcp" if self.question.tcp else "udp",
            "rcode": self.rcode or None,
            "records": [
                {"name": r.name, "ttl": r.ttl, "type": r.rtype, "data": r.data}
                for r in self.records
            ],
            "flags": list(self.flags),
            "microseconds": self.microseconds,
            "size": self.size,
            "error": self.error or None,
        }

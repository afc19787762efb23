"""A DNS question and the answer to it, as frozen values.

Terms are those of RFC 8499. Nothing here touches the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a question is asked, besides what it asks."""

    edns: bool = True
    """Whether the query has an OPT record (RFC 6891)."""
    buffer_size: int | None = None
    """UDP payload size that the query offers, in octets; None for the asker's own default."""
    dnssec: bool = False
    """Whether the DO bit is set: DNSSEC records are wanted."""
    checking_disabled: bool = False
    """Whether the CD bit is set: the resolver need not validate."""
    nsid: bool = False
    """Whether the server is asked for its name (RFC 5001)."""
    recursion: bool = True
    """Whether the RD bit is set."""
    timeout: int = 2
    """Seconds that the response is waited for; the question is sent once."""


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
    manner: Manner = field(default_factory=Manner)
    """EDNS, header bits and patience."""

    @property
    def protocol(self) -> str:
        """The transport: "tcp" or "udp"."""
        return "tcp" if self.tcp else "udp"


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
    """Time from query to response as the asker measured it; None without a response."""
    measured: str = ""
    """The same in the asker's own words, such as "212 usec" from dig; empty without a response."""
    size: int | None = None
    """Octets of the response message; None without one."""
    truncated: bool = False
    """Whether the response over UDP was truncated (TC), so that this one came over TCP."""
    opt: tuple[str, ...] = ()
    """Lines of the response's OPT record, such as "EDNS: version: 0, flags:; udp: 1232"."""
    error: str = ""
    """Why there was no response, in words; empty when there was one."""
    asked: bool = True
    """Whether the question was sent at all; False when its probe is gone or an exec failed."""

    @property
    def ok(self) -> bool:
        """Whether the response is NOERROR with at least one record."""
        return self.rcode == "NOERROR" and bool(self.records)

    @property
    def ttl(self) -> int | None:
        """The lowest TTL of the answer section in seconds; None without records."""
        return min((record.ttl for record in self.records), default=None)

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
            "protocol": self.question.protocol,
            "rcode": self.rcode or None,
            "records": [
                {"name": r.name, "ttl": r.ttl, "type": r.rtype, "data": r.data}
                for r in self.records
            ],
            "flags": list(self.flags),
            "microseconds": self.microseconds,
            "measured": self.measured or None,
            "size": self.size,
            "truncated": self.truncated,
            "opt": list(self.opt),
            "error": self.error or None,
        }

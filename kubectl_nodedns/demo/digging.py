"""dig: its command line, and what it prints (BIND 9.18)."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubectl_nodedns.demo.replies import Asked, Outcome, Record, Reply, Silence

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

VERSION = "9.18.49-1~deb12u3-Debian"
TYPES = frozenset(
    ("A", "AAAA", "ANY", "CAA", "CNAME", "HTTPS", "MX", "NS", "PTR", "SOA", "SRV", "SVCB", "TXT")
)
LABEL, NAME = 63, 255
"""Octets of a label and of a name, at most (RFC 1035)."""
TTL_COLUMN, CLASS_COLUMN, TYPE_COLUMN, DATA_COLUMN, TAB = 24, 32, 40, 48, 8
MULTICAST = (
    ";; WARNING: .local is reserved for Multicast DNS",
    ";; You are currently testing what happens when an mDNS query is leaked to DNS",
)


@dataclass
class Query:
    """One question on dig's command line."""

    words: list[str]
    """The command line."""
    server: str
    """Address that is asked."""
    name: str = "."
    """Domain name."""
    rtype: str = "A"
    """Record type."""
    options: set[str] = field(default_factory=set)
    """What stands behind a plus sign."""
    wait: float = 5.0
    """Seconds until dig gives a try up."""
    tries: int = 3
    """How often it asks over UDP."""
    fine: bool = False
    """Whether times are printed in microseconds."""
    problem: str = ""
    """Why it cannot be asked; empty when it can."""

    @property
    def tcp(self) -> bool:
        """Whether it goes over TCP."""
        return "tcp" in self.options

    @property
    def asked(self) -> Asked:
        """The question."""
        return Asked(self.name.lower(), self.rtype, self.tcp)


def parse(words: Sequence[str], server: str) -> Query:
    """Read dig's command line.

    Args:
        words: what stands behind "dig".
        server: who is asked when no server is named.
    """
    query = Query(list(words), server)
    rest = list(words)
    named = False
    while rest:
        word = rest.pop(0)
        if word.startswith("@"):
            query.server = word[1:]
        elif word in ("-q", "-t", "-p", "-b", "-x", "-c"):
            value = rest.pop(0) if rest else ""
            if word == "-q":
                query.name, named = value, True
            elif word == "-t":
                query.rtype = value.upper()
            elif word == "-x":
                query.name, query.rtype = ipaddress.ip_address(value).reverse_pointer, "PTR"
                named = True
        elif word == "-u":
            query.fine = True
        elif word.startswith("-"):
            continue  # -4, -6, -r: nothing here depends on them
        elif word.startswith("+"):
            _option(query, word[1:])
        elif word.upper() in TYPES and (named or query.name == "."):
            query.rtype = word.upper()
        elif word.upper() != "IN":
            query.name, named = word, True
    if not query.name.endswith("."):
        query.name += "."
    query.problem = query.problem or _illegal(query.name)
    return query


def _option(query: Query, word: str) -> None:
    name, _, value = word.partition("=")
    if name in ("time", "timeout"):
        query.wait = float(value)
    elif name == "tries":
        query.tries = int(value)
    elif name == "retry":
        query.tries = int(value) + 1
    elif name == "vc":
        query.options.add("tcp")
    elif name.startswith("no"):
        query.options.discard(name[2:])
        query.options.add(name)
    else:
        query.options.add(name)


def _illegal(name: str) -> str:
    """Say in dig's words why a name cannot be asked for; empty when it can."""
    if name == ".":
        return ""
    labels = name.removesuffix(".").split(".")
    if "" in labels:
        return f"dig: '{name}' is not a legal name (empty label)"
    if max(map(len, labels)) > LABEL:
        return f"dig: '{name}' is not a legal name (label too long)"
    if len(name) > NAME:
        return f"dig: '{name}' is not a legal name (ran out of space)"
    return ""


def waits(query: Query, outcome: Outcome) -> float:
    """Return the seconds until dig knows."""
    if isinstance(outcome, Reply):
        return outcome.seconds
    return query.wait * (1 if query.tcp else query.tries) if outcome.why == "timed out" else 0.001


def printed(query: Query, outcome: Outcome, chance: random.Random) -> str:
    """Return what dig prints."""
    if query.problem:
        return query.problem + "\n"
    if query.options & {"short", "noall"}:
        return _reduced(query, outcome, chance)
    head = [
        "",
        f"; <<>> DiG {VERSION} <<>> {' '.join(query.words)}",
        "; (1 server found)",
        ";; global options: +cmd",
    ]
    if isinstance(outcome, Silence):
        said = _failed(query, outcome)
        if query.tcp and outcome.why == "connection refused":
            return "\n".join([*said, ""])
        return "\n".join([*said[:-1], *head, said[-1], ""])
    return "\n".join([*head, *_response(query, outcome, chance), "", ""])


def _reduced(query: Query, outcome: Outcome, chance: random.Random) -> str:
    """Return what is left after +short (data), or +noall (comments and statistics, if asked)."""
    if isinstance(outcome, Silence):
        return "\n".join([*_failed(query, outcome), ""])
    if "short" in query.options:
        return "".join(f"{record.data}\n" for record in outcome.answer)
    lines = _response(query, outcome, chance)
    comments = lines[: lines.index("")] if "comments" in query.options else []
    stats = lines[-4:] if "stats" in query.options else []
    return "\n".join([*comments, "", *stats, "", ""])


def _failed(query: Query, silence: Silence) -> list[str]:
    where = f"{query.server}#53"
    last = ";; no servers could be reached"
    if query.tcp and silence.why == "connection refused":
        to = f"{where}({query.server}) for {query.name}"
        return [f";; Connection to {to} failed: {silence.why}.", last]
    tries = 1 if query.tcp else query.tries
    return [*[f";; communications error to {where}: {silence.why}"] * tries, last]


def _response(query: Query, reply: Reply, chance: random.Random) -> list[str]:
    flags = ["qr"] + ["aa"] * reply.authoritative + ["rd"] + ["ra"] * reply.recursive
    lines = [";; Got answer:"]
    if query.name.endswith(".local."):
        lines += MULTICAST
    lines += [
        f";; ->>HEADER<<- opcode: QUERY, status: {reply.rcode}, id: {chance.randrange(65536)}",
        f";; flags: {' '.join(flags)}; QUERY: 1, {_counted(reply)}, ADDITIONAL: 1",
    ]
    if not reply.recursive:
        lines.append(";; WARNING: recursion requested but not available")
    lines += ["", ";; OPT PSEUDOSECTION:", "; EDNS: version: 0, flags:; udp: 1232"]
    lines += [";; QUESTION SECTION:", ";" + _columns(query.name, "", "IN", query.rtype)]
    for title, records in (("ANSWER", reply.answer), ("AUTHORITY", reply.authority)):
        if records:
            lines += ["", f";; {title} SECTION:", *map(_line, records)]
    micro = max(int(reply.seconds * 1e6), 1)
    time_taken = f"{micro} usec" if query.fine else f"{micro // 1000} msec"
    protocol = "TCP" if query.tcp else "UDP"
    return [
        *lines,
        "",
        f";; Query time: {time_taken}",
        f";; SERVER: {query.server}#53({query.server}) ({protocol})",
        time.strftime(";; WHEN: %a %b %d %H:%M:%S UTC %Y", time.gmtime()),
        f";; MSG SIZE  rcvd: {_size(query, reply)}",
    ]


def _counted(reply: Reply) -> str:
    return f"ANSWER: {len(reply.answer)}, AUTHORITY: {len(reply.authority)}"


def _line(record: Record) -> str:
    text = _columns(record.name, str(record.ttl), "IN", record.rtype)
    gap, _ = _gap(len(text.expandtabs(TAB)), DATA_COLUMN)
    return text + gap + record.data


def _columns(name: str, ttl: str, rdclass: str, rtype: str) -> str:
    """Lay a record out as dig does: in columns, with tabs as far as they reach.

    Source: BIND's lib/dns/masterdump.c, with the columns that dig sets (24, 32, 40, 48).
    """
    text, column = name, len(name)
    for word, start in ((ttl, TTL_COLUMN), (rdclass, CLASS_COLUMN), (rtype, TYPE_COLUMN)):
        if word:
            gap, column = _gap(column, start)
            text, column = f"{text}{gap}{word}", column + len(word)
    return text


def _gap(column: int, start: int) -> tuple[str, int]:
    """Return what leads from a column to another, or past it by one; and where that ends."""
    start = max(start, column + 1)
    tabs = start // TAB - column // TAB
    spaces = start % TAB if tabs else start - column
    return "\t" * tabs + " " * spaces, start


def _size(query: Query, reply: Reply) -> int:
    """Estimate the octets of the response: header, question, OPT record, and the records."""
    records = (*reply.answer, *reply.authority)
    return 23 + len(query.name) + 5 + sum(12 + len(record.data) for record in records)

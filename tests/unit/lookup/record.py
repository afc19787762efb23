"""Record dig's real output for answers that no real server gives on demand.

    python -m tests.unit.lookup.record             as root: it serves port 53 of 127.0.0.0/8
    python -m tests.unit.lookup.record --cluster   asks CoreDNS in the test cluster

Runs the very command that a probe pod runs, with this machine's dig, and writes each output to
dig/NAME.txt. `QUESTIONS` and `OF_CLUSTER` are what the tests ask about.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from kubectl_nodedns.lookup import dig
from kubectl_nodedns.lookup.question import Question

FOLDER = Path(__file__).parent / "dig"
SERVES = "127.0.0.53"
SILENT = "127.0.0.54"
CLOSED = "127.0.0.55"
UDP_ONLY = "127.0.0.56"

RECORDS = {
    "one.test.": ["one.test. 5 IN A 192.0.2.1"],
    "many.test.": [f"many.test. 30 IN A 192.0.2.{n}" for n in (1, 2, 3)],
    "alias.test.": ["alias.test. 30 IN CNAME one.test.", "one.test. 5 IN A 192.0.2.1"],
    "empty.test.": [],
    "marker.test.": [
        'marker.test. 0 IN TXT "node1 1f0c6b1e-6a65-4c1e-9d33-3e1d6a2f7c11"',
    ],
    "control.test.": [r'control.test. 1 IN TXT "tab\009 bell\007 esc\027[31m newline\010;; end"'],
    "quotes.test.": [r'quotes.test. 1 IN TXT "say \"hello\" \\ there" "second; part"'],
    "posing.test.": [
        'posing.test. 1 IN TXT "status: REFUSED, id: 1" ";; Query time: 7 usec"',
        'posing.test. 1 IN TXT ";;; nodedns" ";; ANSWER SECTION:"',
    ],
    "big.test.": [f'big.test. 1 IN TXT "{"x" * 250}"', f'big.test. 1 IN TXT "{"y" * 250}"'],
    r"space\032name.test.": [r"space\032name.test. 5 IN A 192.0.2.9"],
}
RCODES = {
    "nxdomain.test.": dns.rcode.NXDOMAIN,
    "servfail.test.": dns.rcode.SERVFAIL,
    "refused.test.": dns.rcode.REFUSED,
}

QUESTIONS = {
    "noerror": Question(name="one.test.", server=SERVES),
    "noerror_tcp": Question(name="one.test.", server=SERVES, tcp=True),
    "many": Question(name="many.test.", server=SERVES),
    "alias": Question(name="alias.test.", server=SERVES),
    "nodata": Question(name="empty.test.", rtype="AAAA", server=SERVES),
    "nxdomain": Question(name="nxdomain.test.", server=SERVES),
    "servfail": Question(name="servfail.test.", server=SERVES),
    "refused": Question(name="refused.test.", server=SERVES),
    "marker": Question(name="marker.test.", rtype="TXT", server=SERVES),
    "control": Question(name="control.test.", rtype="TXT", server=SERVES),
    "quotes": Question(name="quotes.test.", rtype="TXT", server=SERVES),
    "posing": Question(name="posing.test.", rtype="TXT", server=SERVES),
    "space": Question(name=r"space\032name.test.", server=SERVES),
    "truncated": Question(name="big.test.", rtype="TXT", server=SERVES),
    "truncated_no_tcp": Question(name="big.test.", rtype="TXT", server=UDP_ONLY),
    "garbage": Question(name="garbage.test.", server=SERVES),
    "wrong_id": Question(name="wrongid.test.", server=SERVES),
    "timeout": Question(name="one.test.", server=SILENT),
    "timeout_tcp": Question(name="one.test.", server=SILENT, tcp=True),
    "closed": Question(name="one.test.", server=CLOSED),
    "closed_tcp": Question(name="one.test.", server=CLOSED, tcp=True),
    "no_route": Question(name="one.test.", server="2001:db8::1"),
    "illegal_name": Question(name="b..c.", server=SERVES),
    "bad_server": Question(name="one.test.", server="not-a-server.invalid"),
    "bad_option": Question(name="one.test. +nonsense", server=SERVES),
}
OF_CLUSTER = {
    "coredns_cluster": Question(name="kubernetes.default.svc.cluster.local.", server="10.96.0.10"),
    "coredns_reverse": Question(name="1.0.96.10.in-addr.arpa.", rtype="PTR", server="10.96.0.10"),
    "coredns_nxdomain": Question(
        name="nothing.default.svc.cluster.local.", rtype="TXT", server="10.96.0.10", tcp=True
    ),
}
ROUND = ("noerror", "illegal_name", "closed_tcp", "marker")


def respond(wire: bytes, *, tcp: bool) -> bytes:
    """Answer one query from the tables above."""
    query = dns.message.from_wire(wire)
    name = query.question[0].name.to_text()
    if name == "garbage.test.":
        return wire[:2] + b"\x81\x80\x00\x01garbage"
    response = dns.message.make_response(query, recursion_available=True)
    if name == "wrongid.test.":
        response.id ^= 0xFFFF
    if name in RCODES:
        response.set_rcode(RCODES[name])
        soa = "test. 30 IN SOA ns.test. admin.test. 1 7200 1800 86400 30"
        response.authority.append(_rrset(soa))
    for line in RECORDS.get(name, []):
        new = _rrset(line)
        same = [old for old in response.answer if old.match(new.name, new.rdclass, new.rdtype, 0)]
        if same:
            same[0].add(new[0], new.ttl)
        else:
            response.answer.append(new)
    if name == "big.test." and not tcp:
        response.answer.clear()
        response.flags |= dns.flags.TC
    return response.to_wire(max_size=65535)


def _rrset(line: str) -> dns.rrset.RRset:
    owner, ttl, rdclass, rdtype, data = line.split(None, 4)
    return dns.rrset.from_text(owner, int(ttl), rdclass, rdtype, data)


def serve_udp(address: str) -> None:
    """Answer over UDP for ever."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        wire, client = server.recvfrom(65535)
        if address != SILENT:
            server.sendto(respond(wire, tcp=False), client)


def serve_tcp(address: str) -> None:
    """Answer over TCP for ever, a connection at a time."""
    server = socket.create_server((address, 53))
    held = []
    while True:
        connection, _ = server.accept()
        if address == SILENT:
            held.append(connection)
            continue
        with connection, contextlib.suppress(OSError):
            size = int.from_bytes(connection.recv(2), "big")
            wire = respond(connection.recv(size), tcp=True)
            connection.sendall(len(wire).to_bytes(2, "big") + wire)


def serve() -> None:
    """Serve in the background until the process ends."""
    for target, address in (
        (serve_udp, SERVES),
        (serve_tcp, SERVES),
        (serve_udp, SILENT),
        (serve_tcp, SILENT),
        (serve_udp, UDP_ONLY),
    ):
        threading.Thread(target=target, args=(address,), daemon=True).start()


def main() -> None:
    """Ask, and write what dig printed."""
    if "--cluster" in sys.argv:
        prefix = [sys.executable, "-m", "tests.cluster", "exec", "node1", "--"]
        rounds = {name: [question] for name, question in OF_CLUSTER.items()}
    else:
        prefix = []
        rounds = {name: [question] for name, question in QUESTIONS.items()}
        rounds["round"] = [QUESTIONS[name] for name in ROUND]
        serve()
    for name, questions in rounds.items():
        command = [*prefix, *dig.command(questions)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        (FOLDER / f"{name}.txt").write_text(done.stdout)


if __name__ == "__main__":
    main()

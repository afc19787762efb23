"""Questions asked by dnspython, of a server on a real socket."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.lookup.direct import Direct
from kubectl_nodedns.lookup.question import Answer, Manner, Question
from tests.unit.lookup.record import respond

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.sockets
SERVER = "127.0.0.1"


class Server:
    """Answers as `record.respond` does, over UDP and TCP at one port, until it is closed."""

    def __init__(self) -> None:
        self.tcp = socket.create_server((SERVER, 0))
        self.port: int = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((SERVER, self.port))
        self.threads = [threading.Thread(target=t) for t in (self._udp, self._tcp)]
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        for one in (self.udp, self.tcp):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self.threads:
            thread.join(5)

    def _udp(self) -> None:
        with suppress(OSError):
            while True:
                wire, client = self.udp.recvfrom(65535)
                if not client:
                    return
                self.udp.sendto(respond(wire, tcp=False), client)

    def _tcp(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.tcp.accept()
                with connection:
                    size = int.from_bytes(connection.recv(2), "big")
                    wire = respond(connection.recv(size), tcp=True)
                    connection.sendall(len(wire).to_bytes(2, "big") + wire)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


async def ask(
    server: Server,
    name: str,
    rtype: str = "A",
    *,
    tcp: bool = False,
    manner: Manner | None = None,
) -> Answer:
    how = manner or Manner()
    question = Question(name=name, rtype=rtype, server=SERVER, tcp=tcp, manner=how)
    [answer] = [one async for one in Direct(server.port).answers("here", [question])]
    return answer


@pytest.mark.parametrize("tcp", [False, True])
async def test_an_answer_has_what_digs_has(server: Server, tcp: bool) -> None:
    answer = await ask(server, "one.test.", tcp=tcp)
    assert answer.summary() == "NOERROR 192.0.2.1"
    assert answer.flags == ("qr", "rd", "ra")
    assert answer.microseconds is not None
    assert answer.measured == f"{answer.microseconds} usec"
    assert answer.size == 53
    assert answer.opt == ("EDNS: version: 0, flags:; udp: 8192",)


async def test_rcodes_come_as_they_are(server: Server) -> None:
    assert (await ask(server, "nxdomain.test.")).rcode == "NXDOMAIN"
    assert (await ask(server, "servfail.test.")).rcode == "SERVFAIL"


async def test_a_truncated_response_is_asked_for_again_over_tcp_and_that_is_said(
    server: Server,
) -> None:
    answer = await ask(server, "big.test.", "TXT")
    assert answer.ok
    assert answer.truncated


async def test_a_wrong_id_and_garbage_are_no_answers(server: Server) -> None:
    assert (await ask(server, "wrongid.test.")).error == "a response that is none to this question"
    garbage = await ask(server, "garbage.test.")
    assert garbage.rcode == ""
    assert garbage.error


async def test_control_characters_stay_escaped(server: Server) -> None:
    answer = await ask(server, "control.test.", "TXT")
    assert answer.summary().isprintable()
    assert r"\027[31m" in answer.summary()


async def test_without_edns_there_is_no_opt_record(server: Server) -> None:
    answer = await ask(server, "one.test.", manner=Manner(edns=False))
    assert answer.ok
    assert answer.opt == ()


async def test_a_closed_port_is_an_error_in_words(server: Server) -> None:
    question = Question(name="one.test.", server=SERVER, tcp=True)
    [answer] = [one async for one in Direct(1).answers("here", [question])]
    assert answer.error == "connection refused"
    assert answer.asked


async def test_silence_ends_after_the_patience_of_the_question() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((SERVER, 0))
        manner = Manner(timeout=1)
        question = Question(name="one.test.", server=SERVER, manner=manner)
        asker = Direct(silent.getsockname()[1])
        [answer] = [one async for one in asker.answers("here", [question])]
    assert answer.error == "no response in 1 s"

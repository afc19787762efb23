"""The shell of the demo's pods runs what the plugin runs in probes."""

from __future__ import annotations

import random

from kubectl_nodedns.demo.replies import Asked, Outcome, Record, Reply, Silence
from kubectl_nodedns.demo.shell import Pod, Shell
from kubectl_nodedns.lookup import batch as batching
from kubectl_nodedns.lookup import dig
from kubectl_nodedns.lookup.batch import Batch
from kubectl_nodedns.lookup.question import Question

asked_of: list[tuple[str, Asked]] = []


def ask(server: str, asked: Asked) -> Outcome:
    asked_of.append((server, asked))
    if server == "192.0.2.9":
        return Silence("connection refused")
    return Reply(answer=(Record(asked.name, 5, asked.rtype, "192.0.2.1"),), seconds=0.0001)


async def run(*words: str) -> tuple[int, str]:
    printed: list[str] = []

    async def out(text: str) -> None:
        printed.append(text)

    files = {"/etc/resolv.conf": "nameserver 10.96.0.10\n"}
    chance = random.Random(1)
    pod = Pod("web-0", files, "10.96.0.10", ask, {"HOME": "/"}, chance)
    code = await Shell(pod, out).run(words)
    return code, "".join(printed)


async def test_a_round_of_questions_is_asked_and_answered() -> None:
    asked_of.clear()
    questions = [
        Question(name="one.test.", server="192.0.2.1"),
        Question(name="two.test.", server="192.0.2.1", rtype="AAAA", tcp=True),
        Question(name="b..c.", server="192.0.2.1"),
        Question(name="three.test.", server="192.0.2.9"),
    ]
    code, out = await run(*dig.command(questions))
    assert code == 0
    answers = dig.answers(questions, out)
    assert [a.rcode for a in answers] == ["NOERROR", "NOERROR", "", ""]
    assert "not a legal name" in answers[2].error
    assert "connection refused" in answers[3].error
    assert asked_of == [
        ("192.0.2.1", Asked("one.test.", "A")),
        ("192.0.2.1", Asked("two.test.", "AAAA", tcp=True)),
        ("192.0.2.9", Asked("three.test.", "A")),
    ]


async def test_a_series_of_lookups_is_paced_and_counted() -> None:
    batch = Batch(
        server="192.0.2.1",
        tcp=True,
        questions=(("one.test.", "A"), ("two.test.", "AAAA")),
        count=7,
        rate=500.0,
    )
    asked_of.clear()
    code, out = await run(*batching.command(batch))
    assert code == 0
    result = batching.read(out)
    assert [response.rcode for response in result.responses] == ["NOERROR"] * 7
    assert all(response.microseconds for response in result.responses)
    assert (result.throttled, len(asked_of)) == (0, 7)
    assert asked_of[1] == ("192.0.2.1", Asked("two.test.", "AAAA", tcp=True))


async def test_files_are_read() -> None:
    assert await run("cat", "/etc/resolv.conf") == (0, "nameserver 10.96.0.10\n")
    code, out = await run("cat", "/etc/shadow")
    assert (code, "No such file" in out) == (1, True)


async def test_lists_loops_variables_and_exit_codes() -> None:
    script = 'x=a; for y in b "c d"; do echo "$x $y"; done; false || echo no; true && echo yes'
    assert await run("sh", "-c", script) == (0, "a b\na c d\nno\nyes\n")
    assert await run("sh", "-c", "echo one; exit 7; echo two") == (7, "one\n")
    assert await run("sh", "-c", 'echo "$2"', "name", "a", "b") == (0, "b\n")


async def test_what_an_image_does_not_have_is_not_found() -> None:
    code, out = await run("sh", "-c", "tcpdump -i any")
    assert (code, out) == (127, "sh: 1: tcpdump: not found\n")


async def test_a_script_that_cannot_be_read_is_a_syntax_error() -> None:
    code, out = await run("sh", "-c", "for x in a; do echo $x")
    assert (code, "Syntax error" in out) == (2, True)

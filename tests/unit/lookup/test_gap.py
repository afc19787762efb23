"""Lookups that go on while a cache is replaced: what they print, and what that comes to."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.lookup.gap import INTERVAL, Watch, command, read_gap
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

IP = "169.254.25.10"


def gap(*lines: str) -> tuple[int | None, int, int]:
    found = read_gap("\n".join(("pid 7", *lines)), node="node1", server=IP)
    return found.longest, found.lost, found.sent


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("answer 10.00 10.01", "answer 10.25 10.26"), (250, 0, 2)),
        (
            ("answer 10.00 10.01", "lost 10.25 11.25", "lost 10.50 11.50", "answer 12.00 12.01"),
            (2000, 2, 4),
        ),
        # In the order in which they end, not in that in which they began.
        (("answer 12.00 12.01", "lost 10.25 11.25", "answer 10.00 10.01"), (2000, 1, 3)),
        (("lost 10.00 11.00", "answer 11.25 11.26"), (1260, 1, 2)),
        (("answer 10.00 10.01", "lost 10.25 11.25"), (1240, 1, 2)),
        (("lost 10.00 11.00", "lost 10.25 11.25"), (1250, 2, 2)),
    ],
)
def test_the_longest_time_without_an_answer(
    lines: tuple[str, ...], expected: tuple[int, int, int]
) -> None:
    assert gap(*lines) == expected


def test_no_lookup_at_all_is_not_a_gap_of_nothing() -> None:
    found = read_gap("sh: dig: not found", node="node1", server=IP)
    assert found.longest is None
    assert str(found) == f"the gap at {IP} is not known: no lookup came to its end"


def test_it_is_said_in_milliseconds_with_the_lookups_lost() -> None:
    lines = "answer 10.00 10.01\nlost 10.25 11.25\nanswer 12.00 12.01\n"
    text = str(read_gap(lines, node="node1", server=IP))
    assert text == f"{IP} gave no answer for 2000 ms, 1 of 3 lookups lost"


def test_the_command_asks_again_and_again_until_it_is_told_to_end(tmp_path: Path) -> None:
    dig = tmp_path / "dig"
    dig.write_text(
        '#!/bin/sh\necho "$*" >> "$0.asked"\necho ";; ->>HEADER<<- status: NOERROR, id: 1"\n'
    )
    dig.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    process = subprocess.Popen(
        command(IP, "kubernetes.default.svc.cluster.local."),
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    read = ""
    while len(re.findall("^answer", read, re.MULTILINE)) < 3:
        read += process.stdout.readline()
    process.terminate()
    rest, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert rest.endswith("end\n")
    found = read_gap(read + rest, node="node1", server=IP)
    assert found.sent >= 3
    assert found.lost == 0
    assert found.longest is not None
    assert found.longest >= INTERVAL * 1000 / 2
    asked = (tmp_path / "dig.asked").read_text()
    assert f"@{IP} kubernetes.default.svc.cluster.local." in asked
    assert "+tries=1 +time=1" in asked


class Running:
    """A command in a probe that prints what it is told to, and then goes on or fails."""

    def __init__(self, *output: str, fails: str = "") -> None:
        self.output = output
        self.fails = fails
        self.ended = ""
        self._told = asyncio.Event()

    async def __call__(self, command: Sequence[str], received: Callable[[bytes], None]) -> None:
        if command[-1] == "kill -TERM 7":
            self.ended = "told to end"
            self._told.set()
            return
        try:
            for piece in self.output:
                await asyncio.sleep(0.25)
                received(piece.encode())
            if self.fails:
                raise ApiError(self.fails)
            await self._told.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(1)
            self.ended = "cancelled"
            raise


def watch(run: Running) -> Watch:
    return Watch(run, node="node1", server=IP, name="a.test.")


async def test_a_watch_begins_with_its_first_lookup_and_is_told_to_end() -> None:
    run = Running("pid 7\n", "answer 10.00 10.01\n", "answer 10.25 10.26\n")
    asked = watch(run)
    await asked.begin()
    assert asyncio.get_running_loop().time() == pytest.approx(0.5)
    await asyncio.sleep(1)
    found = await asked.end()
    assert (found.longest, found.lost, found.sent, run.ended) == (250, 0, 2, "told to end")


async def test_a_watch_that_never_got_going_is_not_known() -> None:
    asked = watch(Running(fails="the pod is gone"))
    await asked.begin()
    found = await asked.end()
    assert (found.longest, found.why) == (None, "the pod is gone")


async def test_a_watch_is_let_go_of_only_when_it_runs_no_more() -> None:
    run = Running("pid 7\n", "answer 10.00 10.01\n")
    asked = watch(run)
    await asked.begin()
    await asked.cancel()
    assert run.ended == "cancelled"


async def test_a_beginning_that_is_interrupted_leaves_nothing_running() -> None:
    run = Running("pid 7\n")
    begin = asyncio.create_task(watch(run).begin())
    await asyncio.sleep(1)
    begin.cancel()
    await asyncio.wait({begin})
    assert begin.cancelled()
    assert run.ended == "cancelled"

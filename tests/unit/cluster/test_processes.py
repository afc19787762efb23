from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster import processes

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sleeper() -> Iterator[processes.Process]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as popen:
        while not (found := processes.read_process(popen.pid)) or "-c" not in found.argv:
            time.sleep(0.01)
        yield found
        popen.kill()


def test_stat_is_read_past_a_name_with_blanks_and_parentheses() -> None:
    stat = "42 (a) b (c) S 7 " + " ".join(str(number) for number in range(5, 60))
    assert processes.parse_stat(stat) == ("S", 22, 7)


def test_a_process_reads_itself() -> None:
    found = processes.read_process(os.getpid())
    assert found is not None
    assert found.parent == os.getppid()
    assert found.is_current()


def test_a_pid_of_another_life_is_never_signalled(sleeper: processes.Process) -> None:
    stranger = processes.Process(sleeper.pid, sleeper.start_time - 1, sleeper.parent, sleeper.argv)
    assert not stranger.send(signal.SIGKILL)
    assert sleeper.is_current()


def test_a_process_with_another_command_line_is_never_signalled(sleeper: processes.Process) -> None:
    stranger = processes.Process(sleeper.pid, sleeper.start_time, sleeper.parent, ("other",))
    assert not stranger.send(signal.SIGKILL)
    assert sleeper.is_current()


def test_an_ended_process_is_waited_for_and_collected(sleeper: processes.Process) -> None:
    assert processes.end([sleeper], seconds=5) == []
    assert not sleeper.is_current()
    assert not sleeper.send(signal.SIGTERM)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("python", "-m", "tests.cluster.supervisor", "/c/run/control"), "/c/run/control"),
        (
            ("unshare", "--net", "python", "-m", "tests.cluster.node_init", "/c/run/node1"),
            "/c/run/node1",
        ),
        (("python", "-m", "tests.cluster", "down", "--dir", "/c"), None),
        (("less", "tests.cluster.supervisor", "/c/run/control"), None),
        (("python", "-m", "tests.cluster.supervisor"), None),
        ((), None),
    ],
)
def test_lasting_processes_are_known_by_their_command_line(
    argv: tuple[str, ...], expected: str | None
) -> None:
    call = processes.module_call(argv)
    assert (call and call[1]) == expected


def test_a_cluster_does_not_claim_the_processes_of_its_neighbour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def process(pid: int, folder: str) -> processes.Process:
        argv = ("python", "-m", "tests.cluster.supervisor", folder)
        return processes.Process(pid, 0, 1, argv)

    listing = [process(1, "/a/run/control"), process(2, "/ab/run/control"), process(3, "/a/b/run")]
    monkeypatch.setattr(processes, "all_processes", lambda: listing)
    assert [found.pid for found in processes.of_cluster(Path("/a/b"))] == [3]
    assert [found.pid for found in processes.of_cluster(Path("/ab"))] == [2]

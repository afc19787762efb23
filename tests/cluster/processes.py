"""Finds the processes of a cluster and ends them, and no other.

A pid file can be stale, and it is missing when its writer was killed at a bad moment. The command
line of a running process is neither: each program that outlives `up` is started as
`python -m tests.cluster.<module> <path below the cluster's root>`, and that is how it is found
again. A signal goes through a pidfd, which is opened before the command line is checked: if the
pid was given to another process in between, the check fails or the signal finds nobody.
"""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc")
LASTING_MODULES = ("tests.cluster.supervisor", "tests.cluster.node_init", "tests.cluster.seed")


@dataclass(frozen=True)
class Process:
    """A process as it was when it was found."""

    pid: int
    """Its number on the host."""
    start_time: int
    """Clock ticks between boot and its start: with the pid, this names it for good."""
    parent: int
    """The pid of its parent."""
    argv: tuple[str, ...]
    """Its command line."""

    def is_current(self) -> bool:
        """Say whether the pid still belongs to this very process, and it has not ended."""
        return read_process(self.pid) == self

    def send(self, number: signal.Signals) -> bool:
        """Send a signal; return False when the process has ended."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.is_current():
                return False
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True


def read_process(pid: int) -> Process | None:
    """Read a process from /proc; None when it is gone or only waits to be collected."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
        argv = (PROC / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, start_time, parent = parse_stat(stat)
    if state in "ZX":
        return None
    arguments = tuple(os.fsdecode(part) for part in argv.split(b"\0")[:-1])
    return Process(pid=pid, start_time=start_time, parent=parent, argv=arguments)


def parse_stat(stat: str) -> tuple[str, int, int]:
    """Return state, start time and parent from the text of /proc/PID/stat.

    The program's name, in parentheses, may itself hold blanks and parentheses.
    """
    fields = stat.rpartition(")")[2].split()
    return fields[0], int(fields[19]), int(fields[1])


def all_processes() -> Iterator[Process]:
    """Yield every process of the machine that has a command line."""
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            process = read_process(int(entry.name))
            if process is not None and process.argv:
                yield process


def module_call(argv: tuple[str, ...]) -> tuple[str, str] | None:
    """Return module and first argument of `python -m MODULE PATH`, also behind `unshare`."""
    for module in LASTING_MODULES:
        if module in argv:
            place = argv.index(module)
            if argv[place - 1] == "-m" and place + 1 < len(argv):
                return module, argv[place + 1]
    return None


def of_cluster(root: Path) -> list[Process]:
    """Return the lasting processes that were started for the cluster in `root`."""
    found = []
    for process in all_processes():
        call = module_call(process.argv)
        if call is not None and (Path(call[1]) == root or root in Path(call[1]).parents):
            found.append(process)
    return found


def find_supervisor(services: Path) -> Process | None:
    """Return the supervisor of a folder of services: the process inside its namespaces."""
    for process in all_processes():
        call = module_call(process.argv)
        if call is not None and process.argv[1] == "-m" and Path(call[1]) == services:
            return process
    return None


def find_child(parent: Process, argv: tuple[str, ...]) -> Process | None:
    """Return the child of `parent` that runs exactly this command line."""
    for process in all_processes():
        if process.parent == parent.pid and process.argv == argv:
            return process
    return None


def end(processes: list[Process], seconds: float = 120) -> list[Process]:
    """Kill processes and wait until they have ended; return those that have not.

    The first process of a pid namespace takes everything inside along, and has ended only when
    all of that has.
    """
    for process in processes:
        process.send(signal.SIGKILL)
    deadline = time.monotonic() + seconds
    return [process for process in processes if not wait_for_end(process, deadline)]


def wait_for_end(process: Process, deadline: float) -> bool:
    """Wait until a process has ended, or the deadline on the monotonic clock has passed."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        if not process.is_current():
            return True
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        ended = bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
    finally:
        os.close(descriptor)
    if ended:
        _collect(process)
    return ended


def _collect(process: Process) -> None:
    # Only a parent can: in a test session the process that called `up` is also the one here.
    try:
        os.waitpid(process.pid, os.WNOHANG)
    except ChildProcessError:
        return

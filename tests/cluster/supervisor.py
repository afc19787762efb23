"""The first process of a pid namespace: keeps the services of one folder running.

A service is a file NAME.json in the folder (see `Service`). The supervisor starts what has a file
and does not run, ends what runs and has no file any more, starts again what ended by itself, and
collects the exit status of every orphan of its namespace. SIGHUP makes it look at the folder.
Whoever writes the files therefore never has children of its own to look after, and the end of
this one process is the end of every process below it: the kernel sees to that.

Run as `python -m tests.cluster.supervisor FOLDER`, inside the namespaces that it shall hold.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RESTART_SECONDS = 1.0
GRACE_SECONDS = 5.0
LISTENER_VARIABLE = "NODEDNS_LISTENER"
LISTENER_TARGET = 3
RARE_COLLECTION = {"GOGC": "400"}
"""Memory is there, and the CPU is what tests wait for: Go's programs tidy up less often."""


@dataclass(frozen=True)
class Service:
    """One program to keep running."""

    argv: tuple[str, ...]
    """Its command line, beginning with the absolute path of the program."""
    log: str
    """The file that its output is added to."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables on top of the supervisor's own."""
    listener: bool = False
    """Whether to hand it the listening socket that the supervisor was given, as descriptor 3."""

    @classmethod
    def read(cls, path: Path) -> Service:
        """Read a service file."""
        fields = json.loads(path.read_text())
        return cls(**{**fields, "argv": tuple(fields["argv"])})

    def write(self, path: Path) -> None:
        """Write a service file in one piece: a reader sees the old one or the new one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self), indent=1))
        draft.replace(path)


@dataclass
class Running:
    """A service that was started."""

    service: Service
    """What was started."""
    pid: int
    """Its pid, inside the namespace."""
    stop_before: float | None = None
    """When to kill it, on the monotonic clock, after it was asked to end."""


@dataclass
class Supervisor:
    """Keeps what runs equal to what the folder asks for."""

    folder: Path
    """The folder of service files."""
    listener: int | None = None
    """The descriptor of the listening socket that one service may be given."""
    running: dict[str, Running] = field(default_factory=dict)
    """What runs, by name."""
    held_back: dict[str, float] = field(default_factory=dict)
    """Services that ended by themselves, and when they may start again."""

    def reconcile(self, now: float) -> None:
        """Start and end services until only waiting is left."""
        wanted = self._wanted()
        for name, running in self.running.items():
            if wanted.get(name) != running.service:
                self._end(running, now)
        for name, service in wanted.items():
            if name in self.running or self.held_back.get(name, 0) > now:
                continue
            self._start(name, service, now)

    def collect(self, now: float) -> None:
        """Take the exit status of every process that has ended."""
        while True:
            try:
                pid, _status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for name, running in list(self.running.items()):
                if running.pid == pid:
                    del self.running[name]
                    if running.stop_before is None:
                        self.held_back[name] = now + RESTART_SECONDS

    def next_event(self, now: float) -> float | None:
        """Return the seconds until something is due without a signal; None for never."""
        due = [moment for moment in self.held_back.values() if moment > now]
        due += [r.stop_before for r in self.running.values() if r.stop_before is not None]
        return max(0.05, min(due) - now) if due else None

    def _wanted(self) -> dict[str, Service]:
        wanted = {}
        for path in sorted(self.folder.glob("*.json")):
            try:
                wanted[path.stem] = Service.read(path)
            except FileNotFoundError:
                continue
        return wanted

    def _start(self, name: str, service: Service, now: float) -> None:
        try:
            self.running[name] = Running(service, start(service, self.listener))
        except OSError as error:
            self.held_back[name] = now + RESTART_SECONDS
            with Path(service.log).open("a") as log:
                log.write(f"cannot start {service.argv[0]}: {error}\n")

    @staticmethod
    def _end(running: Running, now: float) -> None:
        if running.stop_before is None:
            running.stop_before = now + GRACE_SECONDS
            os.kill(running.pid, signal.SIGTERM)
        elif running.stop_before <= now:
            os.kill(running.pid, signal.SIGKILL)


def start(service: Service, listener: int | None) -> int:
    """Start a service in a session of its own and return its pid."""
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions: list[tuple[int, int, str, int, int] | tuple[int, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, service.log, append, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    if service.listener and listener is not None:
        actions.append((os.POSIX_SPAWN_DUP2, listener, LISTENER_TARGET))
    return os.posix_spawn(
        service.argv[0],
        service.argv,
        {**os.environ, **RARE_COLLECTION, **service.environment},
        file_actions=actions,
        setsid=True,
    )


def inherited_listener() -> int | None:
    """Return the listening socket from the environment, kept from children by default."""
    number = os.environ.pop(LISTENER_VARIABLE, None)
    if number is None:
        return None
    # A high number, so that it can never be the descriptor that a child gets it as.
    moved = os.dup2(int(number), 100, inheritable=False)
    os.close(int(number))
    return moved


def run(folder: Path) -> None:
    """Supervise until killed."""
    folder.mkdir(parents=True, exist_ok=True)
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: None)
    supervisor = Supervisor(folder, inherited_listener())
    while True:
        now = time.monotonic()
        supervisor.collect(now)
        supervisor.reconcile(now)
        ready, _, _ = select.select([reader], [], [], supervisor.next_event(now))
        if ready:
            os.read(reader, 4096)


if __name__ == "__main__":
    run(Path(sys.argv[1]))

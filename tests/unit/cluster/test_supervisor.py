from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import supervisor
from tests.cluster.layout import REPOSITORY
from tests.cluster.processes import Process, read_process
from tests.cluster.supervisor import Running, Service, Supervisor
from tests.patience import until


def service(path: Path, *argv: str) -> Service:
    return Service(argv=argv, log=str(path / "service.log"))


def test_a_service_file_comes_back_as_it_was(tmp_path: Path) -> None:
    written = Service(("/bin/true", "x"), "/log", {"A": "b"}, listener=True)
    written.write(tmp_path / "services" / "one.json")
    assert Service.read(tmp_path / "services" / "one.json") == written
    assert [path.name for path in (tmp_path / "services").iterdir()] == ["one.json"]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Service]:
    found: list[Service] = []

    def start(service: Service, _listener: int | None) -> int:
        found.append(service)
        return len(found)

    monkeypatch.setattr(supervisor, "start", start)
    return found


def test_what_has_a_file_is_started_once(tmp_path: Path, started: list[Service]) -> None:
    service(tmp_path, "/bin/one").write(tmp_path / "one.json")
    subject = Supervisor(tmp_path)
    subject.reconcile(0)
    subject.reconcile(1)
    assert [s.argv for s in started] == [("/bin/one",)]


def test_what_lost_its_file_is_asked_to_end_and_then_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signals: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: signals.append((pid, number)))
    subject = Supervisor(tmp_path, running={"one": Running(service(tmp_path, "/bin/one"), 7)})
    subject.reconcile(0)
    subject.reconcile(1)
    assert signals == [(7, signal.SIGTERM)]
    assert subject.next_event(1) == pytest.approx(supervisor.GRACE_SECONDS - 1)
    subject.reconcile(supervisor.GRACE_SECONDS)
    assert signals[1:] == [(7, signal.SIGKILL)]


def test_a_changed_file_ends_the_old_service_before_the_new_one_starts(
    tmp_path: Path, started: list[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "kill", lambda _pid, _number: None)
    subject = Supervisor(tmp_path, running={"one": Running(service(tmp_path, "/bin/old"), 7)})
    service(tmp_path, "/bin/new").write(tmp_path / "one.json")
    subject.reconcile(0)
    assert started == []
    del subject.running["one"]
    subject.reconcile(1)
    assert [s.argv for s in started] == [("/bin/new",)]


def test_a_service_that_ends_by_itself_starts_again_after_a_pause(
    tmp_path: Path, started: list[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    service(tmp_path, "/bin/one").write(tmp_path / "one.json")
    subject = Supervisor(tmp_path)
    subject.reconcile(0)
    ended = [(1, 0), (0, 0)]
    monkeypatch.setattr(os, "waitpid", lambda *_: ended.pop(0))
    subject.collect(0)
    subject.reconcile(0)
    assert len(started) == 1
    assert subject.next_event(0) == supervisor.RESTART_SECONDS
    subject.reconcile(supervisor.RESTART_SECONDS)
    assert len(started) == 2


def test_a_program_that_does_not_exist_is_reported_in_its_log(tmp_path: Path) -> None:
    service(tmp_path, "/no/such/program").write(tmp_path / "one.json")
    subject = Supervisor(tmp_path)
    subject.reconcile(0)
    assert "cannot start /no/such/program" in (tmp_path / "service.log").read_text()
    assert subject.running == {}


def test_a_real_supervisor_follows_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    log = tmp_path / "service.log"
    one = Service(("/bin/sh", "-c", "echo up; exec sleep 60"), str(log))
    one.write(folder / "one.json")
    command = [sys.executable, "-m", "tests.cluster.supervisor", str(folder)]
    with subprocess.Popen(command, cwd=REPOSITORY) as popen:
        try:
            until(lambda: log.exists() and log.read_text() == "up\n", "it does not start")
            child = next(p for p in children(popen.pid) if "sleep" in p.argv)
            (folder / "one.json").unlink()
            popen.send_signal(signal.SIGHUP)
            until(lambda: not child.is_current(), "it goes on")
        finally:
            popen.kill()


def children(pid: int) -> list[Process]:
    listing = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [found for child in listing if (found := read_process(int(child)))]

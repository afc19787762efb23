"""A batch of lookups: the command for a probe, run here by a real shell, and what it prints."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.lookup.batch import Batch, command, cut_off, read
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

# What dig 9.18 printed for four lookups: an answer, a missing name, silence, a refused connection.
REAL = """\
;;; begin 14140.37
nr_periods 10
nr_throttled 3
;; Got answer:
;; WARNING: .local is reserved for Multicast DNS
;; You are currently testing what happens when an mDNS query is leaked to DNS
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 51354
;; flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1
;; WARNING: recursion requested but not available

;; Query time: 832 usec
;; SERVER: 10.96.0.10#53(10.96.0.10) (UDP)
;; WHEN: Sun Nov 22 22:07:59 UTC 2026
;; MSG SIZE  rcvd: 117

;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 1134
;; flags: qr aa rd; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 1

;; Query time: 12 msec
;; SERVER: 10.96.0.10#53(10.96.0.10) (UDP)
;; WHEN: Sun Nov 22 22:08:00 UTC 2026
;; MSG SIZE  rcvd: 117

;; communications error to 10.255.255.9#53: timed out
;; no servers could be reached
;; Connection to 127.0.0.1#53(127.0.0.1) for a. failed: connection refused.
;; no servers could be reached
;;; end 14145.12
nr_periods 90
nr_throttled 5
"""
FAKE_DIG = """#!/bin/sh
echo "called $*" >&2
while read -r line; do
  echo "$line" >> "$LINES_FILE"
  echo ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1"
  echo ";; Query time: 250 usec"
done
"""


def batch(*, count: int = 5, tcp: bool = False, rate: float = 1000) -> Batch:
    questions = (("a.test.", "A"), ("*.test.", "TXT"))
    return Batch(server="192.0.2.1", tcp=tcp, questions=questions, count=count, rate=rate)


def test_every_lookup_of_digs_output_is_read_in_order() -> None:
    result = read(REAL)
    found = [(one.rcode, one.microseconds) for one in result.responses]
    assert found == [("NOERROR", 832), ("NXDOMAIN", 12000), ("", None), ("", None)]
    assert result.seconds == pytest.approx(4.75)
    assert result.throttled == 2


def test_a_probe_without_cpu_accounting_is_not_held_back() -> None:
    lines = [line for line in REAL.splitlines() if not line.startswith("nr_")]
    assert read("\n".join(lines)).throttled == 0


@pytest.mark.parametrize("output", ["", "sh: dig: not found", REAL.partition(";;; end")[0]])
def test_output_that_is_cut_off_is_an_error(output: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read(output)


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment in which dig is a program that answers every line that it is given."""
    dig = tmp_path / "dig"
    dig.write_text(FAKE_DIG)
    dig.chmod(0o755)
    return {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "LINES_FILE": str(tmp_path / "lines"),
    }


def shells() -> list[list[str]]:
    found = [["sh"]]
    if shutil.which("busybox"):
        found.append(["busybox", "sh"])
    return found


@pytest.mark.parametrize("program", shells(), ids=" ".join)
def test_the_names_are_asked_in_turn_as_often_as_was_said(
    program: list[str], shell: dict[str, str], tmp_path: Path
) -> None:
    words = [*program, *command(batch(tcp=True))[1:]]
    done = subprocess.run(
        words, env=shell, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    result = read(done.stdout)
    assert len(result.responses) == 5
    asked = (tmp_path / "lines").read_text().splitlines()
    assert asked == ["-q a.test. -t A", "-q *.test. -t TXT"] * 2 + ["-q a.test. -t A"]
    assert "+tcp @192.0.2.1 -f -" in done.stdout


def test_a_batch_is_cut_off_when_a_server_is_silent(shell: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "dig").write_text("#!/bin/sh\nexec sleep 60\n")
    one = batch(count=1, rate=1000)
    done = subprocess.run(
        command(one),
        env=shell,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=cut_off(one) + PATIENCE,
    )
    assert read(done.stdout).responses == ()


def test_lines_are_written_in_groups_so_that_sleeping_is_no_load() -> None:
    assert command(batch(rate=10))[7:9] == ["1", "0.1000"]
    assert command(batch(rate=100))[7:9] == ["2", "0.0200"]
    assert command(batch(rate=1000))[7:9] == ["20", "0.0200"]

"""What starting the program costs: krew's archive beside the wheel, in one run.

The archive must have been built (make archive). It is unpacked as krew does it and started through
a link; the wheel's console script is that of this environment, without what development adds to it.
The commands run in turn, round after round, and each run of the archive is divided by the run of
the wheel just before it, so that a busy machine slows both. `--help` builds the whole parser;
`enable` as a client dry run reads the manifests and writes YAML; `top` imports the client and finds
no server. CPU time is that of the program alone, in user and kernel mode.
Run: python benchmarks/archive_startup.py
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import time
from os import cpu_count
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
ROUNDS = 40
PROGRAM = "kubectl-nodedns"
DRY_RUN = [
    *("enable", "--dry-run=client", "--mode=iptables", "--local-ip=169.254.20.10"),
    *("--kube-dns-ip=10.96.0.10", "--cluster-domain=cluster.local"),
]
COMMANDS = {
    "--help": ["--help"],
    "version": ["version"],
    "__complete (the TAB key)": ["__complete", "bench", "--"],
    "enable, client dry run": DRY_RUN,
    "top, without a server": ["top", "--once", "--server", "http://127.0.0.1:1"],
}
NO_SERVER = 3
"""How the last one ends."""
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
    # Else setuptools, which only development has, is imported at each start of the wheel.
    "SETUPTOOLS_USE_DISTUTILS": "stdlib",
}


class Spent(NamedTuple):
    """What one start cost, in seconds."""

    wall: float
    """By the clock on the wall."""
    cpu: float
    """Of a processor, in user and kernel mode."""


def start(words: list[str]) -> Spent:
    began = time.perf_counter()
    process = subprocess.Popen(
        words,
        cwd="/",
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    spent = Spent(time.perf_counter() - began, usage.ru_utime + usage.ru_stime)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, NO_SERVER}:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
    return spent


def compare(wheel: str, archive: str) -> dict[str, list[tuple[Spent, Spent]]]:
    """Return what each start of the wheel and the one of the archive after it cost, by command."""
    pairs: dict[str, list[tuple[Spent, Spent]]] = {command: [] for command in COMMANDS}
    for number in range(ROUNDS + 1):
        for command, words in COMMANDS.items():
            pair = start([wheel, *words]), start([archive, *words])
            if number:  # the first round only warms the machine's file cache
                pairs[command].append(pair)
    return pairs


def main() -> None:
    archives = sorted((ROOT / "dist").glob(f"{PROGRAM}_v*.tar.gz"))
    if not archives:
        print("there is no archive; build it with: make archive")
        return
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archives[-1]) as archive:
            archive.extractall(Path(folder) / "store", filter="data")
        link = Path(folder) / PROGRAM
        link.symlink_to(Path(folder) / "store" / PROGRAM)
        found = compare(os.fspath(Path(sys.executable).parent / PROGRAM), os.fspath(link))
    python = platform.python_version()
    print(f"{platform.system()} {platform.machine()}, {cpu_count()} CPUs, Python {python}")
    print(f"medians of {ROUNDS} rounds: milliseconds, and the ratio of archive to wheel in a round")
    print(f"{'':28}{'wall: wheel':>13}{'archive':>9}{'ratio':>7}{'CPU: wheel':>14}", end="")
    print(f"{'archive':>9}{'ratio':>7}")
    for command, pairs in found.items():
        row = ""
        for which, width in ((0, 13), (1, 14)):
            wheel = [pair[0][which] for pair in pairs]
            frozen = [pair[1][which] for pair in pairs]
            ratio = median(b / a for a, b in zip(wheel, frozen, strict=True))
            row += f"{1000 * median(wheel):{width}.0f}{1000 * median(frozen):9.0f}{ratio:7.2f}"
        print(f"{command:28}{row}")


if __name__ == "__main__":
    main()

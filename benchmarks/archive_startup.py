"""What starting the program costs: krew's archive beside the wheel, in one run.

The archive must have been built (make archive). It is unpacked as krew does it and started through
a link; the wheel's console script is that of this environment. The commands run in turn, round
after round, so that a busy machine slows both; medians are compared. What each starts for `--help`
is the whole parser; `enable` as a client dry run reads the manifests and writes YAML.
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

ROOT = Path(__file__).parent.parent
ROUNDS = 15
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
}


def seconds(words: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(
        words, check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60
    )
    return time.perf_counter() - start


def compare(programs: dict[str, str]) -> dict[str, dict[str, float]]:
    """Return the median seconds of each command, for each program."""
    times: dict[str, dict[str, list[float]]] = {c: {p: [] for p in programs} for c in COMMANDS}
    for number in range(ROUNDS + 1):
        for command, words in COMMANDS.items():
            for name, program in programs.items():
                spent = seconds([program, *words])
                if number:  # the first round only warms the machine's file cache
                    times[command][name].append(spent)
    return {c: {p: median(spent) for p, spent in by.items()} for c, by in times.items()}


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
        wheel = os.fspath(Path(sys.executable).parent / PROGRAM)
        found = compare({"wheel": wheel, "archive": os.fspath(link)})
    python = platform.python_version()
    print(f"{platform.system()} {platform.machine()}, {cpu_count()} CPUs, Python {python}")
    print(f"median of {ROUNDS} runs side by side, in milliseconds")
    print(f"{'':28}{'wheel':>9}{'archive':>9}{'ratio':>8}")
    for command, by in found.items():
        ratio = by["archive"] / by["wheel"]
        print(f"{command:28}{1000 * by['wheel']:9.0f}{1000 * by['archive']:9.0f}{ratio:8.2f}")


if __name__ == "__main__":
    main()

"""What starting the program costs, as ratios to a bare interpreter.

The commands run in turn, round after round, so that a busy machine slows all of them; medians are
compared. Nothing goes over the network. Run: python benchmarks/startup.py
"""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from os import cpu_count
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
ROUNDS = 11
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "kubectl-nodedns --help": ["-m", "kubectl_nodedns", "--help"],
    "kubectl-nodedns version": ["-m", "kubectl_nodedns", "version"],
    "kubectl-nodedns enable --help": ["-m", "kubectl_nodedns", "enable", "--help"],
}


def seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], check=True, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=60
    )
    return time.perf_counter() - start


def main() -> None:
    for arguments in COMMANDS.values():
        seconds(arguments)  # bytecode and the machine's file cache
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, arguments in COMMANDS.items():
            times[name].append(seconds(arguments))
    bare = median(times["python -c pass"])
    python = platform.python_version()
    print(f"{platform.system()} {platform.machine()}, {cpu_count()} CPUs, Python {python}")
    print(f"median of {ROUNDS} runs side by side")
    for name, spent in times.items():
        print(f"{name:32}{1000 * median(spent):8.0f} ms{median(spent) / bare:8.1f} x")


if __name__ == "__main__":
    main()

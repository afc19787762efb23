"""How a run with several workers (pytest-xdist) uses the time that real clusters take.

Each worker has clusters of its own (`tests/e2e/clusters.py`), which mostly wait: for containers,
for probes, for kubelets. So there are more workers than cores. A worker is given one unit at a
time: a test of a real cluster, or of commands against the demo's API server, or the tests that
share something which takes long to make (`TOGETHER`), or a file of all others. While the cluster's
programs are being built there is only work that needs none.

A worker of pytest-xdist begins a test when it knows the one after it. So a unit of a real cluster,
which takes long, is always followed by a file that takes no time, and never has another one wait
behind it while other workers are idle.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer
    from xdist.workermanage import WorkerController

REAL = "tests/e2e/"
DEMO = "tests/contract/"
TOGETHER = {
    "tests/e2e/test_check.py": "tests/e2e/test_check.py",
    "tests/e2e/test_check_causes.py": "tests/e2e/test_check_causes.py",
    "tests/e2e/test_lookup.py": "tests/e2e/test_lookup.py",
    "tests/e2e/test_screen.py": "tests/e2e/test_screen.py",
    "tests/e2e/test_krew_archive.py": "tests/e2e/@archive",
    "tests/packaging/test_archive.py": "tests/e2e/@archive",
    "tests/packaging/test_completion.py": "tests/packaging/@wheel",
    "tests/packaging/test_wheel.py": "tests/packaging/@wheel",
}
"""Files whose tests are one unit, and its name: they share a cache on the cluster, krew's archive
or the wheel, which each worker would else make for itself."""
LONG = (
    "test_interruption",
    "test_local_ip_adoption",
    "test_check_causes",
    "test_check",
    "test_nodes_meanwhile",
    "test_cluster_crash",
    "test_lookup",
    "test_main_job",
    "@archive",
    "test_screen",
)
"""Parts of the names of units that come first: a long one that comes last is waited for by all."""


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives units of tests to workers, so that no worker waits while another has two."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        """Start bringing the cluster's programs up to date, if they can be built here."""
        super().__init__(config, log)
        config.option.loadscopereorder = False
        self._given: dict[WorkerController, list[str]] = {}
        self._build: subprocess.Popen[bytes] | None = None

    def schedule(self) -> None:
        """Begin, or go on, once every worker knows the tests."""
        collected = next(iter(self.registered_collections.values()))
        if self.collection is None and any(is_real(nodeid) for nodeid in collected):
            self._build = start_build()
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        given = self._given.setdefault(node, [])
        unit = choose(list(self.workqueue), given, ready=self._ready())
        given.append(unit)
        self.workqueue.move_to_end(unit, last=False)
        super()._assign_work_unit(node)

    def _ready(self) -> bool:
        return self._build is None or self._build.poll() is not None


def start_build() -> subprocess.Popen[bytes]:
    """Bring the cluster's programs up to date meanwhile; the first cluster finds them, or waits."""
    words = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "tests.cluster", "build"]
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def is_real(unit: str) -> bool:
    """Say whether a test, or a unit, needs a real cluster."""
    return unit.startswith(REAL)


def unit_of(nodeid: str) -> str:
    """Return the name of a test's unit: what runs on one worker, one after the other.

    Tests that wait, for a real cluster or for the demo's, stand alone unless their file is in
    `TOGETHER`; others stay with theirs.
    """
    file = nodeid.partition("::")[0]
    return TOGETHER.get(file) or (nodeid if file.startswith((REAL, DEMO)) else file)


def kind_of(unit: str) -> str:
    """Return what tells which cluster, in which state, a unit of a real cluster wants."""
    file, _, name = unit.partition("::")
    return file + name.rpartition("[")[2]


def choose(waiting: list[str], given: list[str], *, ready: bool) -> str:
    """Return the unit that a worker is given next.

    Args:
        waiting: the units that no worker has, in the order in which they were collected.
        given: the units that this worker was given before.
        ready: whether a cluster can be started at once.
    """
    real = [unit for unit in waiting if is_real(unit)]
    other = [unit for unit in waiting if not is_real(unit)]
    behind_real = bool(given) and is_real(given[-1])
    not_now = behind_real or (not ready and len(other) > len(real))
    if not real or (other and not_now):
        return other[0]
    kind = next((kind_of(unit) for unit in reversed(given) if is_real(unit)), None)
    return min(real, key=lambda unit: (rank(unit), kind_of(unit) != kind))


def rank(unit: str) -> int:
    """Return the place of a unit among those that come first; all others have the last."""
    return next((place for place, name in enumerate(LONG) if name in unit), len(LONG))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Take this scheduler whatever `--dist` says."""
    return Scheduling(config, log)

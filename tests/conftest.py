"""Options of the whole test run, and krew's archive, which is tested with a cluster and without."""

from __future__ import annotations

import gc
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kubectl_nodedns import __version__
from tests.cluster.images import TOOL_BOX_IMAGE
from tests.packaging import krew
from tests.parallel import pytest_xdist_make_scheduler
from tests.timing import Timing

__all__ = ["pytest_xdist_make_scheduler"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts background jobs so, and every child would inherit it:
    # what a test interrupts would go on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
for told in ("COLUMNS", "LINES"):
    # Processes of pytest-xdist inherit them of readline, which pytest loads: programs that tests
    # start would believe them more than their own terminal.
    os.environ.pop(told, None)
BUILD_LIMIT = 900.0
"""Seconds that building the archive may take on a busy machine; a minute or two are usual."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("e2e", "a real Kubernetes")
    group.addoption("--kubeconfig-e2e", metavar="PATH", help="use the cluster of this kubeconfig")
    group.addoption("--keep-cluster", action="store_true", help="leave the test cluster up")
    group.addoption("--cluster-dir", metavar="DIR", help="where the test cluster lives")
    group.addoption("--tool-image", metavar="IMAGE", default=TOOL_BOX_IMAGE, help="for probing")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Timing())


def pytest_collection_finish() -> None:
    """Leave the tests themselves out of every collection of garbage from here on: they stay."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def krew_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """krew's archive for this machine: the one that KREW_ARCHIVE names, else built now."""
    if given := os.environ.get("KREW_ARCHIVE"):
        return Path(given)
    folder = tmp_path_factory.mktemp("archive")
    words = ["scripts/build_krew_archive.py", f"--output={folder}", f"--work={folder / 'work'}"]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=krew.ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_LIMIT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    checksum, _, path = done.stdout.strip().partition("  ")
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == checksum
    return Path(path)


@pytest.fixture(scope="session")
def krew_root(krew_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, installed the way krew does it; `bin` in it belongs on the PATH."""
    root = tmp_path_factory.mktemp("krew")
    krew.install(krew_archive, root, version=f"v{__version__}")
    return root

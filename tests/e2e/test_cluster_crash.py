"""`down` leaves nothing of a cluster, whenever its `up` was killed, and `up` goes on from there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster import cgroups, guard
from tests.cluster.cluster import Cluster
from tests.cluster.layout import CACHE_VARIABLE, REPOSITORY, Layout
from tests.cluster.processes import all_processes, of_cluster
from tests.cluster.programs import STAMP, build
from tests.cluster.readiness import is_healthy
from tests.cluster.seed import ROOT as IMPORTED
from tests.cluster.seed import work_of
from tests.cluster.tear_down import mounts_below
from tests.e2e.official_addon import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("runnable_here")
GUARD = "tests.cluster.guard"
LIMIT = 900.0
"""Seconds that `up` or `down` may take on a busy machine; the programs are built by then."""

# Text of the progress after which `up` is killed, and how many seconds later.
MOMENTS = [
    ("programs", 0.0),
    ("programs", 0.7),
    ("images", 0.0),
    ("control plane", 0.0),
    ("control plane", 0.2),
    ("control plane", 0.5),
    ("control plane", 1.0),
    ("control plane", 2.0),
    ("nodes", 0.0),
    ("kube-proxy", 0.5),
    ("CoreDNS", 1.0),
]


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    build()
    found = Layout.at(tmp_path / "cluster")
    guard.watch(found)
    yield found
    run("down", found)


def command(name: str, layout: Layout) -> list[str]:
    nodes = ["--nodes", "2"] if name == "up" else []
    return [sys.executable, "-m", "tests.cluster", name, "--dir", str(layout.root), *nodes]


def run(name: str, layout: Layout) -> None:
    subprocess.run(command(name, layout), cwd=REPOSITORY, check=True, timeout=LIMIT)


def kill_up(
    layout: Layout,
    after: str,
    seconds: float = 0.0,
    *,
    cache: Path | None = None,
    sign: Path | None = None,
) -> None:
    """Run `up` until a step begins, some seconds longer, and until there is a sign; then kill it.

    Args:
        layout: the files of the cluster.
        after: text of the step's progress.
        seconds: how long after the step's beginning.
        cache: where programs and images are kept, if not where they usually are.
        sign: a file that the step makes while it works.
    """
    environment = {**os.environ, CACHE_VARIABLE: str(cache)} if cache else None
    with subprocess.Popen(
        command("up", layout), cwd=REPOSITORY, stderr=subprocess.PIPE, text=True, env=environment
    ) as up:
        assert up.stderr is not None
        said = []
        for line in up.stderr:
            said.append(line)
            if after in line and line.rstrip().endswith("..."):
                break
        else:
            pytest.fail(f"`up` ended before the step {after!r}:\n{''.join(said)}")
        time.sleep(seconds)
        while sign is not None and not sign.exists():
            assert up.poll() is None, f"`up` ended before it made {sign}"
            time.sleep(0.01)
        up.send_signal(signal.SIGKILL)


def unstamped(folder: Path) -> Path:
    """A cache in which nothing says what the programs were built from, so that Go looks."""
    built = build()
    cache = folder / "cache"
    shutil.copytree(built, cache / "programs", copy_function=os.link)
    (cache / "programs" / STAMP).unlink()
    return cache


def leftovers(layout: Layout, links_before: set[str]) -> list[str]:
    """Name everything of the cluster that is still there."""
    root = str(layout.root)
    found = [f"process {p.pid} {p.argv}" for p in of_cluster(layout.root)]
    found += [
        f"process {p.pid} {p.argv}"
        for p in all_processes()
        if root in " ".join(p.argv) and GUARD not in p.argv  # it waits for the end of this one
    ]
    found += [f"cgroup {path}" for path in cgroups.leftovers(layout)]
    found += [f"mount {m}" for m in mounts_below(layout.root, mountinfo())]
    found += [f"link {name}" for name in links() - links_before]
    if layout.root.exists():
        kept = {"log", "lock"}
        found += [f"file {e.name}" for e in layout.root.iterdir() if e.name not in kept]
    return found


def mountinfo() -> str:
    return Path("/proc/self/mountinfo").read_text()


def links() -> set[str]:
    return {path.name for path in Path("/sys/class/net").iterdir()}


@pytest.mark.parametrize(("step", "seconds"), MOMENTS)
def test_down_after_a_killed_up_leaves_nothing(
    layout: Layout, step: str, seconds: float, tmp_path: Path
) -> None:
    before = links()
    cache = unstamped(tmp_path) if step == "programs" else None
    kill_up(layout, step, seconds, cache=cache)
    run("down", layout)
    assert leftovers(layout, before) == []


def test_down_after_an_up_killed_while_importing_images_leaves_nothing(
    layout: Layout, tmp_path: Path
) -> None:
    before = links()
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "programs").symlink_to(build())
    kill_up(layout, "images", cache=cache, sign=work_of(layout) / IMPORTED)
    run("down", layout)
    assert leftovers(layout, before) == []
    assert not (cache / "images").exists()


def test_a_test_run_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    before = links()
    layout = Layout.at(tmp_path / "cluster")
    script = f"""
from pathlib import Path
from tests.e2e.clusters import own_cluster
with own_cluster(Path({str(layout.root)!r}), 1, keep=False):
    print("up", flush=True)
    input()
"""
    words = [sys.executable, "-c", script]
    with subprocess.Popen(
        words, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"up\n"
        assert of_cluster(layout.root)
        run.kill()
    wait_for(lambda: leftovers(layout, before) == [], "its guard has ended the cluster")


def test_up_goes_on_where_a_killed_one_ended(layout: Layout) -> None:
    before = links()
    kill_up(layout, "nodes", 0)
    run("up", layout)
    cluster = Cluster(layout)
    assert is_healthy(cluster)
    run("up", layout)
    # A node that died as a whole comes back, and its kubelet with it.
    cluster.supervisor("node2").send(signal.SIGKILL)
    run("up", layout)
    assert is_healthy(cluster)
    run("down", layout)
    assert leftovers(layout, before) == []
    run("down", layout)

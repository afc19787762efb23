"""Imports the images once, and gives each node a containerd that already has them.

Importing and unpacking 250 MB on every node is most of the time that a cluster would take to
start. So it is done once, into a containerd root that is kept as the seed, under a name made from
the images' content. A node's root is a copy of the seed in which every file is a hard link: the
layers are never written to. Only the databases, which are, are copied for real.

Run as `python -m tests.cluster.seed FOLDER` it is the first process of the namespaces in which
that containerd runs; FOLDER holds the archives and gets the root.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.cluster import commands
from tests.cluster.archive import Image, write
from tests.cluster.errors import ClusterError
from tests.cluster.images import all_images
from tests.cluster.layout import REPOSITORY, Layout, cache_directory
from tests.cluster.node import CONTAINERD_SOCKET
from tests.cluster.programs import locked

SEEDS_KEPT = 2
ROOT = "root"
ARCHIVES = "archives"


def seed_directory(images: list[Image]) -> Path:
    """Return where the seed of exactly these images belongs."""
    digests = "".join(image.digest() for image in images)
    return cache_directory() / "images" / hashlib.sha256(digests.encode()).hexdigest()[:16]


def work_of(layout: Layout) -> Path:
    """Return where images are imported: below the root, where `down` removes what is left of it."""
    return layout.root / "seed"


def prepare(layout: Layout, programs: Path) -> Path:
    """Return the seed of the current images, made if it is not there."""
    images = all_images(programs)
    seed = seed_directory(images)
    with locked(cache_directory() / "images.lock"):
        if not seed.exists():
            _make(layout, images, seed)
        seed.touch()
    return seed


def _make(layout: Layout, images: list[Image], seed: Path) -> None:
    work = work_of(layout)
    shutil.rmtree(work, ignore_errors=True)
    (work / ARCHIVES).mkdir(parents=True)
    for number, image in enumerate(images):
        write(image, work / ARCHIVES / f"{number}.tar")
    spaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    words = [sys.executable, "-m", "tests.cluster.seed", str(work)]
    try:
        commands.run(["unshare", *spaces, *words], directory=REPOSITORY, timeout=900)
    except ClusterError as error:
        raise ClusterError(f"images cannot be imported: {error.message}", _log(work)) from error
    seed.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(work / ROOT, seed)
    shutil.rmtree(work)
    for old in sorted(seed.parent.iterdir(), key=lambda path: -path.stat().st_mtime)[SEEDS_KEPT:]:
        shutil.rmtree(old)


def plant(seed: Path, root: Path) -> None:
    """Make a node's containerd root from the seed; one that is there stays."""
    if root.exists():
        return
    draft = root.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.parent.mkdir(parents=True, exist_ok=True)
    linked = commands.run(["cp", "-a", "--link", seed, draft], check=False)
    if linked.returncode != 0:
        # Another file system: copies do as well, they only take longer.
        shutil.rmtree(draft, ignore_errors=True)
        commands.run(["cp", "-a", seed, draft])
    for database in seed.rglob("*.db"):
        target = draft / database.relative_to(seed)
        target.unlink()
        shutil.copy2(database, target)
    draft.rename(root)


def _log(work: Path) -> Path:
    return work / "containerd.log"


def main(work: Path) -> None:
    """Run containerd on a fresh root, import every archive, and end it in good order."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    config = work / "containerd.toml"
    config.write_text(
        f'version = 2\nroot = "{work / ROOT}"\nstate = "/run/containerd"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
    )
    with _log(work).open("w") as log:
        containerd = subprocess.Popen(
            ["containerd", "--config", config], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        _wait_for_socket(containerd)
        for archive in sorted((work / ARCHIVES).iterdir()):
            subprocess.run(
                ["ctr", "--namespace", "k8s.io", "images", "import", archive], check=True
            )
        containerd.terminate()
        containerd.wait()


def _wait_for_socket(containerd: subprocess.Popen[bytes]) -> None:
    for _attempt in range(300):
        if Path(CONTAINERD_SOCKET).exists():
            return
        if containerd.poll() is not None:
            break
        time.sleep(0.1)
    sys.exit("containerd does not start")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

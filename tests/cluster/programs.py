"""Builds the cluster's programs from the Go module in `build/`, with Go's own caches.

Nothing is downloaded as a binary: Kubernetes, etcd and CoreDNS are ordinary Go modules, pinned by
go.mod and go.sum. The first build takes about ten minutes of two cores. Programs that were built
from the same sources by the same Go are taken as they are: a stamp beside them says from which. All
clusters of a user share the programs.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster import commands
from tests.cluster.errors import ClusterError
from tests.cluster.layout import BUILD, KUBERNETES_VERSION, cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN_PROGRAMS = (
    "apiforward",
    "badserver",
    "coredns",
    "dnsprober",
    "etcd",
    "nodecache-standin",
    "pause",
)
KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubelet",
)
STAMP = "built-from"
"""File beside the programs with a digest of what they were built from."""
VERSION_PACKAGE = "k8s.io/component-base/version"


def programs_directory() -> Path:
    """Return where the built programs are."""
    return cache_directory() / "programs"


def go_program() -> str | None:
    """Return the path of Go's command."""
    return shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")


def build() -> Path:
    """Bring all programs up to date and return their folder."""
    folder = programs_directory()
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    stamp = folder / STAMP
    with locked(cache_directory() / "build.lock"):
        made_of = _sources(_build_command(folder))
        if stamp.exists() and stamp.read_text() == made_of and _complete(folder):
            return folder
        stamp.unlink(missing_ok=True)
        try:
            commands.run(_build_command(folder), directory=BUILD, environment=environment)
        except ClusterError as error:
            log = folder / "build.log"
            log.write_text(error.message)
            raise ClusterError("the cluster's programs cannot be built", log) from error
        stamp.write_text(made_of)
    return folder


def _complete(folder: Path) -> bool:
    return all((folder / name).exists() for name in (*OWN_PROGRAMS, *KUBERNETES_PROGRAMS))


def _sources(command: list[str]) -> str:
    """Return a digest of all that the programs are made of: sources, versions, Go, flags."""
    digest = hashlib.sha256()
    version = commands.run([command[command.index("build") - 1], "version"], directory=BUILD)
    for words in (version.stdout, *command):
        digest.update(words.encode() + b"\0")
    for path in sorted(path for path in BUILD.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(BUILD)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _build_command(folder: Path) -> list[str]:
    go = go_program()
    if go is None:
        raise ClusterError("there is no `go` on PATH")
    packages = [f"./cmd/{name}" for name in OWN_PROGRAMS]
    packages += [f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES_PROGRAMS]
    # A pid namespace of its own ends Go's compilers together with `go` itself.
    bounds = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    flags = ["-trimpath", "-ldflags", linker_flags(), "-o", f"{folder}/"]
    return [*bounds, go, "build", *flags, *packages]


def linker_flags() -> str:
    """Return the flags that tell Kubernetes its version; without them it reports v0.0.0."""
    major, minor, _patch = KUBERNETES_VERSION.split(".")
    values = {"gitVersion": f"v{KUBERNETES_VERSION}", "gitMajor": major, "gitMinor": minor}
    settings = [f"-X {VERSION_PACKAGE}.{name}={value}" for name, value in values.items()]
    return " ".join(["-s", "-w", *settings])


def kubernetes_source() -> Path:
    """Return the folder of Kubernetes' source: its add-on manifests are applied from there."""
    go = go_program() or "go"
    words = [go, "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"]
    return Path(commands.run(words, directory=BUILD).stdout.strip())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file, waiting for whoever holds it; it ends with this process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

"""Builds the cluster's programs from the Go module in `build/`, with Go's own caches.

Nothing is downloaded as a binary: Kubernetes, etcd and CoreDNS are ordinary Go modules, pinned by
go.mod and go.sum. The first build takes about ten minutes of two cores; the next ones only check
that nothing changed, which takes seconds. All clusters of a user share the programs.
"""

from __future__ import annotations

import fcntl
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
    with locked(cache_directory() / "build.lock"):
        try:
            commands.run(_build_command(folder), directory=BUILD, environment=environment)
        except ClusterError as error:
            log = folder / "build.log"
            log.write_text(error.message)
            raise ClusterError("the cluster's programs cannot be built", log) from error
    return folder


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

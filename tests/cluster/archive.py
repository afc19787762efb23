"""Writes container images from files of this machine, without a registry or a builder.

An image is one layer: a tar of the listed files, plus the few folders and files that every
program expects. A dynamically linked program brings the libraries that `ldd` names, and plugins
(`*.so`) bring theirs too. The result is a docker-archive, which containerd imports.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MERGED_FOLDERS = ("bin", "lib", "lib64", "sbin")
BASE_FOLDERS = ("etc", "root", "run", "usr/bin", "usr/lib", "usr/lib64", "usr/sbin", "var")
BASE_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Image:
    """What an image is made of."""

    references: tuple[str, ...]
    """The names it is known by."""
    entrypoint: tuple[str, ...]
    """The program that a container runs when it is told no other."""
    files: Mapping[str, Path]
    """Path in the image to file on this machine."""
    programs: tuple[str, ...] = ()
    """Programs of this machine, taken to the same path with their libraries."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Path in the image to what the link points to."""

    def all_files(self) -> dict[str, Path]:
        """Return every file of the image by its path, libraries included."""
        found = {merged(target): source for target, source in self.files.items()}
        for program in self.programs:
            found[merged(program)] = Path(program).resolve()
        for path in [path for path in found.values() if is_dynamic(path)]:
            for library in libraries(path):
                found[merged(library)] = Path(library).resolve()
        return found

    def digest(self) -> str:
        """Return a hash of everything that makes this image what it is."""
        whole = hashlib.sha256()
        links = sorted(self.links.items())
        whole.update(repr((self.references, self.entrypoint, links)).encode())
        whole.update(repr((BASE_FOLDERS, BASE_FILES)).encode())
        for target, source in sorted(self.all_files().items()):
            with source.open("rb") as content:
                content_hash = hashlib.file_digest(content, "sha256").hexdigest()
            whole.update(f"{target} {content_hash}\n".encode())
        return whole.hexdigest()


def merged(path: str) -> str:
    """Return a path without leading slash, as it is where /bin, /lib and /sbin are links."""
    relative = os.path.normpath(path).lstrip("/")
    first = relative.split("/", 1)[0]
    return f"usr/{relative}" if first in MERGED_FOLDERS else relative


def is_dynamic(path: Path) -> bool:
    """Say whether a file is a program or plugin that may need libraries."""
    with path.open("rb") as content:
        return content.read(4) == b"\x7fELF"


@cache
def libraries(path: Path) -> frozenset[str]:
    """Return the libraries, loader included, that a program or plugin needs."""
    listing = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
    words = listing.stdout.split()
    return frozenset(word for word in words if word.startswith("/") and not word.endswith(":"))


def write(image: Image, archive: Path) -> None:
    """Write the docker-archive of an image."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        _add_base(tar)
        for target, source in sorted(image.all_files().items()):
            _add_parents(tar, target)
            executable = os.access(source, os.X_OK)
            _add_file(tar, target, source.read_bytes(), 0o755 if executable else 0o644)
        for path, target in sorted(image.links.items()):
            _add_parents(tar, merged(path))
            _add_link(tar, merged(path), target)
    _write_archive(image, layer.getvalue(), archive)


def _write_archive(image: Image, layer: bytes, archive: Path) -> None:
    layer_digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine],
            "os": "linux",
            "config": {"Entrypoint": image.entrypoint, "Env": [PATH], "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    layer_name = f"{layer_digest}.tar"
    manifest = [{"Config": config_name, "RepoTags": list(image.references), "Layers": [layer_name]}]
    with tarfile.open(archive, "w") as tar:
        _add_file(tar, config_name, config)
        _add_file(tar, layer_name, layer)
        _add_file(tar, "manifest.json", json.dumps(manifest).encode())


def _add_base(tar: tarfile.TarFile) -> None:
    for name in BASE_FOLDERS:
        _add_parents(tar, f"{name}/x")
    _add_folder(tar, "tmp", 0o1777)
    for name in MERGED_FOLDERS:
        _add_link(tar, name, f"usr/{name}")
    for name, text in BASE_FILES.items():
        _add_file(tar, name, text.encode())


def _add_parents(tar: tarfile.TarFile, path: str) -> None:
    for parent in reversed(Path(path).parents[:-1]):
        if str(parent) not in tar.getnames():
            _add_folder(tar, str(parent), 0o755)


def _add_folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    tar.addfile(entry)


def _add_file(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def _add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)

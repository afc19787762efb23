"""Build the archive that krew unpacks: the program with a Python of its own, as one folder.

Run: python scripts/build_krew_archive.py [--output FOLDER]

PyInstaller puts the program together for the platform that this runs on; nothing is downloaded.
krew refuses archives with links (internal/download/downloader.go), and PyInstaller makes some, so
every link becomes the file that it leads to. The licence lies at the root, where krew's validator
looks for it, and those of everything that is inside lie in licenses/. Two builds of the same
sources with the same programs give the same archive.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import pkgutil
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = "kubectl-nodedns"
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
"""What Go and krew call machines."""
SPECIFICATION = ROOT / "scripts" / "kubectl-nodedns.spec"
# Nothing of ours asks for these; they are only large, or belong to development.
LEFT_OUT = (
    *("tkinter", "unittest", "test", "pytest", "_pytest", "hypothesis", "mypy", "mypyc"),
    *("setuptools", "pip", "numpy", "ast_serialize", "kubernetes.aio"),
    *("pydantic.mypy", "pydantic.v1.mypy", "pydantic.v1._hypothesis_plugin"),
    # Only code for Windows uses it, and where it is, PyInstaller imports it at every start.
    *(() if sys.platform == "win32" else ("ctypes",)),
)
TYPED = ("kubernetes.client.models", "kubernetes.client.api")
"""Packages of typed objects, a module each, imported when asked for only. We speak plain JSON."""
START = """\
import sys

# PyInstaller's bootloader starts Python without a folder of its library. Where importlib, which is
# built in, finds the rest of itself, and how a program knows that it is frozen:
sys._stdlib_dir = sys._MEIPASS
sys.frozen = True

from kubectl_nodedns.cli.main import main

sys.exit(main())
"""
"""The program that the bootloader runs."""
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "1577836800"))
"""Time of every file in the archive, in Unix seconds."""


def main() -> None:
    """Build the archive; print its path and its SHA-256."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="FOLDER")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "krew", metavar="FOLDER")
    options = parser.parse_args()
    folder = build(options.work)
    archive = pack(folder, options.output / f"{PROGRAM}_v{version()}_{system()}_{machine()}.tar.gz")
    print(f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive}")


def version() -> str:
    """Return the version of the sources."""
    text = (ROOT / "kubectl_nodedns" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise SystemExit("kubectl_nodedns/__init__.py has no version")
    return found[1]


def system() -> str:
    """Return krew's name of this operating system."""
    return {"linux": "linux", "darwin": "darwin", "win32": "windows"}[sys.platform]


def machine() -> str:
    """Return krew's name of this machine."""
    return ARCHITECTURES[platform.machine().lower()]


def build(work: Path) -> Path:
    """Let PyInstaller put the folder together; return it, with licences in it."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    entry = work / "start.py"
    entry.write_text(START, encoding="utf-8")
    words = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level=WARN"]
    words += [f"--distpath={work / 'dist'}", f"--workpath={work / 'work'}", str(SPECIFICATION)]
    environment = {
        **os.environ,
        "NODEDNS_ENTRY": str(entry),
        "NODEDNS_LEFT_OUT": ",".join((*LEFT_OUT, *modules_of(*TYPED))),
        # The hash seed decides about the order of modules in PyInstaller's own archives.
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": str(EPOCH),
    }
    subprocess.run(words, check=True, env=environment)
    folder = work / "dist" / PROGRAM
    shutil.copy(ROOT / "LICENSE", folder / "LICENSE")
    copy_licences(folder / "licenses")
    return folder


def modules_of(*packages: str) -> list[str]:
    """Return the names of all modules in these packages, the packages themselves left out."""
    found = []
    for package in packages:
        spec = find_spec(package)
        places = spec.submodule_search_locations if spec else None
        found += [f"{package}.{module.name}" for module in pkgutil.iter_modules(places or [])]
    return found


def copy_licences(folder: Path) -> None:
    """Copy the licence of every distribution that the program needs, and Python's own."""
    for name in sorted(needed(PROGRAM)):
        distribution = metadata.distribution(name)
        for file in distribution.files or ():
            if re.search(
                r"(^|/)(licen[cs]e|copying|notice|authors)[^/]*$", str(file), re.IGNORECASE
            ):
                target = folder / f"{name}-{distribution.version}" / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(distribution.locate_file(file)), target)
    python = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    if python.exists():
        (folder / "python").mkdir(parents=True, exist_ok=True)
        shutil.copy(python, folder / "python" / "LICENSE.txt")


def needed(name: str) -> set[str]:
    """Return the distributions that one needs, those that they need in turn, and so on."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for requirement in metadata.requires(waiting.pop()) or ():
            written = re.match(r"[\w.-]+", requirement)
            if written is None or "extra ==" in requirement:
                continue
            dependency = re.sub(r"[-_.]+", "-", written[0]).lower()
            try:
                metadata.distribution(dependency)
            except metadata.PackageNotFoundError:
                continue  # for another platform or an older Python
            if dependency not in found:
                found.add(dependency)
                waiting.append(dependency)
    return found


def pack(folder: Path, archive: Path) -> Path:
    """Write the archive: regular files and folders only, in order, without names of people."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=EPOCH) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for path in sorted(folder.rglob("*")):
            # What lies behind a link to a folder is not found by rglob; PyInstaller makes none.
            if path.is_symlink() and path.is_dir():
                raise SystemExit(f"{path} is a link to a folder")
            if path.is_dir():
                continue
            entry = tarfile.TarInfo(str(path.relative_to(folder)))
            content = path.read_bytes()
            entry.size = len(content)
            entry.mtime = EPOCH
            entry.mode = 0o755 if os.access(path, os.X_OK) else 0o644
            tar.addfile(entry, io.BytesIO(content))
    return archive


if __name__ == "__main__":
    main()

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONSOLE_SCRIPT = "kubectl-nodedns"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.packaging)


@dataclass(frozen=True)
class Built:
    """What a release consists of."""

    wheel: Path
    sdist: Path


@dataclass(frozen=True)
class Installed:
    """A virtual environment that has the wheel, and nothing of this checkout."""

    folder: Path

    @property
    def bin(self) -> Path:
        """Where its programs are."""
        return self.folder / "bin"

    def run(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run one of its programs from a folder that is not the checkout."""
        return run(str(self.bin / words[0]), *words[1:], cwd=cwd or self.folder)


def run(*words: str, cwd: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program without any of this process's Python settings."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "KUBE"))}
    environment["HOME"] = str(cwd)
    if path:
        environment["PATH"] = path
    return subprocess.run(
        words, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build an sdist from the checkout, and a wheel from the sdist, without any index."""
    out = tmp_path_factory.mktemp("dist")
    words = ("-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT))
    done = run(sys.executable, *words, cwd=out)
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = out.glob("*.whl")
    [sdist] = out.glob("*.tar.gz")
    return Built(wheel=wheel, sdist=sdist)


@pytest.fixture(scope="session")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Install the wheel alone; its dependencies are those of the development environment."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = ("-m", "pip", f"--python={python}", "install", "--quiet", "--no-index", "--no-deps")
    done = run(sys.executable, *pip, str(built.wheel), cwd=folder)
    assert done.returncode == 0, done.stderr
    [packages] = folder.glob("lib/python*/site-packages")
    # A folder that a .pth file names comes after the environment's own, and its .pth files, the
    # checkout's among them, are not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installed(folder)

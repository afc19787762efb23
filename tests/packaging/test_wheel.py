"""The wheel and the sdist: what is inside, and that the wheel works where no checkout is."""

from __future__ import annotations

import os
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from kubectl_nodedns import __version__
from tests.packaging.conftest import CONSOLE_SCRIPT, ROOT, Built, Installed, run

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Kubectl = Callable[..., subprocess.CompletedProcess[str]]

DRY_RUN = (
    *("enable", "--dry-run=client", "-o", "yaml", "--mode=iptables", "--local-ip=169.254.20.10"),
    *("--kube-dns-ip=10.96.0.10", "--cluster-domain=cluster.local"),
)


def in_wheel(built: Built) -> dict[str, bytes]:
    with zipfile.ZipFile(built.wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def in_sdist(built: Built) -> set[str]:
    with tarfile.open(built.sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_every_module_and_style_sheet_is_in_the_wheel(built: Built) -> None:
    package = ROOT / "kubectl_nodedns"
    wanted = {
        str(file.relative_to(ROOT))
        for file in package.rglob("*")
        if file.suffix in {".py", ".tcss"}
    }
    assert wanted - set(in_wheel(built)) == set()


def test_the_manifests_travel_inside_the_package(built: Built) -> None:
    content = in_wheel(built)
    for file in (ROOT / "manifests").glob("*.yaml"):
        assert content[f"kubectl_nodedns/_manifests/{file.name}"] == file.read_bytes()


def test_the_licence_is_in_the_wheel(built: Built) -> None:
    [name] = [n for n in in_wheel(built) if re.search(r"dist-info/licenses/LICENSE$", n)]
    assert in_wheel(built)[name] == (ROOT / "LICENSE").read_bytes()


def test_nothing_but_the_package_is_in_the_wheel(built: Built) -> None:
    tops = {name.partition("/")[0] for name in in_wheel(built)}
    assert tops == {"kubectl_nodedns", f"kubectl_nodedns-{__version__}.dist-info"}


def test_the_console_script_is_what_kubectl_looks_for(built: Built) -> None:
    text = in_wheel(built)[f"kubectl_nodedns-{__version__}.dist-info/entry_points.txt"].decode()
    assert f"{CONSOLE_SCRIPT} = kubectl_nodedns.cli.main:main" in text


def test_the_metadata_names_version_licence_python_and_dependencies(built: Built) -> None:
    text = in_wheel(built)[f"kubectl_nodedns-{__version__}.dist-info/METADATA"].decode()
    assert f"\nVersion: {__version__}\n" in text
    assert "\nLicense-Expression: Apache-2.0\n" in text
    assert "\nRequires-Python: >=3.11\n" in text
    needed = set(re.findall(r"^Requires-Dist: ([\w-]+)", text, re.MULTILINE))
    assert needed == {"aiohttp", "aiohttp-socks", "dnspython", "kubernetes", "pyyaml", "textual"}


def test_the_sdist_holds_what_is_needed_to_build_and_test(built: Built) -> None:
    names = in_sdist(built)
    for needed in ("LICENSE", "README.md", "pyproject.toml", "manifests/nodelocaldns.yaml"):
        assert needed in names
    for file in ("Makefile", "requirements.lock", "krew-manifest.yaml"):
        assert file in names
    kept = {
        "tests/packaging/test_wheel.py",
        ".github/workflows/release.yml",
        ".github/release.lock",
    }
    kept |= {str(file.relative_to(ROOT)) for file in (ROOT / "scripts").iterdir() if file.is_file()}
    assert kept - names == set()


def test_nothing_that_was_built_or_run_here_is_in_the_sdist(built: Built) -> None:
    inside = [
        name for name in in_sdist(built) if re.search(r"\.cluster/|\.pyc$|build/bin|^\.", name)
    ]
    kept = (".gitignore", ".github/")
    assert [name for name in inside if not name.startswith(kept)] == []


def test_the_installed_program_tells_its_version(installed: Installed) -> None:
    done = installed.run(CONSOLE_SCRIPT, "version")
    assert (done.returncode, done.stdout) == (0, f"kubectl-nodedns {__version__}\n"), done.stderr


def test_the_installed_program_is_the_wheels_and_not_the_checkouts(installed: Installed) -> None:
    code = (
        "import kubectl_nodedns; from kubectl_nodedns.install.objects import folder;"
        "print(kubectl_nodedns.__file__); print(folder())"
    )
    lines = installed.run("python", "-c", code).stdout.splitlines()
    assert len(lines) == 2
    assert all(Path(line).is_relative_to(installed.folder) for line in lines)
    assert lines[1].endswith("/_manifests")


def test_the_installed_program_prints_the_objects_from_its_own_manifests(
    installed: Installed,
) -> None:
    done = installed.run(CONSOLE_SCRIPT, *DRY_RUN)
    assert done.returncode == 0, done.stderr
    kinds = [obj["kind"] for obj in yaml.safe_load_all(done.stdout)]
    assert kinds == ["ServiceAccount", "Service", "Service", "ConfigMap", "DaemonSet"]


def test_the_program_works_through_a_link_as_krew_makes_one(
    installed: Installed, tmp_path: Path
) -> None:
    link = tmp_path / CONSOLE_SCRIPT
    link.symlink_to(installed.bin / CONSOLE_SCRIPT)
    done = run(str(link), "version", cwd=tmp_path)
    assert done.stdout == f"kubectl-nodedns {__version__}\n", done.stderr


def pythons() -> list[Path]:
    """Return the interpreters from 3.11 on that this machine has, one of each minor version."""
    found: dict[str, Path] = {}
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    folders += [Path.home() / ".pyenv" / "versions" / name / "bin" for name in _pyenv_versions()]
    for folder in folders:
        for minor in range(11, 15):
            program = folder / f"python3.{minor}"
            if f"3.{minor}" not in found and program.exists() and _works(program):
                found[f"3.{minor}"] = program
    return [found[name] for name in sorted(found)]


def _pyenv_versions() -> list[str]:
    folder = Path.home() / ".pyenv" / "versions"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def _works(program: Path) -> bool:
    """Whether it is a Python that can make environments, and no shim without one behind it."""
    done = run(str(program), "-c", "import venv, ensurepip", cwd=Path("/"))
    return done.returncode == 0


@pytest.mark.parametrize("minor", range(11, 15), ids=lambda minor: f"3.{minor}")
def test_the_wheel_installs_with_its_dependencies_and_runs_on_every_python(
    minor: int, built: Built, tmp_path: Path
) -> None:
    program = next((p for p in pythons() if p.name == f"python3.{minor}"), None)
    if program is None:
        pytest.skip(f"there is no Python 3.{minor} on this machine")
    assert run(str(program), "-m", "venv", str(tmp_path / "env"), cwd=tmp_path).returncode == 0
    python = tmp_path / "env" / "bin" / "python"
    lock = tmp_path / "constraints.txt"
    # The versions of the lock, without its hashes: the wheel that was just built has none.
    lock.write_text(re.sub(r" *\\\n|--hash=\S+", "", (ROOT / "requirements.lock").read_text()))
    words = ("-m", "pip", "install", "--quiet", "--no-compile", "--constraint")
    done = run(str(python), *words, str(lock), str(built.wheel), cwd=tmp_path)
    if done.returncode != 0 and "No matching distribution" in done.stderr:
        pytest.skip(f"the dependencies cannot be had for Python 3.{minor}: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    tool = tmp_path / "env" / "bin" / CONSOLE_SCRIPT
    assert run(str(tool), "version", cwd=tmp_path).stdout == f"kubectl-nodedns {__version__}\n"
    done = run(str(tool), *DRY_RUN, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "kind: DaemonSet" in done.stdout
    # The screen and the client, which the two above do not import.
    code = "import kubectl_nodedns.tui.app, kubectl_nodedns.commands.top, kubernetes.config"
    done = run(str(python), "-W", "error::SyntaxWarning", "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_console_scripts_of_completion_are_in_the_wheel(built: Built) -> None:
    text = in_wheel(built)[f"kubectl_nodedns-{__version__}.dist-info/entry_points.txt"].decode()
    assert "kubectl_complete-nodedns = kubectl_nodedns.cli.complete:main" in text


def test_the_sdist_builds_the_same_wheel_again(built: Built, tmp_path: Path) -> None:
    with tarfile.open(built.sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    [source] = tmp_path.iterdir()
    words = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "again"))
    done = run(sys.executable, *words, str(source), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    [again] = (tmp_path / "again").glob("*.whl")
    with zipfile.ZipFile(again) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    assert content == in_wheel(built)


@pytest.fixture
def kubectl(installed: Installed, tmp_path: Path) -> Kubectl:
    """The real kubectl, with the installed plugin and nothing else of ours on the PATH."""
    program = Path(sys.executable).parent / "kubectl"
    assert program.exists(), "the development environment has no kubectl"

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return run(str(program), *words, cwd=tmp_path, path=f"{installed.bin}:/usr/bin:/bin")

    return call


def test_kubectl_finds_the_plugin(kubectl: Kubectl) -> None:
    done = kubectl("nodedns", "version")
    assert done.stdout == f"kubectl-nodedns {__version__}\n", done.stderr


def test_kubectl_passes_arguments_and_exit_codes_on(kubectl: Kubectl) -> None:
    done = kubectl("nodedns", "enable", "--local-ip", "nowhere")
    assert done.returncode == 2
    assert "--local-ip: 'nowhere' is not an IP address" in done.stderr


def test_help_shows_what_the_person_typed(kubectl: Kubectl) -> None:
    assert kubectl("nodedns", "enable", "--help").stdout.startswith("usage: kubectl nodedns enable")


def test_kubectl_lists_the_plugin_without_a_warning_about_it(kubectl: Kubectl) -> None:
    done = kubectl("plugin", "list")
    assert f"/{CONSOLE_SCRIPT}\n" in done.stdout
    assert CONSOLE_SCRIPT not in done.stderr

"""krew's archive: what is inside, and that it works as krew installs it.

krew cannot be had here, so its rules are applied as it applies them (tests/packaging/krew.py); the
release workflow runs the real one.
"""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from kubectl_nodedns import __version__
from kubectl_nodedns.cli.parser import COMMANDS
from tests.packaging.conftest import CONSOLE_SCRIPT, ROOT, run
from tests.packaging.krew import accepts, licensed, program, rendered
from tests.packaging.test_wheel import DRY_RUN

if TYPE_CHECKING:
    from collections.abc import Callable

    Kubectl = Callable[..., subprocess.CompletedProcess[str]]

MOST_BYTES = 60 * 2**20
"""krew reads an archive into memory; it should not grow without anybody noticing."""

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="the links that krew makes on Windows are tested by its release"
)


@pytest.fixture
def kubectl(krew_root: Path, tmp_path: Path) -> Kubectl:
    """The real kubectl, with krew's bin folder on the PATH and nothing else of ours."""
    binary = Path(sys.executable).parent / "kubectl"
    assert binary.exists(), "the development environment has no kubectl"

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return run(str(binary), *words, cwd=tmp_path, path=f"{krew_root / 'bin'}:/usr/bin:/bin")

    return call


def entries(archive: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(archive) as tar:
        return tar.getmembers()


def test_krew_accepts_every_entry_of_the_archive(krew_archive: Path) -> None:
    assert [entry.name for entry in entries(krew_archive) if not accepts(entry)] == []
    assert krew_archive.stat().st_size < MOST_BYTES


def test_the_archive_has_the_name_that_the_manifest_asks_for(krew_archive: Path) -> None:
    manifest = rendered((ROOT / "krew-manifest.yaml").read_text(), version=f"v{__version__}")
    uris = [p["uri"] for p in yaml.safe_load(manifest)["spec"]["platforms"]]
    assert krew_archive.name in {posixpath.basename(uri) for uri in uris}


def test_the_manifest_names_the_program_at_the_root(krew_archive: Path) -> None:
    assert program() in [entry.name for entry in entries(krew_archive)]


def test_the_licence_lies_where_krews_validator_looks_for_it(krew_archive: Path) -> None:
    names = [entry.name for entry in entries(krew_archive)]
    assert licensed(names)
    with tarfile.open(krew_archive) as tar:
        text = tar.extractfile("LICENSE")
        assert text is not None
        assert text.read() == (ROOT / "LICENSE").read_bytes()


def test_everything_inside_comes_with_its_licence(krew_archive: Path) -> None:
    names = [entry.name for entry in entries(krew_archive)]
    licensed_parts = {name.split("/")[1] for name in names if name.startswith("licenses/")}
    for needed in ("aiohttp", "dnspython", "kubernetes", "pyyaml", "textual", "rich"):
        assert any(re.match(rf"{needed}-\d", part) for part in licensed_parts), needed


def test_nothing_of_the_builder_is_in_the_archive(krew_archive: Path) -> None:
    for entry in entries(krew_archive):
        assert (entry.uid, entry.gid, entry.uname, entry.gname) == (0, 0, "", "")
        assert not re.search(r"pytest|mypy|hypothesis|ruff", entry.name), entry.name


def test_nothing_has_to_be_unpacked_at_a_start(krew_archive: Path) -> None:
    """Modules are files: PyInstaller's own archives cost more at each start than the wheel does."""
    sizes = {entry.name: entry.size for entry in entries(krew_archive)}
    assert [name for name in sizes if name.endswith(".zip")] == []
    assert sizes["_internal/kubectl_nodedns/cli/main.pyc"] > 0
    assert sizes[program()] < 2**20  # the bootloader alone


def test_the_plugin_that_krew_installed_tells_its_version(kubectl: Kubectl) -> None:
    done = kubectl("nodedns", "version")
    assert done.stdout == f"kubectl-nodedns {__version__}\n", done.stderr


@pytest.mark.parametrize("command", [module.__name__.rpartition(".")[2] for module in COMMANDS])
def test_every_command_has_help_through_kubectl(kubectl: Kubectl, command: str) -> None:
    done = kubectl("nodedns", command, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: kubectl nodedns {command}")


def test_the_manifests_are_inside(kubectl: Kubectl) -> None:
    done = kubectl("nodedns", *DRY_RUN)
    assert done.returncode == 0, done.stderr
    kinds = [obj["kind"] for obj in yaml.safe_load_all(done.stdout)]
    assert kinds == ["ServiceAccount", "Service", "Service", "ConfigMap", "DaemonSet"]


EVERY = {
    "completion bash": ("complete -F",),
    "check --pre": ("no finding",),
    "enable --yes": ("enabled: 3 of 3 nodes proved",),
    "status": ("3 of 3 nodes",),
    "check --probe": ("no finding",),
    "top --once": ("LOOKUP/S", "node3"),
    "lookup -A kubernetes.default": ("node3",),
    "bench --count 8 --yes": ("upstream", "tcp"),
    "monitoring": ("kind: PodMonitor",),
    "disable --yes": ("disabled: 3 of 3 nodes proved clean",),
}
"""What each command tells on a cluster of the demo; in turn."""


def test_every_command_does_its_work_through_kubectl(kubectl: Kubectl, krew_root: Path) -> None:
    names = {module.__name__.rpartition(".")[2] for module in COMMANDS}
    assert {line.split()[0] for line in EVERY} == names - {"demo"}
    demo = subprocess.Popen(
        [krew_root / "bin" / CONSOLE_SCRIPT, "demo", "--serve", "--nodes=3", "--fault=none"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stderr is not None
        talk = ""
        while "Ctrl-C ends it" not in talk:
            line = demo.stderr.readline()
            assert line, talk
            talk += line
        [kubeconfig] = set(re.findall(r"\S+/nodedns-demo-\w+/kubeconfig", talk.replace("=", " ")))
        for words, said in EVERY.items():
            done = kubectl("nodedns", *words.split(), "--kubeconfig", kubeconfig)
            assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
            told = done.stdout + done.stderr
            assert all(text in told for text in said), f"{words}: {told}"
    finally:
        demo.terminate()
        demo.communicate()
    assert demo.returncode == 130


def test_a_credential_plugin_gets_the_environment_from_before(
    krew_root: Path, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    plugin = tmp_path / "login"
    plugin.write_text(
        f'#!/bin/sh\necho "$LD_LIBRARY_PATH|$LD_LIBRARY_PATH_ORIG" > {seen}\nexit 1\n'
    )
    plugin.chmod(0o755)
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [
            {
                "name": "u",
                "user": {
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1",
                        "command": str(plugin),
                        "interactiveMode": "Never",
                    }
                },
            }
        ],
    }
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(yaml.safe_dump(config))
    for before in ("", "/of/the/user"):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        if before:
            environment["LD_LIBRARY_PATH"] = before
        done = subprocess.run(
            [krew_root / "bin" / CONSOLE_SCRIPT, "top", "--once", "--kubeconfig", kubeconfig],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "the credential plugin" in done.stderr, done.stderr
        assert seen.read_text() == f"{before}|\n"


def test_kubectl_gets_the_environment_from_before_when_completion_asks_it(
    krew_root: Path, tmp_path: Path
) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text('#!/bin/sh\necho "node/${LD_LIBRARY_PATH-none}"\n')
    kubectl.chmod(0o755)
    done = subprocess.run(
        [krew_root / "bin" / CONSOLE_SCRIPT, "__complete", "bench", "--node", ""],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "none\n:4\n", done.stderr


def test_krews_user_gets_the_tab_key_with_one_command(kubectl: Kubectl, krew_root: Path) -> None:
    hook = krew_root / "bin" / "kubectl_complete-nodedns"
    try:
        done = kubectl("nodedns", "completion", "--install-hook")
        assert done.stdout == f"wrote {hook}\n", done.stderr
        assert kubectl("__complete", "nodedns", "disa").stdout.startswith("disable\t")
    finally:
        hook.unlink(missing_ok=True)


def test_the_folder_works_when_it_may_not_be_written_to(krew_root: Path, tmp_path: Path) -> None:
    before = sorted(p for p in (krew_root / "store").rglob("*"))
    done = run(str(krew_root / "bin" / CONSOLE_SCRIPT), *DRY_RUN, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(p for p in (krew_root / "store").rglob("*")) == before
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - only whether there is anything

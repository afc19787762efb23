from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.cli.main import main
from kubectl_nodedns.cluster.access import Access
from kubectl_nodedns.cluster.client import Client
from tests.contract.api import Api, State

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def server() -> Iterator[Api]:
    with Api() as api:
        yield api


@pytest.fixture
def api(server: Api) -> Api:
    """The emulated API server, empty."""
    server.state = State()
    return server


@pytest.fixture
async def client(api: Api) -> AsyncIterator[Client]:
    async with Client(access(api.url)) as opened:
        yield opened


def access(url: str, **more: Any) -> Access:
    return Access(server=url, context="", namespace="default", tls=True, headers={}, **more)


def kubeconfig(url: str, user: dict[str, Any] | None = None, **cluster: Any) -> str:
    """A kubeconfig with one context; JSON is YAML."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "lab",
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
            "clusters": [{"name": "lab", "cluster": {"server": url, **cluster}}],
            "users": [{"name": "me", "user": user or {}}],
        }
    )


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory without any kubeconfig, and an environment without proxies."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in list(os.environ):
        if name.startswith("KUBE") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return folder


@pytest.fixture
def config(api: Api, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig that leads to the emulated API server, in $KUBECONFIG."""
    file = home / "kubeconfig"
    file.write_text(kubeconfig(api.url))
    monkeypatch.setenv("KUBECONFIG", str(file))
    return file


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run a command line inside this process: an error that nobody turned into words is raised.

    Keywords are handed to the command's `run`.
    """

    def call(*words: str, **handed: Any) -> Ended:
        capsys.readouterr()
        try:
            code = main(words, **handed)
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return call


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a command line as a process of its own, without a terminal."""
    started: list[subprocess.Popen[str]] = []
    # With its compiled modules, as for people: without them a start takes seconds.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def call(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "kubectl_nodedns", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()

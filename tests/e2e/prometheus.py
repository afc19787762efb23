"""A real Prometheus on loopback, for as long as a test needs it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

START_SECONDS = 300.0

MISSING = next(
    (
        f"there is no {program} on PATH: Debian's package prometheus has it"
        for program in ("prometheus", "promtool")
        if shutil.which(program) is None
    ),
    "",
)
"""Why there cannot be a Prometheus here; empty when there can."""


@contextmanager
def running(folder: Path, config: Mapping[str, Any]) -> Iterator[str]:
    """Start a Prometheus whose storage is `folder`/data; yield its URL, and end it."""
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(dict(config)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    words = [
        "prometheus",
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(server, url, folder / "log")
            yield url
        finally:
            server.terminate()
            server.wait()


def query(url: str, expression: str, at: float | None = None) -> list[dict[str, Any]]:
    """Evaluate an expression, now or at a time; return its result."""
    words = {"query": expression} | ({} if at is None else {"time": str(at)})
    with urllib.request.urlopen(f"{url}/api/v1/query?{urllib.parse.urlencode(words)}") as answer:
        result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return result


def value(url: str, expression: str, at: float | None = None) -> float:
    """Evaluate an expression that has one value."""
    (one,) = query(url, expression, at)
    return float(one["value"][1])


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/-/ready"):
                return
        except (urllib.error.URLError, OSError):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)

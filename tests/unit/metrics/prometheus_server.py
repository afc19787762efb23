"""A real Prometheus on loopback whose storage holds pages of ours, scraped at times of ours."""

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

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

START_SECONDS = 60.0

MISSING = next(
    (
        f"there is no {program} on PATH: Debian's package prometheus has it"
        for program in ("prometheus", "promtool")
        if shutil.which(program) is None
    ),
    "",
)
"""Why there cannot be a Prometheus here; empty when there can."""


def open_metrics(scrapes: Mapping[str, Sequence[tuple[float, str]]]) -> str:
    """Write scrapes as one OpenMetrics document.

    Args:
        scrapes: time (Unix seconds) and page of each scrape, by instance.
    """
    families: dict[str, list[str]] = {}
    for instance, pages in scrapes.items():
        for at, text in pages:
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    labels = {**sample.labels, "instance": instance, "job": "node-local-dns"}
                    words = ",".join(f"{k}={json.dumps(v)}" for k, v in sorted(labels.items()))
                    line = f"{sample.name}{{{words}}} {sample.value!r} {at}"
                    families.setdefault(sample.name, []).append(line)
    # Without a type each sample's name is a family of its own.
    lines = [line for some in families.values() for line in some]
    return "\n".join([*lines, "# EOF", ""])


@contextmanager
def serving(folder: Path, scrapes: Mapping[str, Sequence[tuple[float, str]]]) -> Iterator[str]:
    """Start a Prometheus with these scrapes; yield its URL, and end it."""
    source = folder / "scrapes.txt"
    source.write_text(open_metrics(scrapes))
    data = folder / "data"
    words = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(source), str(data)]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr + made.stdout
    config = folder / "prometheus.yml"
    config.write_text("scrape_configs: []\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (folder / "log").open("w")
    server = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={data}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--storage.tsdb.retention.time=100y",
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(server, url, folder / "log")
        yield url
    finally:
        server.terminate()
        server.wait()
        log.close()


def query(url: str, expression: str, at: float) -> list[dict[str, Any]]:
    """Evaluate an expression at a time; return its result."""
    words = urllib.parse.urlencode({"query": expression, "time": at})
    with urllib.request.urlopen(f"{url}/api/v1/query?{words}") as answer:
        result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return result


def value(url: str, expression: str, at: float) -> float:
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

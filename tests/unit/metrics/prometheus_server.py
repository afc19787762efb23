"""A real Prometheus whose storage holds pages of ours, scraped at times of ours."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.prometheus import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


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
    words = ["promtool", "tsdb", "create-blocks-from", "openmetrics", source, folder / "data"]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr + made.stdout
    with running(folder, {"scrape_configs": []}) as url:
        yield url

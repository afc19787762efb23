"""Read one CoreDNS metrics page of 402 samples: our parser beside prometheus_client's, in one run.

Timed is this process's CPU, which other work on the machine touches least.

Run: python benchmarks/exposition.py
"""

from __future__ import annotations

import sys
import time
import timeit
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from prometheus_client.parser import text_string_to_metric_families

from kubectl_nodedns.metrics.exposition import parse
from kubectl_nodedns.metrics.figures import figures
from kubectl_nodedns.metrics.page import read_page
from kubectl_nodedns.metrics.series import BY_NAME
from tests.unit.metrics.pages import idle_page


def milliseconds(work: object) -> float:
    """Return the best of several runs, which noise of the machine touches least."""
    timer = timeit.Timer(work, timer=time.process_time)  # type: ignore[arg-type]
    number, _ = timer.autorange()
    return 1000 * min(timer.repeat(5, max(number // 5, 1))) / max(number // 5, 1)


def main() -> None:
    text = idle_page()
    before, after = read_page(text, at=0.0), read_page(text, at=2.0)
    samples = sum(not line.startswith("#") for line in text.splitlines())
    theirs = milliseconds(lambda: list(text_string_to_metric_families(text)))
    rows = {
        "prometheus_client, all samples": theirs,
        "ours, series never seen before": milliseconds(lambda: parse(text, BY_NAME)),
        "ours, the series known": milliseconds(lambda: read_page(text, at=0.0)),
        "a line split": milliseconds(lambda: [line.split() for line in text.split("\n")]),
        "ours, from page to figures": milliseconds(lambda: figures(before, after)),
    }
    print(f"{samples} samples, {len(text) / 1024:.0f} KB")
    for name, spent in rows.items():
        print(f"{name:36}{spent:8.3f} ms{theirs / spent:8.0f} x")


if __name__ == "__main__":
    main()

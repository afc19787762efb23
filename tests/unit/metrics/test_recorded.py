"""Pages as released CoreDNS code wrote them.

`coredns-1.15.0.txt` is a page of this project's test cluster under DNS load: CoreDNS 1.15.0 built
as a module, inside the stand-in for node-cache, which adds `coredns_nodecache_*`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kubectl_nodedns.metrics.exposition import parse
from kubectl_nodedns.metrics.figures import figures
from kubectl_nodedns.metrics.page import read_page
from kubectl_nodedns.metrics.series import BY_NAME, Series

PAGES = sorted((Path(__file__).parent / "recorded").glob("*.txt"))
by_name = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)


def test_there_are_pages() -> None:
    assert PAGES


@by_name
def test_reads_what_prometheus_client_reads(path: Path) -> None:
    text = path.read_text()
    theirs = [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name in BY_NAME
    ]
    ours = [(name, dict(labels), value) for name, labels, value in parse(text, BY_NAME)]

    def order(sample: tuple[str, dict[str, str], float]) -> str:
        return repr((sample[0], sorted(sample[1].items())))

    assert sorted(ours, key=order) == sorted(theirs, key=order)


@by_name
def test_every_series_that_a_busy_cache_has_is_there(path: Path) -> None:
    page = read_page(path.read_text(), at=0)
    seldom = {
        Series.CACHE_MISSES,  # deprecated
        Series.OLD_LOOKUP_TYPES,  # gone
        Series.EVICTIONS,  # with the first one
        Series.HEALTHCHECK_FAILURES,  # with the first one
    }
    assert set(Series) - set(page.totals) <= seldom


@by_name
def test_its_figures(path: Path) -> None:
    page = read_page(path.read_text(), at=0)
    found = figures(None, page)
    assert found.version == path.stem.removeprefix("coredns-")
    assert found.memory_bytes is not None
    assert 10 * 2**20 < found.memory_bytes < 200 * 2**20
    assert {zone.name for zone in found.zones} >= {"cluster.local.", "in-addr.arpa.", "."}
    assert found.by_address["10.96.0.10"] > 1000
    every = page.total(Series.CACHE_ENTRIES)
    assert found.entries is not None
    assert every is not None
    # Two addresses report each cache, though one only once somebody asked there.
    assert found.entries < every

"""From the same stored pages and times, our figures are those of a real Prometheus.

Pages of a cache under changing load, scraped each 15 seconds, with a restart in between, in each
naming that CoreDNS has had. Prometheus stores them and is asked for `irate` and
`histogram_quantile`; ours come from the same pages, and from Prometheus as a source.
"""

from __future__ import annotations

import math
import os
import random
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.cluster.web import Web
from kubectl_nodedns.errors import ApiError, NotFoundError, UnreachableError
from kubectl_nodedns.metrics.figures import figures
from kubectl_nodedns.metrics.histogram import quantile
from kubectl_nodedns.metrics.page import read_page
from kubectl_nodedns.metrics.prometheus import Prometheus
from kubectl_nodedns.metrics.sampler import Sampler
from tests.e2e.prometheus import MISSING, query, value
from tests.unit.metrics.fleets import pod
from tests.unit.metrics.pages import KUBE_DNS, Load, UpstreamLoad, ZoneLoad, page
from tests.unit.metrics.prometheus_server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_nodedns.metrics.traffic import Figures

pytestmark = pytest.mark.sockets
START = 1_760_000_000.0
STEP = 15.0
SCRAPES = 24
RESTART = 15
"""The scrape before which the process starts anew."""
RELEASES = {"1.6": "10.0.0.6", "1.8": "10.0.0.8", "1.10": "10.0.0.10", "1.13": "10.0.0.13"}
TOLERANCE = 0.01
NAMES = {
    "1.6": ("request_count_total", "response_rcode_count_total", "forward"),
    "1.8": ("requests_total", "responses_total", "forward"),
    "1.10": ("requests_total", "responses_total", "forward"),
    "1.13": ("requests_total", "responses_total", "proxy"),
}


def scrapes(release: str) -> list[tuple[float, str]]:
    """A cache's pages: load that rises, falls and stands still, and a restart."""
    luck = random.Random(release)
    pages = []
    counts = dict.fromkeys(("fast", "slow", "nx", "fail", "hit", "denial", "up", "upfail"), 0)
    started = START - 100
    for number in range(SCRAPES):
        if number == RESTART:
            counts = dict.fromkeys(counts, 0)
            started = START + number * STEP - 5
        busy = (number % 8) * 40
        for name in counts:
            counts[name] += luck.randrange(busy // 2, busy + 1) if busy else 0
        lookups = counts["nx"] + counts["fail"] + counts["hit"] + counts["denial"]
        zone = ZoneLoad(
            name="cluster.local.",
            fast=lookups + counts["fast"],
            slow=counts["slow"],
            nxdomain=counts["nx"],
            servfail=counts["fail"],
            hits=counts["hit"],
            denials=counts["denial"],
            entries=40,
        )
        upstream = UpstreamLoad(
            to="10.96.77.12:53", noerror=counts["up"], servfail=counts["upfail"], seconds=0.003
        )
        load = Load(zones=(zone,), upstreams=(upstream,), started=started)
        pages.append((START + number * STEP, page(load, release)))
    return pages


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if MISSING:
        pytest.skip(MISSING)
    stored = {f"{ip}:9253": scrapes(release) for release, ip in RELEASES.items()}
    with serving(tmp_path_factory.mktemp("prometheus"), stored) as url:
        yield url


def ours(release: str, number: int) -> Figures:
    pages = scrapes(release)[number - 1 : number + 1]
    before, after = (read_page(text, at=at) for at, text in pages)
    return figures(before, after)


def close(found: float | None, expected: float) -> bool:
    return found == pytest.approx(expected, rel=TOLERANCE, abs=1e-9)


at_scrapes = pytest.mark.parametrize("number", [1, 7, 8, 11, RESTART, RESTART + 1, SCRAPES - 1])
of_releases = pytest.mark.parametrize("release", list(RELEASES))


@of_releases
@at_scrapes
def test_rates_are_those_of_irate(prometheus: str, release: str, number: int) -> None:
    requests, responses, upstream = NAMES[release]
    at, where = START + number * STEP, f'instance="{RELEASES[release]}:9253"'
    found = ours(release, number)

    def irate(name: str, more: str = "") -> float:
        return value(prometheus, f"sum(irate({name}{{{where}{more}}}[1m]))", at)

    assert close(found.traffic.lookups, irate(f"coredns_dns_{requests}"))
    dns = f"coredns_dns_{responses}"
    assert close(found.rcodes["NOERROR"], irate(dns, ',rcode="NOERROR"'))
    assert close(found.traffic.hits, irate("coredns_cache_hits_total"))
    assert close(found.traffic.denials, irate("coredns_cache_hits_total", ',type="denial"'))
    (to,) = found.upstreams
    assert close(to.responses, irate(f"coredns_{upstream}_request_duration_seconds_count"))
    asked = irate(f"coredns_dns_{requests}", f',server="dns://{KUBE_DNS}:53"')
    assert close(found.address_rates[KUBE_DNS], asked)


@of_releases
@at_scrapes
@pytest.mark.parametrize("q", [0.5, 0.9, 0.95, 0.99])
def test_quantiles_are_those_of_histogram_quantile(
    prometheus: str, release: str, number: int, q: float
) -> None:
    at, where = START + number * STEP, f'{{instance="{RELEASES[release]}:9253"}}'
    found = ours(release, number)
    for name, histogram in (
        ("coredns_dns_request_duration_seconds_bucket", found.traffic.latency),
        (
            f"coredns_{NAMES[release][2]}_request_duration_seconds_bucket",
            found.upstream_latency,
        ),
    ):
        theirs = value(
            prometheus, f"histogram_quantile({q}, sum by (le) (irate({name}{where}[1m])))", at
        )
        latency = quantile(q, histogram)
        if latency is None:
            assert math.isnan(theirs)  # nothing was observed
        elif latency.relation == "<":
            # Within the first bucket Prometheus draws a line from zero; we say "below its bound".
            assert 0 < theirs <= latency.seconds
        else:
            assert close(latency.seconds, theirs)


class AsOf:
    """Asks a Prometheus about an earlier time."""

    def __init__(self, web: Web, at: float) -> None:
        self.web = web
        self.at = at

    async def get(self, path: str, *, params: dict[str, str], timeout: float | None = None):  # type: ignore[no-untyped-def] # noqa: ANN201
        return await self.web.get(path, params={**params, "time": str(self.at)}, timeout=timeout)


@of_releases
@pytest.mark.parametrize("number", [1, 7, 11, RESTART, SCRAPES - 1])
async def test_as_a_source_it_gives_the_same_figures_as_the_pages(
    prometheus: str, release: str, number: int
) -> None:
    cache = pod(name="p", ip=RELEASES[release])
    async with Web(prometheus) as web:
        source = Prometheus(AsOf(web, START + number * STEP + 3), "test")  # type: ignore[arg-type]
        await source.check()
        sampler = Sampler(source)
        sampler.follow([cache])
        await sampler.scrape_all()
        sampled = sampler.sampled("kube-system/p")
        assert sampled is not None
        assert sampled.error == ""
        assert sampled.figures == ours(release, number)
        assert source.interval == sampler.interval == STEP
        await sampler.scrape_all()
        again = sampler.sampled("kube-system/p")
        assert again is not None
        assert again.figures == sampled.figures


async def test_a_pod_that_it_does_not_scrape_is_told(prometheus: str) -> None:
    async with Web(prometheus) as web:
        source = Prometheus(AsOf(web, START + 60), "test")  # type: ignore[arg-type]
        with pytest.raises(NotFoundError, match="does it scrape the caches"):
            await source.pages(pod(name="other", ip="10.9.9.9"))


async def test_its_own_words_are_passed_on(prometheus: str) -> None:
    async with Web(prometheus) as web:
        with pytest.raises(ApiError, match="parse error"):
            await web.get("/api/v1/query", params={"query": "sum("})


async def test_a_password_is_never_shown() -> None:
    async with Web("http://me:secret@127.0.0.1:1/prometheus/") as web:
        with pytest.raises(UnreachableError) as caught:
            await web.get("/api/v1/query")
    assert "http://127.0.0.1:1/prometheus" in str(caught.value)
    assert "secret" not in str(caught.value) + caught.value.hint


def test_continuous_integration_has_a_prometheus() -> None:
    assert os.environ.get("CI") != "true" or not MISSING


def test_there_is_something_to_agree_about(prometheus: str) -> None:
    for ip in RELEASES.values():
        assert len(query(prometheus, f'{{instance="{ip}:9253"}}', START + 5 * STEP)) > 50

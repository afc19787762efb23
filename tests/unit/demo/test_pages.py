"""Metrics pages of the demo's caches: right by the text format, and true to each release."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kubectl_nodedns.demo import traffic
from kubectl_nodedns.demo.clock import Clock
from kubectl_nodedns.demo.corefile import zones
from kubectl_nodedns.demo.exposition import page, read_version
from kubectl_nodedns.demo.nodecache import NodeCache
from kubectl_nodedns.demo.replies import Asked, Record, Reply
from kubectl_nodedns.metrics.figures import figures
from kubectl_nodedns.metrics.page import read_page

if TYPE_CHECKING:
    from kubectl_nodedns.metrics.traffic import Figures

ROOT = Path(__file__).parents[3]
RECORDED = ROOT / "tests" / "unit" / "metrics" / "recorded" / "coredns-1.15.0.txt"
VERSIONS = ("1.6.7", "1.7.0", "1.8.3", "1.9.4", "1.10.0", "1.11.3", "1.13.2", "1.15.0")
DNS, LOCAL = "10.96.0.10", "169.254.20.10"
UPSTREAM, RESOLVER = "10.96.77.12:53", "10.0.0.2:53"
COREFILE = """\
cluster.local:53 {
    errors
    cache 30
    loop
    forward . __PILLAR__CLUSTER__DNS__
    prometheus :9253
}
in-addr.arpa:53 {
    cache 30
    forward . __PILLAR__CLUSTER__DNS__
    prometheus :9253
}
.:53 {
    errors
    cache 30
    forward . __PILLAR__UPSTREAM__SERVERS__
    prometheus :9253
}
id.nodedns.cluster.local:53 {
    template IN TXT {
        answer "{{ .Name }} 0 IN TXT \\"{$NODE_NAME} {$POD_UID}\\""
    }
}
"""


class Turned(Clock):
    """A clock that a test turns."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 0.0

    def now(self) -> float:
        return self.at


def usual() -> traffic.Profile:
    return traffic.Profile(
        rate=200.0,
        phases=(0.0, 1.0, 2.0),
        kinds={traffic.CLUSTER: 0.7, traffic.REVERSE: 0.05, traffic.OUTSIDE: 0.25},
        outcomes=traffic.USUAL,
        working_set=500.0,
        resolver_seconds=0.01,
    )


def cache(
    clock: Clock, version: str = "1.13.2", profile: traffic.Profile | None = None
) -> NodeCache:
    def upstream(asked: Asked, _: bool) -> Reply:
        record = Record(asked.name, 60, asked.rtype, "192.0.2.1")
        return Reply(answer=(record,), seconds=0.02)

    return NodeCache(
        zones=zones(COREFILE, {"NODE_NAME": "node1", "POD_UID": "abc"}),
        addresses=(LOCAL, DNS),
        upstream=upstream,
        clock=clock,
        profile=profile or usual(),
        version=version,
    )


def text(one: NodeCache) -> str:
    return page(one, UPSTREAM, RESOLVER)


def measured(version: str, profile: traffic.Profile | None = None) -> Figures:
    """What the plugin makes of two pages, a minute apart, when the cache is warm."""
    clock = Turned()
    one = cache(clock, version, profile)
    one.flow(DNS)
    clock.at = 300.0
    before = read_page(text(one), at=1000.0)
    clock.at = 360.0
    return figures(before, read_page(text(one), at=1060.0))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_release_tells_the_same_in_its_own_words(version: str) -> None:
    seen = measured(version)
    assert seen.version == version
    assert seen.traffic.lookups == pytest.approx(200.0, rel=0.1)
    assert seen.traffic.hit_ratio == pytest.approx(0.89, abs=0.03)
    assert seen.by_address.keys() >= {DNS}
    assert {upstream.to for upstream in seen.upstreams} == {UPSTREAM, RESOLVER}
    assert seen.traffic.p50 is not None


@pytest.mark.parametrize("version", VERSIONS)
def test_the_text_is_what_prometheus_reads(version: str) -> None:
    clock = Turned()
    one = cache(clock, version)
    one.flow(DNS)
    clock.at = 100.0
    seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for family in text_string_to_metric_families(text(one)):
        assert family.documentation, family.name
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in seen, f"twice: {key}"
            seen.add(key)


def test_names_types_and_labels_are_those_of_a_recorded_page() -> None:
    clock = Turned()
    one = cache(clock, "1.15.0")
    one.flow(DNS)
    clock.at = 100.0
    ours, recorded = shape(text(one)), shape(RECORDED.read_text())
    unknown = {name: labels for name, labels in ours.items() if recorded.get(name) != labels}
    assert unknown == {}
    assert len(ours) > 15


def shape(content: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Type and labels of each of CoreDNS's metrics."""
    found = {}
    types = dict(re.findall(r"^# TYPE (coredns_\S+) (\S+)", content, re.MULTILINE))
    for name, kind in types.items():
        sample = re.search(rf"^{name}(?:_bucket)?(\{{.*\}})? ", content, re.MULTILINE)
        assert sample is not None, name
        found[name] = (kind, frozenset(re.findall(r'(\w+)="', sample[1] or "")))
    return found


@pytest.mark.parametrize("profile", [usual(), traffic.slowed(usual()), traffic.stormy(usual())])
def test_counters_never_go_back_and_sums_agree(profile: traffic.Profile) -> None:
    clock = Turned()
    one = cache(clock, profile=profile)
    one.flow(DNS)
    before: dict[str, float] = {}
    for step in range(120):
        clock.at = step * 0.7
        counts = one.counts()
        now = {str(key): float(value) for key, value in counts.items()}
        for key, value in before.items():
            assert now[key] >= value, key
        before = now
    samples = [
        sample.value
        for family in text_string_to_metric_families(text(one))
        for sample in family.samples
        if sample.name == "coredns_dns_request_duration_seconds_count"
    ]
    assert sum(samples) == sum(before.values())


def test_faults_show_in_the_figures() -> None:
    calm, slow = measured("1.13.2"), measured("1.13.2", traffic.slowed(usual()))
    storm = measured("1.13.2", traffic.stormy(usual()))
    assert calm.traffic.failure_ratio < 0.001 < slow.traffic.failure_ratio
    assert slow.upstream_p99.seconds > 10 * calm.upstream_p99.seconds
    assert storm.traffic.lookups > 5 * calm.traffic.lookups
    assert storm.traffic.nxdomain_ratio > 0.8 > calm.traffic.nxdomain_ratio


def test_a_bypassed_cache_counts_no_more() -> None:
    clock = Turned()
    one = cache(clock)
    one.flow(DNS)
    clock.at = 60.0
    one.dry()
    before = one.counts()
    clock.at = 120.0
    assert one.counts() == before


def test_the_second_lookup_is_a_hit_with_a_shorter_ttl() -> None:
    clock = Turned()
    one = cache(clock)
    first = one.answer(Asked("example.com.", "A"), LOCAL)
    clock.at = 10.0
    second = one.answer(Asked("example.com.", "A"), LOCAL)
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert (first.answer[0].ttl, second.answer[0].ttl) == (60, 20)
    assert second.seconds < first.seconds / 10
    counts = {key[-1]: number for key, number in one.counts().items() if key[2] == "A"}
    assert counts == {traffic.MISS: 1, traffic.HIT: 1}
    clock.at = 31.0
    one.answer(Asked("example.com.", "A"), LOCAL)
    counts = {key[-1]: number for key, number in one.counts().items() if key[2] == "A"}
    assert counts == {traffic.MISS: 2, traffic.HIT: 1}


def test_the_marker_names_node_and_pod_and_is_not_counted() -> None:
    one = cache(Turned())
    before = one.counts()
    reply = one.answer(Asked("id.nodedns.cluster.local.", "TXT"), DNS)
    assert isinstance(reply, Reply)
    [record] = reply.answer
    assert (record.ttl, record.data) == (0, '"node1 abc"')
    assert one.counts() == before


@pytest.mark.parametrize("version", ["1", "1.5.9", "2.0.0", "a.b.c", "1.13.2.1", ""])
def test_a_version_that_is_none_is_not_taken(version: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the command says why
        read_version(version)

"""The metrics page of a node cache, in the text format of Prometheus.

Names and labels are those of the CoreDNS release that is asked for. They changed in 1.7, 1.8.7,
1.9, 1.10 and 1.11: see the release notes on coredns.io, and the pages of its plugins.
"""

from __future__ import annotations

import math
import zlib
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING

from kubectl_nodedns.demo import traffic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.demo.nodecache import Count, NodeCache

BOUNDS = tuple(0.00025 * 2**n for n in range(16))
"""Upper bounds of latency buckets, in seconds."""
SIZES = (0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16000, 32000, 48000, 64000)
"""Upper bounds of size buckets, in octets."""
RCODE = {traffic.DENIED: "NXDOMAIN", traffic.MISS_NX: "NXDOMAIN", traffic.MISS_FAIL: "SERVFAIL"}
HANDLERS = frozenset({"cache", "errors", "forward", "loop", "prometheus", "template"})
"""Plugins that handle lookups; the others only set something up."""
MISSES = (traffic.MISS, traffic.MISS_NX, traffic.MISS_FAIL)
UPSTREAM_SECONDS = 0.0011
"""Median of what CoreDNS takes."""

Version = tuple[int, int, int]
OLDEST = (1, 6, 0)
"""The oldest release that a page can be written for."""


def read_version(text: str) -> Version:
    """Read a version such as "1.13.2".

    Raises:
        ValueError: it is none that this page can be written for.
    """
    major, minor, patch = (int(part) for part in text.split("."))
    if not OLDEST <= (major, minor, patch) < (2, 0, 0):
        raise ValueError(text)
    return major, minor, patch


def page(cache: NodeCache, upstream: str, resolver: str) -> str:
    """Return the page of a cache.

    Args:
        cache: the cache.
        upstream: address and port of the cluster's DNS, as the cache forwards to it.
        resolver: address and port of the node's resolver.
    """
    version = read_version(cache.version)
    cache.scrapes += 1
    writer = _Writer(version)
    counts = cache.counts()
    to_cluster = {zone.name: zone.to_cluster for zone in cache.zones}
    _build(writer, cache)
    _cache(writer, cache, counts)
    _requests(writer, counts, to_cluster, cache.profile.resolver_seconds)
    _forwards(writer, cache, counts, to_cluster, {True: upstream, False: resolver})
    _process(writer, cache)
    return writer.text()


class _Writer:
    """Collects lines under their metrics, and leaves labels out that a release does not have."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.labels_view = ',view=""' if version >= (1, 10, 0) else ""
        self._lines: list[str] = []

    def head(self, name: str, kind: str, text: str) -> None:
        """Begin a metric."""
        self._lines += (f"# HELP {name} {text}", f"# TYPE {name} {kind}")

    def one(self, name: str, value: float | str, labels: str = "") -> None:
        """Add a sample."""
        self._lines.append(f"{name}{{{labels}}} {value}" if labels else f"{name} {value}")

    def histogram(self, name: str, labels: str, series: _Histogram) -> None:
        """Add the samples of a histogram."""
        before = f"{labels}," if labels else ""
        add = self._lines.append
        for bound, number in zip(series.bounds, series.buckets, strict=True):
            add(f'{name}_bucket{{{before}le="{bound}"}} {number}')
        add(f'{name}_bucket{{{before}le="+Inf"}} {series.count}')
        tail = f"{{{labels}}}" if labels else ""
        add(f"{name}_sum{tail} {series.sum:.9g}")
        add(f"{name}_count{tail} {series.count}")

    def text(self) -> str:
        """Return the page."""
        return "\n".join(self._lines) + "\n"


class _Histogram:
    """Observations in buckets that are counted from below."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.buckets = [0] * len(bounds)
        self.count = 0
        self.sum = 0.0

    def add(self, number: int, below: tuple[float, ...], mean: float) -> None:
        """Add observations of which the share `below[i]` is not above the bound i."""
        for i, share in enumerate(below):
            self.buckets[i] += int(number * share)
        self.count += number
        self.sum += number * mean


@cache
def _latency(median: float, spread: float) -> tuple[tuple[float, ...], float]:
    """Return the shares below each bound of a log-normal distribution, and its mean."""
    below = tuple(
        0.5 * (1 + math.erf(math.log(bound / median) / (spread * math.sqrt(2)))) for bound in BOUNDS
    )
    return below, median * math.exp(spread**2 / 2)


@cache
def _sizes(middle: float) -> tuple[tuple[float, ...], float]:
    shares = [0.0]
    shares += [
        0.5 * (1 + math.erf(math.log(bound / middle) / (0.5 * math.sqrt(2)))) for bound in SIZES[1:]
    ]
    return tuple(shares), middle * math.exp(0.125)


def _taken(outcome: str, *, cluster: bool, resolver: float) -> tuple[tuple[float, ...], float]:
    """Return the latency of lookups with an outcome."""
    if outcome in (traffic.HIT, traffic.DENIED):
        return _latency(0.00006, 0.75)
    if outcome == traffic.MISS_FAIL:
        return _latency(2.9, 0.45)
    return _latency(UPSTREAM_SECONDS, 0.55) if cluster else _latency(resolver, 0.5)


def _build(writer: _Writer, cache: NodeCache) -> None:
    writer.head(
        "coredns_build_info",
        "gauge",
        "A metric with a constant '1' value labeled by version, revision, and goversion from which "
        "CoreDNS was built.",
    )
    labels = f'goversion="go1.25.5",revision="",version="{cache.version}"'
    writer.one("coredns_build_info", 1, labels)


def _cache(writer: _Writer, cache: NodeCache, counts: Mapping[Count, int]) -> None:
    new = writer.version >= (1, 7, 0)
    zoned = writer.version >= (1, 10, 0)
    view = writer.labels_view
    size = "coredns_cache_entries" if new else "coredns_cache_size"
    writer.head(size, "gauge", "The number of elements in the cache.")
    held: defaultdict[str, int] = defaultdict(int)
    for address in cache.addresses:
        for zone in cache.zones:
            if zone.cached:
                for kind, number in zip(("success", "denial"), cache.entries(zone), strict=True):
                    zones = f',zones="{zone.name}"' if zoned else ""
                    labels = f'server="{_server(address)}",type="{kind}"{view}{zones}'
                    held[labels] += number
    for labels, number in sorted(held.items()):
        writer.one(size, number, labels)
    hits: defaultdict[str, int] = defaultdict(int)
    misses: defaultdict[str, int] = defaultdict(int)
    asked: defaultdict[str, int] = defaultdict(int)
    for (address, zone_name, _, _, outcome), number in counts.items():
        zones = f',zones="{zone_name}"' if zoned else ""
        plain = f'server="{_server(address)}"{view}{zones}'
        asked[plain] += number
        if outcome in MISSES:
            misses[plain] += number
        elif number:
            kind = "success" if outcome == traffic.HIT else "denial"
            hits[f'server="{_server(address)}",type="{kind}"{view}{zones}'] += number
    texts = [
        ("hits_total", "The count of cache hits.", hits),
        ("misses_total", "The count of cache misses.", misses),
    ]
    if zoned:
        texts.append(("requests_total", "The count of cache requests.", asked))
    for suffix, text, values in texts:
        if values:
            writer.head(f"coredns_cache_{suffix}", "counter", text)
            for labels, number in sorted(values.items()):
                writer.one(f"coredns_cache_{suffix}", number, labels)


def _requests(
    writer: _Writer, counts: Mapping[Count, int], to_cluster: Mapping[str, bool], resolver: float
) -> None:
    version, view = writer.version, writer.labels_view
    requests: defaultdict[str, int] = defaultdict(int)
    types: defaultdict[str, int] = defaultdict(int)
    responses: defaultdict[str, int] = defaultdict(int)
    durations: defaultdict[tuple[str, str, bool], int] = defaultdict(int)
    sizes: defaultdict[str, int] = defaultdict(int)
    plugin = 'plugin="errors",' if version >= (1, 9, 0) else ""
    typed = (1, 7, 0) <= version < (1, 8, 7)
    for (address, zone, rtype, protocol, outcome), number in counts.items():
        server, kind = _server(address), _type(rtype)
        place = f'server="{server}"'
        shown = f',type="{kind}"' if version >= (1, 7, 0) else ""
        labels = f'family="1",proto="{protocol}",{place}{shown}{view},zone="{zone}"'
        requests[labels] += number
        types[f'{place},type="{kind}",zone="{zone}"'] += number
        rcode = RCODE.get(outcome, "NOERROR")
        responses[f'{plugin}rcode="{rcode}",{place}{view},zone="{zone}"'] += number
        key = f'{place}{shown if typed else ""}{view},zone="{zone}"'
        durations[key, outcome, to_cluster.get(zone, True)] += number
        sizes[f'proto="{protocol}",{place}{view},zone="{zone}"'] += number
    name = "coredns_dns_request_duration_seconds"
    writer.head(name, "histogram", "Histogram of the time (in seconds) each request took per zone.")
    observed: dict[str, _Histogram] = {}
    for (labels, outcome, cluster), number in durations.items():
        series = observed.setdefault(labels, _Histogram(BOUNDS))
        series.add(number, *_taken(outcome, cluster=cluster, resolver=resolver))
    for labels, series in sorted(observed.items()):
        writer.histogram(name, labels, series)
    for which, middle in (("request", 58.0), ("response", 140.0)):
        name = f"coredns_dns_{which}_size_bytes"
        writer.head(name, "histogram", f"Size of the EDNS0 UDP buffer or the {which} in bytes.")
        for labels, number in sorted(sizes.items()):
            series = _Histogram(SIZES)
            series.add(number, *_sizes(middle))
            writer.histogram(name, labels, series)
    new = version >= (1, 7, 0)
    name = "coredns_dns_requests_total" if new else "coredns_dns_request_count_total"
    _counter(writer, name, "Counter of DNS requests made per zone, protocol and family.", requests)
    if not new:
        name = "coredns_dns_request_type_count_total"
        _counter(writer, name, "Counter of DNS requests per type, per zone.", types)
    name = "coredns_dns_responses_total" if new else "coredns_dns_response_rcode_count_total"
    _counter(writer, name, "Counter of response status codes.", responses)


def _counter(writer: _Writer, name: str, text: str, values: Mapping[str, int]) -> None:
    writer.head(name, "counter", text)
    for labels, number in sorted(values.items()):
        writer.one(name, number, labels)


def _forwards(
    writer: _Writer,
    cache: NodeCache,
    counts: Mapping[Count, int],
    to_cluster: Mapping[str, bool],
    upstreams: Mapping[bool, str],
) -> None:
    """Write what upstream did: the plugin forward's own metrics until 1.10, `proxy` since 1.11."""
    version = writer.version
    proxied = version >= (1, 11, 0)
    tag = 'proxy_name="forward",' if proxied else ""
    histograms: dict[str, _Histogram] = {}
    rcodes: defaultdict[str, int] = defaultdict(int)
    totals: defaultdict[str, int] = defaultdict(int)
    for (_, zone, rtype, _, outcome), number in counts.items():
        if outcome not in MISSES or rtype == "other":
            continue
        cluster = to_cluster.get(zone, True)
        to = upstreams[cluster]
        rcode = RCODE.get(outcome, "NOERROR")
        labels = f'{tag}rcode="{rcode}",to="{to}"' if version >= (1, 7, 0) else f'to="{to}"'
        series = histograms.setdefault(labels, _Histogram(BOUNDS))
        resolver = cache.profile.resolver_seconds
        series.add(number, *_taken(outcome, cluster=cluster, resolver=resolver))
        rcodes[f'rcode="{rcode}",to="{to}"'] += number
        totals[f'to="{to}"'] += number
    prefix = "coredns_proxy" if proxied else "coredns_forward"
    name = f"{prefix}_request_duration_seconds"
    if histograms:
        writer.head(name, "histogram", "Histogram of the time each request took.")
        for labels, series in sorted(histograms.items()):
            writer.histogram(name, labels, series)
    new = version >= (1, 7, 0)
    if not proxied and totals:
        name = "coredns_forward_requests_total" if new else "coredns_forward_request_count_total"
        _counter(writer, name, "Counter of requests made per upstream.", totals)
        suffix = "responses_total" if new else "response_rcode_count_total"
        name = f"coredns_forward_{suffix}"
        _counter(writer, name, "Counter of responses received per upstream.", rcodes)
    if version >= (1, 8, 0) and totals:
        hits = {f'proto="udp",{tag}{labels}': number for labels, number in totals.items()}
        name = f"{prefix}_conn_cache_hits_total"
        _counter(writer, name, "Counter of connection cache hits per upstream and protocol.", hits)
    name = f"coredns_forward_healthcheck_broken_{'total' if new else 'count_total'}"
    writer.head(name, "counter", "Counter of the number of complete failures of the healthchecks.")
    writer.one(name, 0)


def _process(writer: _Writer, cache: NodeCache) -> None:
    new = writer.version >= (1, 7, 0)
    name = "coredns_nodecache_setup_errors_total"
    text = "The number of errors during periodic network setup for node-cache"
    writer.head(name, "counter", text)
    for kind in ("configmap", "interface_add", "interface_check", "iptables", "iptables_lock"):
        writer.one(name, 0, f'errortype="{kind}"')
    name = "coredns_panics_total" if new else "coredns_panic_count_total"
    writer.head(name, "counter", "A metrics that counts the number of panics.")
    writer.one(name, 0)
    name = "coredns_plugin_enabled"
    text = "A metric that indicates whether a plugin is enabled on per server and zone basis."
    writer.head(name, "gauge", text)
    for address in cache.addresses:
        for zone in cache.zones:
            for plugin in sorted(HANDLERS & set(zone.plugins)) if zone.counted else ():
                place = f'server="{_server(address)}"{writer.labels_view},zone="{zone.name}"'
                writer.one(name, 1, f'name="{plugin}",{place}')
    name = "coredns_reload_failed_total" if new else "coredns_reload_failed_count_total"
    writer.head(name, "counter", "Counter of the number of failed reload attempts.")
    writer.one(name, 0)
    memory = cache.memory()
    noise = zlib.crc32(f"{cache.started}{cache.scrapes}".encode()) % 9
    for name, kind, text, value in (
        ("go_goroutines", "gauge", "Number of goroutines that currently exist.", 41 + noise),
        ("go_threads", "gauge", "Number of OS threads created.", 9),
        (
            "process_cpu_seconds_total",
            "counter",
            "Total user and system CPU time spent in seconds.",
            f"{cache.uptime * 0.012:.2f}",
        ),
        ("process_max_fds", "gauge", "Maximum number of open file descriptors.", 1048576),
        ("process_open_fds", "gauge", "Number of open file descriptors.", 21 + noise),
        ("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", memory),
        (
            "process_start_time_seconds",
            "gauge",
            "Start time of the process since unix epoch in seconds.",
            f"{cache.started:.2f}",
        ),
        ("process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", 10 * memory),
    ):
        writer.head(name, kind, text)
        writer.one(name, value)


def _server(address: str) -> str:
    return f"dns://[{address}]:53" if ":" in address else f"dns://{address}:53"


def _type(rtype: str) -> str:
    known = ("A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")
    return rtype if rtype in known else "other"

"""From pages to figures: what a page means, and what changed since the page before. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.metrics.histogram import EMPTY, Histogram, histogram
from kubectl_nodedns.metrics.increases import Increases, increases
from kubectl_nodedns.metrics.page import Page
from kubectl_nodedns.metrics.series import Series
from kubectl_nodedns.metrics.traffic import FAILURES, Figures, Traffic, Upstream, Zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kubectl_nodedns.metrics.page import Key


def figures(before: Page | None, after: Page) -> Figures:
    """Read the newer page, and compare it with the one before where there is one."""
    grown = increases(before, after) if before is not None else None
    return Figures(
        at=after.at,
        seconds=grown.seconds if grown else None,
        started=after.started,
        version=after.version,
        traffic=_traffic(grown) if grown else Traffic(),
        types=_types(grown) if grown else {},
        protocols=_rates_by(grown, Series.LOOKUPS, 3) if grown else {},
        rcodes=_rates_by(grown, Series.RESPONSES, 1) if grown else {},
        zones=_zones(after, grown),
        upstreams=_upstreams(after, grown),
        lookups_total=after.total(Series.LOOKUPS),
        by_address=by_address(after.get(Series.LOOKUPS)),
        address_rates=by_address(grown.get(Series.LOOKUPS), grown.seconds) if grown else {},
        entries=entries(after),
        evictions=_evictions(grown) if grown else None,
        memory_bytes=after.single(Series.MEMORY),
        setup_errors=grown.rate(Series.SETUP_ERRORS) if grown else None,
        panics_total=after.single(Series.PANICS),
        setup_errors_by_type=_setup_errors(grown) if grown else {},
        setup_errors_total_by_type={
            key[0]: value for key, value in after.get(Series.SETUP_ERRORS).items()
        },
        reload_failures_total=after.single(Series.RELOAD_FAILURES),
    )


def asked_addresses(before: Page | None, after: Page) -> list[str]:
    """Return the listen addresses that lookups came in at between two pages."""
    grown = increases(before, after, only=(Series.LOOKUPS,)) if before is not None else None
    if grown is None:
        return []
    return [ip for ip, rate in by_address(grown.get(Series.LOOKUPS)).items() if rate > 0]


def since_start(page: Page) -> Figures | None:
    """Return figures over the whole life of the process; None where its start is not told."""
    if page.started is None or page.started >= page.at:
        return None
    return figures(Page(at=page.started, totals={}), page)


def entries(page: Page) -> float | None:
    """Count cache entries once, though a cache that listens on two addresses reports them twice."""
    caches: dict[Key, float] = {}
    for (_, zones, kind), value in page.get(Series.CACHE_ENTRIES).items():
        caches[zones, kind] = max(value, caches.get((zones, kind), 0.0))
    return sum(caches.values()) if caches else None


def _traffic(grown: Increases, zone: str | None = None) -> Traffic:
    """Sum up one zone, or everything."""
    lookups = _pick(grown, Series.LOOKUPS, 1, zone)
    responses = _pick(grown, Series.RESPONSES, 0, zone)
    hits = _pick(grown, Series.CACHE_HITS, 0, zone)
    misses = _pick(grown, Series.CACHE_MISSES, 0, zone)
    requests = _pick(grown, Series.CACHE_REQUESTS, 0, zone)
    # Releases without a counter of requests have one of misses; hits appear with the first hit.
    asked = requests or (hits or []) + (misses or []) or None
    durations = _pick(grown, Series.LATENCY, 0, zone) or []

    def rate(parts: list[tuple[Key, float]] | None, *values: str) -> float | None:
        if parts is None:
            return None
        chosen = (grown for key, grown in parts if not values or key[-1] in values)
        return sum(chosen) / seconds

    seconds = grown.seconds
    return Traffic(
        lookups=rate(lookups),
        responses=rate(responses),
        nxdomain=rate(responses, "NXDOMAIN"),
        servfail=rate(responses, "SERVFAIL"),
        failures=rate(responses, *FAILURES),
        cache_requests=rate(asked),
        hits=rate(hits or ([] if asked else None)),
        denials=rate(hits or ([] if asked else None), "denial"),
        latency=_latency(((key[1], value) for key, value in durations), seconds),
    )


def _pick(
    grown: Increases, series: Series, label: int, zone: str | None
) -> list[tuple[Key, float]] | None:
    """Return a series' parts of one zone, or all; None when there are none.

    The cache names all zones of its server block in one label, with commas between.
    """
    parts = [
        (key, value)
        for key, value in grown.get(series).items()
        if zone is None or key[label] == zone or zone in key[label].split(",")
    ]
    return parts or None


def _latency(by_bound: Iterable[tuple[str, float]], seconds: float) -> Histogram:
    summed: dict[str, float] = {}
    for bound, value in by_bound:
        summed[bound] = summed.get(bound, 0.0) + value / seconds
    return histogram(summed)


def _zones(after: Page, grown: Increases | None) -> tuple[Zone, ...]:
    """List the zones that report lookups, and those of which only the cache is seen (stubs)."""
    totals: dict[str, float] = {}
    for (_, name, _, _), value in after.get(Series.LOOKUPS).items():
        totals[name] = totals.get(name, 0.0) + value
    cached = {key[0] for key in after.get(Series.CACHE_REQUESTS) if key[0]}
    stubs = {zones for zones in cached if not totals.keys() & set(zones.split(","))}
    zones = (
        Zone(
            name=name,
            traffic=_traffic(grown, name) if grown else Traffic(),
            lookups_total=totals.get(name),
        )
        for name in (*totals, *stubs)
    )
    return tuple(sorted(zones, key=lambda z: (-(z.traffic.lookups or 0.0), z.name)))


def _upstreams(after: Page, grown: Increases | None) -> tuple[Upstream, ...]:
    names = {
        key[0]
        for series in (Series.UPSTREAM_RESPONSES, Series.HEALTHCHECK_FAILURES)
        for key in after.get(series)
    }
    found = (_upstream(name, grown) for name in names)
    return tuple(sorted(found, key=lambda u: (-(u.responses or 0.0), u.to)))


def _upstream(to: str, grown: Increases | None) -> Upstream:
    if grown is None:
        return Upstream(
            to=to, responses=None, failures=None, healthcheck_failures=None, latency=EMPTY
        )
    responses = {k[1]: v for k, v in grown.get(Series.UPSTREAM_RESPONSES).items() if k[0] == to}
    durations = ((k[1], v) for k, v in grown.get(Series.UPSTREAM_LATENCY).items() if k[0] == to)
    return Upstream(
        to=to,
        responses=sum(responses.values()) / grown.seconds,
        failures=sum(responses.get(rcode, 0.0) for rcode in FAILURES) / grown.seconds,
        healthcheck_failures=grown.get(Series.HEALTHCHECK_FAILURES).get((to,), 0.0) / grown.seconds,
        latency=_latency(durations, grown.seconds),
        by_rcode={rcode: value / grown.seconds for rcode, value in responses.items()},
    )


def _setup_errors(grown: Increases) -> dict[str, float]:
    parts = grown.get(Series.SETUP_ERRORS)
    return {key[0]: value / grown.seconds for key, value in parts.items() if value}


def _evictions(grown: Increases) -> float | None:
    """Return the rate; a release that counts them shows none before the first one."""
    if grown.get(Series.CACHE_REQUESTS):
        return grown.rate(Series.EVICTIONS) or 0.0
    return grown.rate(Series.EVICTIONS)


def _types(grown: Increases) -> dict[str, float]:
    """Return lookups per second by type; before CoreDNS 1.7 a counter of its own has them."""
    rates = _rates_by(grown, Series.LOOKUPS, 2)
    return _rates_by(grown, Series.OLD_LOOKUP_TYPES, 0) if set(rates) <= {""} else rates


def _rates_by(grown: Increases, series: Series, label: int) -> dict[str, float]:
    rates: dict[str, float] = {}
    for key, value in grown.get(series).items():
        rates[key[label]] = rates.get(key[label], 0.0) + value / grown.seconds
    return rates


def by_address(lookups: Mapping[Key, float], seconds: float = 1.0) -> dict[str, float]:
    """Sum lookups by listen address, per second of `seconds`.

    The label is dns://ADDRESS:PORT, with brackets around IPv6.
    """
    summed: dict[str, float] = {}
    for (server, *_), value in lookups.items():
        address = server.removeprefix("dns://").rpartition(":")[0].strip("[]")
        summed[address] = summed.get(address, 0.0) + value / seconds
    return summed

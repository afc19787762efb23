"""Metrics pages as the CoreDNS releases of node-cache write them, made from the rename table.

Made, not recorded: names and labels follow `facts` of each release, the values are ours to choose.
"""

from __future__ import annotations

from dataclasses import dataclass, field

BOUNDS = [0.00025 * 2**n for n in range(16)]
LOCAL, KUBE_DNS = "169.254.20.10", "10.96.0.10"


@dataclass(frozen=True, kw_only=True)
class ZoneLoad:
    """What one server block did since process start, seen on each of its two addresses."""

    name: str
    fast: int = 0  # lookups below the first bucket's bound
    slow: int = 0  # lookups of 3 ms
    nxdomain: int = 0
    servfail: int = 0
    hits: int = 0
    denials: int = 0
    entries: int = 0
    denial_entries: int = 0

    @property
    def lookups(self) -> int:
        return self.fast + self.slow


@dataclass(frozen=True, kw_only=True)
class UpstreamLoad:
    to: str
    noerror: int = 0
    servfail: int = 0
    seconds: float = 0.0015
    healthcheck_failures: int = 0


@dataclass(frozen=True, kw_only=True)
class Load:
    zones: tuple[ZoneLoad, ...] = ()
    upstreams: tuple[UpstreamLoad, ...] = ()
    servers: tuple[str, ...] = (LOCAL, KUBE_DNS)
    started: float = 1_000.0
    memory: float = 61 * 2**20
    setup_errors: int = 0
    noise: int = 0  # samples that nobody reads
    extra: tuple[str, ...] = field(default=())


def page(load: Load, release: str = "1.13") -> str:
    """Write the page of a CoreDNS release: "1.6", "1.8", "1.10" or "1.13"."""
    old = release == "1.6"
    lines = [
        "# HELP coredns_build_info A metric with a constant '1' value.",
        "# TYPE coredns_build_info gauge",
        f'coredns_build_info{{goversion="go1.25",revision="abc",version="{release}.2"}} 1',
    ]
    for zone in load.zones:
        for server in load.servers:
            lines += _zone(zone, f'server="dns://{server}:53"', release)
    for upstream in load.upstreams:
        lines += _upstream(upstream, release)
    if old:
        lines += ["coredns_panic_count_total 0"]
    else:
        lines += ["coredns_panics_total 0"]
    lines += [
        f'coredns_nodecache_setup_errors_total{{errortype="iptables"}} {load.setup_errors}',
        "# HELP process_resident_memory_bytes Resident memory size in bytes.",
        f"process_resident_memory_bytes {load.memory:e}",
        f"process_start_time_seconds {load.started}",
        *(f'go_noise_{n}{{quantile="0.5"}} {n}.25e-05' for n in range(load.noise)),
        *load.extra,
    ]
    return "\n".join(lines) + "\n"


def _zone(zone: ZoneLoad, server: str, release: str) -> list[str]:
    new = release in ("1.10", "1.13")
    view = ',view=""' if new else ""
    where = f'{server}{view},zone="{zone.name}"'
    cache = f'{server},TYPE{view},zones="{zone.name}"' if new else f"{server},TYPE"

    def cached(kind: str) -> str:
        return cache.replace(",TYPE", f',type="{kind}"' if kind else "")

    requests, responses, size = (
        ("request_count", "response_rcode_count", "size")
        if release == "1.6"
        else ("requests", "responses", "entries")
    )
    plugin = ',plugin="forward"' if new else ""
    noerror = zone.lookups - zone.nxdomain - zone.servfail
    kind = "" if release == "1.6" else 'type="A",'
    lines = [
        f'coredns_dns_{requests}_total{{family="1",proto="udp",{kind}{where}}} {zone.lookups}',
        f'coredns_dns_{responses}_total{{rcode="NOERROR"{plugin},{where}}} {noerror}',
        f"coredns_cache_hits_total{{{cached('success')}}} {zone.hits}",
        f"coredns_cache_hits_total{{{cached('denial')}}} {zone.denials}",
        f"coredns_cache_misses_total{{{cached('')}}} {zone.lookups - zone.hits - zone.denials}",
        f"coredns_cache_{size}{{{cached('success')}}} {zone.entries}",
        f"coredns_cache_{size}{{{cached('denial')}}} {zone.denial_entries}",
    ]
    for rcode, count in (("NXDOMAIN", zone.nxdomain), ("SERVFAIL", zone.servfail)):
        if count:
            lines.append(
                f'coredns_dns_{responses}_total{{rcode="{rcode}"{plugin},{where}}} {count}'
            )
    if release == "1.6":
        lines.append(f'coredns_dns_request_type_count_total{{type="A",{where}}} {zone.lookups}')
    if new:
        lines.append(f"coredns_cache_requests_total{{{cached('')}}} {zone.lookups}")
    name = "coredns_dns_request_duration_seconds"
    kind = ',type="A"' if release == "1.8" else ""
    lines += _histogram(name, where + kind, [(zone.fast, 0.0001), (zone.slow, 0.003)])
    return lines


def _upstream(upstream: UpstreamLoad, release: str) -> list[str]:
    to = f'to="{upstream.to}"'
    lines = []
    if release == "1.6":
        name = "coredns_forward_request_duration_seconds"
        total = upstream.noerror + upstream.servfail
        lines += _histogram(name, to, [(total, upstream.seconds)])
        count = "coredns_forward_response_rcode_count_total"
        failures = "coredns_forward_healthcheck_failure_count_total"
        lines += [
            f'{count}{{rcode="NOERROR",{to}}} {upstream.noerror}',
            f'{count}{{rcode="SERVFAIL",{to}}} {upstream.servfail}',
        ]
    else:
        new = release == "1.13"
        to = f'proxy_name="forward",{to}' if new else to
        name = f"coredns_{'proxy' if new else 'forward'}_request_duration_seconds"
        failures = f"coredns_{'proxy' if new else 'forward'}_healthcheck_failures_total"
        for rcode, count in (("NOERROR", upstream.noerror), ("SERVFAIL", upstream.servfail)):
            lines += _histogram(name, f'rcode="{rcode}",{to}', [(count, upstream.seconds)])
            if not new:
                lines.append(f'coredns_forward_responses_total{{rcode="{rcode}",{to}}} {count}')
    lines.append(f"{failures}{{{to}}} {upstream.healthcheck_failures}")
    return lines


def _histogram(name: str, labels: str, observed: list[tuple[int, float]]) -> list[str]:
    total = sum(count for count, _ in observed)
    lines = [
        f'{name}_bucket{{{labels},le="{bound:g}"}} {sum(c for c, s in observed if s <= bound)}'
        for bound in BOUNDS
    ]
    return [
        *lines,
        f'{name}_bucket{{{labels},le="+Inf"}} {total}',
        f"{name}_sum{{{labels}}} {sum(count * seconds for count, seconds in observed)}",
        f"{name}_count{{{labels}}} {total}",
    ]


def idle_page() -> str:
    """Write a page of the usual four server blocks with as many samples as a real one: 402."""
    zones = ("cluster.local.", "in-addr.arpa.", "ip6.arpa.", ".")
    load = Load(
        zones=tuple(
            ZoneLoad(name=zone, fast=900, slow=100, hits=700, denials=200, entries=40)
            for zone in zones
        ),
        upstreams=(UpstreamLoad(to="10.96.77.12:53", noerror=80, servfail=1),),
    )
    bare = sum(not line.startswith("#") for line in page(load).splitlines())
    from dataclasses import replace

    return page(replace(load, noise=402 - bare))

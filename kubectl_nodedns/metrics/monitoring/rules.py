"""Alert rules, with the thresholds that `top` marks by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.metrics.row_severity import FAILING_RATIO, MEMORY_RATIO, SLOW_SECONDS
from kubectl_nodedns.metrics.series import Series

if TYPE_CHECKING:
    from kubectl_nodedns.metrics.monitoring.queries import Queries

GROUP = "node-local-dns"
PER_NODE = ("instance", "node")
OVER = "5m"


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert rule."""

    name: str
    """Its name."""
    expression: str
    """When it is true."""
    lasting: str
    """How long that must last."""
    severity: str
    """critical, warning or info."""
    summary: str
    """What is wrong, on which node."""
    description: str
    """Why it matters, and what to do."""


def alerts(
    queries: Queries, *, kube_dns_ips: tuple[str, ...] = (), memory_limit: int | None = None
) -> list[Alert]:
    """Return the alerts.

    Args:
        queries: names of the installed version.
        kube_dns_ips: DNS service addresses that the caches listen on; none where they do not.
        memory_limit: of a cache container, in bytes.
    """
    ratio = queries.failure_ratio(PER_NODE, OVER)
    p99 = queries.quantile(0.99, Series.LATENCY, PER_NODE, OVER)
    unhealthy = queries.rate(Series.HEALTHCHECK_FAILURES, (*PER_NODE, "to"), OVER)
    # kubespray's agent counts "configmap" by construction: it has no Corefile.base.
    setup = queries.rate(
        Series.SETUP_ERRORS, (*PER_NODE, "errortype"), "15m", 'errortype!="configmap"'
    )
    restarts = f"changes({queries.metric(Series.STARTED)}[30m])"
    up = f'up{{job="{queries.job}"}}'
    found = [
        Alert(
            name="NodeLocalDNSDown",
            expression=f"{up} == 0",
            lasting="5m",
            severity="critical",
            summary="The DNS cache on {{ $labels.node }} cannot be scraped.",
            description="Pods there may have no DNS. See: kubectl nodedns top",
        ),
        Alert(
            name="NodeLocalDNSAbsent",
            expression=f"absent({up})",
            lasting="10m",
            severity="critical",
            summary="No DNS cache of any node is scraped.",
            description="Nobody watches DNS. Is the PodMonitor selected, is the cache still there?",
        ),
        Alert(
            name="NodeLocalDNSFailing",
            expression=f"{ratio} > {FAILING_RATIO[0]} <= {FAILING_RATIO[1]}",
            lasting="10m",
            severity="warning",
            summary="{{ $value | humanizePercentage }} of lookups on {{ $labels.node }} fail.",
            description="They end in SERVFAIL or REFUSED. See: kubectl nodedns top",
        ),
        Alert(
            name="NodeLocalDNSFailing",
            expression=f"{ratio} > {FAILING_RATIO[1]}",
            lasting="5m",
            severity="critical",
            summary="{{ $value | humanizePercentage }} of lookups on {{ $labels.node }} fail.",
            description="They end in SERVFAIL or REFUSED. See: kubectl nodedns top",
        ),
        Alert(
            name="NodeLocalDNSSlow",
            expression=f"{p99} >= {SLOW_SECONDS:g}",
            lasting="10m",
            severity="critical",
            summary="One lookup in 100 on {{ $labels.node }} takes {{ $value }} s.",
            description="Resolvers give up after five seconds. An upstream may be slow or gone.",
        ),
        Alert(
            name="NodeLocalDNSUpstreamUnhealthy",
            expression=f"{unhealthy} > 0",
            lasting="10m",
            severity="warning",
            summary="The cache on {{ $labels.node }} gets no answers from {{ $labels.to }}.",
            description="Its health checks fail, and before each a lookup had no answer.",
        ),
        Alert(
            name="NodeLocalDNSSetupErrors",
            expression=f"{setup} > 0",
            lasting="15m",
            severity="warning",
            summary="The cache on {{ $labels.node }} fails at {{ $labels.errortype }}.",
            description="Without its interface and rules lookups of pods pass it by.",
        ),
        Alert(
            name="NodeLocalDNSPanics",
            expression=f"increase({queries.metric(Series.PANICS)}[15m]) > 0",
            lasting="0m",
            severity="warning",
            summary="CoreDNS has panicked on {{ $labels.node }}.",
            description="A lookup made a plugin fail. Its log says which.",
        ),
        Alert(
            name="NodeLocalDNSRestarting",
            expression=f"{restarts} > 2",
            lasting="0m",
            severity="warning",
            summary="The cache on {{ $labels.node }} restarted {{ $value }} times in 30 minutes.",
            description="kubectl nodedns top -o json says how it ended (last_end).",
        ),
    ]
    if memory_limit:
        share = f"{queries.metric(Series.MEMORY)} / {memory_limit}"
        found.append(
            Alert(
                name="NodeLocalDNSMemory",
                expression=f"{share} > {MEMORY_RATIO[0]}",
                lasting="10m",
                severity="warning",
                summary="{{ $value | humanizePercentage }} of the cache's memory limit is used on "
                "{{ $labels.node }}.",
                description="At the limit it is killed, and leaves its rules behind.",
            )
        )
    if kube_dns_ips:
        ips = "|".join(kube_dns_ips).replace(".", "[.]")
        asked = queries.rate(Series.LOOKUPS, PER_NODE, "30m", f'server=~"dns://.?({ips}).?:53"')
        found.append(
            Alert(
                name="NodeLocalDNSNotIntercepting",
                expression=f"{up} == 1 unless on ({', '.join(PER_NODE)}) {asked} > 0",
                lasting="30m",
                severity="info",
                summary="No lookup of a pod reaches the cache on {{ $labels.node }}.",
                description="Nobody asks there, or lookups pass the cache by.",
            )
        )
    return found


def groups(found: list[Alert]) -> dict[str, Any]:
    """Write alerts as the content of a rules file."""
    return {
        "groups": [
            {
                "name": GROUP,
                "rules": [
                    {
                        "alert": alert.name,
                        "expr": alert.expression,
                        "for": alert.lasting,
                        "labels": {"severity": alert.severity},
                        "annotations": {
                            "summary": alert.summary,
                            "description": alert.description,
                        },
                    }
                    for alert in found
                ],
            }
        ]
    }

"""A Grafana dashboard of the fleet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.metrics.series import Series

if TYPE_CHECKING:
    from kubectl_nodedns.metrics.monitoring.queries import Queries

SCHEMA = 39
"""Version of Grafana's dashboard model; Grafana brings older ones up to date by itself."""
OVER = "$__rate_interval"
COLUMNS = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel."""

    title: str
    """Its heading."""
    lines: tuple[tuple[str, str], ...]
    """Expressions, each with its legend."""
    unit: str
    """Grafana's name of the unit."""
    kind: str = "timeseries"
    """Grafana's name of the kind."""
    width: int = 8
    """Columns of 24."""
    height: int = 8
    """Rows."""
    description: str = ""
    """What to know about it."""


def dashboard(
    queries: Queries, *, capacity: int | None = None, memory_limit: int | None = None
) -> dict[str, Any]:
    """Return the dashboard's JSON.

    Args:
        queries: names of the installed version.
        capacity: room for entries of one cache; a line when known.
        memory_limit: of a cache container in bytes; a line when known.
    """
    queries = replace(queries, more='node=~"$node"')
    panels = []
    x = y = height = 0
    for number, panel in enumerate(_panels(queries, capacity, memory_limit), 1):
        if x + panel.width > COLUMNS:
            x, y = 0, y + height
        height = panel.height
        panels.append(_panel(panel, number, x, y))
        x += panel.width
    # `up` has no zone or server: the variable takes what is scraped now.
    nodes = f'label_values(up{{job="{queries.job}"}}, node)'
    return {
        "title": "NodeLocal DNSCache",
        "uid": "kubectl-nodedns",
        "tags": ["dns", "kubectl-nodedns"],
        "schemaVersion": SCHEMA,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Data source", "type": "datasource"}
                | {"query": "prometheus"},
                {
                    "name": "node",
                    "label": "Node",
                    "type": "query",
                    "datasource": DATASOURCE,
                    "query": nodes,
                    "definition": nodes,
                    "refresh": 2,
                    "sort": 7,
                    "multi": True,
                    "includeAll": True,
                    "allValue": ".*",
                    "current": {"text": "All", "value": "$__all"},
                },
            ]
        },
        "panels": panels,
    }


def _panels(queries: Queries, capacity: int | None, memory_limit: int | None) -> list[Panel]:
    def rate(series: Series, *per: str) -> str:
        return queries.rate(series, per, OVER)

    def small(title: str, expression: str, unit: str) -> Panel:
        return Panel(
            title=title, lines=((expression, ""),), unit=unit, kind="stat", width=6, height=4
        )

    busiest = f"topk(10, {rate(Series.LOOKUPS, 'node')})"
    slowest = f"topk(10, {queries.quantile(0.99, Series.LATENCY, ('node',), OVER)})"
    failing = f"topk(10, {queries.failure_ratio(('node',), OVER)})"
    entries = [(queries.entries(("node",)), "{{node}}")]
    memory = [(queries.metric(Series.MEMORY), "{{node}}")]
    if capacity:
        entries.append((f"vector({capacity})", "capacity"))
    if memory_limit:
        memory.append((f"vector({memory_limit})", "limit"))
    return [
        small("Lookups", rate(Series.LOOKUPS), "reqps"),
        small("Hit ratio", queries.hit_ratio((), OVER), "percentunit"),
        small("p99", queries.quantile(0.99, Series.LATENCY, (), OVER), "s"),
        small("Failures", queries.failure_ratio((), OVER), "percentunit"),
        Panel(title="Lookups, busiest nodes", lines=((busiest, "{{node}}"),), unit="reqps"),
        Panel(title="Slowest nodes, p99", lines=((slowest, "{{node}}"),), unit="s"),
        Panel(title="Most failing nodes", lines=((failing, "{{node}}"),), unit="percentunit"),
        Panel(
            title="Latency, and upstream latency",
            lines=(
                (queries.quantile(0.5, Series.LATENCY, (), OVER), "p50"),
                (queries.quantile(0.99, Series.LATENCY, (), OVER), "p99"),
                (queries.quantile(0.99, Series.UPSTREAM_LATENCY, (), OVER), "upstream p99"),
            ),
            unit="s",
            description="A p50 below 0.25 ms lies in the histogram's first bucket: it is not known "
            "more exactly.",
        ),
        Panel(
            title="Responses by code",
            lines=((rate(Series.RESPONSES, "rcode"), "{{rcode}}"),),
            unit="reqps",
            description="Much NXDOMAIN is normal: ndots:5 makes most lookups end in it.",
        ),
        Panel(
            title="Lookups by listen address",
            lines=((rate(Series.LOOKUPS, "server"), "{{server}}"),),
            unit="reqps",
            description="Nothing at the DNS service's address: lookups pass the cache by.",
        ),
        Panel(
            title="Hit ratio by zone",
            lines=((queries.hit_ratio(("zones",), OVER), "{{zones}}"),),
            unit="percentunit",
        ),
        Panel(
            title="Hits: answers, and denials",
            lines=((rate(Series.CACHE_HITS, "type"), "{{type}}"),),
            unit="reqps",
        ),
        Panel(title="Cache entries", lines=tuple(entries), unit="short"),
        Panel(
            title="Upstreams",
            lines=((rate(Series.UPSTREAM_RESPONSES, "to"), "{{to}}"),),
            unit="reqps",
        ),
        Panel(
            title="Upstreams, p99",
            lines=((queries.quantile(0.99, Series.UPSTREAM_LATENCY, ("to",), OVER), "{{to}}"),),
            unit="s",
        ),
        Panel(
            title="Upstreams, failed health checks",
            lines=((rate(Series.HEALTHCHECK_FAILURES, "to"), "{{to}}"),),
            unit="short",
        ),
        Panel(title="Memory", lines=tuple(memory), unit="bytes"),
        Panel(
            title="Setup errors",
            lines=((rate(Series.SETUP_ERRORS, "node", "errortype"), "{{node}} {{errortype}}"),),
            unit="short",
            description="The agent could not set up its interface or its packet filter rules.",
        ),
        Panel(
            title="Restarts",
            lines=((f"changes({queries.metric(Series.STARTED)}[{OVER}])", "{{node}}"),),
            unit="short",
        ),
    ]


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "expr": expression,
                "legendFormat": legend or "__auto",
            }
            for index, (expression, legend) in enumerate(panel.lines)
        ],
    }

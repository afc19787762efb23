"""Rules of Prometheus in the cluster that ask for metrics of CoreDNS or the cache.

Read from PrometheusRule objects of the Prometheus operator. A cluster without that resource has no
such rules, which is an answer too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import NotFoundError
from kubectl_nodedns.readable import Read, readable, understood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client

_METRIC = re.compile(r"\b(?:coredns|nodecache)_[a-z0-9_]+")


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """One alerting or recording rule that asks for such metrics."""

    resource: str
    """The PrometheusRule, as NAMESPACE/NAME."""
    name: str
    """Name of the alert, or of what is recorded."""
    metrics: tuple[str, ...]
    """The metrics it asks for, in the order of their names."""


@understood("the rules of Prometheus")
async def read_alert_rules(client: Client) -> Read[AlertRule]:
    """Read every rule that asks for metrics of CoreDNS.

    Raises:
        ApiError: they may not be listed.
    """
    try:
        items = await client.list(collection("monitoring.coreos.com/v1", "prometheusrules"))
    except NotFoundError:
        return Read()
    read = readable(rules_of, items)
    return Read.of((rule for rules in read for rule in rules), read.left_out)


def rules_of(item: Mapping[str, Any]) -> list[AlertRule]:
    """Read a PrometheusRule object."""
    resource = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
    found = []
    for group in (item.get("spec") or {}).get("groups") or ():
        for rule in group.get("rules") or ():
            metrics = tuple(sorted(set(_METRIC.findall(str(rule.get("expr", ""))))))
            if metrics:
                name = str(rule.get("alert") or rule.get("record") or "")
                found.append(AlertRule(resource=resource, name=name, metrics=metrics))
    return found

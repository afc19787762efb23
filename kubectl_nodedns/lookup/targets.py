"""Where one question is asked: from which nodes, and at which addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import collection
from kubectl_nodedns.errors import NodednsError, UsageError
from kubectl_nodedns.lookup.vantage import VantagePoint, vantage_points

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.way import Way


def points(
    way: Way | None, *, resolvers: Iterable[str] = (), servers: Iterable[str] = ()
) -> tuple[VantagePoint, ...]:
    """Return where to ask.

    Args:
        way: what is known of the cluster; None when nothing is.
        resolvers: resolvers of the node; none for a name that only the cluster knows.
        servers: addresses that the person gave.
    """
    if way is None:
        return vantage_points(resolvers=resolvers, servers=servers)
    return vantage_points(
        local_ips=way.local_ips,
        kube_dns_ips=way.dns.ips,
        upstream_ips=way.upstream_ips,
        endpoints=[(endpoint.address, str(endpoint)) for endpoint in way.endpoints],
        resolvers=resolvers,
        servers=servers,
    )


async def nodes_like(client: Client, selector: str | None) -> frozenset[str] | None:
    """Return the names of the nodes that a label selector matches; None without one.

    Raises:
        ApiError: nodes cannot be listed.
    """
    if selector is None:
        return None
    items = await client.list(collection("v1", "nodes"), labels=selector)
    return frozenset(item["metadata"]["name"] for item in items)


def choose_nodes(
    way: Way,
    *,
    given: Sequence[str] = (),
    selected: Collection[str] | None = None,
    everywhere: bool = False,
) -> tuple[list[str], Mapping[str, str]]:
    """Choose the nodes to ask from.

    Args:
        way: what is known of the cluster.
        given: nodes that were named.
        selected: nodes that a selector matches; None without one.
        everywhere: whether all are wanted.

    Returns:
        Names of nodes, and for each one that was wanted and cannot be asked from: why.

    Raises:
        UsageError: a node that was named does not exist, or a selector matches none.
        NodednsError: there is no node to ask from.
    """
    known = {node.name: node for node in way.nodes}
    if missing := [name for name in given if known and name not in known]:
        raise UsageError(
            f"--node: there is no node {missing[0]!r}", hint=f"there are: {_names(known)}"
        )
    if selected is not None and not selected:
        raise UsageError(
            "--selector: no node carries these labels",
            hint="kubectl get nodes --show-labels shows them",
        )
    named = [*dict.fromkeys(given), *(name for name in known if selected and name in selected)]
    wanted = list(known) if everywhere else list(dict.fromkeys(named))
    if wanted:
        unfit = {name: why for name in wanted if (why := _unfit(way, name))}
        return [name for name in wanted if name not in unfit], unfit
    fit = [name for name in known if not _unfit(way, name)]
    fit = fit or [pod.node for pod in way.cache_pods if pod.node and not known]
    cached = [name for name in fit if way.pod_on(name)]
    if not fit:
        raise NodednsError(
            "there is no node to ask from: none is ready, or nodes cannot be listed",
            hint="name one with --node; kubectl get nodes shows them",
        )
    return (cached or fit)[:1], {}


def _unfit(way: Way, name: str) -> str:
    """Say why no probe can run on a node; empty when one can."""
    for node in way.nodes:
        if node.name == name:
            if node.system != "linux":
                return f"it runs {node.system}"
            return "" if node.ready else "it is not ready"
    return ""


def _names(names: Iterable[str]) -> str:
    found = list(names)
    return ", ".join(found[:10]) + (", ..." if len(found) > 10 else "")  # noqa: PLR2004

"""Says whether the cluster works: nodes ready, and the DNS service answering on each of them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tests.cluster.errors import ClusterError
from tests.cluster.layout import API_SERVICE_IP, CLUSTER_DOMAIN, DNS_SERVICE_IP, Node

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster


def is_healthy(cluster: Cluster) -> bool:
    """Say whether every node is ready and DNS answers on it."""
    try:
        names = {node.name for node in cluster.nodes}
        return ready_nodes(cluster) >= names and all(answers(cluster, n) for n in cluster.nodes)
    except ClusterError:
        return False


def ready_nodes(cluster: Cluster) -> set[str]:
    """Return the names of the nodes that say they are ready."""
    listing = cluster.kubectl.run("get", "nodes", "-o", "json", "--request-timeout=5s")
    ready = set()
    for item in json.loads(listing)["items"]:
        conditions = item["status"].get("conditions", [])
        if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions):
            ready.add(item["metadata"]["name"])
    return ready


def wait_for_nodes(cluster: Cluster, seconds: float = 300) -> None:
    """Wait until every node has registered and is ready."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            ready = ready_nodes(cluster)
        except ClusterError:  # the API server is slow while a busy machine starts a cluster
            ready = set()
        waiting = [node.name for node in cluster.nodes if node.name not in ready]
        if not waiting:
            return
        if time.monotonic() > deadline:
            log = cluster.layout.log / f"{waiting[0]}-kubelet.log"
            raise ClusterError(f"not ready after {seconds:.0f} s: {', '.join(waiting)}", log)
        time.sleep(0.2)


def answers(cluster: Cluster, node: Node) -> bool:
    """Ask the cluster's DNS service on a node for the address of the API service."""
    name = f"kubernetes.default.svc.{CLUSTER_DOMAIN}"
    query = ("dig", "+short", "+time=1", "+tries=1", f"@{DNS_SERVICE_IP}", name)
    answer = cluster.execute(node.name, *query, check=False)
    return answer.stdout.split() == [API_SERVICE_IP]


def wait_for_answer(cluster: Cluster, node: Node, seconds: float = 300) -> None:
    """Wait until the cluster's DNS service answers on a node."""
    deadline = time.monotonic() + seconds
    while not answers(cluster, node):
        if time.monotonic() > deadline:
            raise ClusterError(f"DNS at {DNS_SERVICE_IP} does not answer on {node.name}")
        time.sleep(0.2)

"""Switches kube-proxy between its modes on a running cluster, as its documentation describes.

The mode is a line of kube-proxy's ConfigMap and is read when kube-proxy starts; a starting
kube-proxy removes the rules of the modes it does not run in. That they are gone is checked, since
rules of two modes on one node would make any test of interception meaningless.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
from typing import TYPE_CHECKING

from tests.cluster.cluster import Cluster, State
from tests.cluster.errors import ClusterError

if TYPE_CHECKING:
    from tests.cluster.layout import Node
    from tests.cluster.progress import Progress

CONFIG_MAP = ("-n", "kube-system", "configmap", "kube-proxy")


def switch_mode(cluster: Cluster, mode: str, progress: Progress) -> None:
    """Have kube-proxy run in another mode on every node, the old mode's rules gone."""
    with progress.step(f"kube-proxy to {mode} mode"):
        found = json.loads(cluster.kubectl.run("get", *CONFIG_MAP, "-o", "json"))
        config = set_mode(found["data"]["config.conf"], mode)
        patch = json.dumps({"data": {"config.conf": config}})
        cluster.kubectl.run("patch", *CONFIG_MAP, "--type=merge", "-p", patch)
        cluster.kubectl.run("-n", "kube-system", "rollout", "restart", "daemonset/kube-proxy")
        cluster.kubectl.rollout("kube-system", "daemonset/kube-proxy")
        for node in cluster.nodes:
            _wait_until_alone(cluster, node, mode)
        state = State.read(cluster.layout)
        if state is not None:
            dataclasses.replace(state, mode=mode).write(cluster.layout)


def set_mode(config: str, mode: str) -> str:
    """Return kube-proxy's configuration with another mode."""
    changed, count = re.subn(r"(?m)^mode:.*$", f'mode: "{mode}"', config)
    if count != 1:
        raise ClusterError("kube-proxy's configuration has no line for its mode")
    return changed


def modes_with_rules(iptables: str, nftables: str) -> set[str]:
    """Return the modes whose rules are there, from `iptables-save` and `nft list tables`."""
    modes = set()
    if re.search(r"(?m)^-A KUBE-(SERVICES|SVC|SEP)", iptables):
        modes.add("iptables")
    if re.search(r"(?m)^table ip kube-proxy$", nftables):
        modes.add("nftables")
    return modes


def _wait_until_alone(cluster: Cluster, node: Node, mode: str, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while True:
        iptables = cluster.execute(node.name, "iptables-nft-save", "-t", "nat").stdout
        nftables = cluster.execute(node.name, "nft", "list", "tables").stdout
        found = modes_with_rules(iptables, nftables)
        if found == {mode}:
            return
        if time.monotonic() > deadline:
            raise ClusterError(f"{node.name} has the rules of {found or 'no mode'}, not of {mode}")
        time.sleep(0.3)

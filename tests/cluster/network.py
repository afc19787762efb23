"""The cables of the cluster: one bridge, a pair of virtual ends for each node, and routes.

The control plane's network namespace holds the bridge and is the router: it has a route to every
node's pods, because the API server's pod proxy needs them, and each node sends what it has no
route for to it. Without that default route a Service address would be "network unreachable" on
the node itself, before any rule could rewrite it. Nothing here is visible outside: the namespaces
have no name, and links end with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster import commands
from tests.cluster.layout import CONTROL_IP, NODE_PREFIX, Node

if TYPE_CHECKING:
    from tests.cluster.processes import Process

BRIDGE = "br0"
UPLINK = "eth0"


def set_up_control(control: Process) -> None:
    """Make the bridge in the control plane's namespace; harmless when it is there."""
    if has_link(control, BRIDGE):
        return
    ip_batch(
        control,
        [
            "link set lo up",
            f"link add {BRIDGE} type bridge",
            f"address add {CONTROL_IP}/{NODE_PREFIX} dev {BRIDGE}",
            f"link set {BRIDGE} up",
        ],
    )
    settings = ["net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0"]
    settings += [f"net.ipv4.conf.{BRIDGE}.send_redirects=0"]
    commands.run([*commands.inside(control, everything=False), "sysctl", "-qw", *settings])


def connect_node(control: Process, node: Node, process: Process) -> None:
    """Connect a node's namespace with the bridge; harmless when it is connected."""
    if has_link(process, UPLINK):
        return
    port = f"veth{node.number}"
    ip_batch(
        control,
        [
            f"link add {port} type veth peer name {UPLINK} netns {process.pid}",
            f"link set {port} master {BRIDGE} up",
            f"route replace {node.pod_range} via {node.ip}",
        ],
    )
    ip_batch(
        process,
        [
            "link set lo up",
            f"address add {node.ip}/{NODE_PREFIX} dev {UPLINK}",
            f"link set {UPLINK} up",
            f"route add default via {CONTROL_IP}",
        ],
    )


def has_link(process: Process, name: str) -> bool:
    """Say whether the namespace of a process has a link of this name."""
    words = [*commands.inside(process, everything=False), "ip", "link", "show", name]
    return commands.run(words, check=False).returncode == 0


def ip_batch(process: Process, lines: list[str]) -> None:
    """Run lines of `ip` in the network namespace of a process."""
    words = [*commands.inside(process, everything=False), "ip", "-batch", "-"]
    commands.run(words, stdin="\n".join(lines) + "\n")

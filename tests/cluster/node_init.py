"""The first process of a node: gives it a file system of its own, then supervises.

It runs in new network, mount, host name, IPC and pid namespaces. A node shares the host's files
except where two nodes would get into each other's way: /run (lock files, sockets, the network
namespaces of pods), /sys (which shows the links of one network namespace), the state of kubelet
and of CNI, logs of pods, and the resolver's address. All mounts are made here, in the node's own
mount namespace, and vanish with it.

Run as `python -m tests.cluster.node_init FOLDER`; the folder's name is the node's name.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from tests.cluster import cgroups, supervisor
from tests.cluster.layout import CONTROL_IP, Layout, Node

OWN_FOLDERS = {
    "kubelet": "/var/lib/kubelet",
    "pods": "/var/log/pods",
    "containers": "/var/log/containers",
    "cni-state": "/var/lib/cni",
    "cni": "/etc/cni/net.d",
}
SETTINGS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv4/conf/all/route_localnet": "1",
}


def mount(*words: str | Path) -> None:
    """Run mount."""
    subprocess.run(["mount", *map(str, words)], check=True)


def set_up(layout: Layout, node: Node) -> None:
    """Make the mounts and settings of a node."""
    socket.sethostname(node.name)
    cgroups.clear(layout, node)
    own = layout.node(node)
    mount("-t", "tmpfs", "-o", "mode=755,size=64m", "tmpfs", "/run")
    for name, target in OWN_FOLDERS.items():
        (own / name).mkdir(parents=True, exist_ok=True)
        Path(target).mkdir(parents=True, exist_ok=True)
        mount("--bind", own / name, target)
    _fresh_sys()
    resolver = own / "resolv.conf"
    resolver.write_text(f"nameserver {CONTROL_IP}\n")
    mount("--bind", resolver, Path("/etc/resolv.conf").resolve())
    for name, value in SETTINGS.items():
        (Path("/proc/sys") / name).write_text(value)
    # kubelet's volumes must show up in containers that were given their parent folder.
    mount("--make-rshared", "/")


def _fresh_sys() -> None:
    """Mount a /sys of this network namespace, with the machine's cgroups in their place."""
    kept = Path("/run/cgroup")
    kept.mkdir()
    mount("--rbind", "/sys/fs/cgroup", kept)
    mount("-t", "sysfs", "sysfs", "/sys")
    mount("--rbind", kept, "/sys/fs/cgroup")
    # The machine's empty second hierarchy: with it, crun takes the machine for one of cgroup v2.
    subprocess.run(("umount", "--quiet", "/sys/fs/cgroup/unified"), check=False)


def main(folder: Path) -> None:
    """Become the node that the folder of services is named after."""
    layout = Layout.at(folder.parents[1])
    set_up(layout, Node(int(folder.name.removeprefix("node"))))
    supervisor.run(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

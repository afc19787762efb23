"""Where a test cluster keeps its files, and which names and addresses it uses.

Everything about a cluster derives from one directory, its root. Its addresses are the same in
every cluster: they live in network namespaces of their own and can never meet. What does live
outside a namespace (the cgroups, the port on the host's loopback, the command lines by which
processes are found again) carries the root's path or the short id made from it, so clusters with
different roots stay apart.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(__file__).resolve().parent / "build"
MANIFESTS = Path(__file__).resolve().parent / "manifests"

CACHE_VARIABLE = "NODEDNS_TEST_CACHE"

KUBERNETES_VERSION = "1.37.2"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10"

CLUSTER_DOMAIN = "cluster.local"
CONTROL_IP = "10.88.0.1"
NODE_PREFIX = 24
SERVICE_RANGE = "10.96.0.0/16"
# Of both families for a service that asks for it (ipFamilyPolicy); pods and nodes have IPv4 alone.
SERVICE_RANGE_6 = "fd00:10:96::/112"
POD_RANGE = "10.244.0.0/16"
API_SERVICE_IP = "10.96.0.1"
DNS_SERVICE_IP = "10.96.0.10"
API_PORT = 6443
MAX_NODES = 40


@dataclass(frozen=True)
class Node:
    """One node, named by its number: the first is 1."""

    number: int
    """Its place in the cluster; name and addresses follow from it."""

    @property
    def name(self) -> str:
        """The name of the Node object and of the host."""
        return f"node{self.number}"

    @property
    def ip(self) -> str:
        """The address on the bridge that connects the nodes."""
        return f"10.88.0.{10 + self.number}"

    @property
    def pod_range(self) -> str:
        """The addresses of its pods."""
        return f"10.244.{self.number}.0/24"


@dataclass(frozen=True)
class Layout:
    """The files of one cluster."""

    root: Path
    """The cluster's directory, absolute."""

    @classmethod
    def at(cls, root: Path | str | None = None) -> Layout:
        """Return the layout of the cluster in `root`; the default lies in the repository."""
        return cls(Path(root or REPOSITORY / ".cluster").resolve())

    @property
    def id(self) -> str:
        """Eight characters that stand for this root wherever its path does not fit."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:8]

    @property
    def cgroup(self) -> str:
        """The cgroup above those of all nodes, relative to the root of each controller."""
        return f"nodedns-{self.id}"

    @property
    def log(self) -> Path:
        """The folder of all logs; it survives `down`."""
        return self.root / "log"

    @property
    def pki(self) -> Path:
        """Keys, certificates and kubeconfigs."""
        return self.root / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, for use on the host."""
        return self.root / "kubeconfig"

    @property
    def state(self) -> Path:
        """What `up` was asked for, as JSON."""
        return self.root / "cluster.json"

    @property
    def lock(self) -> Path:
        """Held while `up`, `down` or `mode` is at work."""
        return self.root / "lock"

    @property
    def etcd(self) -> Path:
        """etcd's data."""
        return self.root / "etcd"

    def services(self, supervisor: str) -> Path:
        """Return the folder whose service files the named supervisor keeps running."""
        return self.root / "run" / supervisor

    def node(self, node: Node) -> Path:
        """Return the folder that holds the parts of a node's file system that are its own."""
        return self.root / "nodes" / node.name


def cache_directory() -> Path:
    """Return the folder of what clusters share: programs and unpacked images."""
    default = Path.home() / ".cache" / "kubectl-nodedns-tests"
    return Path(os.environ.get(CACHE_VARIABLE) or default)

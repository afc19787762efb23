"""The images of the test cluster, under the names that official manifests use.

With their official names and `IfNotPresent`, unchanged manifests run here, and so do the plugin's
defaults. Two are not what their name says, because the real ones cannot be had without a
registry: the node-cache image holds this project's stand-in, and the image that probe pods run,
agnhost, is a box of tools from this machine.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.cluster.archive import Image
from tests.cluster.layout import KUBERNETES_VERSION, PAUSE_IMAGE

COREDNS_IMAGE = "registry.k8s.io/coredns/coredns:v1.15.0"
KUBE_PROXY_IMAGE = f"registry.k8s.io/kube-proxy:v{KUBERNETES_VERSION}"
NODE_CACHE_IMAGE = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.8"
NODE_CACHE_IMAGE_BEFORE = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.7"
TOOL_BOX_IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.39"

IPTABLES = "/usr/sbin/xtables-nft-multi"
IPTABLES_NAMES = (
    "iptables",
    "iptables-restore",
    "iptables-save",
    "iptables-nft",
    "iptables-nft-save",
    "ip6tables",
    "ip6tables-restore",
    "ip6tables-save",
)
BUSYBOX = "/usr/bin/busybox"
# What the tool box has from elsewhere must not be hidden by busybox's own.
NOT_FROM_BUSYBOX = {"nslookup"}


def all_images(programs: Path) -> list[Image]:
    """Return every image, made from the built programs and from tools of this machine."""
    standin = {"/node-cache": programs / "nodecache-standin"}
    rules = {**iptables_plugins()}
    return [
        Image((PAUSE_IMAGE,), ("/pause",), {"/pause": programs / "pause"}),
        Image((COREDNS_IMAGE,), ("/coredns",), {"/coredns": programs / "coredns"}),
        Image(
            (KUBE_PROXY_IMAGE,),
            ("/usr/local/bin/kube-proxy",),
            {"/usr/local/bin/kube-proxy": programs / "kube-proxy", **rules},
            (IPTABLES, "/usr/sbin/nft", "/usr/sbin/conntrack"),
            iptables_links(),
        ),
        Image(
            (NODE_CACHE_IMAGE, NODE_CACHE_IMAGE_BEFORE),
            ("/node-cache",),
            {**standin, **rules},
            (IPTABLES,),
            iptables_links(),
        ),
        Image(
            (TOOL_BOX_IMAGE,),
            ("/bin/sh",),
            {
                "/usr/bin/badserver": programs / "badserver",
                "/usr/bin/dnsprober": programs / "dnsprober",
            },
            (BUSYBOX, "/usr/bin/dig", "/usr/bin/dnsperf"),
            busybox_links(),
        ),
    ]


def iptables_plugins() -> dict[str, Path]:
    """Return iptables' plugins, each at its own path."""
    plugins = Path("/usr/lib").glob("*-linux-gnu/xtables/*.so")
    return {str(path): path for path in plugins}


def iptables_links() -> dict[str, str]:
    """Return the names of iptables, all of which are one program."""
    return {f"/usr/sbin/{name}": Path(IPTABLES).name for name in IPTABLES_NAMES}


def busybox_links() -> dict[str, str]:
    """Return a link for each command that this machine's busybox knows."""
    listing = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True)
    names = set(listing.stdout.split()) - NOT_FROM_BUSYBOX - {"busybox"}
    return {f"/usr/bin/{name}": "busybox" for name in sorted(names)}

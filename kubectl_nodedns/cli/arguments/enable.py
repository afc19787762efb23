"""The options of `enable`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.arguments.common import change, command

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cli.arguments.common import Commands


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add `enable`."""
    parser = command(
        commands,
        "enable",
        "install the cache, and prove that pods' lookups go through it",
        "Inspect the cluster, install the cache in the dark, prove it on each node, switch node\n"
        "by node, and prove that pods' lookups are intercepted. Run it again to repair it.",
    )
    group = parser.add_argument_group("the cache (given once, kept until given again)")
    group.add_argument(
        "--mode", choices=("iptables", "nftables"), help="instead of the one that is found"
    )
    group.add_argument("--local-ip", metavar="IP", help="address of the cache (169.254.20.10)")
    group.add_argument(
        "--image", metavar="IMAGE", help="image of the cache (…/k8s-dns-node-cache:1.26.8)"
    )
    group.add_argument(
        "--cluster-domain", metavar="DOMAIN", help="instead of the one that is found"
    )
    group.add_argument(
        "--external-name",
        metavar="NAME",
        help='name outside the cluster to ask for, or "none" (example.com)',
    )
    group.add_argument(
        "--node-selector", metavar="KEY=VALUE,...", help="only nodes that carry these labels"
    )
    parser.add_argument(
        "--ignore",
        action="append",
        metavar="CODE,...",
        help="findings of the preflight checks that must not stop it, repeatable",
    )
    parser.add_argument("--upgrade", action="store_true", help="take this version's defaults")
    parser.add_argument(
        "--force-conflicts",
        action="store_true",
        help="take over fields that somebody else changed (as kubectl apply does)",
    )
    parser.add_argument(
        "--kube-dns-ip", metavar="IP", help="the DNS service's address, for a client dry run"
    )
    change(parser)
    return parser

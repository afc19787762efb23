"""The options of `enable`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.arguments.common import change, command
from kubectl_nodedns.cli.arguments.installation import installation

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
    parser.add_argument(
        "--inject",
        choices=("print", "install"),
        help="hand the cache to new pods of namespaces labelled kubectl-nodedns/inject=enabled: "
        "print the admission policy, or install it too",
    )
    parser.add_argument(
        "--wait",
        nargs="?",
        const="0",
        metavar="TIME",
        help="in ipvs mode: until every kubelet hands out the local IP (no limit), and prove it",
    )
    parser.add_argument(
        "--ignore",
        action="append",
        metavar="CODE,...",
        help="findings of the preflight checks that must not stop it, repeatable",
    )
    parser.add_argument(
        "--diff",
        action="store_true",
        help="print field by field what would change, and end with 0 for nothing, 1 for something, "
        "more for an error",
    )
    parser.add_argument(
        "--canary",
        metavar="KEY=VALUE,...",
        help="switch the nodes with these labels before all others",
    )
    parser.add_argument(
        "--kube-dns-ip", metavar="IP", help="the DNS service's address, for a client dry run"
    )
    change(parser)
    # The DNS service is an option of `disable` too, and stands among those of both.
    installation(parser, there=("dns-service",), title="{} (given once, kept until given again)")
    return parser

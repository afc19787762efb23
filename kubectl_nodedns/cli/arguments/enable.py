"""The options of `enable`. Those of the installation come from one table, group by group."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cli.arguments.common import change, command
from kubectl_nodedns.install.option_table import GROUPS, OPTIONS

if TYPE_CHECKING:
    from kubectl_nodedns.cli.arguments.common import Commands
    from kubectl_nodedns.install.option_table import Option


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
        "--config",
        metavar="FILE",
        help="options as a YAML file, or - for standard input; what it does not name goes back to "
        "its default, and options given here go before it",
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
    parser.add_argument("--upgrade", action="store_true", help="take this version's defaults")
    parser.add_argument(
        "--force-conflicts",
        action="store_true",
        help="take over fields that somebody else changed (as kubectl apply does)",
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
    for key, title in GROUPS.items():
        group = parser.add_argument_group(title)
        for option in OPTIONS:
            # The DNS service is an option of `disable` too, and stands among those of both.
            if option.group == key and option.name != "dns-service":
                group.add_argument(f"--{option.name}", **_keywords(option))
    return parser


def _keywords(option: Option) -> dict[str, Any]:
    """Return what argparse must know of an option. Its value is checked when the command runs."""
    words: dict[str, Any] = {"help": option.text.replace("%", "%%")}
    if option.kind == "switch":
        return words | {"action": argparse.BooleanOptionalAction}
    if option.choices:
        return words | {"choices": option.choices}
    words["metavar"] = option.metavar
    return words | ({"action": "append"} if option.joint else {})

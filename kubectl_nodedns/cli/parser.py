"""What the command line accepts. Standard library only.

kubectl passes no flag on to a plugin that stands before its name, so the plugin takes kubectl's
own flags itself, before or after the subcommand: each parser gets them, and in a subcommand they
default to "not given" so that they do not undo what stood before it.
"""

from __future__ import annotations

import argparse
import os

from kubectl_nodedns import __version__

EXIT_CODES = """\
exit codes:
  0 done or unchanged          4 timeout
  1 a finding or a difference  5 refused as unsafe
  2 wrong usage                6 done on some nodes only
  3 API server unreachable     7 failed and put back
    or forbidden             130 interrupted
"""


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help that leaves examples and exit codes as they are written."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=min(_columns(), 100))


def _columns() -> int:
    try:
        return max(os.get_terminal_size().columns - 2, 60)
    except OSError:
        return 98


def program_name(argv0: str) -> str:
    """Return the name that usage texts show: what the person typed."""
    base = os.path.basename(argv0).removesuffix(".exe")  # noqa: PTH119 - pathlib costs start-up
    if base.startswith("kubectl-"):
        return "kubectl " + base.removeprefix("kubectl-").replace("_", "-")
    return "kubectl nodedns"


def build_parser(argv0: str = "kubectl-nodedns") -> argparse.ArgumentParser:
    """Build the parser of the whole command line."""
    prog = program_name(argv0)
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} COMMAND [options]",
        description="Install, prove, watch and remove NodeLocal DNSCache.",
        epilog=EXIT_CODES,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"kubectl-nodedns {__version__}")
    _access(parser, default=None)
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", prog=prog)
    for add in (_enable, _disable, _top):
        _access(add(commands), default=argparse.SUPPRESS)
    _command(commands, "version", "print the version", "Print the version of this plugin.")
    return parser


Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse names the type no other way


def _command(
    commands: Commands[argparse.ArgumentParser], name: str, summary: str, text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        usage="%(prog)s" if name == "version" else "%(prog)s [options]",
        description=text,
        epilog=EXIT_CODES,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    return parser


def _access(parser: argparse.ArgumentParser, *, default: str | None) -> None:
    """Add kubectl's own flags about which cluster to speak to, and as whom."""
    group = parser.add_argument_group("kubectl's own flags")

    def add(*names: str, **keywords: object) -> None:
        group.add_argument(*names, default=default, **keywords)  # type: ignore[arg-type]

    add("--kubeconfig", metavar="FILE", help="kubeconfig file to use")
    add("--context", metavar="NAME", help="kubeconfig context to use")
    add("--cluster", metavar="NAME", help="kubeconfig cluster to use")
    add("--user", metavar="NAME", help="kubeconfig user to use")
    add("-s", "--server", metavar="URL", help="address of the API server")
    add("--token", metavar="TOKEN", help="bearer token")
    add("--as", dest="as_user", metavar="USER", help="user to impersonate")
    add("--as-uid", metavar="UID", help="UID to impersonate")
    add("--as-group", dest="as_groups", action="append", metavar="GROUP", help="group, repeatable")
    add("--tls-server-name", metavar="NAME", help="name to check the server's certificate for")
    add("--insecure-skip-tls-verify", action="store_true", help="do not check the certificate")
    add("--certificate-authority", metavar="FILE", help="certificate authority of the server")
    add("--client-certificate", metavar="FILE", help="client certificate")
    add("--client-key", metavar="FILE", help="key of the client certificate")
    add("--request-timeout", metavar="TIME", help="limit of one request: 30s, 1m, 0 for none")


def _probes(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("probes (short-lived pods that ask, one a node)")
    group.add_argument(
        "--probe-image", metavar="IMAGE", help="image with dig, sleep and sh (agnhost 2.39)"
    )
    group.add_argument(
        "--probe-namespace",
        metavar="NAMESPACE",
        help='an existing one, not kube-system ("default")',
    )


def _change(parser: argparse.ArgumentParser) -> None:
    """Add what `enable` and `disable` share."""
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask for confirmation")
    parser.add_argument(
        "--dry-run",
        choices=("none", "client", "server"),
        default="none",
        help="print what would be done (client), or let the API server check it (server)",
    )
    parser.add_argument("-o", "--output", choices=("yaml", "json"), help="output format")
    parser.add_argument(
        "--timeout", default="5m", metavar="TIME", help="limit of one step on one node (5m)"
    )
    parser.add_argument(
        "--batch-size",
        type=_positive,
        metavar="N",
        help="nodes to switch at once (a tenth, 1 to 10)",
    )
    parser.add_argument("--dns-service", metavar="NAMESPACE/NAME", help="the cluster's DNS service")
    _probes(parser)


def _positive(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _enable(commands: Commands[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    parser = _command(
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
    parser.add_argument("--upgrade", action="store_true", help="take this version's defaults")
    parser.add_argument(
        "--force-conflicts",
        action="store_true",
        help="take over fields that somebody else changed (as kubectl apply does)",
    )
    parser.add_argument(
        "--kube-dns-ip", metavar="IP", help="the DNS service's address, for a client dry run"
    )
    _change(parser)
    return parser


def _disable(commands: Commands[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    parser = _command(
        commands,
        "disable",
        "take the cache out again, without a lost lookup",
        "Give lookups back to kube-dns node by node, prove it, then delete what enable made.",
    )
    parser.add_argument(
        "--now",
        action="store_true",
        help="skip every gate and delete at once, for the day when the cache is the outage",
    )
    _change(parser)
    return parser


def _top(commands: Commands[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    parser = _command(
        commands,
        "top",
        "watch the cache of each node, live",
        "Show a row per node: its cache pod, lookups, hit ratio, latency, failures, memory.\n"
        "Piped, or with --once, print the table. Nothing is installed and nothing is changed;\n"
        "only a lookup, asked for with the key t, starts a probe pod.",
    )
    parser.add_argument("--once", action="store_true", help="print one table and end")
    parser.add_argument(
        "-o", "--output", choices=("table", "wide", "json", "yaml"), help="print it in this format"
    )
    parser.add_argument(
        "-w", "--watch", action="store_true", help="print one line of JSON after the other"
    )
    parser.add_argument("--sort-by", metavar="COLUMN", help="node, lookups, hit, p99, memory, ...")
    parser.add_argument("-l", "--selector", metavar="KEY=VALUE,...", help="only nodes like these")
    parser.add_argument(
        "--refresh", default="2s", metavar="TIME", help="time between two scrapes of a pod (2s)"
    )
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--dns-service", metavar="NAMESPACE/NAME", help="the cluster's DNS service")
    parser.add_argument(
        "--cluster-domain", metavar="DOMAIN", help="instead of the one that is found"
    )
    _probes(parser)
    return parser

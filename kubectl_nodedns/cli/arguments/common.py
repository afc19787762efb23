"""What the parsers of several commands have in common."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, NoReturn, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_CODES = """\
exit codes:
  0 done or unchanged          4 timeout
  1 a finding or a difference  5 refused as unsafe
  2 wrong usage                6 done on some nodes only
  3 API server unreachable     7 failed and put back
    or forbidden              70 a fault of the plugin itself
                             130 interrupted
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are told as all others are: what is wrong, and the way out."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"error: {message}\n  {self.prog} --help lists what can be given\n")

    def parse_known_args(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        namespace: argparse.Namespace | None = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse; a command tells by itself what it does not know, with its own usage."""
        known, others = super().parse_known_args(args, namespace)
        if others:
            self.error(f"unrecognized arguments: {' '.join(others)}")
        return known, others


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help that leaves examples and exit codes as they are written."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=min(_columns(), 100))


def _columns() -> int:
    try:
        return max(os.get_terminal_size().columns - 2, 60)
    except OSError:
        return 98


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # noqa: SLF001 - argparse has no other name for it


def command(commands: Commands, name: str, summary: str, text: str) -> argparse.ArgumentParser:
    """Add a command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        usage="%(prog)s [options]",
        description=text,
        epilog=EXIT_CODES,
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    return parser


def access(parser: argparse.ArgumentParser, *, default: str | None) -> None:
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


def probes(parser: argparse.ArgumentParser) -> None:
    """Add the options of probes."""
    group = parser.add_argument_group("probes (short-lived pods that ask, one a node)")
    group.add_argument(
        "--probe-image", metavar="IMAGE", help="image with dig, sleep and sh (agnhost 2.39)"
    )
    group.add_argument(
        "--probe-namespace",
        metavar="NAMESPACE",
        help='an existing one, not kube-system ("default")',
    )
    group.add_argument(
        "--probe-lifetime",
        metavar="TIME",
        help="after which a probe ends by itself, even if this program was killed (30m)",
    )


def looking(parser: argparse.ArgumentParser) -> None:
    """Add what `check` and `status` share."""
    parser.add_argument(
        "--probe", action="store_true", help="prove interception with a probe pod on each node"
    )
    parser.add_argument("-l", "--selector", metavar="KEY=VALUE,...", help="only nodes like these")
    parser.add_argument(
        "--window", default="5s", metavar="TIME", help="time that failures are counted over (5s)"
    )
    parser.add_argument(
        "--timeout", default="2m", metavar="TIME", help="limit of probes to start, and of waiting"
    )
    parser.add_argument("--dns-service", metavar="NAMESPACE/NAME", help="the cluster's DNS service")
    parser.add_argument(
        "--cluster-domain", metavar="DOMAIN", help="instead of the one that is found"
    )


def change(parser: argparse.ArgumentParser) -> None:
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
        type=positive,
        metavar="N",
        help="nodes to switch at once (a tenth, 1 to 10)",
    )
    parser.add_argument(
        "--adopt",
        action="store_true",
        help="take over a cache that somebody else installed, or say why that cannot be",
    )
    parser.add_argument("--dns-service", metavar="NAMESPACE/NAME", help="the cluster's DNS service")
    probes(parser)


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)

"""The options of `lookup`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.arguments.common import command, positive, probes

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cli.arguments.common import Commands


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add `lookup`."""
    parser = command(
        commands,
        "lookup",
        "ask one question everywhere, and lay the answers side by side",
        "Ask for NAME at the cache's local IP, the kube-dns IP, the upstream service, each\n"
        "CoreDNS pod and the node's own resolvers, from a pod on a node, and say what differs.\n"
        "A name without a final dot is looked for as a pod's resolver does; an address is looked\n"
        "up in reverse. Exit code 0: the same everywhere; 1: something differs or fails.",
    )
    parser.usage = "%(prog)s NAME [TYPE] [options]"
    parser.add_argument("name", metavar="NAME", help="domain name or IP address")
    parser.add_argument("rtype", metavar="TYPE", nargs="?", help="record type (A; PTR)")
    _places(parser)
    _manner(parser)
    parser.add_argument(
        "-w",
        "--watch",
        nargs="?",
        const="2s",
        metavar="TIME",
        help="ask again and again, with so much time between (2s)",
    )
    parser.add_argument(
        "-o",
        "--output",
        choices=("table", "wide", "json", "yaml"),
        default="table",
        help="output format (table)",
    )
    parser.add_argument(
        "--timeout", default="1m", metavar="TIME", help="limit for probe pods to start (1m)"
    )
    parser.add_argument("--dns-service", metavar="NAMESPACE/NAME", help="the cluster's DNS service")
    parser.add_argument(
        "--cluster-domain", metavar="DOMAIN", help="instead of the one that is found"
    )
    probes(parser)
    return parser


def _places(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where (one node with a cache pod)")
    group.add_argument(
        "--node", action="append", metavar="NAME", help="ask from this node; repeatable"
    )
    group.add_argument("-l", "--selector", metavar="KEY=VALUE,...", help="from nodes like these")
    group.add_argument("-A", "--all-nodes", action="store_true", help="from all nodes")
    group.add_argument(
        "--from",
        dest="from_pod",
        metavar="pod/NAME",
        help="explain this pod's resolv.conf and way, and ask from it or its node",
    )
    group.add_argument(
        "-n", "--namespace", metavar="NAMESPACE", help="of the pod, and of the search list"
    )
    group.add_argument(
        "--direct",
        action="store_true",
        help="ask from this machine, a node or a pod, without a probe",
    )
    group.add_argument(
        "--at", action="append", metavar="IP", help="ask at this address too; repeatable"
    )


def _manner(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how (over UDP and over TCP)")
    group.add_argument("--udp", action="store_true", help="over UDP only, unless --tcp is given")
    group.add_argument("--tcp", action="store_true", help="over TCP only, unless --udp is given")
    group.add_argument(
        "--search", action="store_true", help="show each name of the search list that was tried"
    )
    group.add_argument("--no-edns", action="store_true", help="without an OPT record")
    group.add_argument(
        "--bufsize", type=positive, metavar="N", help="UDP payload size to offer, in octets"
    )
    group.add_argument("--dnssec", action="store_true", help="set DO: ask for DNSSEC records")
    group.add_argument("--cd", action="store_true", help="set CD: checking disabled")
    group.add_argument("--nsid", action="store_true", help="ask the server for its name")
    group.add_argument("--no-recurse", action="store_true", help="clear RD")
    group.add_argument(
        "--query-timeout",
        type=positive,
        default=2,
        metavar="SECONDS",
        help="wait so long for a response (2)",
    )

"""The options of `top`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.arguments.common import command, probes

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cli.arguments.common import Commands


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add `top`."""
    parser = command(
        commands,
        "top",
        "watch the cache of each node, live",
        "Show a row per node: its cache pod, lookups, hit ratio, latency, failures, memory.\n"
        "Piped, or with --once, print the table. Nothing is installed and nothing is changed;\n"
        "only lookups that you ask for, with the key t or --probe, start probe pods.",
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
    parser.add_argument(
        "--probe",
        action="store_true",
        help="prove interception on the nodes in view (printed: on the first rows), with at most\n"
        "20 probe pods; on the screen and with --watch again and again",
    )
    parser.add_argument(
        "--theme",
        choices=("dark", "light", "ansi", "ansi-light", "colour-blind", "colour-blind-light"),
        help="colours of the screen (dark; TEXTUAL_THEME and NO_COLOR are heeded)",
    )
    parser.add_argument(
        "--source",
        choices=("auto", "proxy", "port-forward"),
        default="auto",
        help="how metrics are read: through the API server's pod proxy, by port-forwards through\n"
        "the kubelets, or the first with the second where it fails (auto)",
    )
    parser.add_argument(
        "--prometheus",
        metavar="URL|NAMESPACE/SERVICE[:PORT]",
        help="read metrics from a Prometheus instead; a service is reached through the API server",
    )
    parser.add_argument("--record", metavar="FILE", help="write what is seen to a new file as well")
    parser.add_argument(
        "--record-limit", default="100Mi", metavar="SIZE", help="where a recording ends (100Mi)"
    )
    parser.add_argument(
        "--replay", metavar="FILE", help="show a recording; no cluster is asked for anything"
    )
    parser.add_argument(
        "--at",
        metavar="TIME",
        help="where to begin in it: start, end, worst, +90s, or 2026-11-22T10:00:00Z (start;\n"
        "with --once the end)",
    )
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--dns-service", metavar="NAMESPACE/NAME", help="the cluster's DNS service")
    parser.add_argument(
        "--cluster-domain", metavar="DOMAIN", help="instead of the one that is found"
    )
    probes(parser)
    return parser

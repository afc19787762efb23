"""The options of `monitoring`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.arguments.common import command

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cli.arguments.common import Commands

KINDS = ("podmonitor", "servicemonitor", "prometheusrule", "rules", "dashboard")


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add `monitoring`."""
    parser = command(
        commands,
        "monitoring",
        "print what Prometheus and Grafana need to watch the caches",
        "Print objects for the Prometheus operator, alert rules, or a Grafana dashboard, with the\n"
        "metric names of the CoreDNS that is installed. Nothing is written to the cluster:\n\n"
        "  kubectl nodedns monitoring | kubectl apply -f -\n"
        "  kubectl nodedns monitoring --kind rules > node-local-dns.rules.yaml\n"
        "  kubectl nodedns monitoring --kind dashboard -o json > dashboard.json",
    )
    parser.add_argument(
        "--kind",
        action="append",
        choices=KINDS,
        help="what to print, repeatable (podmonitor and prometheusrule); rules is a rules file\n"
        "for a Prometheus without the operator",
    )
    parser.add_argument(
        "-o",
        "--output",
        choices=("yaml", "json"),
        help="format (yaml; a dashboard in yaml is a ConfigMap, alone in json for an import)",
    )
    parser.add_argument(
        "--coredns-version",
        metavar="VERSION",
        help="write for this version, such as 1.13.2, and ask no cluster for anything",
    )
    parser.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="label of the objects, repeatable: what your Prometheus selects them by",
    )
    parser.add_argument(
        "--job",
        default="node-local-dns",
        metavar="JOB",
        help="value of the label job of the caches' metrics (node-local-dns)",
    )
    parser.add_argument("--dns-service", metavar="NAMESPACE/NAME", help="the cluster's DNS service")
    return parser

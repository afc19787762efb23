"""`kubectl nodedns version`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns import __version__
from kubectl_nodedns.cli.output import print_lines
from kubectl_nodedns.errors import Exit

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> Exit:  # noqa: ARG001 - same shape for each command
    """Print the version."""
    print_lines([f"kubectl-nodedns {__version__}"])
    return Exit.OK

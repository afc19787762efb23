"""The options of `completion`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.arguments.common import command

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cli.arguments.common import Commands

SHELLS = ("bash", "zsh", "fish")


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add `completion`."""
    parser = command(
        commands,
        "completion",
        "complete words with the TAB key",
        "kubectl asks a program called kubectl_complete-nodedns on the PATH what could stand at\n"
        "the cursor. pip and pipx install it; krew does not, so make it once:\n\n"
        "    kubectl nodedns completion --install-hook\n\n"
        "kubectl's own completion must be set up too (kubectl completion --help). For the program\n"
        "called without kubectl, load the script that this prints for your shell:\n\n"
        "    source <(kubectl-nodedns completion bash)\n"
        "    source <(kubectl-nodedns completion zsh)\n"
        "    kubectl-nodedns completion fish | source",
    )
    parser.add_argument("shell", nargs="?", choices=SHELLS, help="print the script for this shell")
    parser.add_argument(
        "--install-hook",
        nargs="?",
        const="",
        metavar="DIR",
        help="write kubectl_complete-nodedns into this folder, or beside kubectl-nodedns",
    )
    return parser

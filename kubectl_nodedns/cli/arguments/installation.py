"""The options of an installation, from one table: `enable` takes them, and `check --pre`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.install.option_table import GROUPS, OPTIONS

if TYPE_CHECKING:
    from collections.abc import Collection

    from kubectl_nodedns.install.option_table import Option


def installation(
    parser: argparse.ArgumentParser, *, there: Collection[str], title: str, whole: str = ""
) -> dict[str, Any]:
    """Add what an installation is to be like, group by group.

    Args:
        parser: the parser of a command.
        there: names of options of the table that the command has by itself.
        title: the title of each group of the table, with {} for its name.
        whole: the title above what concerns all of them; empty to put it among the command's own.

    Returns:
        What was added: each attribute among parsed arguments, with its value where it is not given.
    """
    above = parser.add_argument_group(whole) if whole else parser
    added = [
        above.add_argument(
            "--config",
            metavar="FILE",
            help="options as a YAML file, or - for standard input; what it does not name goes back "
            "to its default, and options given here go before it",
        ),
        above.add_argument("--upgrade", action="store_true", help="take this version's defaults"),
        above.add_argument(
            "--force-conflicts",
            action="store_true",
            help="take over fields that somebody else changed (as kubectl apply does)",
        ),
    ]
    for key, name in GROUPS.items():
        group = parser.add_argument_group(title.format(name))
        added += [
            group.add_argument(f"--{option.name}", **_keywords(option))
            for option in OPTIONS
            if option.group == key and option.name not in there
        ]
    return {action.dest: action.default for action in added}


def _keywords(option: Option) -> dict[str, Any]:
    """Return what argparse must know of an option. Its value is checked when the command runs."""
    words: dict[str, Any] = {"help": option.text.replace("%", "%%")}
    if option.kind == "switch":
        return words | {"action": argparse.BooleanOptionalAction}
    if option.choices:
        return words | {"choices": option.choices}
    words["metavar"] = option.metavar
    return words | ({"action": "append"} if option.joint else {})

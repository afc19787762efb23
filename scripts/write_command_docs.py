"""Write docs/commands/*.md, one page a command, from the program's own parser.

The parser is read, not the text that argparse prints: argparse lays help out differently from one
Python to the next and by the width of the terminal, and these pages must not.

Run: python scripts/write_command_docs.py
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from kubectl_nodedns.cli.arguments.common import EXIT_CODES  # noqa: E402
from kubectl_nodedns.cli.parser import build_parser  # noqa: E402

FOLDER = ROOT / "docs" / "commands"
COMMAND = "python scripts/write_command_docs.py"
WIDTH = 84
"""Characters of a line in a block."""
INDENT = 30
"""Column at which an option's explanation begins."""


def pages() -> dict[str, str]:
    """Return the text of each page, by file name."""
    whole = build_parser("kubectl-nodedns")
    commands = commands_of(whole)
    return {"README.md": _index(whole, commands)} | {
        f"{name}.md": _page(parser) for name, parser in commands.items()
    }


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of the commands, by name."""
    return {
        name: command
        for action in parser._actions  # noqa: SLF001 - argparse tells its actions no other way
        if isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
        for name, command in action.choices.items()
    }


def _index(whole: argparse.ArgumentParser, commands: dict[str, argparse.ArgumentParser]) -> str:
    rows = [f"| [{name}]({name}.md) | {_summary(whole, name)} |" for name in commands]
    return "\n".join(
        [
            "# Commands",
            "",
            whole.description or "",
            "",
            "| command | |",
            "|---|---|",
            *rows,
            "",
            "kubectl's own flags may stand before or after the command: kubectl itself passes no",
            "flag on that stands before a plugin's name.",
            "",
            *_block(EXIT_CODES.rstrip().splitlines()),
            "",
            _note(),
        ]
    )


def _summary(whole: argparse.ArgumentParser, name: str) -> str:
    for action in whole._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for choice in action._choices_actions:  # noqa: SLF001
                if choice.dest == name:
                    return choice.help or ""
    return ""


def _page(parser: argparse.ArgumentParser) -> str:
    lines = [f"# {parser.prog}", "", parser.description or "", ""]
    lines += _block([parser.format_usage().removeprefix("usage: ").strip()])
    for group in parser._action_groups:  # noqa: SLF001
        actions = group._group_actions  # noqa: SLF001
        if actions:
            text = [line for action in actions for line in _option(action)]
            lines += ["", f"## {group.title}", "", *_block(text)]
    return "\n".join([*lines, "", _note()])


def _option(action: argparse.Action) -> list[str]:
    value = ""
    if action.nargs != 0:
        parts = action.metavar if isinstance(action.metavar, tuple) else (action.metavar or "",)
        value = " ".join(parts)
        if action.choices is not None:
            value = f"{{{','.join(map(str, action.choices))}}}"
    name = " ".join(filter(None, [", ".join(action.option_strings), value]))
    words = (action.help or "").replace("%%", "%")
    lines = textwrap.wrap(words, WIDTH - INDENT) or [""]
    first = [name] if len(name) > INDENT - 2 else []
    head = "" if first else name
    lines = [f"{head:<{INDENT}}{lines[0]}", *(f"{'':<{INDENT}}{line}" for line in lines[1:])]
    return [*first, *(line.rstrip() for line in lines)]


def _block(lines: list[str]) -> list[str]:
    return ["```text", *lines, "```"]


def _note() -> str:
    return f"<!-- written by `{COMMAND}`; edit kubectl_nodedns/cli/arguments/ instead -->\n"


def main() -> None:
    """Write all pages, and remove those of commands that are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in FOLDER.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

"""What could stand where the cursor is: kubectl's completion protocol for plugins.

For `kubectl nodedns ...<TAB>` kubectl runs `kubectl_complete-nodedns` with all words after the
plugin's name, the last one unfinished and possibly empty. Each line of the answer is a choice, with
a description behind a tab; the last line is a colon and a directive for the shell. Source:
kubernetes/kubectl, pkg/cmd/plugin/plugin_completion.go; the directives are those of spf13/cobra,
completions.go.

Words that the parser knows are answered at once. Names of contexts, nodes and namespaces are asked
of kubectl, with a time limit; whatever goes wrong, there are just no choices. Imports the standard
library only.

Names come from a kubeconfig or from an API server, so from somebody else, and end in a shell. Some
shells' scripts evaluate what they are offered (bash's `compgen -W`, and kubectl's own script uses
it), and a choice that is taken is evaluated when the line is run. So a name is offered only if it
means itself in every shell (`PLAIN`); any other has to be typed.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from kubectl_nodedns.children import environment_of_child
from kubectl_nodedns.cli.output import print_lines
from kubectl_nodedns.cli.parser import build_parser

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FILES, NO_FILES = 0, 4
"""Directives: complete files where there are no choices; complete choices only."""
PATIENCE = 3.0
"""Seconds that kubectl may take; a person is waiting at the prompt."""
PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@%+=:,-]*")
"""A name in which no shell sees anything but its characters, wherever on a line it stands."""
ACCESS = "kubectl's own flags"
"""Title of the group of options that are handed on to kubectl, as they were typed."""


class Choices(NamedTuple):  # the module dataclasses costs a third of the whole answer
    """What could stand at the cursor."""

    words: tuple[tuple[str, str], ...] = ()
    """Choices with descriptions; a description may be empty."""
    directive: int = NO_FILES
    """What the shell shall do with them."""

    def lines(self) -> list[str]:
        """Return them as kubectl reads them."""
        found = [f"{word}\t{text}" if text else word for word, text in self.words]
        return [*found, f":{self.directive}"]


class Position(NamedTuple):
    """Where the cursor is, in terms of the parser."""

    parser: argparse.ArgumentParser
    """The parser of the command, or of the whole line when none was named yet."""
    option: argparse.Action | None
    """The option whose value is being written; None when it is none."""
    arguments: int
    """Positional arguments of the command before the cursor."""
    given: frozenset[str]
    """Destinations of the options that were given already."""
    access: tuple[str, ...]
    """kubectl's own flags as they were typed, with their values."""


def main(argv: Sequence[str] | None = None) -> int:
    """Answer `kubectl_complete-nodedns`; never fails and never says anything on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        choices = complete(words, ask_kubectl)
    except Exception:  # noqa: BLE001 - a traceback at the prompt helps nobody
        choices = Choices()
    print_lines(choices.lines())
    return 0


def complete(words: Sequence[str], ask: Callable[[Sequence[str]], list[str]]) -> Choices:
    """Say what could stand at the cursor.

    Args:
        words: what stands after the plugin's name, the unfinished word last.
        ask: runs kubectl.
    """
    *before, part = words or [""]
    place = locate(before)
    if place.option is not None:
        return _values(place.option, part, place, ask)
    name, equals, value = part.partition("=")
    if part.startswith("--") and equals:
        option = _option(place.parser, name)
        return _values(option, value, place, ask) if option else Choices()
    if part.startswith("-"):
        return _starting(_options(place), part)
    return _argument(place, part, ask)


def locate(before: Sequence[str]) -> Position:
    """Read the words before the cursor, as far as argparse would."""
    parser = build_parser()
    given: set[str] = set()
    access: list[str] = []
    option: argparse.Action | None = None
    wanted = arguments = 0
    for word in before:
        if wanted:
            wanted -= 1
            if option is not None and _is_access(parser, option):
                access.append(word)
            continue
        option = None
        if word.startswith("-") and word != "-":
            option, wanted = _begun(parser, word)
            if option is not None:
                given.add(option.dest)
                if _is_access(parser, option):
                    access.append(word)
        elif (commands := _commands(parser)) is not None:
            parser = commands.choices.get(word, parser)
        else:
            arguments += 1
    return Position(
        parser=parser,
        option=option if wanted else None,
        arguments=arguments,
        given=frozenset(given),
        access=tuple(access),
    )


def ask_kubectl(words: Sequence[str], patience: float = PATIENCE) -> list[str]:
    """Run kubectl; return the lines that it printed, none when it failed or took too long.

    Args:
        words: its command line.
        patience: seconds that it may take.
    """
    import subprocess  # noqa: PLC0415 - most answers need no kubectl

    try:
        done = subprocess.run(
            ["kubectl", *words],
            env=environment_of_child(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=patience,
            check=True,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return []
    return done.stdout.splitlines()


def _begun(parser: argparse.ArgumentParser, word: str) -> tuple[argparse.Action | None, int]:
    """Return the option that a word names, and how many words of values follow it."""
    name, equals, _ = word.partition("=")
    option = _option(parser, name)
    if option is None and not word.startswith("--"):
        option = _option(parser, word[:2])  # -ojson, -nfoo
        return option, 0
    if option is None or equals or option.nargs == 0:
        return option, 0
    return option, option.nargs if isinstance(option.nargs, int) else 1


def _option(parser: argparse.ArgumentParser, name: str) -> argparse.Action | None:
    found: dict[str, argparse.Action] = parser._option_string_actions  # noqa: SLF001 - argparse tells its options no other way
    return found.get(name)


def _commands(
    parser: argparse.ArgumentParser,
) -> argparse._SubParsersAction[argparse.ArgumentParser] | None:
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            return action
    return None


def _is_access(parser: argparse.ArgumentParser, option: argparse.Action) -> bool:
    groups = (group for group in parser._action_groups if group.title == ACCESS)  # noqa: SLF001
    return any(option in group._group_actions for group in groups)  # noqa: SLF001


def _options(place: Position) -> list[tuple[str, str]]:
    """Return the options that could be given; one that was given already only if it adds up."""
    found = []
    for action in place.parser._actions:  # noqa: SLF001
        repeatable = isinstance(action, argparse._AppendAction)  # noqa: SLF001
        if action.dest in place.given and not repeatable:
            continue
        text = (action.help or "").replace("%%", "%")
        long = [name for name in action.option_strings if name.startswith("--")]
        found += [(name, text) for name in long or action.option_strings]
    return found


def _argument(place: Position, part: str, ask: Callable[[Sequence[str]], list[str]]) -> Choices:
    commands = _commands(place.parser)
    if commands is not None:
        summaries = {choice.dest: choice.help or "" for choice in commands._choices_actions}  # noqa: SLF001
        return _starting([(name, summaries.get(name, "")) for name in commands.choices], part)
    arguments = [a for a in place.parser._actions if not a.option_strings]  # noqa: SLF001
    if place.arguments < len(arguments):
        return _values(arguments[place.arguments], part, place, ask)
    return Choices()


def _values(
    action: argparse.Action,
    part: str,
    place: Position,
    ask: Callable[[Sequence[str]], list[str]],
) -> Choices:
    """Return what an option or argument could be."""
    if action.choices is not None:
        return _starting([(str(choice), "") for choice in action.choices], part)
    metavars = action.metavar if isinstance(action.metavar, tuple) else (action.metavar,)
    if {"FILE", "DIR"} & set(metavars):
        return Choices(directive=FILES)
    if question := _question(action.dest, place.access):
        # "node/NAME" of an object; the name of a context may hold a slash itself.
        listed = question[0] == "get"
        names = (line.partition("/")[2] if listed else line for line in ask(question))
        return _starting(
            [(name, "") for name in names if PLAIN.fullmatch(name) and name != "NAME"], part
        )
    return Choices()


def _question(dest: str, access: Sequence[str]) -> list[str] | None:
    """Return what to ask kubectl for the values of an option; None when it has no answer."""
    kubeconfig = [
        word
        for number, word in enumerate(access)
        if word.startswith("--kubeconfig") or (number and access[number - 1] == "--kubeconfig")
    ]
    match dest:
        case "context":
            return ["config", "get-contexts", "-o", "name", *kubeconfig]
        case "cluster":
            return ["config", "get-clusters", *kubeconfig]
        case "user":
            return ["config", "get-users", *kubeconfig]
        case "node" | "nodes":
            return ["get", "nodes", "-o", "name", "--request-timeout=2s", *access]
        case "namespace" | "probe_namespace":
            return ["get", "namespaces", "-o", "name", "--request-timeout=2s", *access]
    return None


def _starting(words: Sequence[tuple[str, str]], part: str) -> Choices:
    return Choices(words=tuple(pair for pair in words if pair[0].startswith(part)))

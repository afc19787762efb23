"""The tours of the documents, walked as a person walks them: typed into a shell on a terminal.

The commands come out of the document, so one that is wrong there fails here. What a person does
between them, and has to see, is told by the tests beside the command's place in the tour; a command
that is new in a document has no such place yet, and fails as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from tests.docs.documents import ROOT
from tests.e2e.terminal import Terminal
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTER, ESCAPE, INTERRUPT = "\r", "\x1b", "\x03"
_COMMAND = re.compile(
    r"""
    ^\ {4,}(?P<block>(?:kubectl|export|make)\ [^\n]+)$   # a line of an indented block
    | `kubectl\ (?P<inline>\S+\s[^`]+)`                  # a whole command in the text
    | `(?P<short>(?:top|enable|disable|check|status|lookup|bench)\ -[^`]+)`  # what follows our name
    """,
    re.VERBOSE | re.MULTILINE,
)


def section(document: str, heading: str) -> str:
    """Return what stands under a heading, down to the next."""
    text = (ROOT / document).read_text()
    found = re.search(
        rf"^##? {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert found is not None, f"{document} has no heading {heading!r}"
    return found[1]


def commands(text: str) -> list[str]:
    """Return the commands of a text as they are typed, in order."""
    found = []
    for match in _COMMAND.finditer(text):
        if match["block"]:
            found.append(match["block"].partition(" #")[0].strip())
        elif match["inline"]:
            found.append(f"kubectl {' '.join(match['inline'].split())}")
        else:
            found.append(f"kubectl nodedns {' '.join(match['short'].split())}")
    return found


class Do(NamedTuple):
    """Something that a person does while a command runs."""

    sees: str
    """What is waited for on the screen."""
    types: str
    """What is typed then."""
    gone: str = ""
    """What has to leave the screen upon it."""


@dataclass(frozen=True)
class Step:
    """What a person does while a command of a tour runs, and has to see."""

    does: tuple[Do, ...] = ()
    """What is done, in turn."""
    sees: tuple[str, ...] = ()
    """What stands on the screen when the command has ended."""
    code: int = 0
    """How it ends."""


class Person(Terminal):
    """A shell on a terminal, and somebody who types into it.

    Args:
        environment: the shell's environment.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        # The prompt tells the number of the command that it waits for, and how the last one ended.
        prompt = {"PS1": r"<\#:$?> ", "LANG": "C.UTF-8", "NO_COLOR": "1"}
        shell = ("bash", "--norc", "--noprofile", "-i")
        super().__init__(shell, {**environment, **prompt}, columns=140, lines=100)
        self._number = 1
        self.see("<1:0>", patience=PATIENCE)

    def begin(self, command: str) -> None:
        """Type a command on an empty screen."""
        self.type(f"clear{ENTER}")
        self._prompted()
        self.miss("clear")
        self.type(f"{command}{ENTER}")

    def ended(self) -> int:
        """Wait for the prompt; return how the command before it ended."""
        return self._prompted()

    def take(self, command: str, step: Step) -> str:
        """Type a command, do and see what its step tells; return what stands on the screen then."""
        self.begin(command)
        self.do(step.does)
        code = self.ended()
        assert code == step.code, f"{command}: exit status {code}\n{self.text}"
        for words in step.sees:
            assert words in self.text, f"{command}: no {words!r}\n{self.text}"
        return self.text

    def do(self, does: tuple[Do, ...]) -> None:
        """Wait for each, and type what belongs to it."""
        for sees, types, gone in does:
            self.see(sees, patience=PATIENCE)
            self.type(types)
            if gone:
                self.miss(gone)

    def _prompted(self) -> int:
        self._number += 1
        text = self.see(f"<{self._number}:", patience=PATIENCE)
        found = re.search(rf"<{self._number}:(\d+)>", text)
        assert found is not None, text
        return int(found[1])


def on_the_screen(ready: str, *more: Do) -> tuple[Do, ...]:
    """Return what the tours tell to press on the screen of `top`, up to leaving it.

    Args:
        ready: what the screen shows when every node is there.
        more: what is done before it is left.
    """
    return (
        Do(ready, ENTER),
        Do("[1 overview]", ESCAPE, gone="[1 overview]"),
        Do(ready, "t"),
        Do("enter asks", ENTER),
        Do("✓ intercepted: the node's own cache", ESCAPE, gone="enter asks"),
        Do(ready, "?"),
        Do("probe pods are removed", ESCAPE, gone="probe pods are removed"),
        *more,
        Do(ready, "q"),
    )


def five_minutes(nodes: int) -> dict[str, list[Step]]:
    """Return the steps of the README's tour on a cluster of so many nodes, by command.

    A command that stands there more than once has a step for each time.
    """
    all_of = f"{nodes} of {nodes} nodes"
    top = "kubectl nodedns top"
    agrees = Do("[y/N]", f"y{ENTER}")
    return {
        "kubectl nodedns enable --dry-run=server": [Step(sees=("the API server accepts it",))],
        "kubectl nodedns enable": [
            Step((agrees,), (f"enabled: {all_of} proved",)),
            Step(sees=(f"nothing changed: the cache is enabled on {all_of}",)),
        ],
        top: [Step(on_the_screen(f"ready {nodes}"))],
        f"{top} --once": [Step(sees=("LOOKUP/S", f"{all_of} ready"))],
        f"{top} -o json": [Step(sees=('"lookups_per_second"',))],
        f"{top} --watch": [Step((Do('{"', INTERRUPT),), code=130)],
        "kubectl nodedns enable --external-name kubernetes.io": [
            Step((agrees,), (f"enabled: {all_of} proved",))
        ],
        "kubectl nodedns disable": [Step((agrees,), (f"disabled: {all_of} proved clean",))],
    }


def walk(person: Person, typed: list[str], steps: dict[str, list[Step]]) -> None:
    """Type the commands of a tour, each with its step; none may be left over."""
    waiting = {command: list(of) for command, of in steps.items()}
    for command in typed:
        assert waiting.get(command), f"the tour has a command that no step is told for: {command}"
        person.take(command, waiting[command].pop(0))
    assert not any(waiting.values()), f"the tour has lost a command: {waiting}"

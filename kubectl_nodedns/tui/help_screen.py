"""The keys, and what the marks mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from kubectl_nodedns.metrics.columns import COLUMNS
from kubectl_nodedns.tui.pieces import content

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from kubectl_nodedns.tui.heading import Piece

KEYS = (
    ("enter", "one node: zones, upstreams, plots"),
    ("t", "look up a name from the node: makes a probe pod there"),
    ("/", "filter: a regular expression, ! inverts; esc clears"),
    ("space", "pause; the clock in the heading goes on"),
    ("c", "copy the row"),
    (": ctrl+p", "all commands, and themes"),
    ("esc", "back"),
    ("q", "quit; probe pods are removed"),
)
SIGNS = (
    ("‼", "lookups fail, or there is no cache where one should be"),
    ("!", "worth a look"),
    ("–", "not known"),
    ("0", "zero; what only rounds to zero is <0.1"),
    ("(12)", "stale: no news from the pod for three scrapes"),
    ("<0.25ms", "below the first bucket that CoreDNS counts in"),
)


def help_lines() -> list[list[Piece]]:
    """Return all that the help says."""
    sorts = tuple((f"shift+{c.letter.lower()}", c.key) for c in COLUMNS if c.letter)
    lines: list[list[Piece]] = [[("keys", "strong")]]
    lines += [_line(key, words) for key, words in KEYS]
    lines += [[], [("sort by (once more turns it round)", "strong")]]
    for number in range(0, len(sorts), 3):
        lines.append([(f" {key:8} {word:10}", "") for key, word in sorts[number : number + 3]])
    lines += [[], [("signs", "strong")]]
    lines += [_line(sign, words) for sign, words in SIGNS]
    return lines


def _line(key: str, words: str) -> list[Piece]:
    return [(f" {key:12}", "strong"), (words, "")]


class HelpScreen(ModalScreen[None]):
    """Help; any of the usual keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "app.pop_screen", "Close")
    ]

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        with VerticalScroll(id="help"):
            yield Static(content(help_lines()))

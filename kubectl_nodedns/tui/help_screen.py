"""The keys, and what the marks mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from kubectl_nodedns.facts.production import PRODUCTION_WORDS
from kubectl_nodedns.metrics.columns import COLUMNS
from kubectl_nodedns.tui.heat import GLYPHS
from kubectl_nodedns.tui.styled_text import content

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from kubectl_nodedns.tui.heading import Piece

KEYS = (
    ("enter", "one node: plots, zones, upstreams"),
    ("1-6 ← →", "its tabs: overview, lookups, events, logs, Corefile, rules"),
    ("c", "there: beside the fleet's median, or with ← → and / another"),
    ("t", "look up a name from the node: makes a probe pod there"),
    ("f", "findings: what is wrong, why it matters, the way out"),
    ("/", "filter: a regular expression, ! inverts; esc clears"),
    ("z", "only nodes of which something is wrong"),
    ("h", "heat map: a cell for each node"),
    ("w", "wide: all columns, ← → move sideways"),
    ("v", "rates: now, since start, total"),
    ("space", "pause; the clock in the heading goes on"),
    ("y  Y", "copy the row; the command that prints the same"),
    (": ctrl+p", "all commands, and themes"),
    ("esc", "back"),
    ("q", "quit; probe pods are removed"),
)
REPLAY_KEYS = (
    (",  .", "in a recording: a step back, a step on"),
    ("<  >", "slower, faster"),
    ("[  ]", "a minute back, a minute on"),
    ("!", "to the worst moment"),
)
SIGNS = (
    ("‼", "lookups fail, or there is no cache where one should be"),
    ("!", "worth a look"),
    ("–", "not known"),
    ("0", "zero; what only rounds to zero is <0.1"),
    ("(12)", "stale: no news from the pod for three scrapes"),
    ("<0.25ms", "below the first bucket that CoreDNS counts in"),
    ("".join(GLYPHS), "on the map, from good to bad; x no cache, ! not asked, ? stale"),
    ("red context", f"its name has one of the words {', '.join(PRODUCTION_WORDS)}"),
)


def help_lines(*, replay: bool = False) -> list[list[Piece]]:
    """Return all that the help says."""
    sorts = tuple((f"shift+{c.letter.lower()}", c.key) for c in COLUMNS if c.letter)
    lines: list[list[Piece]] = [[("keys", "strong")]]
    lines += [_line(key, words) for key, words in KEYS]
    if replay:
        lines += [_line(key, words) for key, words in REPLAY_KEYS]
    lines += [[], [("sort by (once more turns it round); on the map h p f a choose", "strong")]]
    for number in range(0, len(sorts), 3):
        lines.append([(f" {key:8} {word:10}", "") for key, word in sorts[number : number + 3]])
    lines += [[], [("signs", "strong")]]
    lines += [_line(sign, words) for sign, words in SIGNS]
    return lines


def _line(key: str, words: str) -> list[Piece]:
    return [(f" {key:12}", "strong"), (words, "")]


class HelpScreen(ModalScreen[None]):
    """Help; any of the usual keys closes it.

    Args:
        replay: whether a recording is shown, which has keys of its own.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "app.pop_screen", "Close")
    ]

    def __init__(self, *, replay: bool = False) -> None:
        super().__init__()
        self._replay = replay

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        with VerticalScroll(id="help"):
            yield Static(content(help_lines(replay=self._replay)))

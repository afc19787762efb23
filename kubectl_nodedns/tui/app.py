"""The application: one clock, the keys that work everywhere, and the commands of the palette."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType

from kubectl_nodedns.metrics.columns import COLUMNS
from kubectl_nodedns.tui.fleet_screen import FleetScreen
from kubectl_nodedns.tui.help_screen import HelpScreen
from kubectl_nodedns.tui.live import LiveScreen, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.screen import Screen

    from kubectl_nodedns.tui.given import Asker, Feed, Place

TICK_SECONDS = 1.0


class TopApp(App[None]):
    """`kubectl nodedns top` on a terminal.

    Args:
        feed: where snapshots come from.
        asker: asks questions from a node.
        place: where we look.
        sort_by: key of the column that the nodes are sorted by at first.
        clock: tells Unix seconds.
    """

    TITLE = "kubectl nodedns top"
    CSS_PATH = Path(__file__).with_name("top.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "Pause"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
        # Textual binds ctrl+p itself only where nothing else opens the palette.
        Binding("ctrl+p", "command_palette", "Commands", show=False, priority=True),
        Binding("colon", "command_palette", "Commands", show=False),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(
        self,
        *,
        feed: Feed,
        asker: Asker,
        place: Place,
        sort_by: str = "node",
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.session = Session(
            feed=feed, asker=asker, place=place, clock=clock, snapshot=feed.snapshot()
        )
        self._sort_by = sort_by

    def on_mount(self) -> None:
        """Open the first screen and start the clock."""
        self.push_screen(FleetScreen(self.session, sort_by=self._sort_by))
        self.set_interval(TICK_SECONDS, self.tick)

    def tick(self) -> None:
        """Take a snapshot and let the open screens show it."""
        self.session.tick()
        self.show()

    def show(self) -> None:
        """Let the screen in front, and one that shines through under a panel, show the snapshot."""
        for screen in self.screen_stack[-2:]:
            if isinstance(screen, LiveScreen) and screen.is_mounted:
                screen.show()

    def action_pause(self) -> None:
        """Let the picture stand still, or go on."""
        self.session.paused = not self.session.paused
        self.tick()

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(HelpScreen())

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """List what the palette offers: Textual's own, and ours."""
        yield from super().get_system_commands(screen)
        yield SystemCommand("Pause or go on", "Let the picture stand still", self.action_pause)
        if isinstance(screen, FleetScreen):
            yield SystemCommand("Filter", "Show some nodes only", screen.action_filter)
            yield SystemCommand("Lookup", "Ask from the chosen node", screen.action_lookup)
            for column in COLUMNS:
                yield SystemCommand(
                    f"Sort by {column.key}",
                    f"Order the nodes by {column.title}",
                    lambda key=column.key: screen.action_sort(key),
                )

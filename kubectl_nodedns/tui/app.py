"""The application: one clock, keys that work everywhere, commands of the palette, themes.

Themes of ours have colours that colour-blind people can tell apart, those of Okabe and Ito ("Color
Universal Design", 2008): good is blue, worth a look is orange, bad is vermilion; no pair of them
differs by red and green alone.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.theme import Theme

from kubectl_nodedns.metrics.columns import COLUMNS
from kubectl_nodedns.printable import printable
from kubectl_nodedns.tui.base_screen import Session, SnapshotScreen
from kubectl_nodedns.tui.fleet_screen import FleetScreen
from kubectl_nodedns.tui.help_screen import HelpScreen
from kubectl_nodedns.tui.lasting import lasting
from kubectl_nodedns.tui.modes import Mode
from kubectl_nodedns.tui.node_screen import TABS, NodeScreen
from kubectl_nodedns.tui.probing import Probing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from textual.driver import Driver
    from textual.screen import Screen

    from kubectl_nodedns.tui.ports import Place, Ports

BLUE, SKY, GREEN, ORANGE, VERMILION, PURPLE = (
    "#0072b2",
    "#56b4e9",
    "#009e73",
    "#e69f00",
    "#d55e00",
    "#cc79a7",
)
COLOUR_BLIND_DARK = Theme(
    name="colour-blind-dark",
    primary=BLUE,
    secondary=PURPLE,
    accent=SKY,
    success=SKY,
    warning=ORANGE,
    error=VERMILION,
    foreground="#e8e8e8",
    background="#101418",
    surface="#181d22",
    panel="#222930",
    dark=True,
)
COLOUR_BLIND_LIGHT = Theme(
    name="colour-blind-light",
    primary=BLUE,
    secondary=PURPLE,
    accent=BLUE,
    success=BLUE,
    warning="#8a5f00",
    error="#a84300",
    foreground="#1b1b1b",
    background="#fafafa",
    surface="#f0f0f0",
    panel="#e2e6ea",
    dark=False,
)
THEMES = (COLOUR_BLIND_DARK, COLOUR_BLIND_LIGHT)
SHORT = {
    "dark": "textual-dark",
    "light": "textual-light",
    "ansi": "ansi-dark",
    "ansi-light": "ansi-light",
    "colour-blind": COLOUR_BLIND_DARK.name,
    "colour-blind-light": COLOUR_BLIND_LIGHT.name,
}
"""Names by which `--theme` calls them."""
TICK_SECONDS = 1.0
NOT_OFFERED = ("Keys", "Maximize", "Minimize")
"""Commands of Textual's that do no good here: our help has the keys, and what there is is large."""


class TopApp(App[None]):
    """`kubectl nodedns top` on a terminal.

    Args:
        ports: where snapshots, answers and texts come from.
        place: where we look.
        sort_by: key of the column that the nodes are sorted by at first.
        theme: name of a theme, ours or Textual's; empty for the usual one.
        probing: whether the nodes in view are probed again and again.
        clock: tells Unix seconds.
    """

    TITLE = "kubectl nodedns top"
    CSS_PATH = Path(__file__).with_name("top.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "Pause"),
        Binding("v", "mode", "Now/total", show=False),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
        # Textual binds ctrl+p itself only where nothing else opens the palette.
        Binding("ctrl+p", "command_palette", "Commands", show=False, priority=True),
        Binding("colon", "command_palette", "Commands", show=False),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
        Binding("comma", "play('step', -1)", "A step back", show=False),
        Binding("full_stop", "play('step', 1)", "A step on", show=False),
        Binding("less_than_sign", "play('slower')", "Slower", show=False),
        Binding("greater_than_sign", "play('faster')", "Faster", show=False),
        Binding("left_square_bracket", "play('skip', -60)", "A minute back", show=False),
        Binding("right_square_bracket", "play('skip', 60)", "A minute on", show=False),
        Binding("exclamation_mark", "play('worst')", "The worst moment", show=False),
    ]

    def __init__(
        self,
        *,
        ports: Ports,
        place: Place,
        sort_by: str = "node",
        theme: str = "",
        probing: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        for ours in THEMES:
            self.register_theme(ours)
        if theme:
            self.theme = SHORT.get(theme, theme)
        snapshot = ports.feed.snapshot()
        self.session = Session(
            ports=ports,
            place=place,
            clock=clock,
            snapshot=snapshot,
            taken=snapshot,
            probing=probing,
        )
        self._sort_by = sort_by
        self._terminal: int | None = None  # what is typed on, where that is a terminal

    def get_driver_class(self) -> type[Driver]:
        """Choose Textual's driver for this machine; the end of the terminal does not stop it."""
        return lasting(super().get_driver_class())

    def _fatal_error(self) -> None:
        """End without a word: Textual would print the local variables of every frame.

        `run_to_end` raises what happened.
        """
        self._close_messages_no_wait()

    async def run_to_end(self, *, mouse: bool, headless: bool = False) -> None:
        """Show the screen until the person leaves it.

        Raises:
            Exception: whatever was not expected to happen on it.
        """
        await self.run_async(mouse=mouse, headless=headless)
        if self._exception is not None:
            raise self._exception

    def on_mount(self) -> None:
        """Open the first screen and start the clock."""
        keyboard = sys.__stdin__
        if keyboard is not None and not self.is_headless and keyboard.isatty():
            self._terminal = keyboard.fileno()
        self.push_screen(FleetScreen(self.session, sort_by=self._sort_by))
        self.set_interval(TICK_SECONDS, self.tick)
        if self.session.probing:
            self.run_worker(Probing(self.session).run(), exit_on_error=False)

    def tick(self) -> None:
        """Take a snapshot and let the open screens show it; leave a terminal that is gone.

        Where no signal tells of its end, Textual would read its silence for ever, with a core of
        the machine.
        """
        if self._terminal is not None and not os.isatty(self._terminal):
            self.exit()
            return
        self.session.tick()
        self.show()

    def show(self) -> None:
        """Let the screen in front, and one that shines through under a panel, show the snapshot."""
        for screen in self.screen_stack[-2:]:
            if isinstance(screen, SnapshotScreen) and screen.is_mounted:
                screen.show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys of a recording where one is shown."""
        del parameters
        return action != "play" or self.session.ports.playback is not None

    def action_pause(self) -> None:
        """Let the picture stand still, or go on; a recording too."""
        if self.session.ports.playback is not None:
            self.session.ports.playback.toggle()
        else:
            self.session.paused = not self.session.paused
        self.tick()

    def action_play(self, how: str, amount: float | None = None) -> None:
        """Go to another moment of the recording, or through it at another speed."""
        playback = self.session.ports.playback
        if playback is None:
            return
        move = {
            "step": playback.step,
            "skip": playback.skip,
            "slower": playback.slower,
            "faster": playback.faster,
            "worst": playback.worst,
        }[how]
        move(*(() if amount is None else (amount,)))  # type: ignore[operator]
        self.tick()

    def action_mode(self) -> None:
        """Show rates of now, since start, or the totals."""
        self.choose(self.session.mode.next)

    def choose(self, mode: Mode) -> None:
        """Show rates over this stretch of time."""
        self.session.choose(mode)
        self.notify(f"rates: {mode.value}", timeout=2)
        self.show()

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(HelpScreen(replay=self.session.ports.playback is not None))

    def copy_to_clipboard(self, text: str) -> None:
        """Put text on the clipboard, the terminal's own too (OSC 52); a shell may get it next."""
        super().copy_to_clipboard(printable(text, keep="\n"))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """List what the palette offers: Textual's own, and ours."""
        for command in super().get_system_commands(screen):
            if command.title not in NOT_OFFERED:
                yield command
        yield SystemCommand("Help", "The keys, and what the signs mean", self.action_help)
        yield SystemCommand("Pause or go on", "Let the picture stand still", self.action_pause)
        for mode in Mode:
            yield SystemCommand(
                f"Rates: {mode.value}",
                "What rates are over",
                lambda mode=mode: self.choose(mode),
            )
        if isinstance(screen, FleetScreen):
            yield SystemCommand("Filter", "Show some nodes only", screen.action_filter)
            yield SystemCommand("Faults only", "Hide what is well", screen.action_faults)
            yield SystemCommand("Heat map", "A cell for each node", screen.action_heat)
            yield SystemCommand("Wide", "All columns, sideways", screen.action_wide)
            yield SystemCommand("Lookup", "Ask from the chosen node", screen.action_lookup)
            yield SystemCommand("Findings", "Look for what is wrong", screen.action_findings)
            for column in COLUMNS:
                yield SystemCommand(
                    f"Sort by {column.key}",
                    f"Order the nodes by {column.title}",
                    lambda key=column.key: screen.action_sort(key),
                )
        if isinstance(screen, NodeScreen):
            yield SystemCommand("Compare", "Beside another node", screen.action_compare)
            for tab in TABS:
                yield SystemCommand(
                    f"Tab: {tab}", "Show it of this node", lambda tab=tab: screen.action_tab(tab)
                )

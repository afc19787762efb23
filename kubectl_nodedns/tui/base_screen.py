"""What all screens share: the newest snapshot, the heading above, and the clock.

A screen never waits for news: the app takes a snapshot each second and tells the screens that are
open to show it.
"""

from __future__ import annotations

import contextlib
import shlex
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Static

from kubectl_nodedns.tui.columns import Probed, columns
from kubectl_nodedns.tui.heading import (
    Seen,
    counts,
    problem_line,
    replay_words,
    time_line,
    title,
)
from kubectl_nodedns.tui.modes import Mode, Modes
from kubectl_nodedns.tui.styled_text import content
from kubectl_nodedns.tui.trends import Trends

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.metrics.columns import Column
    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.node_row import NodeRow
    from kubectl_nodedns.tui.ports import Finding, Place, Ports


@dataclass
class Session:
    """One person's look at one cluster: what the screens share and may change."""

    ports: Ports
    """Where snapshots, answers and texts come from."""
    place: Place
    """Where we look."""
    clock: Callable[[], float]
    """Tells Unix seconds."""
    snapshot: FleetSnapshot
    """What is shown: the newest snapshot, or the one at which it was paused; in the chosen mode."""
    taken: FleetSnapshot
    """The same as it was taken: rates are those of now."""
    paused: bool = False
    """Whether the picture stands still."""
    mode: Mode = Mode.NOW
    """What rates are over."""
    probing: bool = False
    """Whether the nodes in view are probed again and again."""
    trends: Trends = field(default_factory=Trends)
    """What the figures were since the screen opened."""
    probes: dict[str, Probed] = field(default_factory=dict)
    """What the newest lookups from a pod on a node said, by node."""
    in_view: Sequence[str] = ()
    """Names of the nodes that a person sees on the fleet screen."""
    findings: Sequence[Finding] | None = None
    """What was found the last time that somebody looked; None before."""
    findings_at: float | None = None
    """When that was, in Unix seconds."""
    _modes: Modes = field(default_factory=Modes)

    def tick(self) -> None:
        """Take the next snapshot, unless paused."""
        if not self.paused:
            self.taken = self.ports.feed.snapshot()
            self.trends.add(self.taken)
            self.snapshot = self._modes.turn(self.taken, self.mode)

    def choose(self, mode: Mode) -> None:
        """Show rates over another stretch of time; a paused picture too."""
        self.mode = mode
        self.snapshot = self._modes.turn(self.taken, mode)

    def probed(self, row: NodeRow) -> Probed | None:
        """Return what a probe said of the cache pod that is there now; None when none did."""
        found = self.probes.get(row.node.name)
        return found if found and row.pod and found.pod == row.pod.name else None

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of the node table."""
        asked = self.probing or bool(self.probes)
        return columns(self.trends.recent, self.probed if asked else None, wanted=self.probing)

    def row(self, node: str) -> NodeRow | None:
        """Return a node's row; None when the node is not in the snapshot."""
        return next((row for row in self.snapshot.nodes if row.node.name == node), None)

    def command(self, *words: str) -> str:
        """Write a command of ours, for this cluster, as it is typed in a shell."""
        return shlex.join((*self.place.command, *words))

    def kubectl(self, *words: str) -> str:
        """Write a command of kubectl's, for this cluster, as it is typed in a shell."""
        return shlex.join((*self.place.kubectl, *words))


class Heading(Static):
    """The lines at the top of each screen."""

    def show(self, session: Session) -> None:
        """Show where we look, and how old the picture is."""
        width = self.size.width or self.app.size.width
        snapshot = session.snapshot
        seen = Seen(
            now=session.clock(),
            paused=session.paused,
            mode=session.mode.value,
            replay=replay_words(session.ports.playback) if session.ports.playback else "",
            findings=session.findings,
            findings_at=session.findings_at,
        )
        lines = [title(snapshot, session.place, seen, width), counts(snapshot, seen, width)]
        if session.ports.playback:
            lines.append(time_line(session.ports.playback, width))
        if problem := problem_line(snapshot, width):
            lines.append(problem)
        self.update(content(lines))


class SnapshotScreen(Screen[None]):
    """A screen that shows the session's snapshot.

    Args:
        session: what the screens share.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._composed = False

    @abstractmethod
    def draw(self) -> None:
        """Show the session's snapshot as it is now; the screen's parts are there."""

    def show(self) -> None:
        """Show the session's snapshot while there is something to show it on."""
        if self._composed:
            # A screen that is being closed loses its parts before its clock.
            with contextlib.suppress(NoMatches):
                self.draw()

    def on_mount(self) -> None:
        """Show something at once."""
        self._composed = True
        self.call_after_refresh(self.show)

    def on_screen_resume(self) -> None:
        """Catch up after another screen was open."""
        self.call_after_refresh(self.show)

    def on_resize(self) -> None:
        """Lay the lines out for the new width."""
        self.call_after_refresh(self.show)

    def copy(self, text: str, what: str) -> None:
        """Put `text` on the clipboard, the terminal's own too (OSC 52), and say so."""
        app: Any = self.app
        app.copy_to_clipboard(text)
        self.notify(f"copied {what}")

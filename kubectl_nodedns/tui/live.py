"""What all screens share: the newest snapshot, the heading above, and the clock.

A screen never waits for news: the app takes a snapshot each second and tells the screens that are
open to show it.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.widgets import Static

from kubectl_nodedns.tui.heading import counts, problem_line, title
from kubectl_nodedns.tui.pieces import content
from kubectl_nodedns.tui.trends import Trends

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.tui.given import Asker, Feed, Place


@dataclass
class Session:
    """One person's look at one cluster: what the screens share and may change."""

    feed: Feed
    """Where snapshots come from."""
    asker: Asker
    """Asks questions from a node."""
    place: Place
    """Where we look."""
    clock: Callable[[], float]
    """Tells Unix seconds."""
    snapshot: FleetSnapshot
    """What is shown: the newest snapshot, or the one at which it was paused."""
    paused: bool = False
    """Whether the picture stands still."""
    trends: Trends = field(default_factory=Trends)
    """What the figures were since the screen opened."""
    proved: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Nodes where interception was proved: the cache pod of then, and when, in Unix seconds."""

    def tick(self) -> None:
        """Take the next snapshot, unless paused."""
        if not self.paused:
            self.snapshot = self.feed.snapshot()
            self.trends.add(self.snapshot)


class Heading(Static):
    """The lines at the top of each screen."""

    def show(self, session: Session) -> None:
        """Show where we look, and how old the picture is."""
        width = self.size.width or self.app.size.width
        snapshot = session.snapshot
        lines = [
            title(snapshot, session.place, now=session.clock(), paused=session.paused, width=width),
            counts(snapshot, width),
        ]
        if problem := problem_line(snapshot, width):
            lines.append(problem)
        self.update(content(lines))


class LiveScreen(Screen[None]):
    """A screen that shows the session's snapshot.

    Args:
        session: what the screens share.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    @abstractmethod
    def show(self) -> None:
        """Show the session's snapshot as it is now."""

    def on_mount(self) -> None:
        """Show something at once."""
        self.call_after_refresh(self.show)

    def on_screen_resume(self) -> None:
        """Catch up after another screen was open."""
        self.call_after_refresh(self.show)

    def on_resize(self) -> None:
        """Lay the lines out for the new width."""
        self.call_after_refresh(self.show)

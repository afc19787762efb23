"""Asking from one node: a line to type a name into, the answers side by side, and a watch.

Used as a panel of its own (`t`) and as a tab of the node screen. Asking is the one thing in `top`
that makes something in the cluster: a probe pod on the node, through the asker that was handed in.
Leaving cancels what is still under way.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.lookup.comparison import compare
from kubectl_nodedns.lookup.vantage import pair, plan, questions, vantage_points
from kubectl_nodedns.names import absolute, marker_name, record_type
from kubectl_nodedns.printable import printable
from kubectl_nodedns.tui.lookup_lines import history_line, lookup_lines
from kubectl_nodedns.tui.probing import remember
from kubectl_nodedns.tui.styled_text import TextView, content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from kubectl_nodedns.lookup.comparison import Outcome
    from kubectl_nodedns.lookup.vantage import Lookup, VantagePoint
    from kubectl_nodedns.tui.base_screen import Session
    from kubectl_nodedns.tui.heading import Piece

WATCH_SECONDS = 2.0
"""Time between two rounds of a watch."""
ROUNDS = 100
"""Rounds that a watch remembers."""
HINTS = " enter asks · also: example.com AAAA · tab, then: w watches · y Y copy"
"""Short enough for the panel on 80 cells."""


class LookupPanel(Vertical):
    """Asks from one node.

    Args:
        session: what the screens share.
        node: the node to ask from.
        at_once: whether to ask for the cluster's own name as soon as it is shown.
        id: the widget's id.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "again", "Ask", show=False),
        Binding("w", "watch", "Watch"),
        Binding("y", "copy", "Copy", show=False),
        Binding("Y", "copy_command", "Copy command", show=False),
    ]

    def __init__(
        self,
        session: Session,
        node: str,
        *,
        at_once: bool,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.session = session
        self.node = node
        domain = session.place.cluster_domain
        self._marker = marker_name(domain) if domain else ""
        self._first_name = (
            f"kubernetes.default.svc.{domain}" if domain else "kubernetes.default.svc"
        )
        self._at_once = at_once
        self._points: Sequence[VantagePoint] = ()
        self._since: float | None = None
        self._asked: tuple[str, str] = ("", "")
        self._answered: tuple[Sequence[Lookup], Outcome] | None = None
        self._watching = False
        self._rounds: deque[tuple[str, Sequence[Lookup], Outcome]] = deque(maxlen=ROUNDS)

    def compose(self) -> ComposeResult:
        """Lay out the question and the answers."""
        yield Static(classes="from")
        yield Input(printable(self._first_name), classes="name", compact=True)
        with TextView(classes="answers"):
            yield Static(classes="said")
        yield Static(HINTS, classes="hints")

    def on_mount(self) -> None:
        """Ask the first question at once where `t` asked for it."""
        self.set_interval(0.5, self._tick)
        self._title()
        if self._at_once:
            self.query_one(Input).focus()
            self._ask(self._first_name)
        else:
            self._say(
                [(" enter asks: it starts a probe pod on this node, and takes it away", "quiet")]
            )

    @on(Input.Submitted)
    def asked(self, event: Input.Submitted) -> None:
        """Ask what was typed; the keys then belong to the answers."""
        event.stop()
        self._rounds.clear()
        self._ask(event.value)
        self.query_one(".answers").focus()

    def action_again(self) -> None:
        """Ask what stands there, once more."""
        self._ask(self.query_one(Input).value)

    def action_watch(self) -> None:
        """Ask again and again, or stop that."""
        self._watching = not self._watching
        self._title()
        if self._watching:
            self._ask(self.query_one(Input).value)

    def action_copy(self) -> None:
        """Copy what the panel says."""
        if self._answered is not None:
            lines = lookup_lines(*self._answered, width=200)
            text = "\n".join("".join(piece[0] for piece in line).rstrip() for line in lines)
            self.app.copy_to_clipboard(f"{' '.join(self._asked)} from {self.node}\n{text}")
            self.notify("copied the answers")

    def action_copy_command(self) -> None:
        """Copy the command that asks the same."""
        name, _, rtype = self.query_one(Input).value.strip().partition(" ")
        words = ["lookup", name, *([rtype.strip()] if rtype else []), "--node", self.node]
        self.app.copy_to_clipboard(self.session.command(*words))
        self.notify("copied the command")

    @work(exclusive=True, exit_on_error=False)
    async def _ask(self, text: str) -> None:
        """Ask, and show what came back or why nothing did; go on while it is watched."""
        while True:
            since = self._since = self.session.clock()
            self._tick()
            try:
                name, _, rtype = text.strip().partition(" ")
                self._asked = (absolute(name), record_type(rtype.strip() or "A"))
                self._judge(await self._lookups(*self._asked))
            except NodednsError as error:
                self._fail([(f" ‼ {error}", "bad")], [(f"   {error.hint}", "")])
            except Exception as error:  # noqa: BLE001 - shown; a lookup must not end the screen
                self._fail([(f" ‼ {type(error).__name__}: {error}", "bad")])
            finally:
                if self._since == since:  # else another question has taken its place
                    self._since = None
            if not self._watching:
                return
            await asyncio.sleep(WATCH_SECONDS)

    async def _lookups(self, name: str, rtype: str) -> Sequence[Lookup]:
        """Ask everywhere, or where the cluster does not tell all addresses, at the known ones."""
        try:
            self._points = await self.session.ports.reader.points()
        except NodednsError:
            place, caches = self.session.place, self.session.snapshot.caches
            self._points = vantage_points(
                local_ips=[cache.local_ip for cache in caches if cache.local_ip],
                kube_dns_ips=[place.kube_dns_ip] if place.kube_dns_ip else [],
            )
        asks = plan(self._points, name=name, rtype=rtype, marker=self._marker)
        answers = await self.session.ports.asker(self.node, questions(asks))
        return pair(self.node, asks, answers)

    def _judge(self, lookups: Sequence[Lookup]) -> None:
        """Show the answers, and remember what they prove."""
        session = self.session
        outcome = compare(lookups, interception=bool(session.snapshot.kube_dns_ips))
        row = session.row(self.node)
        if row is not None:
            remember(session, row, lookups)
        self._answered = (lookups, outcome)
        at = time.strftime("%H:%M:%S", time.gmtime(session.clock()))
        self._rounds.append((at, lookups, outcome))
        self._draw()

    def on_resize(self) -> None:
        """Lay the answers out for the new width."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if self._answered is None:
            return
        lookups, outcome = self._answered
        width = self.query_one(".said").size.width or 80
        asked = [[(f" {' '.join(self._asked)}", "strong")], []]
        lines = [*asked, *lookup_lines(lookups, outcome, width=width)]
        if len(self._rounds) > 1:
            lines += [[], [(f" {len(self._rounds)} rounds, the newest first (UTC)", "strong")]]
            lines += [history_line(*one, width) for one in reversed(self._rounds)]
        self._say(*lines)

    def _fail(self, *lines: list[Piece]) -> None:
        self._answered = None
        self._say(*lines)

    def _title(self) -> None:
        line: list[Piece] = [(" lookup from a pod on ", ""), (self.node, "strong")]
        if self._watching:
            line.append((f" · watching, every {WATCH_SECONDS:.0f} s: w stops it", "note"))
        self.query_one(".from", Static).update(content([line]))

    def _tick(self) -> None:
        """Say that we wait, and for how long; while it is watched, the last answers stay."""
        if self._since is not None and not (self._watching and self._answered):
            waited = self.session.clock() - self._since
            self._say([(f" asking from a probe pod on {self.node} … {waited:.0f} s", "quiet")])

    def _say(self, *lines: list[Piece]) -> None:
        self.query_one(".said", Static).update(content(lines))


class LookupScreen(ModalScreen[None]):
    """The lookup panel over the screen: one question from one node, everywhere it can be asked.

    Args:
        session: what the screens share.
        node: the node to ask from.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "app.pop_screen", "Back")]

    def __init__(self, session: Session, node: str) -> None:
        super().__init__()
        self.session = session
        self.node = node

    def compose(self) -> ComposeResult:
        """Lay out the panel."""
        with Vertical(id="lookup"):
            yield LookupPanel(self.session, self.node, at_once=True)

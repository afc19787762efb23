"""One node: its past since it was looked at, zones and upstreams, lookups, events, logs, rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.widgets import ContentSwitcher, Footer, Static

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.metrics import units
from kubectl_nodedns.metrics.report import row_text
from kubectl_nodedns.tui.base_screen import Heading, Session, SnapshotScreen
from kubectl_nodedns.tui.compare_screen import CompareScreen
from kubectl_nodedns.tui.lookup_panel import LookupPanel, LookupScreen
from kubectl_nodedns.tui.node_lines import first_lines, node_lines, row_words
from kubectl_nodedns.tui.styled_text import TextView, content, tabs
from kubectl_nodedns.tui.text_lines import configuration_lines, event_lines, log_lines, rule_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.metrics.node_row import NodeRow
    from kubectl_nodedns.tui.ports import Configuration
    from kubectl_nodedns.tui.text_lines import Line

    Draw = Callable[[NodeRow, int], list[Line]]

TABS = ("overview", "lookups", "events", "logs", "Corefile", "rules")
AGAIN_SECONDS = 5.0
"""How often what a tab shows is read again while it is open."""
READS_SECONDS = {"events": AGAIN_SECONDS, "logs": AGAIN_SECONDS, "Corefile": 30.0, "rules": 30.0}


class NodeScreen(SnapshotScreen):
    """One node.

    Args:
        session: what the screens share.
        node: the node's name.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.pop_screen", "Back", key_display="esc"),
        Binding("t", "lookup", "Lookup"),
        Binding("c", "compare", "Compare"),
        *(Binding(str(n + 1), f"tab('{tab}')", tab, show=False) for n, tab in enumerate(TABS)),
        Binding("right", "turn(1)", "Tabs", key_display="←→"),
        Binding("left", "turn(-1)", "Previous tab", show=False),
        Binding("g", "group", "Group"),
        Binding("p", "previous", "Previous"),
        Binding("y", "copy", "Copy", show=False),
        Binding("Y", "copy_command", "Copy the command", show=False),
    ]

    def __init__(self, session: Session, node: str) -> None:
        super().__init__(session)
        self.node = node
        self.tab = TABS[0]
        self._grouped = True
        self._previous = False
        self._read: dict[str, tuple[float, Draw]] = {}
        self._tried: dict[str, float] = {}
        self._configuration: Configuration | None = None
        self._failed: dict[str, NodednsError] = {}
        session.trends.look_at([node])

    def compose(self) -> ComposeResult:
        """Lay out heading, tabs, what the chosen tab shows, and the keys."""
        yield Heading(id="heading")
        yield Static(id="about-node")
        yield Static(id="tabs")
        with ContentSwitcher(initial="text"):
            with TextView(id="text"):
                yield Static(id="node")
            yield LookupPanel(self.session, self.node, at_once=False, id="ask")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Give the keys to the text."""
        super().on_mount()
        self.query_one("#text").focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys of the log where it is shown."""
        del parameters
        return action not in {"group", "previous"} or self.tab == "logs"

    def draw(self) -> None:
        """Show the node as it is in the snapshot."""
        session = self.session
        self.query_one(Heading).show(session)
        self.query_one("#tabs", Static).update(tabs(TABS, self.tab))
        row = session.row(self.node)
        width = self.size.width - 2
        about = self.query_one("#about-node", Static)
        if row is None:
            gone = f" {self.node} is no longer in the cluster, or not selected · esc goes back"
            about.update(content([[(gone, "note")]]))
            self.query_one("#node", Static).update("")
            return
        about.update(
            content([*first_lines(row, session.snapshot, self.size.width), row_words(row, session)])
        )
        self.query_one("#node", Static).update(content(self._lines(row, width)))
        session.trends.look_at([self.node])
        session.ports.feed.look_at([self.node])
        self._renew()

    def action_tab(self, tab: str) -> None:
        """Show a tab."""
        self.tab = tab
        asking = tab == "lookups"
        panel = self.query_one(LookupPanel)
        self.query_one(ContentSwitcher).current = "ask" if asking else "text"
        text = self.query_one("#text", TextView)
        (panel.query_one(".answers") if asking else text).focus()
        text.scroll_home(animate=False)
        self.refresh_bindings()
        self.show()
        if tab == "logs":
            self.call_after_refresh(text.scroll_end, animate=False)

    def action_turn(self, tabs: int) -> None:
        """Show the tab beside."""
        self.action_tab(TABS[(TABS.index(self.tab) + tabs) % len(TABS)])

    def action_group(self) -> None:
        """Put like log lines together, or not."""
        self._grouped = not self._grouped
        self.show()

    def action_previous(self) -> None:
        """Show the log of before the last restart, or the log of now."""
        self._previous = not self._previous
        for kept in (self._read, self._failed, self._tried):
            kept.pop("logs", None)
        self.show()

    def action_lookup(self) -> None:
        """Ask questions from this node."""
        self.app.push_screen(LookupScreen(self.session, self.node))

    def action_compare(self) -> None:
        """Put this node beside another one, or the fleet's median."""
        self.app.push_screen(CompareScreen(self.session, self.node))

    def action_copy(self) -> None:
        """Copy what the tab shows; the node's row in the overview."""
        row = self.session.row(self.node)
        if row is None:
            return
        if self.tab in {"overview", "lookups"}:
            self.copy(row_text(row, self.session.snapshot), f"the row of {self.node}")
            return
        lines = self._lines(row, 1000)
        text = "\n".join("".join(text for text, _ in line).rstrip() for line in lines)
        self.copy(text, f"the {self.tab} of {self.node}")

    def action_copy_command(self) -> None:
        """Copy the command that shows the same."""
        row = self.session.row(self.node)
        if row is not None:
            self.copy(self._command(row), "the command")

    def _command(self, row: NodeRow) -> str:
        session, pod = self.session, row.pod
        if pod is not None and self.tab == "events":
            return session.kubectl("events", "-n", pod.namespace, "--for", f"pod/{pod.name}")
        if pod is not None and self.tab == "logs":
            more = ["--previous"] if self._previous else []
            return session.kubectl("logs", "-n", pod.namespace, pod.name, *more)
        if pod is not None and self.tab == "Corefile" and self._configuration is not None:
            name = self._configuration.name.rpartition("/")[2]
            return session.kubectl("get", "configmap", "-n", pod.namespace, name, "-o", "yaml")
        if pod is not None and self.tab == "rules":
            return session.kubectl("get", "pod", "-n", pod.namespace, pod.name, "-o", "yaml")
        selector = f"kubernetes.io/hostname={self.node}"
        return session.command("top", "--once", "-o", "wide", "-l", selector)

    def _lines(self, row: NodeRow, width: int) -> list[Line]:
        """Return what the chosen tab says."""
        session = self.session
        if self.tab == "overview":
            moments = session.trends.node(self.node)
            size = (width, self.size.height)
            return node_lines(row, session, moments, size)
        if row.pod is None and self.tab != "events":
            return [[(f" {row.reason}", "quiet")]]
        lines: list[Line] = []
        if (error := self._failed.get(self.tab)) is not None:
            lines = [[(f" ‼ {error}", "bad")], [(f"   {error.hint}", "")]]
        if self.tab not in self._read:
            return lines or [[(" reading …", "quiet")]]
        at, draw = self._read[self.tab]
        if lines:
            lines += [[(f" as it was {units.age(session.clock() - at)} ago:", "note")], []]
        return [*lines, *draw(row, width)]

    def _renew(self) -> None:
        """Read again what is shown, when it is time."""
        every = READS_SECONDS.get(self.tab)
        if every and self.session.clock() - self._tried.get(self.tab, 0.0) >= every:
            self._load(self.tab)

    @work(group="reading", exit_on_error=False)
    async def _load(self, tab: str) -> None:
        """Read what a tab shows, and keep it or why it cannot be had."""
        row = self.session.row(self.node)
        pod = row.pod if row else None
        if pod is None and tab != "events":
            return
        at = self._tried[tab] = self.session.clock()
        try:
            self._read[tab] = (at, await self._fetch(tab, pod))
            self._failed.pop(tab, None)
        except NodednsError as error:
            self._failed[tab] = error
        if self.is_mounted:
            self.show()

    async def _fetch(self, tab: str, pod: CachePod | None) -> Draw:
        """Read what a tab shows; what comes back draws it for a width."""
        reader, clock = self.session.ports.reader, self.session.clock
        if tab == "events" or pod is None:
            events = await reader.events(self.node, pod)
            return lambda _, width: event_lines(events, now=clock(), width=width)
        if tab == "logs":
            log = await reader.logs(pod, previous=self._previous)
            return lambda _, width: log_lines(log, grouped=self._grouped, width=width)
        found = self._configuration = await reader.configuration(pod)
        if tab == "rules":
            return lambda row, width: rule_lines(row, found, width=width)
        return lambda _, width: configuration_lines(found, width=width)

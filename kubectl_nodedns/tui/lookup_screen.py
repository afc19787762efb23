"""The lookup panel: one question from one node, at the local IP and at the kube-dns IP.

Opening it is the one thing in `top` that makes something in the cluster: a probe pod on the node,
through the asker that was handed in. Leaving it cancels what is still under way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.names import absolute, marker_name, record_type
from kubectl_nodedns.tui.lookup_lines import lookup_lines, questions, verdict
from kubectl_nodedns.tui.pieces import content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from kubectl_nodedns.lookup.comparison import Comparison
    from kubectl_nodedns.lookup.question import Answer
    from kubectl_nodedns.tui.heading import Piece
    from kubectl_nodedns.tui.live import Session


class LookupScreen(ModalScreen[None]):
    """Asks from one node.

    Args:
        session: what the screens share.
        node: the node to ask from.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "app.pop_screen", "Back")]

    def __init__(self, session: Session, node: str) -> None:
        super().__init__()
        self.session = session
        self.node = node
        domain = session.place.cluster_domain
        self._marker = marker_name(domain) if domain else ""
        self._name = f"kubernetes.default.svc.{domain}" if domain else "kubernetes.default.svc"
        self._since = 0.0
        self._waiting = False
        self._answered: tuple[Sequence[Answer], Comparison] | None = None

    def compose(self) -> ComposeResult:
        """Lay out the question and the answers."""
        with Vertical(id="lookup"):
            yield Static(id="from")
            yield Input(self._name, id="name", compact=True)
            with VerticalScroll():
                yield Static(id="answers")
            yield Static(" enter asks · add a type: example.com AAAA · esc goes back", id="keys")

    def on_mount(self) -> None:
        """Ask the first question at once: `t` asked for it."""
        self.query_one("#name", Input).focus()
        place = [(" lookup from a pod on ", ""), (self.node, "strong")]
        self.query_one("#from", Static).update(content([place]))
        self.set_interval(0.5, self._tick)
        self._ask(self._name)

    @on(Input.Submitted, "#name")
    def asked(self, event: Input.Submitted) -> None:
        """Ask what was typed."""
        self._ask(event.value)

    @work(exclusive=True, exit_on_error=False)
    async def _ask(self, text: str) -> None:
        """Ask, and show what came back or why nothing did."""
        self._since, self._waiting, self._answered = self.session.clock(), True, None
        self._tick()
        try:
            name, _, rtype = text.strip().partition(" ")
            answers = await self._answers(absolute(name), record_type(rtype.strip() or "A"))
        except NodednsError as error:
            self._say([(f" ‼ {error}", "bad")], [(f"   {error.hint}", "")])
        except Exception as error:  # noqa: BLE001 - shown; a lookup must not end the screen
            self._say([(f" ‼ {type(error).__name__}: {error}", "bad")])
        else:
            self._judge(answers)
        finally:
            self._waiting = False

    async def _answers(self, name: str, rtype: str) -> Sequence[Answer]:
        addresses = [address for _, address in self._addresses()]
        asked = questions(name=name, rtype=rtype, marker=self._marker, addresses=addresses)
        return await self.session.asker(self.node, asked)

    def _judge(self, answers: Sequence[Answer]) -> None:
        """Show the answers, and remember what they prove."""
        found = verdict(
            self.node,
            answers,
            marker=self._marker,
            local_ip=self._local_ip(),
            kube_dns_ip=self.session.place.kube_dns_ip,
        )
        row = next((r for r in self.session.snapshot.nodes if r.node.name == self.node), None)
        if found.proved and row is not None and row.pod is not None:
            self.session.proved[self.node] = (row.pod.name, self.session.clock())
        elif found.proved is False:
            self.session.proved.pop(self.node, None)
        self._answered = (answers, found)
        self._draw()

    def on_resize(self) -> None:
        """Lay the answers out for the new width."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        if self._answered is not None:
            answers, found = self._answered
            width = self.query_one("#answers").size.width
            self._say(*lookup_lines(answers, found, addresses=self._addresses(), width=width))

    def _addresses(self) -> list[tuple[str, str]]:
        """Return the columns: the addresses that are known."""
        both = [("local", self._local_ip()), ("kube-dns", self.session.place.kube_dns_ip)]
        return [(what, address) for what, address in both if address]

    def _local_ip(self) -> str:
        caches = self.session.snapshot.caches
        return caches[0].local_ip if caches else ""

    def _tick(self) -> None:
        """Say that we wait, and for how long."""
        if self._waiting:
            waited = self.session.clock() - self._since
            self._say([(f" asking from a probe pod on {self.node} … {waited:.0f} s", "quiet")])

    def _say(self, *lines: list[Piece]) -> None:
        self.query_one("#answers", Static).update(content(lines))

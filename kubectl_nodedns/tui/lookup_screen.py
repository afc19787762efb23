"""The lookup panel over the screen: one question from one node, everywhere it can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from kubectl_nodedns.tui.lookup_panel import LookupPanel

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from kubectl_nodedns.tui.base_screen import Session


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

    def compose(self) -> ComposeResult:
        """Lay out the panel."""
        with Vertical(id="lookup"):
            yield LookupPanel(self.session, self.node, at_once=True)

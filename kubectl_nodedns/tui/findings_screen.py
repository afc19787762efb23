"""The findings panel: what is wrong, why it matters, and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.metrics.units import age
from kubectl_nodedns.tui.styled_text import content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from kubectl_nodedns.tui.base_screen import Session
    from kubectl_nodedns.tui.heading import Piece
    from kubectl_nodedns.tui.ports import Finding

SIGNS = {"error": ("‼", "bad"), "warning": ("!", "note"), "info": ("i", "quiet")}


def finding_line(finding: Finding) -> list[Piece]:
    """Write one finding on one line."""
    sign, style = SIGNS.get(str(finding.severity), ("?", ""))
    return [
        (f"{sign:2}", style),
        (f"{finding.code}  ", "quiet"),
        (finding.subject, "strong"),
        (f": {finding.seen}", ""),
    ]


def finding_words(finding: Finding) -> list[list[Piece]]:
    """Write out what one finding means."""
    return [
        [(f"{finding.subject}: {finding.seen}", "strong")],
        [("why it matters  ", "quiet"), (finding.matters, "")],
        [("the way out     ", "quiet"), (finding.way_out, "")],
    ]


def counted(findings: Sequence[Finding]) -> list[Piece]:
    """Say how many there are of each kind."""
    if not findings:
        return [(" ✓ no findings", "good")]
    line: list[Piece] = [(f" {len(findings)} finding{'s' * (len(findings) != 1)}", "strong")]
    for severity, (sign, style) in SIGNS.items():
        number = sum(str(finding.severity) == severity for finding in findings)
        if number:
            line += [("  ", ""), (f"{sign} {number}", style), (f" {severity}", "quiet")]
    return line


class FindingsScreen(ModalScreen[None]):
    """All findings; the chosen one in full.

    Args:
        session: what the screens share.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f", "app.pop_screen", "Back"),
        Binding("r", "look", "Look again"),
        Binding("y", "copy", "Copy", show=False),
        Binding("Y", "copy_command", "Copy command", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._looking = False
        self._failed: list[list[Piece]] = []

    def compose(self) -> ComposeResult:
        """Lay out the list, and the chosen finding under it."""
        with Vertical(id="findings"):
            yield Static(id="counted")
            yield OptionList(compact=True)
            with VerticalScroll(id="finding"):
                yield Static()
            yield Static(" r looks again · y copies · Y the command · esc goes back", id="keys")

    def on_mount(self) -> None:
        """Look at once; what was found before is there meanwhile."""
        self.query_one(OptionList).focus()
        self._list()
        self.set_interval(1.0, self._tell)
        self.action_look()

    def action_look(self) -> None:
        """Look for what is wrong now."""
        self._looking = True
        self._failed = []
        self._tell()
        self._look()

    def action_copy(self) -> None:
        """Copy the chosen finding."""
        if (finding := self._chosen()) is not None:
            text = "\n".join("".join(t for t, _ in line) for line in finding_words(finding))
            self.app.copy_to_clipboard(f"{finding.code} {text}")
            self.notify(f"copied {finding.code}")

    def action_copy_command(self) -> None:
        """Copy the command that finds the same."""
        self.app.copy_to_clipboard(self.session.command("check"))
        self.notify("copied the command")

    @on(OptionList.OptionHighlighted)
    def chosen(self) -> None:
        """Write out the chosen finding."""
        finding = self._chosen()
        lines = finding_words(finding) if finding is not None else []
        self.query_one("#finding Static", Static).update(content(lines))

    @work(exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        session = self.session
        try:
            session.findings = await session.ports.examiner(session.taken)
            session.findings_at = session.clock()
        except NodednsError as error:
            hints = error.hint.splitlines()
            self._failed = [[(f" ‼ {error}", "bad")], *([(f"   {hint}", "")] for hint in hints)]
        except Exception as error:  # noqa: BLE001 - shown; a check must not end the screen
            self._failed = [[(f" ‼ {type(error).__name__}: {error}", "bad")]]
        self._looking = False
        self._tell()
        if not self._failed:
            self._list()

    def _tell(self) -> None:
        """Say how many findings there are and how old they are, or why there are no newer ones."""
        found, at = self.session.findings, self.session.findings_at
        line: list[Piece] = []
        if found is not None and at is not None:
            line = [*counted(found), (f"  looked {age(self.session.clock() - at)} ago", "quiet")]
        if self._looking:
            line.append((" · looking …" if line else " looking …", "quiet"))
        lines = [*self._failed, *([line] if line else [])]
        self.query_one("#counted", Static).update(content(lines))

    def _list(self) -> None:
        """List the findings; the cursor stays on its line."""
        findings = self.session.findings or ()
        listed = self.query_one(OptionList)
        before = listed.highlighted
        listed.clear_options()
        listed.add_options([Option(content([finding_line(finding)])) for finding in findings])
        if findings:
            listed.highlighted = min(before or 0, len(findings) - 1)
        self.chosen()

    def _chosen(self) -> Finding | None:
        number = self.query_one(OptionList).highlighted
        findings = self.session.findings or ()
        return findings[number] if number is not None and number < len(findings) else None

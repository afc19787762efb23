"""What the lookup panel says: an answer a line, what differs, and the verdict. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.differences import FAILURES
from kubectl_nodedns.lookup.vantage import Where
from kubectl_nodedns.metrics.units import UNKNOWN, duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.lookup.comparison import Outcome
    from kubectl_nodedns.lookup.vantage import Lookup
    from kubectl_nodedns.tui.heading import Piece

Line = list["Piece"]
HEADS = ("WHERE", "", "PROTO", "RESULT", "TIME", "TTL", "FLAGS", "ANSWER")
FLAGS_FROM = 90
"""Cells from which flags have room."""
INTERCEPTED = "intercepted ✓"
SHORT = {INTERCEPTED: "✓"}
"""What notes become where the answer needs their room."""
SPACED_FROM = 80
"""Cells from which columns stand two cells apart."""
NOTES_FROM = 110
"""Cells from which there is room to say who answered where that is no surprise."""


def lookup_lines(lookups: Sequence[Lookup], outcome: Outcome, *, width: int) -> list[Line]:
    """Lay out one round of answers, and what they mean together."""
    wrong = {id(one) for found in outcome.differences if found.serious for one in found.lookups}
    rows = [_row(lookup) for lookup in lookups]
    chosen = [n for n, head in enumerate(HEADS) if head != "FLAGS" or width >= FLAGS_FROM]
    widths = {n: max(len(row[n]) for row in (HEADS, *rows)) for n in chosen}
    gap = "  " if width >= SPACED_FROM else " "
    lines: list[Line] = [[(_cells(HEADS, chosen, widths, gap)[:width], "quiet")]]
    for lookup, row in zip(lookups, rows, strict=True):
        notes = _notes(lookup) if width >= NOTES_FROM or lookup.answered_by else []
        if id(lookup) in wrong:
            notes.append(("‼ differs", "bad"))
        cells = _cells(row, chosen, widths, gap)
        if len(cells) + _length(notes, gap) > width:  # what was answered matters more than who did
            notes = [(SHORT.get(text, text), style) for text, style in notes if style != "quiet"]
        room = width - _length(notes, gap)
        style = "bad" if not lookup.answer.rcode or lookup.answer.rcode in FAILURES else ""
        line: Line = [(cells if len(cells) <= room else f"{cells[: max(room - 1, 0)]}…", style)]
        for text, meaning in notes:
            line += [(gap, ""), (text, meaning)]
        lines.append(line)
    lines += [[], *_verdict(outcome, width)]
    return lines


def _verdict(outcome: Outcome, width: int) -> list[Line]:
    mark, style = ("✓", "good") if outcome.same else ("‼", "bad")
    lines: list[Line] = [
        [(f" {mark if number == 0 else ' '} {text}", style)]
        for number, text in enumerate(wrap(outcome.text, width - 4))
    ]
    for found in outcome.differences:
        if found.text not in outcome.text:
            mark = "‼" if found.serious else "!"
            for number, text in enumerate(wrap(found.text, width - 4)):
                lines.append([(f" {mark if number == 0 else ' '} {text}", "note")])
    told = {
        True: ("✓ intercepted: the node's own cache answers at the kube-dns IP", "good"),
        False: ("‼ not intercepted: the node's own cache does not answer there", "bad"),
        None: ("? interception is not proved: no marker was answered", "note"),
    }
    return [*lines, [(f" {told[outcome.proved][0]}", told[outcome.proved][1])]]


def history_line(at: str, lookups: Sequence[Lookup], outcome: Outcome, width: int) -> Line:
    """Write one round of a watch: a short result at each vantage point."""
    mark, style = ("✓", "good") if outcome.same else ("‼", "bad")
    parts = [
        f"{lookup.point.where}{'/tcp' if lookup.answer.question.tcp else ''} "
        f"{lookup.answer.rcode if lookup.answer.rcode not in {'', 'NOERROR'} else _time(lookup)}"
        for lookup in lookups
    ]
    text = f" {at}  " + " · ".join(parts)
    return [(text[: width - 3], "quiet"), (f"  {mark}", style)]


def wrap(text: str, width: int) -> list[str]:
    """Break words into lines of `width` cells or less, where a word is not longer than that."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _row(lookup: Lookup) -> tuple[str, ...]:
    answer = lookup.answer
    said = ", ".join(record.text() for record in answer.records)
    return (
        str(lookup.point.where),
        lookup.point.address,
        answer.question.protocol,
        answer.rcode or ("no response" if answer.asked else "not asked"),
        _time(lookup),
        UNKNOWN if answer.ttl is None else str(answer.ttl),
        " ".join(answer.flags) or UNKNOWN,
        said or answer.error or ("no records" if answer.rcode == "NOERROR" else UNKNOWN),
    )


def _notes(lookup: Lookup) -> list[Piece]:
    """Say who answered, as far as the marker tells."""
    marker = lookup.answered_by
    notes: list[Piece] = []
    if marker is not None:
        own = marker.node == lookup.node
        if lookup.point.where == Where.KUBE_DNS:
            text = INTERCEPTED if own else f"‼ the cache of {marker.node}"
            notes.append((text, "good" if own else "bad"))
        elif lookup.point.where == Where.LOCAL:
            notes.append(("the cache", "quiet"))
    elif lookup.evidence:
        notes.append((lookup.evidence, "quiet"))
    elif lookup.point.target:
        notes.append((lookup.point.target, "quiet"))
    return notes


def _time(lookup: Lookup) -> str:
    microseconds = lookup.answer.microseconds
    return UNKNOWN if microseconds is None else duration(microseconds / 1e6)


def _length(notes: Sequence[Piece], gap: str) -> int:
    return sum(len(gap) + len(text) for text, _ in notes)


def _cells(row: Sequence[str], chosen: Sequence[int], widths: dict[int, int], gap: str) -> str:
    text = ""
    for n in chosen:
        cell = row[n].rjust(widths[n]) if HEADS[n] in {"TIME", "TTL"} else row[n].ljust(widths[n])
        text += (" " if n == 0 else "  " if HEADS[n] == "PROTO" else gap) + cell
    return text.rstrip()

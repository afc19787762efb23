"""What the lookup panel says: answers side by side, and the verdict. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.lookup.comparison import Comparison, judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.lookup.question import Answer, Question
    from kubectl_nodedns.tui.heading import Piece

Line = list["Piece"]
LABEL_CELLS = 11
FAILED = ("SERVFAIL", "REFUSED", "")


def questions(*, name: str, rtype: str, marker: str, addresses: Sequence[str]) -> list[Question]:
    """Return what to ask: at each address the marker, where there is one, and the name."""
    from kubectl_nodedns.lookup.question import Question  # noqa: PLC0415 - types come from there

    asked = []
    for address in addresses:
        if marker:
            asked.append(Question(name=marker, rtype="TXT", server=address))
        asked.append(Question(name=name, rtype=rtype, server=address))
    return asked


def verdict(
    node: str, answers: Sequence[Answer], *, marker: str, local_ip: str, kube_dns_ip: str
) -> Comparison:
    """Judge the answers to `questions`."""

    def find(server: str, *, of_marker: bool) -> Answer | None:
        return next(
            (
                answer
                for answer in answers
                if answer.question.server == server
                and (answer.question.name == marker) == of_marker
            ),
            None,
        )

    return judge(
        node,
        local_marker=find(local_ip, of_marker=True),
        kube_dns_marker=find(kube_dns_ip, of_marker=True),
        local=find(local_ip, of_marker=False),
        kube_dns=find(kube_dns_ip, of_marker=False),
    )


def lookup_lines(
    answers: Sequence[Answer],
    verdict: Comparison,
    *,
    addresses: Sequence[tuple[str, str]],
    width: int,
) -> list[Line]:
    """Lay out the answers: a column for each address, a block of lines for each name.

    Args:
        answers: one for each of `questions`.
        verdict: what they mean.
        addresses: the columns: what the address is, and the address.
        width: cells.
    """
    each = max((width - LABEL_CELLS) // max(len(addresses), 1) - 1, 10)
    heads = [f"{what} {address}" for what, address in addresses]
    lines: list[Line] = [_line("", [(head, "strong") for head in heads], each)]
    names = dict.fromkeys((a.question.name, a.question.rtype) for a in answers)
    for name, rtype in names:
        lines += [[], [(f" {name} {rtype}", "quiet")]]
        columns = [_answer(_at(answers, name, address)) for _, address in addresses]
        for number in range(max(len(column) for column in columns)):
            label = ("", "answer", "flags")[min(number, 2)] if number in (0, 1) else ""
            cells = [column[number] if number < len(column) else ("", "") for column in columns]
            lines.append(_line(label, cells, each))
    mark, style = {True: ("✓", "good"), False: ("‼", "bad"), None: ("?", "note")}[verdict.proved]
    lines.append([])
    for number, text in enumerate(verdict.lines):
        first = number == 0
        lines.append([(f" {mark if first else ' '} {text}", style if first else "")])
    return lines


def microseconds(value: int | None) -> str:
    """Write a response time as dig measured it."""
    if value is None:
        return ""
    return f"{value} µs" if value < 10_000 else f"{value / 1000:.0f} ms"  # noqa: PLR2004


def _answer(answer: Answer | None) -> list[Piece]:
    """Say one answer: rcode and time, a line for each record, then the flags."""
    if answer is None:
        return [("not asked", "quiet")]
    if not answer.rcode:
        return [(answer.error or "no response", "bad")]
    style = "bad" if answer.rcode in FAILED else "strong"
    lines: list[Piece] = [(f"{answer.rcode}  {microseconds(answer.microseconds)}", style)]
    lines += [(f"{r.text()}  ttl {r.ttl}", "") for r in answer.records] or [("no records", "quiet")]
    lines.append((" ".join(answer.flags), "quiet"))
    return lines


def _at(answers: Sequence[Answer], name: str, address: str) -> Answer | None:
    for answer in answers:
        if answer.question.name == name and answer.question.server == address:
            return answer
    return None


def _line(label: str, cells: Sequence[Piece], width: int) -> Line:
    line: Line = [(f" {label}".ljust(LABEL_CELLS), "quiet")]
    for text, style in cells:
        cut = text if len(text) <= width else text[: width - 1] + "…"
        line += [(cut, style), (" " * (width - len(cut) + 1), "")]
    return line

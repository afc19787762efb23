from __future__ import annotations

import io

import pytest

from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.errors import Exit, UsageError
from kubectl_nodedns.lookup.proof import Verdict


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


GOOD = Verdict(node="node1", ok=True, text="answered")
BAD = Verdict(node="node2", ok=False, text="not answered")


def everything(stream: io.StringIO) -> str:
    talk = Talk(stream)
    talk.step("plan")
    talk.node(GOOD)
    talk.node(BAD)
    talk.note("a note")
    talk.lines(["one", "two"])
    return stream.getvalue()


def test_progress_is_plain_text_where_there_is_no_terminal() -> None:
    lines = everything(io.StringIO()).splitlines()
    assert lines[0].endswith(" s  plan")
    assert [line.strip() for line in lines[1:]] == [
        "✓ node1: answered",
        "✗ node2: not answered",
        "a note",
        "one",
        "two",
    ]


def test_a_terminal_gets_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32m✓\x1b[0m node1" in everything(Terminal())


def test_no_color_is_respected_and_good_and_bad_still_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = everything(Terminal())
    assert "\x1b" not in text
    assert "✓ node1" in text
    assert "✗ node2" in text


def test_yes_on_the_command_line_needs_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    stream = io.StringIO()
    assert Talk(stream).confirm("Go ahead?", yes=True)
    assert stream.getvalue() == ""


def test_without_a_terminal_and_without_yes_it_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(UsageError) as caught:
        Talk(io.StringIO()).confirm("Go ahead?", yes=False)
    assert caught.value.exit is Exit.USAGE
    assert "--yes" in caught.value.hint


@pytest.mark.parametrize(
    ("typed", "agreed"),
    [("y\n", True), ("YES\n", True), (" y \n", True), ("n\n", False), ("\n", False), ("", False)],
)
def test_only_a_clear_yes_is_one(typed: str, agreed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    stream = io.StringIO()
    assert Talk(stream).confirm("Go ahead?", yes=False) is agreed
    assert stream.getvalue() == "Go ahead? [y/N] "


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_a_line_is_printable_whoever_wrote_what_it_says(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    evil = "\x1b]0;t\x07\u202e\nfake"
    talk = Talk(stream)
    talk.step(evil)
    talk.node(Verdict(node=evil, ok=True, text=evil))
    talk.note(evil)
    talk.lines([evil])
    talk.confirm(evil, yes=False)
    written = stream.getvalue()
    assert written.replace("\n", "").isprintable()
    assert "\nfake" not in written
    assert written.count("\\027]0;t\\007\\226\\128\\174\\010fake") == 6

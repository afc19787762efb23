"""The Prometheus text format, version 0.0.4, read for a few metrics only.

Owns the grammar of a sample line. What a sample means is not known here.

A page has the same series as the page before: of nearly every line only the number behind the last
space is new. So a `Reader` understands what stands before it once, and afterwards a line costs a
cut, one dictionary lookup and, if it is wanted, its number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

HEADS = 32768
"""Beginnings of lines that are remembered: those of some 60 different pages, about 8 MiB. Nodes of
one fleet have most of theirs in common."""

_PAIR = re.compile(
    r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(?:,[ \t]*|\Z)'
)
_TIMESTAMP = re.compile(r"-?[0-9]{1,19}")
_ESCAPE = re.compile(r'\\([\\"n])')

T = TypeVar("T")


class ExpositionError(ValueError):
    """The text is no exposition, or was cut off."""


class Sample(NamedTuple):
    """One line of an exposition. A tuple, because there are hundreds on each page."""

    name: str
    """Metric name."""
    labels: Mapping[str, str]
    """Label set."""
    value: float
    """Value; may be NaN or infinite."""


class Reader(Generic[T]):
    """Reads pages that are much alike.

    Args:
        wanted: the metric names to read.
        meaning: what a name and its label set stand for; called once for each that is remembered.
    """

    def __init__(
        self, wanted: Container[str], meaning: Callable[[str, Mapping[str, str]], T]
    ) -> None:
        self._wanted = wanted
        self._meaning = meaning
        self._known: dict[str, T | None] = {}

    def read(self, text: str) -> list[tuple[T, float]]:
        """Read the samples whose metric name is wanted, in the order of the text.

        Raises:
            ExpositionError: a wanted line cannot be read.
        """
        known = self._known
        found: list[tuple[T, float]] = []
        # Not splitlines(): a label value may hold any other line separator of Unicode.
        for line in text.split("\n"):
            head, _, number = line.rpartition(" ")
            try:
                meaning = known[head]
                if meaning is not None:
                    found.append((meaning, float(number)))
            except (KeyError, ValueError):
                # Never seen, or a timestamp behind a tab: by the grammar, then.
                self._learn(line, head, found)
        return found

    def _learn(self, line: str, head: str, found: list[tuple[T, float]]) -> None:
        """Read one line by the grammar, and remember its beginning where nothing else follows."""
        if len(self._known) >= HEADS:
            self._known.clear()
        sample = _sample(line, self._wanted)
        if sample is None:
            if head.strip():  # without a name it would stand for any line
                self._known[head] = None
            return
        (name, labels, value), bare = sample
        meaning = self._meaning(name, labels)
        if bare:
            self._known[head] = meaning
        found.append((meaning, value))


def parse(text: str, wanted: Container[str]) -> list[Sample]:
    """Read the samples of one page whose metric name is in `wanted`, in the order of the text.

    Raises:
        ExpositionError: a wanted line cannot be read.
    """
    reader = Reader(wanted, lambda name, labels: (name, labels))
    return [Sample(name, labels, value) for (name, labels), value in reader.read(text)]


def _sample(line: str, wanted: Container[str]) -> tuple[Sample, bool] | None:
    """Read a line, and whether all behind the last space is its value; None if not wanted."""
    brace = line.find("{")
    if brace < 0:
        name, *rest = line.split() or [""]
        labels = _NO_LABELS
    else:
        name = line[:brace].strip()
        close = line.rfind("}")
        rest = line[close + 1 :].split()
    if name not in wanted or (brace < 0 and not name):
        return None
    if brace >= 0:
        labels = _labels(line[brace + 1 : close]) if close > brace else _cut(line)
    return Sample(name, labels, _value(rest, line)), len(rest) == 1


_NO_LABELS: Mapping[str, str] = {}


def _value(fields: list[str], line: str) -> float:
    """Read value and, if it is there, the timestamp behind it."""
    try:
        if len(fields) == 2:  # noqa: PLR2004 - value and timestamp
            if not _TIMESTAMP.fullmatch(fields[1]):
                _cut(line)
        elif len(fields) != 1:
            _cut(line)
        return float(fields[0])
    except ValueError as error:
        raise ExpositionError(f"not a sample: {line[:120]!r}") from error


def _labels(text: str) -> Mapping[str, str]:
    labels: dict[str, str] = {}
    position = 0
    while position < len(text):
        pair = _PAIR.match(text, position)
        if pair is None:
            if not text[position:].strip():
                break
            _cut(text)
        else:
            labels[pair[1]] = _unescape(pair[2])
            position = pair.end()
    return labels


def _unescape(value: str) -> str:
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], value)


def _cut(line: str) -> Mapping[str, str]:
    raise ExpositionError(f"not a sample: {line[:120]!r}")

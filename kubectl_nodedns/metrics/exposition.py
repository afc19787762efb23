"""The Prometheus text format, version 0.0.4, read for a few metrics only.

Owns the grammar of a sample line. What a sample means is not known here. A line of a metric that
nobody wants costs one string search and one set lookup; label sets repeat from node to node and
from scrape to scrape, so each is parsed once.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

LABEL_SETS = 16384
"""Label sets kept parsed: those of some 50 different pages."""

_PAIR = re.compile(
    r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(?:,[ \t]*|\Z)'
)
_ESCAPE = re.compile(r'\\([\\"n])')


class ExpositionError(ValueError):
    """The text is no exposition, or was cut off."""


class Sample(NamedTuple):
    """One line of an exposition. A tuple, because there are hundreds on each page."""

    name: str
    """Metric name."""
    labels: Mapping[str, str]
    """Label set; shared between samples, so never to be changed."""
    value: float
    """Value; may be NaN or infinite."""


def parse(text: str, wanted: Container[str]) -> list[Sample]:
    """Read the samples whose metric name is in `wanted`, in the order of the text.

    Raises:
        ExpositionError: a wanted line cannot be read.
    """
    samples = []
    # Not splitlines(): a label value may hold any other line separator of Unicode.
    for line in text.split("\n"):
        brace = line.find("{")
        if brace < 0:
            fields = line.split()
            if not fields or fields[0] not in wanted:
                continue
            labels: Mapping[str, str] = _NO_LABELS
            rest = fields[1:]
        else:
            if line[:brace] not in wanted and line[:brace].strip() not in wanted:
                continue
            close = line.rfind("}")
            labels = _labels(line[brace + 1 : close]) if close > brace else _cut(line)
            rest = line[close + 1 :].split()
            fields = [line[:brace].strip()]
        samples.append(Sample(fields[0], labels, _value(rest, line)))
    return samples


_NO_LABELS: Mapping[str, str] = {}


def _value(fields: list[str], line: str) -> float:
    """Read value and, if it is there, the timestamp behind it."""
    try:
        if len(fields) == 2:  # noqa: PLR2004 - value and timestamp
            int(fields[1])
        elif len(fields) != 1:
            _cut(line)
        return float(fields[0])
    except ValueError as error:
        raise ExpositionError(f"not a sample: {line[:120]!r}") from error


@lru_cache(maxsize=LABEL_SETS)
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

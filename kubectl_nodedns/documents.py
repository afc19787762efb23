"""YAML and JSON that others wrote.

YAML is measured before anything is made of it: its aliases may make any number of values out of a
few lines, and its nesting may go deeper than Python's stack. Imports no room, so that every room
may use it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml

MOST = 20_000
"""Values that a text may hold, with its aliases written out."""
DEEPEST = 50
"""Lists and maps that may stand in one another."""
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")


class DocumentError(ValueError):
    """A text is no YAML or no JSON, or too much of it.

    Args:
        text: what is wrong.
        line: where, from 1; 0 where that is not known.
    """

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.line = line


def read_json(text: str | bytes) -> Any:
    """Read a document of JSON.

    Half a surrogate pair, which JSON can write as an escape and no other text can hold, is read as
    U+FFFD, as Go's decoder reads it.

    Raises:
        DocumentError: it is no JSON, nests too deep, or holds a number of too many digits.
    """
    try:
        read = text if isinstance(text, str) else text.decode(errors="replace")
        content = json.loads(read)
        if _ESCAPED.search(read):
            whole = json.dumps(content, ensure_ascii=False)
            content = json.loads(_HALF.sub("\N{REPLACEMENT CHARACTER}", whole))
    except RecursionError:
        raise DocumentError("it nests too deep") from None
    except ValueError as error:
        raise DocumentError(f"it is no JSON: {error}") from None
    return content


def compose(text: str) -> list[yaml.Node | None]:
    """Read every document of a text as nodes, with their places.

    Raises:
        DocumentError: it is no YAML, or holds too much.
    """
    import yaml  # noqa: PLC0415 - most documents are JSON

    _measure(text)
    try:
        return list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise _error(error) from error


def load(text: str) -> list[Any]:
    """Read every document of a text.

    Raises:
        DocumentError: it is no YAML, or holds too much.
    """
    import yaml  # noqa: PLC0415 - most documents are JSON

    _measure(text)
    try:
        return list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        raise _error(error) from error
    # What a scalar looks like and is not: a date of month 13, a number of too many digits.
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise DocumentError(f"a value cannot be read: {error}") from error


def _measure(text: str) -> None:
    """Count values as if each alias stood written out, without writing it out.

    Raises:
        DocumentError: there are more than `MOST`, they nest deeper than `DEEPEST`, or a text among
            them holds half a surrogate pair.
    """
    import yaml  # noqa: PLC0415 - most documents are JSON

    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []  # anchors of what is begun, and values before it
    values = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                # One that holds itself has no end.
                values += sizes.get(event.anchor or "", MOST + 1)
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, before = open_.pop()
                if anchor:
                    sizes[anchor] = values - before
            elif isinstance(event, yaml.NodeEvent):
                values += 1
                if isinstance(event, yaml.CollectionStartEvent):
                    open_.append((event.anchor, values - 1))
                elif isinstance(event, yaml.ScalarEvent) and _HALF.search(event.value):
                    raise DocumentError("a text holds a character that is none", _line(event))
                elif event.anchor:
                    sizes[event.anchor] = 1
            if values > MOST:
                raise DocumentError(f"it holds more than {MOST} values", _line(event))
            if len(open_) > DEEPEST:
                raise DocumentError(
                    f"lists and maps stand more than {DEEPEST} deep in it", _line(event)
                )
    except yaml.YAMLError as error:
        raise _error(error) from error


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _error(error: yaml.YAMLError) -> DocumentError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or error
    return DocumentError(f"it is not YAML: {problem}", mark.line + 1 if mark else 0)

"""The shape of a document of others: which field holds what. Pure.

Imports the standard library only, so that every room may use it.
"""

from __future__ import annotations

from typing import Any

ANY = "*"
"""Stands for every key of an object."""
_NAMES = {str: "text", bool: "true or false", int: "a whole number"}


class ShapeError(ValueError):
    """A value has another shape than its place is made for.

    Args:
        what: what it should be.
        where: the fields that lead there, from the inside out.
    """

    def __init__(self, what: str, *where: str) -> None:
        super().__init__(what)
        self.what = what
        self.where = ".".join(where)


def shaped(value: Any, shape: Any) -> Any:
    """Return a value without its nulls, if it has this shape.

    Args:
        value: the value.
        shape: a type, a list with the shape of each entry, or an object with that of each field;
            fields that are not named may hold anything.

    Raises:
        ShapeError: it has another.
    """
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise ShapeError("a list")
        return [_inside(f"entry {n}", one, shape[0]) for n, one in enumerate(value, 1)]
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            raise ShapeError("an object")
        there = {key: one for key, one in value.items() if one is not None}
        found = {}
        for number, (key, one) in enumerate(there.items(), 1):
            name = key if key in shape else f"entry {number}"  # other names may be secret
            inner = shape.get(key, shape.get(ANY))
            found[key] = one if inner is None else _inside(name, one, inner)
        return found
    if not isinstance(value, shape) or (shape is int and isinstance(value, bool)):
        raise ShapeError(_NAMES[shape])
    # What YAML can write as an escape, and no file, header or program takes.
    if isinstance(value, str) and ("\0" in value or not _encodes(value)):
        raise ShapeError("text: it holds a character that is none")
    return value


def _inside(name: str, value: Any, shape: Any) -> Any:
    try:
        return shaped(value, shape)
    except ShapeError as wrong:
        raise ShapeError(wrong.what, name, *filter(None, [wrong.where])) from None


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

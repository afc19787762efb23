"""Label selectors and field selectors, as the API server reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.demo.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Test = Callable[[Mapping[str, Any]], bool]

_SET = re.compile(r"^\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*$")
_PARTS = re.compile(r",(?![^(]*\))")


def selected(labels: str, fields: str) -> Test:
    """Return a test that tells whether an object is selected.

    Raises:
        Refusal: a selector cannot be read.
    """
    tests = [_label(part) for part in _PARTS.split(labels) if part.strip()]
    tests += [_field(part) for part in fields.split(",") if part.strip()]
    return lambda obj: all(test(obj) for test in tests)


def matches(selector: Mapping[str, str], labels: Mapping[str, str] | None) -> bool:
    """Whether labels carry every pair of a selector."""
    have = labels or {}
    return all(have.get(key) == value for key, value in selector.items())


def _label(part: str) -> Test:
    if found := _SET.match(part):
        key, operator, text = found.groups()
        values = {value.strip() for value in text.split(",")}
        if operator == "in":
            return lambda obj: _labels(obj).get(key) in values
        return lambda obj: _labels(obj).get(key) not in values
    part = part.strip()
    if "!=" in part:
        key, _, value = part.partition("!=")
        return lambda obj: _labels(obj).get(key) != value
    if "=" in part:
        key, _, value = part.replace("==", "=").partition("=")
        return lambda obj: _labels(obj).get(key) == value
    if part.startswith("!"):
        return lambda obj: part[1:] not in _labels(obj)
    if " " in part:
        raise Refusal(400, "BadRequest", f"unable to parse requirement: {part!r}")
    return lambda obj: part in _labels(obj)


def _field(part: str) -> Test:
    key, equals, value = part.replace("==", "=").partition("=")
    if not equals:
        raise Refusal(400, "BadRequest", f"invalid selector: {part!r}; can't understand {part!r}")
    unequal = key.endswith("!")
    path = key.rstrip("!").split(".")
    return lambda obj: (_at(obj, path) == value) is not unequal


def _labels(obj: Mapping[str, Any]) -> Mapping[str, str]:
    return obj["metadata"].get("labels") or {}


def _at(obj: Any, path: list[str]) -> str:
    for key in path:
        obj = (obj or {}).get(key)
    return str(obj or "")

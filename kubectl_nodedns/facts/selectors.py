"""Label selectors of Kubernetes: matchLabels and matchExpressions. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether `labels` meet a LabelSelector; an empty one is met by all."""
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(one, labels) for one in selector.get("matchExpressions") or ()
    )


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(expression["key"])
    values = expression.get("values") or ()
    operator = str(expression["operator"])
    if operator == "In":
        return value in values
    if operator == "NotIn":
        return value not in values
    return (value is None) == (operator == "DoesNotExist")

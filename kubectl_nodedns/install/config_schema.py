"""The JSON schema of a configuration file, for editors; made from the table of options."""

from __future__ import annotations

from typing import Any

from kubectl_nodedns.install.config_file import API_VERSION, KIND
from kubectl_nodedns.install.option_checks import EFFECTS
from kubectl_nodedns.install.option_table import ALL, NO, OPTIONS, Option

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
MAP = {"type": "object", "additionalProperties": TEXT}
TOLERATIONS = {
    "oneOf": [
        {"type": "string", "enum": [ALL, NO]},
        {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "key": TEXT,
                    "operator": {"type": "string", "enum": ["Equal", "Exists"]},
                    "value": TEXT,
                    "effect": {"type": "string", "enum": list(EFFECTS)},
                },
            },
        },
    ]
}
SHAPES: dict[str, dict[str, Any]] = {
    "switch": {"type": "boolean"},
    "names": TEXTS,
    "servers": TEXTS,
    "forward-options": TEXTS,
    "stub-domains": {"type": "object", "additionalProperties": TEXTS},
    "node-selector": MAP,
    "labels": MAP,
    "annotations": MAP,
    "tolerations": TOLERATIONS,
}
"""Shapes of the kinds that are not plain text."""


def config_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema, draft 7)."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": KIND,
        "description": "Options of kubectl nodedns enable --config",
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": {"type": "string", "const": API_VERSION},
            "kind": {"type": "string", "const": KIND},
            "metadata": {"type": "object"},
            "spec": {
                "type": ["object", "null"],
                "additionalProperties": False,
                "properties": {option.key: _property(option) for option in OPTIONS},
            },
        },
    }


def _property(option: Option) -> dict[str, Any]:
    found = dict(SHAPES.get(option.kind, TEXT))
    if option.kind == "number":
        found = {"type": "integer", "minimum": option.least, "maximum": option.most}
    if option.choices:
        found["enum"] = list(option.choices)
    found["description"] = option.text
    if option.default and "type" in found and found["type"] in ("string", "integer", "boolean"):
        found["default"] = _default(option, found["type"])
    return found


def _default(option: Option, kind: str) -> str | int | bool:
    text = option.default or ""
    if kind == "boolean":
        return text == "true"
    return int(text) if kind == "integer" else text

"""The JSON schema of a configuration file, for editors; made from the table of options."""

from __future__ import annotations

from typing import Any

from kubectl_nodedns.install.config_file import API_VERSION, KIND
from kubectl_nodedns.install.option_checks import KINDS
from kubectl_nodedns.install.option_forms import Form
from kubectl_nodedns.install.option_table import OPTIONS, Option


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
    form = KINDS[option.kind].form
    found = dict(form.schema)
    if form is Form.NUMBER:
        found |= {"minimum": option.least, "maximum": option.most}
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

"""The forms that a value has in a configuration file, each with its JSON schema.

On the command line and in the annotation every value is text; `option_checks.KINDS` says which form
each kind of option has in a file, and `config_file` reads it into that text.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.install.option_table import ALL, NO

if TYPE_CHECKING:
    from collections.abc import Mapping

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
"""Effects of taints."""


class Form(Enum):
    """What a value is in a file."""

    TEXT = "text"
    NUMBER = "number"
    SWITCH = "switch"
    LIST = "list"
    """Of texts; what joins them is the option's `joint`."""
    MAP = "map"
    """Of text to text."""
    LISTS = "lists"
    """A map of text to a list of texts."""
    TAINTS = "taints"
    """A list of tolerations in Kubernetes' own words, or a word for all or none."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """The JSON schema of such a value."""
        return _SCHEMAS[self]


_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_SCHEMAS: Mapping[Form, Mapping[str, Any]] = {
    Form.TEXT: _TEXT,
    Form.NUMBER: {"type": "integer"},
    Form.SWITCH: {"type": "boolean"},
    Form.LIST: _TEXTS,
    Form.MAP: {"type": "object", "additionalProperties": _TEXT},
    Form.LISTS: {"type": "object", "additionalProperties": _TEXTS},
    Form.TAINTS: {
        "oneOf": [
            {"type": "string", "enum": [ALL, NO]},
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "key": _TEXT,
                        "operator": {"type": "string", "enum": ["Equal", "Exists"]},
                        "value": _TEXT,
                        "effect": {"type": "string", "enum": list(EFFECTS)},
                    },
                },
            },
        ]
    },
}

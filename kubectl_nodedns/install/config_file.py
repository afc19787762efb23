"""A configuration file: the options of an installation as one YAML document, read strictly.

Every key that is not known, every value of a wrong kind and every key that stands twice is an error
with its line. Values become the same text as on the command line and go through the same checks.
The JSON schema for editors is made of the same table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from kubectl_nodedns.documents import DocumentError, compose
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.install.option_checks import KINDS, check, pairs_text
from kubectl_nodedns.install.option_forms import Form
from kubectl_nodedns.install.option_table import ALL, BY_KEY, NO, OPTIONS, Option

if TYPE_CHECKING:
    from collections.abc import Iterator

API_VERSION = "nodedns/v1alpha1"
KIND = "NodeDNSConfiguration"
TAINT = ("key", "operator", "value", "effect")
"""What a toleration in a file may say, in Kubernetes' own words."""


def read_config(text: str, *, name: str) -> dict[str, str]:
    """Read a configuration file.

    Args:
        text: its content.
        name: what to call it in an error.

    Returns:
        The options that it gives, by their names, in canonical form.

    Raises:
        UsageError: it is not such a file; the message names the line and the key.
    """
    try:
        documents = compose(text)
    except DocumentError as error:
        line = f"{name}:{error.line}" if error.line else name
        raise UsageError(f"--config: {line}: {error}") from error
    if len(documents) != 1 or documents[0] is None:
        raise UsageError(
            f"--config: {name}: it holds {len(documents)} documents, and one is expected",
            hint=_example(),
        )
    return _File(name).read(documents[0])


class _File:
    """One file; knows its name for errors."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read(self, root: yaml.Node) -> dict[str, str]:
        found: dict[str, str] = {}
        top = dict(self._entries(root, ""))
        for key, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
            value = top.get(key)
            if value is None or value.value != wanted:
                raise self._error(value or root, f"{key} must be {wanted}", hint=_example())
        for key, node in top.items():
            if key not in ("apiVersion", "kind", "metadata", "spec"):
                raise self._error(node, f"unknown key {key}", hint="there is: spec")
        spec = top.get("spec")
        if spec is None or _empty(spec):
            return found
        for key, node in self._entries(spec, "spec"):
            option = BY_KEY.get(key)
            if option is None:
                known = ", ".join(sorted(BY_KEY))
                raise self._error(node, f"unknown key spec.{key}", hint=f"there are: {known}")
            if not _empty(node):
                found[option.name] = self._value(option, node)
        return found

    def _value(self, option: Option, node: yaml.Node) -> str:
        path = f"spec.{option.key}"
        try:
            return check(option.name, self._text(option, node, path))
        except UsageError as error:
            said = str(error).removeprefix(f"--{option.name}: ")
            if said.startswith("--config"):
                raise
            raise self._error(node, f"{path}: {said}", hint=error.hint) from error

    def _text(self, option: Option, node: yaml.Node, path: str) -> str:
        form = KINDS[option.kind].form
        if form is Form.LIST:
            return option.joint.join(self._list(node, path)) or NO
        if form is Form.MAP:
            entries = self._entries(node, path)
            return pairs_text({k: self._scalar(v, f"{path}.{k}") for k, v in entries})
        if form is Form.LISTS:
            domains = self._entries(node, path)
            lists = (f"{k}={','.join(self._list(v, f'{path}.{k}'))}" for k, v in domains)
            return option.joint.join(lists) or NO
        if form is Form.TAINTS:
            if isinstance(node, yaml.ScalarNode) and node.value in (ALL, NO):
                return str(node.value)
            return option.joint.join(self._taints(node, path)) or NO
        return self._scalar(node, path)

    def _taints(self, node: yaml.Node, path: str) -> Iterator[str]:
        for number, item in enumerate(self._items(node, path)):
            here = f"{path}[{number}]"
            parts = {k: self._scalar(v, f"{here}.{k}") for k, v in self._entries(item, here)}
            if unknown := [key for key in parts if key not in TAINT]:
                raise self._error(
                    item, f"unknown key {here}.{unknown[0]}", hint=f"there are: {', '.join(TAINT)}"
                )
            operator = parts.get("operator", "Equal")
            if operator not in ("Equal", "Exists"):
                raise self._error(item, f"{here}.operator is neither Equal nor Exists")
            value = f"={parts.get('value', '')}" if operator == "Equal" else ""
            effect = f":{parts['effect']}" if parts.get("effect") else ""
            if not parts.get("key") and not effect:
                yield ALL
            else:
                yield f"{parts.get('key', '')}{value}{effect}"

    def _list(self, node: yaml.Node, path: str) -> list[str]:
        items = self._items(node, path)
        return [self._scalar(item, f"{path}[{number}]") for number, item in enumerate(items)]

    def _items(self, node: yaml.Node, path: str) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, f"{path} is not a list")
        return list(node.value)

    def _entries(self, node: yaml.Node, path: str) -> Iterator[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, f"{path or 'the document'} is not a map")
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._error(key, f"a key of {path or 'the document'} is not a single value")
            if key.value in seen:
                raise self._error(key, f"{f'{path}.' if path else ''}{key.value} stands twice")
            seen.add(key.value)
            yield key.value, value

    def _scalar(self, node: yaml.Node, path: str) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, f"{path} is not a single value")
        return str(node.value)

    def _error(self, node: yaml.Node, text: str, *, hint: str = "") -> UsageError:
        return UsageError(f"--config: {self._name}:{node.start_mark.line + 1}: {text}", hint=hint)


def _empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _example() -> str:
    return f"it begins with:\napiVersion: {API_VERSION}\nkind: {KIND}\nspec: {{}}"


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

"""Standard output: lines for people, and data in the formats of kubectl.

Nothing else writes there. A line is printable text, whoever wrote what it says; in JSON and YAML
what is not printable is escaped, so that a program reads it as it was.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kubectl_nodedns.verdict import Gap, Verdict

TAB = "\t"


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of text; a line end within one does not end it."""
    sys.stdout.write("".join(f"{printable(line, keep=TAB)}\n" for line in lines))
    sys.stdout.flush()


def print_objects(objects: Sequence[Mapping[str, Any]], output: str, *, mark: str = "") -> None:
    """Print Kubernetes objects: YAML documents, or one JSON List, as kubectl prints them.

    Args:
        objects: the objects.
        output: json or yaml.
        mark: a line to put above YAML, so that it stays with it; JSON has no place for it.
    """
    if output == "json":
        print_data({"apiVersion": "v1", "kind": "List", "items": list(objects)}, output)
        return
    if mark:
        print_lines([f"# {mark}"])
    print_documents(objects)


def print_outcome(
    result: str,
    text: str,
    verdicts: Sequence[Verdict],
    unproved: Mapping[str, str],
    output: str | None,
    *,
    gaps: Sequence[Gap] = (),
) -> None:
    """Print how a run ended: a line, or with -o an object with a verdict for each node.

    A node whose clients were without an answer for a while has a gap beside its verdict.
    """
    if output is None:
        print_lines([text])
        return
    nodes: list[dict[str, Any]] = [
        {"node": v.node, "proved": v.ok, "detail": v.text} for v in verdicts
    ]
    measured = {gap.node: gap for gap in gaps}
    for entry in nodes:
        if gap := measured.get(entry["node"]):
            entry["gap"] = {"milliseconds": gap.longest, "lost": gap.lost, "sent": gap.sent}
    nodes += [{"node": node, "proved": False, "detail": why} for node, why in unproved.items()]
    print_data({"result": result, "message": text, "nodes": nodes}, output)


def print_data(data: Any, output: str) -> None:
    """Print plain data as JSON or YAML."""
    if output == "json":
        _write(_json(data, indent=2))
    else:
        _write(_yaml(data))


def print_json_line(data: Any) -> None:
    """Print plain data as a line of JSON of its own."""
    _write(_json(data, separators=(",", ":")))


def print_documents(documents: Iterable[Any], *, explicit_start: bool = False) -> None:
    """Print YAML documents.

    Args:
        documents: plain data, a document each.
        explicit_start: whether the first has a line above it too, as in a stream that goes on.
    """
    _write("---\n" * explicit_start + "---\n".join(map(_yaml, documents)))


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _json(data: Any, **layout: Any) -> str:
    import json  # noqa: PLC0415 - not before it is needed

    text = json.dumps(data, ensure_ascii=False, **layout)
    if not text.replace("\n", "").isprintable():
        text = json.dumps(data, **layout)
    return f"{text}\n"


def _yaml(data: Any) -> str:
    import yaml  # noqa: PLC0415 - not before it is needed

    class Dumper(yaml.SafeDumper):
        """Writes texts of several lines, such as a Corefile, as blocks; and no anchors.

        People commit such files, and read them: what stands twice is written twice.
        """

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML asks this way
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    written = str(yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True))
    if not written.replace("\n", "").isprintable():
        written = str(yaml.dump(data, Dumper=Dumper, sort_keys=False))
    return written

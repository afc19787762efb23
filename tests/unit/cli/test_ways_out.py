"""There is one way to standard output, and one to standard error, and text passes it printable."""

from __future__ import annotations

import ast
from pathlib import Path

import kubectl_nodedns

ROOT = Path(kubectl_nodedns.__file__).parent
WAYS = {"cli/output.py", "cli/streams.py"}
"""Where the streams are written to; `Talk` writes to the one that it is handed."""
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}


def writes(tree: ast.AST) -> list[str]:
    """Return what a module does to write to a stream by itself."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func
        if isinstance(name, ast.Name) and name.id == "print":
            found.append("print")
        if isinstance(name, ast.Attribute):
            on = name.value
            if (
                isinstance(on, ast.Attribute)
                and on.attr in STREAMS
                and name.attr in {"write", "writelines"}
            ):
                found.append(f"{on.attr}.{name.attr}")
    return found


def test_nothing_else_writes_to_a_stream() -> None:
    found = {
        str(path.relative_to(ROOT)): did
        for path in ROOT.rglob("*.py")
        if (did := writes(ast.parse(path.read_text())))
    }
    # A text of our own, before the screen opens.
    assert found.pop("commands/demo.py") == ["stderr.write"]
    assert set(found) == WAYS

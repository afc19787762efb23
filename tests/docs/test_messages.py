"""The messages that docs/troubleshooting.md explains are messages of the program."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.docs.documents import ROOT

FILE = ROOT / "docs" / "troubleshooting.md"
FOREIGN = (
    "ErrImagePull",
    "ImagePullBackOff",
    "violates PodSecurity",
    "exceeded quota",
    "admission webhook",
    "Unschedulable",
    "SERVFAIL",
    "pods/proxy",
    "is forbidden",
    "Apply failed with",
)
"""Words of Kubernetes, kubelets and dig."""
SHORT = 6
"""Characters below which a piece says nothing."""


@cache
def texts() -> str:
    """Return all strings of the program, with … for what is filled in."""
    found = []
    for path in (ROOT / "kubectl_nodedns").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
                found.append("".join(map(str, parts)))
    return "\n".join(found)


def messages() -> list[str]:
    """Return the messages in the first column of every table."""
    rows = re.findall(r"^\| (.*?) \|", FILE.read_text(), re.MULTILINE)
    return [message for row in rows for message in re.findall(r"`([^`]+)`", row)]


def test_there_are_messages() -> None:
    assert len(messages()) > 40


def test_every_message_is_one_of_the_program() -> None:
    unknown = []
    for message in messages():
        if any(words in message for words in FOREIGN):
            continue
        pieces = (p.strip(" :;,()") for p in message.split("…"))
        missing = [p for p in pieces if len(p) >= SHORT and p not in texts()]
        unknown += [f"{message}: {piece}" for piece in missing]
    assert not unknown, "\n".join(unknown)

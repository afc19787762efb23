"""The documents of this repository, and what the tests read from them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_PROMPT = re.compile(r"^(\$ )?(kubectl nodedns|kubectl-nodedns)(\s|$)")


def documents() -> list[Path]:
    """Return every Markdown file that a reader may open."""
    top = ROOT.glob("*.md")
    return sorted([*top, *(ROOT / "docs").rglob("*.md"), *(ROOT / "manifests").rglob("*.md")])


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", text), re.MULTILINE)
    bare = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in bare}


def links(text: str) -> list[str]:
    """Return the targets of all links that stay in this repository."""
    found = re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", text))
    return [target for target in found if "://" not in target]


def block_lines(text: str) -> list[str]:
    """Return the lines of indented blocks, joined where a backslash ends them."""
    joined = re.sub(r"\\\n\s+", "", text)
    return [line.strip() for line in joined.splitlines() if line.startswith("    ")]


def inline_code(text: str) -> list[str]:
    """Return what stands between backticks in the running text; line ends are spaces."""
    flat = re.sub(r"\s*\n\s*", " ", _FENCE.sub("", text))
    return re.findall(r"`([^`]+)`", flat)


def plugin_commands(text: str) -> list[str]:
    """Return what follows `kubectl nodedns` in every block and inline, without comments."""
    found = []
    for line in (*block_lines(text), *inline_code(text)):
        if _PROMPT.match(line):
            command = line.partition("#")[0].strip()
            found.append(_PROMPT.sub("", command).strip())
    return found

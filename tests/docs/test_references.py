"""Links, commands, options, targets and tests that the documents name exist."""

from __future__ import annotations

import argparse
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.cli.parser import build_parser
from kubectl_nodedns.errors import Exit
from tests.cluster import cli as cluster_cli
from tests.docs.documents import (
    ROOT,
    anchors,
    block_lines,
    documents,
    inline_code,
    links,
    name_of,
    plugin_commands,
)

if TYPE_CHECKING:
    from pathlib import Path

PLACEHOLDER = re.compile(r"^[A-Z][A-Z/=,.…]*$|…")
FOREIGN_OPTIONS = {
    "--as",  # kubectl's, and ours
    "--as-user",
    "--config",  # kube-proxy's
    "--keep-cluster",
    "--proxy-mode",
    "--kubeconfig-e2e",
    "--tool-image",
    "--dir",
    "--nodes",
    "--generate-hashes",
    "--require-hashes",
    "--universal",
}
"""Options of pytest, pip, uv and the test cluster, that stand alone in the text."""

each_document = pytest.mark.parametrize("path", documents(), ids=name_of)


def parsers() -> dict[str, argparse.ArgumentParser]:
    whole = build_parser("kubectl-nodedns")
    for action in whole._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("the parser has no commands")


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings}


@each_document
def test_links_lead_to_files_and_headings(path: Path) -> None:
    for target in links(path.read_text()):
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), f"{target}: no such file"
        if anchor:
            assert anchor in anchors(found.read_text()), f"{target}: no such heading"


@each_document
def test_what_goes_into_a_json_file_is_asked_for_as_json(path: Path) -> None:
    for text in plugin_commands(path.read_text()):
        if re.search(r"> \S+\.json$", text):
            assert re.search(r"(-o|--output)[ =]?json", text), f"kubectl nodedns {text}"


@each_document
def test_commands_of_the_plugin_can_be_parsed(path: Path) -> None:
    known = parsers()
    for text in plugin_commands(path.read_text()):
        words = [word for word in shlex.split(text) if word != "…"]
        for shell in ("|", ">"):
            words = words[: words.index(shell)] if shell in words else words
        if not words or PLACEHOLDER.search(words[0]):
            continue
        assert words[0] in known or words[0].startswith("-"), f"kubectl nodedns {text}"
        try:
            build_parser().parse_args(words)
        except SystemExit as end:
            assert end.code in (0, None), f"kubectl nodedns {text}"  # noqa: PT017


@each_document
def test_options_that_are_named_exist(path: Path) -> None:
    known = FOREIGN_OPTIONS | {option for p in parsers().values() for option in options_of(p)}
    for code in inline_code(path.read_text()):
        if code.startswith("--"):
            option = re.split(r"[ =:]", code)[0]
            assert option in known, code


@each_document
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = path.read_text()
    for code in (*block_lines(text), *inline_code(text)):
        if found := re.match(r"make ([a-z0-9-]+)", code):
            assert found[1] in targets, code


@each_document
def test_commands_of_the_test_cluster_can_be_parsed(path: Path) -> None:
    text = path.read_text()
    for code in (*block_lines(text), *inline_code(text)):
        if found := re.search(r"python -m tests\.cluster ([^#)]*)", code):
            options = cluster_cli.parser().parse_args(shlex.split(found[1]))
            assert callable(options.action)


@each_document
def test_files_and_tests_that_are_named_exist(path: Path) -> None:
    text = path.read_text()
    sources = "".join(p.read_text() for p in (ROOT / "tests").rglob("test_*.py"))
    for code in (*block_lines(text), *inline_code(text)):
        for file in re.findall(
            r"\b(?:tests|scripts|benchmarks|docs|kubectl_nodedns)/[\w./-]+", code
        ):
            assert (ROOT / file.rstrip(".")).exists(), f"{code}: no such file"
        for test in re.findall(r"\btest_\w{12,}", code):
            assert f"def {test}(" in sources or f"{test}.py" in code, f"{code}: no such test"


def test_the_readme_lists_every_exit_code() -> None:
    table = re.findall(r"^\| (\d+) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert [int(code) for code in table] == sorted(int(code) for code in Exit)


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert sorted(links((folder / "README.md").read_text())) == records
    numbers = [int(name[:4]) for name in records]
    assert len(set(numbers)) == len(numbers)
    for number, name in zip(numbers, records, strict=True):
        text = (folder / name).read_text()
        assert text.startswith(f"# {number}. "), name
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in text, f"{name}: no {part}"

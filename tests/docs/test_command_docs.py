"""docs/commands/ says what the program itself says."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from tests.docs.documents import ROOT

if TYPE_CHECKING:
    from types import ModuleType


def generator() -> ModuleType:
    path = ROOT / "scripts" / "write_command_docs.py"
    spec = importlib.util.spec_from_file_location("write_command_docs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_of_commands_are_up_to_date() -> None:
    module = generator()
    wanted = module.pages()
    found = {path.name: path.read_text() for path in module.FOLDER.glob("*.md")}
    stale = sorted(
        name for name in {*wanted, *found} if found.get(name, "") != wanted.get(name, "")
    )
    assert not stale, f"out of date: {', '.join(stale)}; write them with: {module.COMMAND}"


def test_every_option_of_every_command_is_on_its_page() -> None:
    module = generator()
    for name, parser in module.commands_of(module.build_parser()).items():
        page = (module.FOLDER / f"{name}.md").read_text()
        for action in parser._actions:
            for option in action.option_strings:
                assert option in page, f"{name}: {option}"

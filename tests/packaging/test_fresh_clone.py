"""The README's first command, on a clone that has nothing but what git holds."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.terminal import Terminal
from tests.packaging.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 400.0
"""Seconds that dependencies may take to be installed, and the cache to be enabled."""


def test_make_demo_on_a_fresh_clone_shows_the_screen_and_leaves(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("these sources are no clone")
    words = ("git", "clone", "--quiet", str(ROOT), str(tmp_path / "clone"))
    subprocess.run(words, check=True, cwd=tmp_path)
    # Compiling all of every dependency takes longer than installing it; here it runs only once.
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "KUBE", "VIRTUAL"))}
    command = ["make", "-C", str(tmp_path / "clone"), "demo", f"PYTHON={sys.executable}"]
    command += ["DEMO_ARGS=--nodes 3 --speed 4 --fault none"]
    environment = {**kept, "NO_COLOR": "1", "PIP_NO_COMPILE": "1"}
    with Terminal(command, environment, columns=110, lines=40) as screen:
        screen.see("press enter to open the screen", patience=PATIENCE)
        screen.type("\r")
        assert "nodedns · demo" in screen.see("ready 3")
        screen.type("q")
        screen.see("disabled: 3 of 3 nodes proved clean", patience=PATIENCE)
        assert screen.end() == 0, screen.text

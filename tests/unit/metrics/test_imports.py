from __future__ import annotations

import subprocess
import sys

import pytest

CHECK = """
import importlib, pkgutil, sys
import kubectl_nodedns.metrics as room
for module in pkgutil.iter_modules(room.__path__):
    importlib.import_module(f"kubectl_nodedns.metrics.{module.name}")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def imported() -> list[str]:
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_check_sees_imports(imported: list[str]) -> None:
    assert "kubectl_nodedns" in imported
    assert "asyncio" in imported


@pytest.mark.parametrize("heavy", ["textual", "rich", "kubernetes", "aiohttp", "dns", "yaml"])
def test_metrics_can_be_used_without(imported: list[str], heavy: str) -> None:
    assert heavy not in imported


def test_a_printed_table_needs_no_textual() -> None:
    check = "import sys, kubectl_nodedns.commands.top; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert "kubectl_nodedns.metrics.monitor" in done.stdout.split()
    assert "textual" not in done.stdout.split()

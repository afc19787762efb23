"""What the README shows of the program has the form of what the program prints today."""

from __future__ import annotations

from kubectl_nodedns.bench import report as bench
from kubectl_nodedns.bench.claims import claims
from kubectl_nodedns.errors import Exit
from kubectl_nodedns.metrics.columns import BY_KEY
from kubectl_nodedns.metrics.report import summary, table
from tests.docs.documents import ROOT
from tests.unit.bench.runs import run
from tests.unit.metrics.fleets import mixed

LINES = [line.strip() for line in (ROOT / "README.md").read_text().splitlines()]


def the_line(start: str) -> str:
    """The one line that starts so."""
    [line] = [line for line in LINES if line.startswith(start)]
    return line


def test_the_table_of_top_has_its_columns_and_the_line_below_it_all_its_parts() -> None:
    header = table(mixed(), wide=False, sort_by=BY_KEY["node"])[0]
    assert the_line("NODE    POD").split() == header.split()
    parts = summary(mixed())[0].split(", ")
    assert len(the_line("3 of 3 nodes ready, ").split(", ")) == len(parts)


def test_the_table_of_bench_has_its_columns_and_each_claim_its_line() -> None:
    assert the_line("ADDRESS ").split() == " ".join(bench.HEADER).split()
    for claim in claims(run()):
        assert the_line(f"{claim.title}  ")


def test_every_exit_code_has_its_row() -> None:
    codes = [line.split("|")[1].strip() for line in LINES if line.startswith("|")]
    assert [int(code) for code in codes if code.isdigit()] == sorted(Exit)

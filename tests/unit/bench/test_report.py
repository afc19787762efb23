from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.bench.report import pair_notes, pair_rows, plot_lines, rows, wide_rows
from kubectl_nodedns.cli.parser import build_parser
from kubectl_nodedns.commands import bench
from kubectl_nodedns.errors import Exit, UsageError
from tests.unit.bench.runs import INTERCEPTED, LOCAL, PLAIN, UPSTREAM, counted, run, series

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

BEFORE = run(series(PLAIN, [400] * 10), counts=[counted(series(PLAIN, [1]), coredns_udp=10)])
AFTER = run(
    series(LOCAL, [90] * 10),
    series(INTERCEPTED, [100] * 9, lost=1),
    counts=[counted(series(INTERCEPTED, [1]), coredns_tcp=2)],
)


def arguments(*words: str) -> Namespace:
    return build_parser().parse_args(["bench", *words])


def kept(folder: Path) -> list[str]:
    import json

    files = []
    for name, result in (("before", BEFORE), ("after", AFTER)):
        file = folder / f"{name}.json"
        file.write_text(json.dumps(result.as_json()))
        files.append(str(file))
    return files


def test_a_row_tells_address_answerer_losses_and_times() -> None:
    assert rows(AFTER)[1] == (
        *("kube-dns", "10.96.0.10", "udp", "cache", "10", "1", "0", "5.0"),
        *("100", "100", "100", "100"),
    )
    assert rows(run(series(UPSTREAM, [], lost=2)))[0][-4:] == ("–",) * 4


def test_wide_has_a_row_for_each_name_on_each_node() -> None:
    found = wide_rows(run(series(LOCAL, [1, 9, 1, 9]), series(LOCAL, [5], node="node2")))
    assert [row[:2] for row in found] == [
        ("node1", "cluster"), ("node1", "missing"), ("node2", "cluster"),
    ]  # fmt: skip
    assert found[1][-1] == "9"


def test_two_runs_are_laid_side_by_side_by_address() -> None:
    pairs = {row[:2]: row[2:] for row in pair_rows(BEFORE, AFTER)}
    assert pairs["kube-dns", "udp"] == (
        *("CoreDNS → cache", "0 of 10 → 1 of 10", "400 → 100", "400 → 100", "400 → 100"),
        *("400 → 100", "-75 %", "10 → 2"),
    )
    assert pairs["local", "udp"][0] == "– → cache"


def test_runs_that_cannot_be_compared_fairly_are_said_to_differ() -> None:
    from dataclasses import replace

    other = replace(AFTER, options={**AFTER.options, "rate": 7}, place={"machines": []})
    assert pair_notes(BEFORE, AFTER) == []
    assert pair_notes(BEFORE, other) == [
        "the runs differ in their rate",
        "the runs were made on different machines",
    ]


def test_all_lines_of_a_plot_share_one_axis() -> None:
    lines = plot_lines({"before": BEFORE, "after": AFTER}, blocks=True)
    assert [line.split("  ")[0] for line in lines[:-1]] == [
        "before kube-dns udp",
        "after local udp",
        "after kube-dns udp",
    ]
    assert lines[0].rstrip().endswith("█")
    assert plot_lines({"": run()}, blocks=True) == []


def test_compare_prints_both_runs_and_asks_no_cluster(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = kept(tmp_path)
    assert bench.run(arguments("--compare", *files)) == Exit.OK
    text = capsys.readouterr().out
    assert "CoreDNS → cache" in text
    assert "node1: 2 CPUs" in text
    assert bench.run(arguments("--compare", *files, "--ascii")) == Exit.OK
    plain = capsys.readouterr().out
    assert plain.isascii()
    assert "CoreDNS -> cache" in plain


def test_compare_as_json_has_both_documents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    assert bench.run(arguments("--compare", *kept(tmp_path), "-o", "json")) == Exit.OK
    both = json.loads(capsys.readouterr().out)
    assert both["before"] == json.loads(json.dumps(BEFORE.as_json()))
    assert both["pairs"][0]["p99_microseconds"] == "400 → 100"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--compare", "a", "b", "--against", "c"], "--compare names two runs"),
        (["--compare", "missing", "missing"], "missing cannot be read"),
        (["--against", "missing"], "missing cannot be read"),
        (["--names", "missing"], "missing cannot be read"),
        (["--duration", "0"], "--duration"),
        (["--duration", "2h"], "--duration"),
        (["--node", "a", "-l", "b=c"], "--node and -l"),
        (["--probe-namespace", "kube-system"], "never run in kube-system"),
        (["--external-name", "a..b"], "--external-name"),
    ],
)
def test_options_are_checked_before_anything_is_asked(words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        bench.run(arguments(*words))


@pytest.mark.parametrize("words", [["--rate", "1001"], ["--rate", "0"], ["--count", "-1"]])
def test_a_load_beyond_reason_is_a_usage_error(words: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        arguments(*words)
    assert caught.value.code == Exit.USAGE

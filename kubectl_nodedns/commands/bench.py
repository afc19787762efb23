"""`kubectl nodedns bench`: ask the same names with the cache and without it, and compare."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_nodedns.bench.claims import claims
from kubectl_nodedns.bench.names import Name, read_names
from kubectl_nodedns.bench.plot import ascii_only
from kubectl_nodedns.bench.report import (
    HEADER,
    LEFT,
    PAIR_HEADER,
    PAIR_LEFT,
    WIDE,
    claim_lines,
    pair_notes,
    pair_rows,
    place_lines,
    plot_lines,
    rows,
    wide_rows,
)
from kubectl_nodedns.bench.result import Result, read_result
from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_lines
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.cluster.access import duration
from kubectl_nodedns.commands.bench_plan import Load, Wanted
from kubectl_nodedns.commands.bench_run import measure
from kubectl_nodedns.commands.given import access_options, installation_options, probe_options
from kubectl_nodedns.commands.session import connect, make_probes
from kubectl_nodedns.errors import Exit, UsageError
from kubectl_nodedns.files import read_text
from kubectl_nodedns.metrics.table import render

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

NAMES_FILE = 256 * 1024
"""Bytes of a file of names: 200 of the longest ones, with comments."""
RESULT_FILE = 256 * 2**20
"""Bytes of a run that was kept: millions of lookups."""
LONGEST = 600.0
"""Seconds that a series may take; probes do not live much longer."""


def run(arguments: argparse.Namespace) -> int:
    """Measure, or lay two runs that were kept side by side."""
    if arguments.compare:
        if arguments.against:
            raise UsageError("--compare names two runs already; leave --against out")
        before, after = (_read(file, "--compare") for file in arguments.compare)
        _print_pair(before, after, arguments)
        return Exit.OK
    wanted = _wanted(arguments)
    earlier = _read(arguments.against, "--against") if arguments.against else None
    return run_on_loop(_bench(arguments, wanted, earlier))


def _wanted(arguments: argparse.Namespace) -> Wanted:
    """Check the options before anything is asked.

    Raises:
        UsageError: one cannot be used.
    """
    given = installation_options(arguments)
    probe_options(arguments)
    seconds = duration(arguments.duration, option="--duration")
    if not seconds or seconds > LONGEST:
        raise UsageError(f"--duration: above 0 and at most {LONGEST:.0f} s")
    if arguments.nodes and arguments.selector:
        raise UsageError("--node and -l both choose nodes; give one of them")
    names: tuple[Name, ...] = ()
    if arguments.names:
        names = tuple(
            read_names(
                read_text(arguments.names, option="--names", most=NAMES_FILE), file=arguments.names
            )
        )
    return Wanted(
        given=given,
        nodes=tuple(arguments.nodes or ()),
        selector=arguments.selector or "",
        names=names,
        load=Load(rate=arguments.rate, count=arguments.count, seconds=seconds),
        yes=arguments.yes,
    )


def _read(file: str, option: str) -> Result:
    return read_result(read_text(file, option=option, most=RESULT_FILE), file=file)


async def _bench(arguments: argparse.Namespace, wanted: Wanted, earlier: Result | None) -> int:
    talk = Talk()
    async with (
        connect(access_options(arguments)) as client,
        make_probes(client, probe_options(arguments)) as probes,
        make_probes(client, probe_options(arguments), host_network=True) as host_probes,
    ):
        done = await measure(
            client, probes, host_probes if arguments.host_probe else None, wanted, talk
        )
    if done is None:
        talk.note("nothing was done")
        return Exit.OK
    result, missing = done
    if earlier is not None:
        _print_pair(earlier, result, arguments)
    else:
        _print(result, arguments)
    if missing:
        return Exit.PARTIAL
    bad = any(series.lost or series.failed for series in result.series)
    return Exit.FINDING if bad else Exit.OK


def _print(result: Result, arguments: argparse.Namespace) -> None:
    if arguments.output == "json":
        found = [claim.as_json() for claim in claims(result)]
        print_data({**result.as_json(), "claims": found}, "json")
        return
    wide = arguments.output == "wide"
    plain = _plain(arguments)
    table = render(HEADER, rows(result), LEFT)
    lines = [*place_lines(result), "", *table, ""]
    if wide:
        left = (True,) * len(WIDE) + LEFT
        lines += [*render((*WIDE, *HEADER), wide_rows(result), left), ""]
    lines += ["how many lookups took how long", *plot_lines({"": result}, blocks=not plain), ""]
    if wide:
        drawn = plot_lines({"": result}, blocks=not plain, cdf=True)
        lines += ["how large a share was done by then", *drawn, ""]
    lines += claim_lines(result)
    lines += [f"note: {note}" for note in result.notes]
    _print_lines(lines, plain=plain)


def _print_pair(before: Result, after: Result, arguments: argparse.Namespace) -> None:
    if arguments.output == "json":
        header = [name.lower().replace(" µs", "_microseconds") for name in PAIR_HEADER]
        pairs = [dict(zip(header, row, strict=True)) for row in pair_rows(before, after)]
        both = {"before": before.as_json(), "after": after.as_json(), "pairs": pairs}
        print_data(both, "json")
        return
    plain = _plain(arguments)
    lines = []
    for title, result in (("before", before), ("after", after)):
        lines += [title, *(f"  {line}" for line in place_lines(result)), ""]
    lines += [*render(PAIR_HEADER, pair_rows(before, after), PAIR_LEFT), ""]
    drawn = plot_lines({"before": before, "after": after}, blocks=not plain)
    lines += ["how many lookups took how long", *drawn, ""]
    lines += [f"note: {note}" for note in pair_notes(before, after)]
    _print_lines(lines, plain=plain)


def _plain(arguments: argparse.Namespace) -> bool:
    """Whether to print ASCII alone: asked for, or standard output takes nothing else."""
    try:
        "▁█µ→".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return bool(arguments.ascii)


def _print_lines(lines: Iterable[str], *, plain: bool) -> None:
    text = "\n".join(lines).rstrip()
    print_lines((ascii_only(text) if plain else text).split("\n"))

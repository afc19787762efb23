"""`kubectl nodedns bench`: ask the same names with the cache and without it, and compare."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_nodedns.bench.plan import BenchRequest, Load, Name, read_names
from kubectl_nodedns.bench.report import Format, pair_json, pair_lines, run_json, run_lines
from kubectl_nodedns.bench.result import Result, read_result
from kubectl_nodedns.bench.run import measure
from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_lines
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.cluster.access import duration
from kubectl_nodedns.commands.given import access_options, installation_options, probe_options
from kubectl_nodedns.commands.session import connect, make_probes
from kubectl_nodedns.errors import Exit, UsageError
from kubectl_nodedns.files import read_text

if TYPE_CHECKING:
    import argparse

NAMES_FILE = 256 * 1024
"""Bytes of a file of names: 200 of the longest ones, with comments."""
RESULT_FILE = 256 * 2**20
"""Bytes of a run that was kept: millions of lookups."""
LONGEST = 600.0
"""Seconds that a series may take; probes do not live much longer."""


def run(arguments: argparse.Namespace) -> int:
    """Measure, or lay two runs that were kept side by side."""
    shown = Format(output=arguments.output or "table", plain=arguments.ascii or _lacks_signs())
    if arguments.compare:
        if arguments.against:
            raise UsageError("--compare names two runs already; leave --against out")
        before, after = (_read(file, "--compare") for file in arguments.compare)
        _print_pair(before, after, shown)
        return Exit.OK
    request = read_request(arguments)
    earlier = _read(arguments.against, "--against") if arguments.against else None
    return run_on_loop(_bench(request, earlier, shown))


def read_request(arguments: argparse.Namespace) -> BenchRequest:
    """Check the options before anything is asked.

    Raises:
        UsageError: one cannot be used.
    """
    given = installation_options(arguments)
    probes = probe_options(arguments)
    seconds = duration(arguments.duration, option="--duration")
    if not seconds or seconds > LONGEST:
        raise UsageError(f"--duration: above 0 and at most {LONGEST:.0f} s")
    if arguments.nodes and arguments.selector:
        raise UsageError("--node and -l both choose nodes; give one of them")
    names: tuple[Name, ...] = ()
    if arguments.names:
        text = read_text(arguments.names, option="--names", most=NAMES_FILE)
        names = tuple(read_names(text, file=arguments.names))
    return BenchRequest(
        access=access_options(arguments),
        probes=probes,
        host_probe=arguments.host_probe,
        given=given,
        nodes=tuple(arguments.nodes or ()),
        selector=arguments.selector or "",
        names=names,
        load=Load(rate=arguments.rate, count=arguments.count, seconds=seconds),
        yes=arguments.yes,
        terminal=sys.stdin.isatty(),
    )


def _read(file: str, option: str) -> Result:
    return read_result(read_text(file, option=option, most=RESULT_FILE), file=file)


async def _bench(request: BenchRequest, earlier: Result | None, shown: Format) -> int:
    talk = Talk()
    async with (
        connect(request.access) as client,
        make_probes(client, request.probes) as probes,
        make_probes(client, request.probes, host_network=True) as host_probes,
    ):
        asked = host_probes if request.host_probe else None
        done = await measure(client, probes, asked, request, talk)
    if done is None:
        talk.note("nothing was done")
        return Exit.OK
    result, missing = done
    if earlier is not None:
        _print_pair(earlier, result, shown)
    elif shown.output == "json":
        print_data(run_json(result), "json")
    else:
        print_lines(run_lines(result, wide=shown.output == "wide", plain=shown.plain))
    if missing:
        return Exit.PARTIAL
    bad = any(series.lost or series.failed for series in result.series)
    return Exit.FINDING if bad else Exit.OK


def _print_pair(before: Result, after: Result, shown: Format) -> None:
    if shown.output == "json":
        print_data(pair_json(before, after), "json")
    else:
        print_lines(pair_lines(before, after, plain=shown.plain))


def _lacks_signs() -> bool:
    """Whether standard output takes nothing but ASCII."""
    try:
        "▁█µ→".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False

"""Change one thing at a time in rooms of the package, and see whether a fast test notices.

Run, as a whole or as a sample that is spread over the modules:

    nice -n 19 .venv/bin/python scripts/mutate.py install health lookup bench --sample 100 --seed 1

A copy of the tree in a temporary folder is changed, never the checkout. The first run traces each
test once, to learn which functions it reaches; that is kept in the temporary folder until the test
or the package changes. Then each mutant meets the tests that reach its function: the unit tests,
and if it survives, those of `tests/contract`. They run one after another in a process that is
forked with all libraries loaded, and is ended at the first failure or after a time limit. It prints
each survivor as `file:line: before -> after`, and totals by room. Needs a system that forks.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import importlib
import itertools
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import pytest  # noqa: E402

from scripts.mutants import Mutant, mutants_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from types import FrameType

PACKAGE = "kubectl_nodedns"
STAGES = ("tests/unit", "tests/contract")
"""Folders of tests, in the order in which a mutant meets them."""
LEFT_OUT = (".*", "__pycache__", "bin", "dist", "build", "node_modules", "*.egg-info")
LIBRARIES = ("aiohttp", "aiohttp_socks", "dns.resolver", "hypothesis", "kubernetes", "yaml")
"""What is loaded once, before the first fork."""
GRACE = 30.0
"""Seconds that a mutant gets beside five times what its tests took."""

KILLED, SURVIVED, HUNG, UNREACHED = "killed", "survived", "hung", "unreached"


@dataclass
class Reach:
    """What one test does when nothing is changed."""

    digest: str
    """Of the test's file and the package."""
    seconds: float = 0.0
    """How long it took, set-up included."""
    functions: list[str] = field(default_factory=list)
    """Which functions of the package it runs, each as path:line of its first line."""


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant."""

    mutant: Mutant
    """The change."""
    result: str
    """killed, survived, hung (and so killed), or unreached: no test runs the function."""
    stage: str
    """The folder whose tests killed it; empty: none did."""


def sampled(mutants: list[Mutant], count: int | None, seed: int) -> list[Mutant]:
    """Return a sample in random order, one mutant of each of `count` even stretches; None: all."""
    chance = random.Random(seed)  # noqa: S311
    ordered = sorted(mutants, key=lambda one: (one.path, one.start, one.after))
    if count is not None and count < len(ordered):
        edges = [len(ordered) * at // count for at in range(count + 1)]
        ordered = [ordered[chance.randrange(low, high)] for low, high in itertools.pairwise(edges)]
    chance.shuffle(ordered)
    return ordered


def met_by(
    mutant: Mutant,
    reached: dict[str, Reach],
    importers: dict[str, set[str]],
    folders: Sequence[str] = STAGES,
) -> dict[str, list[str]]:
    """Return the tests that meet a mutant, by folder, those of its own room first, then the fast.

    What stands outside functions is met by all that reach the module or one that imports it.
    """
    wanted = {f"{mutant.path}:{mutant.function}"}
    modules = {mutant.path, *importers.get(mutant.path, ())}
    own = f"tests/unit/{room_of(mutant.path)}/"
    stages: dict[str, list[tuple[bool, float, str]]] = {stage: [] for stage in folders}
    for name, reach in reached.items():
        if mutant.function:
            meets = not wanted.isdisjoint(reach.functions)
        else:
            meets = any(one.rpartition(":")[0] in modules for one in reach.functions)
        stage = next((one for one in folders if name.startswith(f"{one}/")), None)
        if meets and stage:
            stages[stage].append((not name.startswith(own), reach.seconds, name))
    return {stage: [name for *_, name in sorted(those)] for stage, those in stages.items()}


def importers_of(sources: dict[str, str]) -> dict[str, set[str]]:
    """Return which modules import each module, both as paths."""
    found: dict[str, set[str]] = defaultdict(set)
    for path, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
                for name in names:
                    found[f"{name.replace('.', '/')}.py"].add(path)
    return {path: those for path, those in found.items() if path in sources}


def room_of(path: str) -> str:
    """Return the room of a module, by its path."""
    return Path(path).parts[1]


class Tracer:
    """A plugin of pytest that notes which functions of the package each passing test runs."""

    def __init__(self, root: Path) -> None:
        self.reached: dict[str, tuple[float, list[str]]] = {}
        self._inside = f"{root / PACKAGE}{os.sep}"
        self._outside = len(f"{root}{os.sep}")
        self._codes: set[Any] = set()
        self._failed = False

    def _trace(self, frame: FrameType, _event: str, _value: object) -> None:
        self._codes.add(frame.f_code)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, None, None]:
        """Trace a test, its fixtures included."""
        self._codes, self._failed = set(), False
        began = time.monotonic()
        threading.settrace(self._trace)
        sys.settrace(self._trace)
        yield
        sys.settrace(None)
        seconds = time.monotonic() - began
        if not self._failed:
            names = sorted(
                f"{code.co_filename[self._outside :]}:{code.co_firstlineno}"
                for code in self._codes
                if code.co_filename.startswith(self._inside)
            )
            self.reached[item.nodeid] = (round(seconds, 3), names)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Leave out what does not pass by itself: it would kill every mutant."""
        self._failed = self._failed or not report.passed


class Selected:
    """A plugin of pytest that runs the tests it is given, in the order given."""

    def __init__(self, names: Iterable[str]) -> None:
        self._order = {name: at for at, name in enumerate(names)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the others out."""
        items[:] = sorted(
            (one for one in items if one.nodeid in self._order),
            key=lambda one: self._order[one.nodeid],
        )


def forked(work: Callable[[], int], log: Path, limit: float) -> int | None:
    """Run work in a child and return its exit code; None: it hung and was killed.

    `limit` is in seconds. A child that a signal ended counts as failed.
    """
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.setsid()
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(out, 1)
            os.dup2(out, 2)
            code = work()
        finally:
            sys.stdout.flush()
            os._exit(code)
    ends = time.monotonic() + limit
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done or time.monotonic() > ends:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)  # and whatever its tests have started
            if done:
                return abs(os.waitstatus_to_exitcode(status))  # negative: a signal ended it
            os.waitpid(child, 0)
            return None
        time.sleep(0.02)


class Copy:
    """A copy of the checkout, in which tests run."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tree"
        self._log = folder / "log"
        self._kept = Path(tempfile.gettempdir()) / "mutate-reach.json"
        self._stamp = int(time.time())
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns(*LEFT_OUT))
        self.sources = {
            str(path.relative_to(self.root)): path.read_text(encoding="utf-8")
            for path in sorted((self.root / PACKAGE).rglob("*.py"))
        }

    def reach(self, folders: Iterable[str]) -> dict[str, Reach]:
        """Return what each test of these folders reaches.

        Where the file of the test or the package has changed, the test is run for it.
        """
        package = hashlib.sha256("".join(self.sources.values()).encode())
        digests: dict[str, str] = {}
        for folder in folders:
            for file in sorted((self.root / folder).rglob("test_*.py")):
                digest = package.copy()
                digest.update(file.read_bytes())
                digests[str(file.relative_to(self.root))] = digest.hexdigest()
        kept = json.loads(self._kept.read_text(encoding="utf-8")) if self._kept.exists() else {}
        known = {name: Reach(**one) for name, one in kept.items()}
        fresh = {_file_of(name) for name, one in known.items() if one.digest in digests.values()}
        stale = [file for file in digests if file not in fresh]
        for folder, files in itertools.groupby(stale, lambda file: Path(file).parent):
            print(f"tracing the tests of {folder} once", file=sys.stderr, flush=True)
            for name, (seconds, functions) in self._traced(list(files)).items():
                known[name] = Reach(digests[_file_of(name)], seconds, functions)
            words = {name: asdict(one) for name, one in known.items()}
            self._kept.write_text(json.dumps(words), encoding="utf-8")
        return {name: one for name, one in known.items() if one.digest in digests.values()}

    def _traced(self, files: list[str]) -> dict[str, tuple[float, list[str]]]:
        found = self.root / "reached.json"

        def work() -> int:
            tracer = Tracer(self.root)
            self._pytest(files, tracer)
            found.write_text(json.dumps(tracer.reached), encoding="utf-8")
            return 0

        if forked(work, self._log, limit=3600) != 0:
            raise SystemExit(f"the tests cannot be traced: {self._log.read_text()[-2000:]}")
        reached: dict[str, tuple[float, list[str]]] = json.loads(found.read_text(encoding="utf-8"))
        return reached

    def tried(
        self, mutant: Mutant, stages: dict[str, list[str]], reached: dict[str, Reach]
    ) -> Outcome:
        """Run the tests that meet a mutant, and say what became of it."""
        file = self.root / mutant.path
        self._write(file, mutant.applied(self.sources[mutant.path]))
        result, killer = UNREACHED, ""
        try:
            for stage, names in stages.items():
                if not names:
                    continue
                limit = GRACE + 5 * sum(reached[name].seconds for name in names)
                code = forked(partial(self._selected, names), self._log, limit)
                result = {0: SURVIVED, None: HUNG}.get(code, KILLED)
                if result != SURVIVED:
                    killer = stage
                    break
        finally:
            self._write(file, self.sources[mutant.path])
        return Outcome(mutant, result, killer)

    def _selected(self, names: list[str]) -> int:
        files = list(dict.fromkeys(_file_of(name) for name in names))
        return self._pytest([*files, "-x"], Selected(names))

    def _pytest(self, words: list[str], plugin: object) -> int:
        os.chdir(self.root)
        os.environ["PYTHONPATH"] = str(self.root)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        sys.dont_write_bytecode = False
        sys.path[:] = [str(self.root), *(one for one in sys.path if one != str(ROOT))]
        for name in [one for one in sys.modules if one.partition(".")[0] in {PACKAGE, "scripts"}]:
            del sys.modules[name]
        return int(pytest.main(["-q", "-p", "no:cacheprovider", *words], plugins=[plugin]))

    def _write(self, file: Path, source: str) -> None:
        """Write a module with a time of its own, or Python takes what it compiled before."""
        file.write_text(source, encoding="utf-8")
        self._stamp += 1
        os.utime(file, (self._stamp, self._stamp))


def _file_of(test: str) -> str:
    return test.partition("::")[0]


def totals(outcomes: Iterable[Outcome]) -> dict[str, dict[str, int]]:
    """Return how many mutants of each room came to which end; and of all rooms, as `all`."""
    counted: dict[str, dict[str, int]] = {}
    for one in outcomes:
        for room in (room_of(one.mutant.path), "all"):
            row = counted.setdefault(room, dict.fromkeys((KILLED, HUNG, SURVIVED, UNREACHED), 0))
            row[one.result] += 1
    return dict(sorted(counted.items(), key=lambda item: (item[0] == "all", item[0])))


def summary(outcomes: Iterable[Outcome]) -> str:
    """Return the totals as a table. Hung ones count as killed, unreached ones as survivors."""
    lines = [f"{'room':<10}{'mutants':>9}{'killed':>9}{'hung':>9}{'survived':>10}{'unreached':>11}"]
    for room, row in totals(outcomes).items():
        whole = sum(row.values())
        share = 100 * (row[KILLED] + row[HUNG]) / whole
        lines.append(
            f"{room:<10}{whole:>9}{row[KILLED]:>9}{row[HUNG]:>9}{row[SURVIVED]:>10}"
            f"{row[UNREACHED]:>11}  {share:.1f} % killed"
        )
    return "\n".join(lines)


def main(words: list[str] | None = None) -> int:
    """Run it; the exit status is 0 whatever survives."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rooms", nargs="+", help="folders of the package, as in `install health`")
    parser.add_argument("--sample", type=int, metavar="N", help="so many of them (default: all)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the sample")
    parser.add_argument("--module", metavar="REGEX", help="only modules whose path has this")
    parser.add_argument(
        "--tests", nargs="+", metavar="FOLDER", default=STAGES, help="what runs, in this order"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes there")
    given = parser.parse_args(words)
    for name in LIBRARIES:
        importlib.import_module(name)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        tree = Copy(Path(folder))
        found = [
            mutant
            for path, source in tree.sources.items()
            if room_of(path) in given.rooms and re.search(given.module or "", path)
            for mutant in mutants_of(path, source)
        ]
        chosen = sampled(found, given.sample, given.seed)
        print(f"{len(chosen)} of {len(found)} mutants", file=sys.stderr)
        importers, reached = importers_of(tree.sources), tree.reach(given.tests)
        for mutant in chosen:
            outcome = tree.tried(mutant, met_by(mutant, reached, importers, given.tests), reached)
            outcomes.append(outcome)
            if outcome.result in {SURVIVED, UNREACHED}:
                print(f"{mutant.shown}  [{outcome.result}]", flush=True)
            if given.json:
                rows = [asdict(one) for one in outcomes]
                text = json.dumps({"totals": totals(outcomes), "mutants": rows}, indent=1)
                given.json.write_text(text, encoding="utf-8")
    print(summary(outcomes))
    return 0


if __name__ == "__main__":
    sys.exit(main())

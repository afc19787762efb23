"""Whatever a user may not do, every command ends in words that name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.errors import Exit
from tests.contract import cluster
from tests.contract.ailing import Ailing
from tests.contract.api import REVIEWS, Api, State, answers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

MESSAGE = 'User "jane" may not do this'
REFERRED = "check --pre says why"
"""What a plan says about things that it can do without."""


def caches(api: Api) -> None:
    Ailing().serve(api)


def no_cache(api: Api) -> None:
    cluster.fill(api)


@pytest.mark.parametrize(
    ("words", "fill"),
    [
        (("status", "--window", "20ms"), caches),
        (("check", "--window", "20ms"), caches),
        (("check", "--pre"), no_cache),
        (("enable", "--dry-run=server"), no_cache),
        (("enable", "--yes", "--timeout", "100ms"), no_cache),
        (("disable", "--dry-run=server"), no_cache),
        (("monitoring",), caches),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_each_request_can_be_forbidden(
    words: tuple[str, ...],
    fill: Callable[[Api], None],
    api: Api,
    config: Path,
    run: Run,
) -> None:
    handed = {"shortest_window": 0.02} if "--window" in words else {}
    fill(api)
    usual = run(*words, **handed)
    asked = {(seen.method, seen.path) for seen in api.state.seen if seen.path != REVIEWS}
    assert len(asked) > 3
    for method, path in sorted(asked):
        api.state = State()
        fill(api)
        api.state.scripts.pop((method, path), None)
        api.script(method, path, answers(403, "Forbidden", MESSAGE))
        ended = run(*words, **handed)
        what = f"{method} {path}: exit {ended.code}\n{ended.out}{ended.err}"
        assert ended.code in set(Exit), what
        told = MESSAGE in ended.out + ended.err or REFERRED in ended.err
        assert told or (ended.code, ended.out) == (usual.code, usual.out), what


def test_status_says_why_interception_is_not_known(api: Api, config: Path, run: Run) -> None:
    caches(api)
    for (method, path), _ in list(api.state.scripts.items()):
        if path.endswith("/proxy/metrics"):
            del api.state.scripts[method, path]
            api.script(method, path, answers(403, "Forbidden", MESSAGE))
    ended = run("status", "--window", "1s")
    assert f"not known: {MESSAGE}" in ended.out

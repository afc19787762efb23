"""What `enable` weighs before it asks to go ahead, with plain data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from kubectl_nodedns.errors import ConflictError, RefusedError
from kubectl_nodedns.install.live import Live
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.options import DEFAULTS, Memory
from kubectl_nodedns.install.plan import make_plan
from kubectl_nodedns.install.planning import (
    Ground,
    Prepared,
    refuse_foreign,
    uncovered,
    yield_of,
)
from tests.unit.install.samples import NOTHING, OPTIONS, SETTINGS, installed, node, pod, stored
from tests.unit.install.test_diff import edited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.facts.inspection import Inspection
    from kubectl_nodedns.lookup.probes import Probes

NAMES = ("node1", "node2")


class Errors:
    """Preflight findings that are errors."""

    notes: Sequence[str] = ("warning    a note",)

    def refuse(self) -> None:
        raise RefusedError("a finding")

    async def refuse_resolvers(self, probes: Probes, nodes: Sequence[str]) -> None: ...


def prepared(live: Live, *names: str, force: bool = False) -> Prepared:
    wanted = build(SETTINGS, options=OPTIONS)
    plan = make_plan(
        settings=SETTINGS,
        options=OPTIONS,
        wanted=wanted,
        live=live,
        nodes=[node(name) for name in names],
    )
    ground = Ground(
        seen=cast("Inspection", None),
        before=None,
        memory=Memory(defaults=DEFAULTS),
        settings=SETTINGS,
        adoption=None,
        notes=("a note about options",),
    )
    return Prepared(
        ground=ground,
        found=live,
        live=live,
        wanted=wanted,
        plan=plan,
        injection=None,
        obstacles=Errors(),
        force=force,
        probes="an image in namespace default",
    )


def test_a_preflight_error_stops_a_change() -> None:
    with pytest.raises(RefusedError, match="a finding"):
        prepared(NOTHING, *NAMES).refuse()


def test_a_preflight_error_does_not_stop_a_run_that_changes_nothing() -> None:
    same = prepared(installed(SETTINGS, *map(pod, NAMES)), *NAMES)
    assert same.unchanged
    same.refuse()
    same.refuse_unprovable()


def test_fields_of_others_are_refused_before_preflight_speaks_and_taken_by_force() -> None:
    with pytest.raises(ConflictError):
        prepared(edited(), *NAMES).refuse()
    with pytest.raises(RefusedError, match="a finding"):
        prepared(edited(), *NAMES, force=True).refuse()


def test_a_cache_that_no_node_can_prove_is_refused() -> None:
    with pytest.raises(RefusedError, match="no node to prove the cache on"):
        prepared(NOTHING).refuse_unprovable()
    prepared(NOTHING, "node1").refuse_unprovable()


def test_the_plan_ends_with_probes_options_and_preflight() -> None:
    assert prepared(NOTHING, "node1").lines()[-3:] == [
        "probes     an image in namespace default",
        "a note about options",
        "warning    a note",
    ]


def test_an_address_of_a_dual_stack_service_that_is_not_covered_is_named() -> None:
    assert uncovered(["10.96.0.10"], "10.96.0.10") == []
    [line] = uncovered(["10.96.0.10", "fd00:10::a"], "10.96.0.10")
    assert line.startswith("dual stack: the cache covers 10.96.0.10 ")
    assert line.endswith("lookups at fd00:10::a go to the DNS service as before")


def test_an_object_under_our_name_that_is_not_ours_is_refused() -> None:
    refuse_foreign(installed(), "kube-system")
    objects = stored(build(SETTINGS))
    objects["ServiceAccount", "node-local-dns"]["metadata"]["labels"] = {}
    with pytest.raises(RefusedError, match="there is a ServiceAccount node-local-dns"):
        refuse_foreign(Live(objects=objects, pods={}), "kube-system")


@pytest.mark.parametrize("before", [None, replace(Memory(), version="0.0.1")])
def test_what_another_version_wrote_tells_no_drift(before: Memory | None) -> None:
    assert yield_of(cast("Inspection", None), before) is None

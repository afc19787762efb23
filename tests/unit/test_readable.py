"""Objects of another shape: left out by name, or an error in words."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.errors import Exit
from kubectl_nodedns.facts import way
from kubectl_nodedns.facts.caches import sort_out
from kubectl_nodedns.facts.endpoints import endpoints_of
from kubectl_nodedns.readable import UnreadableError, name_of, readable, required, said, understood
from tests.contract.ailing import daemonset

if TYPE_CHECKING:
    from collections.abc import Callable

ITEMS: list[Any] = [
    {"metadata": {"name": "a"}, "spec": {"x": 1}},
    {"metadata": {"name": "b", "namespace": "n"}, "spec": None},
    {"metadata": 7},
    None,
    {"metadata": {"name": "c"}, "spec": {"x": None}},
]
UNMARKED = {
    ("admission", "read_quotas"),
    ("admission", "try_job"),
    ("admission", "try_object"),
    ("admission", "try_pod"),
    ("askers", "read_askers"),
    ("cache_pods", "read_last_words"),
    ("caches", "read_caches"),
    ("caches_to_watch", "caches_to_watch"),
    ("caches_to_watch", "coredns_ips_of"),
    ("caches_to_watch", "corefile_of"),
    ("caches_to_watch", "dns_ips_of"),
    ("cluster_domain", "known_domain"),
    ("dataplane", "read_dataplane"),
    ("inspection", "inspect"),
    ("kubelets", "read_handed_out"),
    ("kubelets", "read_kubelets"),
    ("clients", "read_pods"),
    ("rights", "demand"),
    ("way", "read_way"),
}
"""Readers that are made of others that are marked, or hand text and objects on as they are."""


def x_of(item: Any) -> int | None:
    found: int | None = item["spec"]["x"]
    return found


def test_what_is_left_out_is_named() -> None:
    read = readable(x_of, ITEMS)
    assert read == (1,)
    assert read.left_out == ("n/b", "without a name", "without a name")
    assert said(read.left_out).endswith("n/b, without a name, without a name")
    assert said([*read.left_out, "z"]).endswith("without a name and 1 more")
    assert said(()) == ""


def test_what_is_required_is_an_error_with_its_name() -> None:
    with pytest.raises(UnreadableError, match="thing n/b cannot be read") as caught:
        required("thing", x_of, ITEMS)
    assert caught.value.exit is Exit.API
    assert caught.value.status, "the API server answered"
    assert required("thing", x_of, ITEMS[:1]) == [1]


@pytest.mark.parametrize("item", [None, 7, [], {}, {"metadata": []}, {"metadata": {"name": 7}}])
def test_whatever_has_no_name_is_said_to_have_none(item: object) -> None:
    assert name_of(item) == "without a name"


async def test_a_reader_says_what_it_does_not_understand() -> None:
    @understood("the thing")
    async def read() -> int:
        return int("x")

    with pytest.raises(UnreadableError, match="the thing cannot be read"):
        await read()


@pytest.mark.parametrize(
    "read",
    [
        endpoints_of,
        lambda slices: sort_out([{**daemonset(), "spec": one} for one in slices], "kube-system"),
    ],
)
def test_what_a_decision_rests_on_is_never_left_out(read: Callable[[Any], object]) -> None:
    with pytest.raises(UnreadableError):
        read([{"endpoints": 7}])


def test_every_reader_of_facts_says_what_it_does_not_understand() -> None:
    folder = Path(way.__file__).parent
    unmarked = {
        (path.stem, one.name)
        for path in folder.glob("*.py")
        for one in ast.parse(path.read_text()).body
        if isinstance(one, ast.AsyncFunctionDef) and not one.name.startswith("_")
        if not any("understood" in ast.unparse(mark) for mark in one.decorator_list)
    }
    assert unmarked == UNMARKED

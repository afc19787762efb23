"""A change of ours that did not come to its end, in words."""

from __future__ import annotations

import pytest

from kubectl_nodedns.facts.progress import progress_of

FULL = {f"node{number}": "full" for number in range(1, 4)}


@pytest.mark.parametrize(
    ("state", "dark", "full", "nodes", "said"),
    [
        ("enabling", 7, 1, 8, "enable is unfinished: 1 of 8 switched, 7 in the dark"),
        (
            "enabling",
            3,
            0,
            8,
            "enable is unfinished: 0 of 8 switched, 3 in the dark, 5 without a cache",
        ),
        ("enabling", 0, 8, 8, "enable is unfinished: 8 of 8 served, its end not recorded"),
        ("enabled", 2, 6, 8, "enable is unfinished: 6 of 8 switched, 2 in the dark"),
        (
            "disabling",
            3,
            5,
            8,
            "disable is unfinished: 3 of 8 given back to kube-dns, 5 served by their cache",
        ),
    ],
)
def test_how_far_it_came(state: str, dark: int, full: int, nodes: int, said: str) -> None:
    phases = {f"d{number}": "dark" for number in range(dark)}
    phases |= {f"f{number}": "full" for number in range(full)}
    assert str(progress_of(state, phases, nodes)) == said


@pytest.mark.parametrize("state", ["enabled", ""])
def test_what_came_to_its_end_is_not_told(state: str) -> None:
    assert progress_of(state, FULL, 3) is None

"""How findings say spans of time, and name nodes."""

from __future__ import annotations

import pytest

from kubectl_nodedns.checks.wording import ago, nodes


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "less than a minute ago"),
        (59.9, "less than a minute ago"),
        (60, "a minute ago"),
        (89, "a minute ago"),
        (91, "2 minutes ago"),
        (5400, "90 minutes ago"),
        (7199, "120 minutes ago"),
        (7200, "2 hours ago"),
        (2 * 86400 - 1, "48 hours ago"),
        (2 * 86400, "2 days ago"),
        (400 * 86400, "400 days ago"),
    ],
)
def test_how_long_ago(seconds: float, said: str) -> None:
    assert ago(seconds) == said


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a"], "node a"),
        (["a", "b"], "nodes a and b"),
        (["node2", "node10", "node9"], "nodes node2, node9 and node10"),
        (["n1", "n2", "n3", "n4", "n5", "n6"], "6 nodes"),
    ],
)
def test_nodes_are_named_once_and_in_a_persons_order(names: list[str], said: str) -> None:
    assert nodes(names) == said

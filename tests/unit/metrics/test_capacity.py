from __future__ import annotations

import pytest

from kubectl_nodedns.install.corefile import corefile
from kubectl_nodedns.metrics.capacity import capacity


def test_the_corefile_that_enable_writes_has_room_for_eight_caches() -> None:
    text = corefile(cluster_domain="cluster.local", local_ip="169.254.20.10", marker_zone="id.x")
    room = capacity(text)
    assert room is not None
    assert room.total == 8 * 9984
    zones = {"cluster.local.", "in-addr.arpa.", "ip6.arpa.", "."}
    assert set(room.success) == set(room.denial) == zones


@pytest.mark.parametrize(
    ("cache", "success", "denial"),
    [
        ("cache", 9984, 9984),
        ("cache 30", 9984, 9984),
        ("cache 30 {\n success 20000\n}", 19968, 9984),  # cut down to a multiple of 256
        ("cache {\n success 1000 30\n denial 5000 5 2\n}", 1024, 4864),  # 256 shards of four
        ("cache {\n disable denial\n}", 9984, 0),
    ],
)
def test_sizes_are_what_coredns_makes_of_them(cache: str, success: int, denial: int) -> None:
    room = capacity(f".:53 {{\n {cache}\n forward . 1.1.1.1\n}}\n")
    assert room is not None
    assert (room.success["."], room.denial["."]) == (success, denial)
    assert room.total == success + denial


def test_zones_of_one_block_share_a_cache() -> None:
    room = capacity("in-addr.arpa ip6.arpa {\n cache\n}\n")
    assert room is not None
    assert room.total == 2 * 9984
    assert set(room.success) == {"in-addr.arpa.", "ip6.arpa."}


@pytest.mark.parametrize(
    "text", ["", ".:53 {\n forward . 1.1.1.1\n}\n", "nonsense", ". {\n cache {\n"]
)
def test_without_a_cache_nothing_is_known(text: str) -> None:
    assert capacity(text) is None

"""`bench` on a real Kubernetes: before the cache, with it, and the two side by side.

Prints the tables that the documentation shows: pytest tests/e2e/test_bench.py -s
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.lookup.batch import Batch, command, read
from tests.cluster.layout import CLUSTER_DOMAIN, DNS_SERVICE_IP
from tests.e2e.official_addon import LOCAL_IP

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall
    from tests.e2e.plugin import Ended, Plugin

SHORT = ("--duration", "2s")
FEW = 20
"""Tracked connections below which none of them can be those of a series of lookups."""
RUNS = 3


def document(ended: Ended) -> dict[str, Any]:
    assert ended.code == 0, str(ended)
    found = json.loads(ended.stdout)
    assert isinstance(found, dict)
    return found


def tracked_by_cache(run: dict[str, Any]) -> float:
    return next((one["cache_tracked"] for one in run["claims"] if "cache_tracked" in one), 0.0)


def by_address(run: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["server"], one["protocol"]): one for one in run["series"]}


def test_bench_shows_what_the_cache_is_worth_and_two_runs_lie_side_by_side(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    kubectl: KubectlCall,
    tmp_path: Path,
) -> None:
    node = real_cluster.node_names[1]
    before = nodedns.run("bench", "--node", node, *SHORT, "-o", "json")
    assert {key for key, _ in by_address(document(before))} == {"kube-dns"}

    assert nodedns.run("enable", "--yes").code == 0
    # Others of the node may open connections meanwhile. The cache's own would be there every time.
    for _ in range(RUNS):
        after = nodedns.run("bench", "--node", node, *SHORT, "--host-probe", "-o", "json")
        run = document(after)
        if tracked_by_cache(run) < FEW:
            break
    series = by_address(run)
    addresses = {one["address"]: one["answered_by"] for one in run["series"]}
    assert addresses.pop(LOCAL_IP) == "cache"
    assert addresses.pop(DNS_SERVICE_IP) == "cache"
    assert list(addresses.values()) == ["CoreDNS"]
    assert set(series) == {
        (key, protocol) for key in ("local", "kube-dns", "upstream") for protocol in ("udp", "tcp")
    }
    for one in run["series"]:
        assert one["node"] == node
        assert (one["lost"], one["failed"]) == (0, 0), one
        assert one["asked"] >= 100
        assert set(one["rcodes"]) == {"NOERROR", "NXDOMAIN"}
        assert 0 < one["microseconds"]["p50"] <= one["microseconds"]["max"]
    assert any(machine.startswith(f"{node}: ") for machine in run["place"]["machines"])

    claims = {claim["claim"]: claim for claim in run["claims"]}
    assert all(claim["seen"] for claim in claims.values()), claims
    spared = claims["fewer lookups at CoreDNS"]
    assert spared["reached"] < spared["asked"] / 4
    misses = claims["misses go to CoreDNS over TCP"]
    assert misses["tcp"] > 0
    assert misses["udp"] == 0
    tracked = claims["no address translation, no connection tracking"]
    assert tracked["cache_tracked"] < FEW
    assert tracked["coredns_tracked"] > 100
    held = claims["names that do not exist are cached"]
    assert held["held"] > held["asked"] / 2

    files = []
    for name, ended in (("before", before), ("after", after)):
        file = tmp_path / f"{name}.json"
        file.write_text(ended.stdout)
        files.append(str(file))
    pair = nodedns.run("bench", "--compare", *files)
    assert pair.code == 0, str(pair)
    assert re.search(r"^kube-dns +udp +CoreDNS → cache", pair.stdout, re.MULTILINE)
    print(f"\n{pair.stdout}")
    assert kubectl("get", "jobs", "-A", "-o", "name").strip() == ""


def test_every_time_is_digs_own(real_cluster: RealCluster, node_exec: Callable[..., str]) -> None:
    questions = ((f"kubernetes.default.svc.{CLUSTER_DOMAIN}.", "A"), ("no-such.test.", "A"))
    for tcp in (False, True):
        batch = Batch(server=DNS_SERVICE_IP, tcp=tcp, questions=questions, count=20, rate=200)
        output = node_exec(real_cluster.node_names[0], *command(batch))
        found = read(output)
        times = [int(time) for time in re.findall(r"Query time: (\d+) usec", output)]
        assert [one.microseconds for one in found.responses] == times
        assert len(times) == 20
        assert output.count("(TCP)" if tcp else "(UDP)") == 20


def test_a_load_that_could_be_felt_is_asked_for_first(nodedns: Plugin) -> None:
    ended = nodedns.run("bench", "--rate", "1000")
    assert ended.code == 2, str(ended)
    assert "1000 times a second" in ended.stderr
    assert "--yes" in ended.stderr


def test_names_of_a_file_are_asked_with_their_types(nodedns: Plugin, tmp_path: Path) -> None:
    names = tmp_path / "names"
    service = f"kube-dns.kube-system.svc.{CLUSTER_DOMAIN}"
    names.write_text(f"{service}\n_dns._udp.{service} SRV\n")
    ended = nodedns.run("bench", "--names", str(names), "--count", "20", "-o", "wide", "--ascii")
    assert ended.code == 0, str(ended)
    assert ended.stdout.isascii()
    assert re.search(
        rf"^node\d +kube-dns\.kube-system\.svc\.{CLUSTER_DOMAIN} ", ended.stdout, re.MULTILINE
    )
    assert " SRV" in ended.stdout


def test_a_node_that_does_not_exist_is_named(nodedns: Plugin) -> None:
    ended = nodedns.run("bench", "--node", "nowhere")
    assert ended.code == 2, str(ended)
    assert "--node: there is no node 'nowhere'" in ended.stderr

"""Where `top` reads metrics from, recordings, and `monitoring`, on a real Kubernetes."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.e2e.cache_pods import cache_pods
from tests.e2e.prometheus import MISSING, query, running, value

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall, ProberCall
    from tests.e2e.plugin import Plugin

LIMIT = 300.0


def fleet(nodedns: Plugin, *options: str) -> dict[str, Any]:
    ended = nodedns.run("top", "--once", "-o", "json", *options)
    assert ended.code == 0, str(ended)
    read: dict[str, Any] = json.loads(ended.stdout)
    return read


def totals(seen: dict[str, Any]) -> dict[str, int]:
    """Lookups since start by node: every node has some."""
    found = {one["node"]: one["lookups_total"] for one in seen["nodes"]}
    assert all(found.values()), found
    return found


def scraping(kubectl: KubectlCall, cluster: RealCluster, folder: Path) -> dict[str, Any]:
    """Configure a Prometheus that scrapes the caches through the API server's pod proxy."""
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    server, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    if "token" not in user or "certificate-authority-data" not in server:
        pytest.skip("this cluster's kubeconfig has no token that a Prometheus could use")
    authority = folder / "ca.crt"
    authority.write_bytes(base64.b64decode(server["certificate-authority-data"]))
    path = "/api/v1/namespaces/kube-system/pods/{}:9253/proxy/metrics"
    return {
        "scrape_configs": [
            {
                "job_name": "node-local-dns",
                "scrape_interval": "2s",
                "scrape_timeout": "2s",
                "scheme": "https",
                "tls_config": {"ca_file": str(authority)},
                "authorization": {"credentials": user["token"]},
                "static_configs": [
                    {
                        "targets": [server["server"].removeprefix("https://")],
                        "labels": {
                            "__metrics_path__": path.format(pod["metadata"]["name"]),
                            "instance": f"{pod['status']['podIP']}:9253",
                            "node": node,
                        },
                    }
                    for node, pod in cache_pods(kubectl).items()
                ],
            }
        ]
    }


def test_every_source_tells_the_same_and_monitoring_knows_the_version(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    prober: ProberCall,
    kubectl: KubectlCall,
    tmp_path: Path,
) -> None:
    assert nodedns.run("enable", "--yes").code == 0
    with prober():
        before = fleet(nodedns)
        assert before["fleet"]["source"] == "pod proxy"
        forwarded = fleet(nodedns, "--source", "port-forward")
        assert forwarded["fleet"]["source"] == "port-forward"
        after = fleet(nodedns, "--source", "proxy")
        first, middle, last = totals(before), totals(forwarded), totals(after)
        assert all(first[node] < middle[node] < last[node] for node in real_cluster.node_names)
        assert 0.5 < before["fleet"]["coredns_spared_ratio"] <= 1
        for one in (*before["nodes"], *forwarded["nodes"]):
            assert one["cache_capacity"] == 8 * 9984
            assert one["interception"] == "by counters"
            assert one["lookups_per_second_by_type"]["A"] > 0
            assert one["lookups_per_second_by_protocol"].keys() == {"tcp", "udp"}
        if MISSING:
            pytest.skip(MISSING)
        with running(tmp_path, scraping(kubectl, real_cluster, tmp_path)) as url:
            deadline = time.monotonic() + LIMIT
            ready = "count(count_over_time(coredns_dns_requests_total[1m]) > 2)"
            while not query(url, ready):
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.5)
            first = totals(fleet(nodedns))
            time.sleep(3.0)  # so that the newest scrape is later than that
            stored = fleet(nodedns, "--prometheus", url)
            last = totals(fleet(nodedns))
            middle = totals(stored)
            assert all(first[node] < middle[node] < last[node] for node in real_cluster.node_names)
            assert stored["fleet"]["source"] == f"Prometheus {url}"
            for one in stored["nodes"]:
                assert one["error"] is None
                assert one["interval_seconds"] == pytest.approx(2.0, abs=0.2)
                where = f'{{node="{one["node"]}"}}'
                made = datetime.fromisoformat(stored["fleet"]["time"]).timestamp()
                theirs = value(
                    url,
                    f"sum(irate(coredns_dns_requests_total{where}[10s]))",
                    made - one["sample_age_seconds"] + 0.01,
                )
                assert one["lookups_per_second"] == pytest.approx(theirs, rel=0.01, abs=1)

    printed = nodedns.run("monitoring", "--kind", "rules")
    assert printed.code == 0, str(printed)
    (tmp_path / "rules.yaml").write_text(printed.stdout)
    check = ["promtool", "check", "rules", str(tmp_path / "rules.yaml")]
    assert subprocess.run(check, check=False).returncode == 0
    assert "coredns_proxy_healthcheck_failures_total" in printed.stdout
    assert "NodeLocalDNSNotIntercepting" in printed.stdout
    monitor, rule = yaml.safe_load_all(nodedns.run("monitoring").stdout)
    assert (monitor["kind"], rule["kind"]) == ("PodMonitor", "PrometheusRule")
    listed = kubectl(
        *("get", "pods", "-n", "kube-system", "-o", "json", "-l"),
        ",".join(f"{k}={v}" for k, v in monitor["spec"]["selector"]["matchLabels"].items()),
    )
    assert len(listed["items"]) == len(real_cluster.node_names)


def test_a_pod_that_goes_is_seen_again_in_the_recording_and_says_why(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    kubectl: KubectlCall,
    tmp_path: Path,
) -> None:
    assert nodedns.run("enable", "--yes").code == 0
    file = tmp_path / "top.rec"
    watching = nodedns.start("top", "--watch", "--refresh", "1s", "--record", str(file))
    try:
        assert watching.stdout is not None
        for _ in range(3):
            assert json.loads(watching.stdout.readline())["fleet"]["nodes_ready"] == 3
        # A selector that no node meets: the controller takes the pods away.
        selector = json.dumps({"spec": {"template": {"spec": {"nodeSelector": {"none": "such"}}}}})
        kubectl("patch", "-n", "kube-system", "daemonset/node-local-dns", "-p", selector)
        deadline = time.monotonic() + LIMIT
        reasons: set[str] = set()
        while len(reasons) < 1 or not all("none=such" in reason for reason in reasons):
            assert time.monotonic() < deadline, reasons
            line = json.loads(watching.stdout.readline())
            reasons = {str(one["reason"]) for one in line["nodes"]}
    finally:
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=LIMIT)
    said = "no cache pod on this node: DaemonSet node-local-dns: its nodeSelector asks for"
    assert all(reason.startswith(said) for reason in reasons)

    # No cluster is needed to see it again.
    alone = ("--kubeconfig", "/nonexistent", "--replay", str(file))
    every = nodedns.run("top", "--watch", *alone)
    frames = [json.loads(line) for line in every.stdout.splitlines()]
    assert len(frames) > 3
    assert frames[0]["fleet"]["nodes_ready"] == 3
    assert frames[-1]["fleet"]["nodes_ready"] == 0
    worst = nodedns.run("top", "--at", "worst", "-o", "json", *alone)
    shown = json.loads(worst.stdout)
    assert [one["severity"] for one in shown["nodes"]] == ["bad"] * len(real_cluster.node_names)
    table = nodedns.run("top", "--at", "start", *alone)
    assert table.code == 0, str(table)
    assert table.stdout.count("Ready") == len(real_cluster.node_names)

"""An installation is changed: upgrades, canaries, drift."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tests.e2e.official_addon import LOCAL_IP, wait_for
from tests.e2e.test_main_job import SETTLE, assert_none_lost

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall, ProberCall
    from tests.e2e.plugin import Plugin

OLDER = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.7"
NEWER = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.8"
MISSING = "registry.k8s.io/dns/k8s-dns-node-cache:1.99.0-missing"
CONFIG = f"""\
apiVersion: nodedns/v1alpha1
kind: NodeDNSConfiguration
spec:
  image: {NEWER}
  serveStale: 1h
  prefetch: 5
  stubDomains:
    stub.example: [192.0.2.53]
  labels: {{team: dns}}
  extraBlocks: |
    extra.example:53 {{
        bind __PILLAR__LOCAL__DNS__
        template IN A {{
            answer "{{{{ .Name }}}} 5 IN A 192.0.2.1"
        }}
    }}
"""


def test_an_upgrade_of_image_and_corefile_goes_canary_first_and_loses_nothing(
    proxy_mode: str,
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    prober: ProberCall,
    node_exec: Callable[..., str],
    kubectl: KubectlCall,
    tmp_path: Path,
) -> None:
    nodes = real_cluster.node_names
    canary = nodes[-1]
    file = tmp_path / "nodedns.yaml"
    file.write_text(CONFIG)
    with prober() as probing:
        time.sleep(SETTLE)
        assert nodedns.run("enable", "--yes", "--image", OLDER).code == 0
        differs = nodedns.run("enable", "--config", str(file), "--diff")
        assert differs.code == 1, str(differs)
        assert f"    + {NEWER}" in differs.stdout
        assert "+stub.example:53 {" in differs.stdout

        selector = f"kubernetes.io/hostname={canary}"
        upgraded = nodedns.run("enable", "--config", str(file), "--canary", selector, "--yes")
        assert upgraded.code == 0, str(upgraded)
        switched = [line for line in upgraded.stderr.splitlines() if "  switch node" in line]
        assert canary in switched[0], str(upgraded)
        for node in nodes:
            answer = node_exec(node, "dig", "+short", f"@{LOCAL_IP}", "a.extra.example")
            assert answer.strip() == "192.0.2.1"
        same = nodedns.run("enable", "--config", str(file), "--diff")
        assert (same.code, same.stdout) == (0, ""), str(same)

        gone = nodedns.run("disable", "--yes")
        assert gone.code == 0, str(gone)
        time.sleep(SETTLE)
    assert_none_lost(probing)


def test_drift_is_shown_with_who_made_it_and_put_right_when_asked(
    real_cluster: RealCluster, no_cache: None, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    assert nodedns.run("enable", "--yes").code == 0
    daemonset = ("-n", "kube-system", "daemonset/node-local-dns")
    kubectl("set", "image", *daemonset, f"node-cache={OLDER}")
    differs = nodedns.run("enable", "--diff", "-o", "json")
    assert differs.code == 1, str(differs)
    [changed] = json.loads(differs.stdout)["objects"]
    [field] = changed["fields"]
    assert (field["found"], field["wanted"], field["drift"]) == (OLDER, NEWER, True)
    assert field["owners"] == ["kubectl-set"]

    refused = nodedns.run("enable", "--yes")
    assert refused.code == 3, str(refused)
    assert "set by kubectl-set" in refused.stderr
    assert "--force-conflicts" in refused.stderr
    repaired = nodedns.run("enable", "--yes", "--force-conflicts")
    assert repaired.code == 0, str(repaired)
    assert nodedns.run("enable", "--diff").code == 0

    # What nobody owns any more needs no force.
    kubectl("delete", "service", "-n", "kube-system", "node-local-dns")
    assert "create Service" in nodedns.run("enable", "--diff").stdout
    again = nodedns.run("enable", "--yes")
    assert again.code == 0, str(again)
    assert nodedns.run("enable", "--diff").code == 0


def test_a_pod_without_its_image_is_said_at_once_and_replaced_when_asked(
    real_cluster: RealCluster, no_cache: None, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    nodes = real_cluster.node_names
    system = ("-n", "kube-system")
    here = ("-l", "k8s-app=node-local-dns", f"--field-selector=spec.nodeName={nodes[0]}")
    assert nodedns.run("enable", "--yes").code == 0
    kubectl("set", "image", *system, "daemonset/node-local-dns", f"node-cache={MISSING}")
    kubectl(*system, "delete", "pods", *here)
    wait_for(lambda: "Image" in kubectl(*system, "get", "pods", *here), "it has no image")

    refused = nodedns.run("enable", "--yes")
    assert refused.code == 3, str(refused)
    assert f"node {nodes[0]}: its pod cannot start, and is replaced: " in refused.stderr
    assert "--force-conflicts" in refused.stderr
    repaired = nodedns.run("enable", "--yes", "--force-conflicts")
    assert repaired.code == 0, str(repaired)
    assert f"{len(nodes)} of {len(nodes)} nodes proved" in repaired.stdout

    # The same by option: found in the dark, and put back, long before the step's own timeout.
    worse = nodedns.run("enable", "--yes", "--image", MISSING, "--timeout", "1h")
    assert worse.code == 7, str(worse)
    assert "its image cannot be had" in worse.stderr
    better = nodedns.run("enable", "--yes", "--image", NEWER)
    assert better.code == 0, str(better)

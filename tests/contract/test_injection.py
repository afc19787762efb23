"""`enable --inject` where the API server has no MutatingAdmissionPolicy, and without a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from kubectl_nodedns.errors import Exit
from tests.contract import cluster

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.api import Api
    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]


def test_an_old_api_server_gets_the_patch_to_merge_by_hand(
    api: Api, config: Path, run: Run
) -> None:
    cluster.fill(api)
    ended = run("enable", "--inject=print")
    assert ended.code == Exit.OK, ended.err
    patch = yaml.safe_load(ended.out)
    assert patch["spec"]["dnsConfig"]["nameservers"] == ["169.254.20.10", "10.96.0.10"]
    assert "no MutatingAdmissionPolicy" in ended.err
    assert api.state.writes == []


def test_an_old_api_server_refuses_to_have_it_installed(api: Api, config: Path, run: Run) -> None:
    cluster.fill(api)
    ended = run("enable", "--inject=install", "--yes")
    assert ended.code == Exit.REFUSED, ended.err
    assert "no MutatingAdmissionPolicy" in ended.err
    assert "--inject=print" in ended.err
    assert api.state.writes == []


def test_the_policy_is_printed_without_a_cluster(home: Path, run: Run) -> None:
    ended = run(
        "enable",
        "--inject=print",
        "--mode=iptables",
        "--local-ip=169.254.20.11",
        "--kube-dns-ip=10.96.0.10",
        "--cluster-domain=k8s.test",
    )
    assert ended.code == Exit.OK, ended.err
    kinds = [obj["kind"] for obj in yaml.safe_load_all(ended.out)]
    assert kinds == ["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"]
    assert "kubectl-nodedns/inject=enabled" in ended.err

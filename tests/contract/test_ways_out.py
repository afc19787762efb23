"""Ways out fit the cluster in hand, and the commands in them are ones that can be typed."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.checks.registry import RUNNING
from kubectl_nodedns.cli.parser import build_parser
from kubectl_nodedns.commands.demo import _finished
from kubectl_nodedns.demo.cluster import Cluster, Options
from kubectl_nodedns.errors import Exit
from tests.contract.ailing import Ailing
from tests.contract.test_findings import CASES, findings
from tests.patience import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kubectl_nodedns.cluster.client import Client
    from tests.contract.api import Api
    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

COMMAND = re.compile(
    r"kubectl nodedns (?:enable|disable|check|status|top|lookup|monitoring)\b"
    r"(?: (?:(?:--node|--from|-n|--local-ip|--memory-limit) [\w./:-]+|--[\w-]+(?:=\w+)?|NAME)\b)*"
)
FAST = ("--window", "1s")


def commands(text: str) -> list[list[str]]:
    """The commands of ours in a text, without `kubectl nodedns`."""
    return [shlex.split(found)[2:] for found in COMMAND.findall(text)]


def test_commands_are_found_with_their_options() -> None:
    text = (
        "kubectl nodedns enable --memory-limit 512Mi, before; kubectl nodedns check --probe proves"
    )
    assert commands(text) == [["enable", "--memory-limit", "512Mi"], ["check", "--probe"]]


@pytest.mark.parametrize(
    ("code", "provoke"),
    [(code, provoke) for code, _, _, _, provoke in CASES],
    ids=[f"{code}-{provoke.__name__}" for code, _, _, _, provoke in CASES],
)
async def test_commands_can_be_typed_and_none_of_ours_is_for_a_cache_of_somebody_else(
    api: Api, client: Client, code: str, provoke: Callable[[Ailing], None]
) -> None:
    cluster = Ailing()
    provoke(cluster)
    outcome, evidence = await findings(api, client, cluster)
    ours = not evidence.caches or any(cache.ours for cache in evidence.caches)
    for finding in outcome.findings:
        for words in commands(finding.way_out):
            build_parser().parse_args(words)
            assert ours or words[0] not in ("enable", "disable"), finding
        assert "NAMESPACE/" not in finding.way_out, finding


def test_what_a_check_says_of_any_cluster_changes_none() -> None:
    """Only where it is known whose the cache is does a way out say enable or disable."""
    anyway = {"ND001", "ND002", "ND005"}  # no cache, or ours
    for check in RUNNING:
        words = [one[0] for one in commands(check.way_out)]
        assert check.code in anyway or not {"enable", "disable"} & set(words), check.code


@pytest.fixture
def demo(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster of the demo with a cache of ours and all faults."""
    # Installed from the start: memory that runs out in the middle of a rollout would end it.
    with Cluster(Options(nodes=4), _finished()) as cluster:
        file = home / "kubeconfig"
        file.write_text(cluster.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(file))
        cluster.trouble()
        until(lambda: not cluster.faults_waiting, "the faults do not happen")
        yield cluster


def found(run: Run) -> dict[str, dict[str, Any]]:
    """The findings by code; of one code the first."""
    answer = json.loads(run("check", "-o", "json").out)["findings"]
    return {one["code"]: one for one in reversed(answer)}


def test_the_ways_out_of_a_bypass_and_of_an_oom_help(demo: Cluster, run: Run) -> None:
    seen = found(run)
    [probe, repair] = commands(seen["ND022"]["wayOut"])
    probed = json.loads(run(*probe, *FAST, "-o", "json").out)["findings"]
    assert {"ND020"} <= {one["code"] for one in probed}
    [again] = commands(next(one for one in probed if one["code"] == "ND020")["wayOut"])
    assert again == repair
    assert run(*repair).code == Exit.OK
    [more] = commands(seen["ND040"]["wayOut"])
    assert more[:2] == ["enable", "--memory-limit"]
    raised = run(*more, "--yes", "--batch-size", "4")
    assert raised.code == Exit.OK, raised.err
    assert more[2] in run("enable", "--dry-run=client").err
    assert "ND022" not in found(run)

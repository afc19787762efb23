"""What an agent counted while it set its node up is a gate, as far as it can be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from kubectl_nodedns.install.live import read_pods
from kubectl_nodedns.install.objects import DARK, MANAGED_BY, PHASE, SELECTOR
from kubectl_nodedns.install.setup_gate import SetupGate
from kubectl_nodedns.lookup.proof import Verdict
from tests.contract.api import answers, text

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.lookup.proof import Prover
    from tests.contract.api import Api

PAGE = """\
coredns_build_info{goversion="go1.26",revision="",version="1.13.2"} 1
coredns_nodecache_setup_errors_total{errortype="configmap"} 7
coredns_nodecache_setup_errors_total{errortype="iptables"} %s
coredns_nodecache_setup_errors_total{errortype="iptables_lock"} %s
"""
METRICS = "/api/v1/namespaces/kube-system/pods/cache-1:9253/proxy/metrics"


@dataclass
class Always:
    """A prover whose verdict is given."""

    verdict: Verdict

    async def dark(self, node: str, pod_uid: str, *, timeout: float) -> Verdict:
        return self.verdict

    switched = dark


@dataclass
class Notes:
    """Keeps what it is told."""

    notes: list[str] = field(default_factory=list)

    def step(self, said: str) -> None: ...

    def node(self, verdict: object) -> None: ...

    def note(self, said: str) -> None:
        self.notes.append(said)


def gate(client: Client, notes: Notes, *, ok: bool = True) -> SetupGate:
    prover = cast("Prover", Always(Verdict(node="node1", ok=ok, text="as the marker says")))
    return SetupGate(prover, client, namespace="kube-system", port=9253, report=notes, settle=0.0)


@pytest.fixture
def cached(api: Api) -> Api:
    """A node with a cache pod of ours in the dark."""
    labels = dict([SELECTOR.split("=")]) | MANAGED_BY | {PHASE: DARK}
    metadata = {"name": "cache-1", "namespace": "kube-system", "uid": "u1", "labels": labels}
    api.add("pods", {"metadata": metadata, "spec": {"nodeName": "node1"}})
    return api


@pytest.mark.parametrize(("rules", "lock"), [(3, 0), (0, 2)])
async def test_an_error_of_the_agent_spoils_a_good_verdict(
    rules: int, lock: int, cached: Api, client: Client
) -> None:
    cached.script("GET", METRICS, text(PAGE % (rules, lock)))
    for ask in (gate(client, Notes()).dark, gate(client, Notes()).switched):
        verdict = await ask("node1", "u1", timeout=1.0)
        assert not verdict.ok
        said = "3 iptables" if rules else "2 iptables_lock"
        assert verdict.text == f"its agent counted errors while it set the node up: {said}"


async def test_without_an_error_the_verdict_is_the_markers(cached: Api, client: Client) -> None:
    cached.script("GET", METRICS, text(PAGE % (0, 0)))
    notes = Notes()
    for ok in (True, False):
        verdict = await gate(client, notes, ok=ok).dark("node1", "u1", timeout=1.0)
        assert (verdict.ok, verdict.text) == (ok, "as the marker says")
    assert notes.notes == []


async def test_what_may_not_be_read_gates_nothing_and_is_told_once(
    cached: Api, client: Client
) -> None:
    cached.script("GET", METRICS, answers(403, "Forbidden", "jane may not"))
    notes = Notes()
    one = gate(client, notes)
    for _ in range(2):
        assert (await one.dark("node1", "u1", timeout=1.0)).ok
    assert len(notes.notes) == 1
    assert "setup errors are not read, so they gate nothing" in notes.notes[0]


async def test_a_pod_of_an_earlier_run_that_counted_errors_is_replaced_in_the_dark(
    cached: Api, client: Client
) -> None:
    cached.script("GET", METRICS, text(PAGE % (1, 0)))
    notes = Notes()
    pods = await read_pods(client, "kube-system")
    await gate(client, notes).renew(pods)
    assert [one.method for one in cached.state.writes] == ["DELETE"]
    assert notes.notes == ["node node1: its cache pod counted setup errors: a new one"]

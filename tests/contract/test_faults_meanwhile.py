"""`enable` and `disable` where exec breaks, or a write fails: nothing stays unproved or unsaid."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.commands.demo import _finished
from kubectl_nodedns.demo.cluster import Cluster, Options
from kubectl_nodedns.demo.kinds import BY_PATH
from kubectl_nodedns.demo.refusals import Refusal
from kubectl_nodedns.demo.subresources import Subresources
from kubectl_nodedns.demo.verbs import Verbs
from kubectl_nodedns.errors import Exit
from kubectl_nodedns.install.objects import DARK, FULL, PHASE

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aiohttp import web

    from kubectl_nodedns.demo.kinds import Address
    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

DAEMONSETS = BY_PATH["apps/v1", "daemonsets"]
LEASES = BY_PATH["coordination.k8s.io/v1", "leases"]
PLACE = ("kube-system", "node-local-dns")
BROKEN = Refusal(500, "InternalError", "error dialing backend: the connection ended")
DENIED = Refusal(403, "Forbidden", "pods/exec is forbidden")


@pytest.fixture
def opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Cluster]]:
    """Opens a cluster of two nodes, in $KUBECONFIG."""
    running: list[Cluster] = []

    def open_it(installed: list[dict[str, Any]]) -> Cluster:
        cluster = Cluster(Options(nodes=2, speed=8, faults=()), installed)
        cluster.__enter__()
        running.append(cluster)
        file = home / "kubeconfig"
        file.write_text(cluster.kubeconfig())
        monkeypatch.setenv("KUBECONFIG", str(file))
        return cluster

    yield open_it
    for cluster in running:
        cluster.__exit__(None, None, None)


def break_exec(
    monkeypatch: pytest.MonkeyPatch, refusal: Refusal, when: Callable[[list[str]], bool]
) -> None:
    """Refuse commands in pods."""
    execute = Subresources.execute

    async def executed(self: Subresources, request: web.Request, at: Address) -> Any:
        if when(request.query.getall("command", [])):
            raise refusal
        return await execute(self, request, at)

    monkeypatch.setattr(Subresources, "execute", executed)


def phase(cluster: Cluster) -> str:
    found = cluster.store.all(DAEMONSETS)[PLACE]
    return str(found["spec"]["template"]["metadata"]["labels"][PHASE])


def left(cluster: Cluster) -> list[str]:
    """Leases, Jobs, and what is installed."""
    ours = ("node-local-dns", "kube-dns-upstream", "kubectl-nodedns")
    kinds = ("leases", "jobs", "daemonsets", "services", "configmaps", "serviceaccounts")
    names = [(kind, obj["metadata"]["name"]) for kind, obj in cluster.store.kinds()]
    return sorted(
        f"{k}/{n}" for k, n in names if k in kinds and (k == "jobs" or n.startswith(ours))
    )


def test_disable_refuses_where_the_baseline_could_not_be_asked(
    opened: Callable[..., Cluster], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_exec(monkeypatch, BROKEN, lambda command: "cat" not in command)
    cluster = opened(_finished())
    before = left(cluster)
    ended = run("disable", "--yes")
    assert ended.code == Exit.REFUSED, ended.err
    assert "whether DNS works is not known, because node node1 (and 1 more nodes)" in ended.err
    assert "could not be asked: probe: " in ended.err
    assert "disable --now takes the cache out without asking" in ended.err
    assert "DNS does not work" not in ended.err
    assert left(cluster) == before
    assert phase(cluster) == FULL
    # Told to go on, it does.
    assert run("disable", "--yes", "--now").code == Exit.OK
    assert left(cluster) == []


@pytest.mark.parametrize("refusal", [BROKEN, DENIED], ids=["broken", "denied"])
def test_enable_refuses_where_the_baseline_could_not_be_asked(
    refusal: Refusal,
    opened: Callable[..., Cluster],
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    break_exec(monkeypatch, refusal, lambda command: "cat" not in command)
    cluster = opened([])
    ended = run("enable", "--yes")
    assert ended.code == (Exit.REFUSED if refusal is BROKEN else Exit.API), ended.err
    assert "DNS does not work" not in ended.err
    assert left(cluster) == []


def test_exec_that_is_denied_in_the_middle_of_a_switch_leaves_no_node_switched(
    opened: Callable[..., Cluster], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster: Cluster | None = None

    def switching(_: list[str]) -> bool:
        there = cluster is not None and PLACE in cluster.store.all(DAEMONSETS)
        return there and cluster is not None and phase(cluster) == FULL

    break_exec(monkeypatch, DENIED, switching)
    cluster = opened([])
    ended = run("enable", "--yes")
    assert ended.code == Exit.REVERTED, ended.err
    assert "put back on 1 node: DNS goes as it went before" in ended.err
    assert phase(cluster) == DARK
    assert not [name for name in left(cluster) if name.startswith(("leases", "jobs"))]


def test_a_write_of_disable_that_fails_says_how_to_go_on(
    opened: Callable[..., Cluster], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(_finished())
    delete = Verbs.delete

    def fails(self: Verbs, at: Address, *rest: Any, **more: Any) -> Any:
        if at.name == "kube-dns-upstream":
            raise Refusal(500, "InternalError", "etcdserver: request timed out")
        return delete(self, at, *rest, **more)

    monkeypatch.setattr(Verbs, "delete", fails)
    for words in (("disable", "--yes", "--now"), ("disable", "--yes")):
        ended = run(*words)
        assert ended.code == Exit.API, ended.err
        assert "etcdserver: request timed out" in ended.err
        assert "run disable again to go on" in ended.err


def test_a_check_with_probes_does_not_call_a_broken_exec_a_broken_interception(
    opened: Callable[..., Cluster], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_exec(monkeypatch, BROKEN, lambda _: True)
    opened(_finished())
    ended = run("check", "--probe", "--window", "1s", "-o", "json")
    assert "is not answered by a cache" not in ended.out + ended.err
    assert "could not be asked" in ended.out + ended.err


def test_a_second_run_is_refused_and_ctrl_c_gives_the_lease_back(
    opened: Callable[..., Cluster], run: Run, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """`enable`, and `disable` while it is at work."""
    cluster = opened(_finished())
    first = start("enable", "--yes", "--kubeconfig", os.environ["KUBECONFIG"])
    while "leases/kubectl-nodedns" not in left(cluster):
        assert first.poll() is None, first.communicate()
        time.sleep(0.01)
    # So that it is at work for as long as this test needs.
    first.send_signal(signal.SIGSTOP)
    lease = cluster.store.all(LEASES)["kube-system", "kubectl-nodedns"]
    fresh = {**lease["spec"], "renewTime": "2999-01-01T00:00:00Z"}
    cluster.change(lambda store: store.put(LEASES, {**lease, "spec": fresh}))
    ended = run("disable", "--yes")
    assert ended.code == Exit.REFUSED, ended.err
    assert f"(enable, process {first.pid}), for " in ended.err
    assert "delete lease kubectl-nodedns" in ended.err
    first.send_signal(signal.SIGINT)
    first.send_signal(signal.SIGCONT)
    _, err = first.communicate(timeout=60)
    assert first.returncode == Exit.INTERRUPTED, err
    assert not [name for name in left(cluster) if name.startswith(("leases", "jobs"))]
    assert run("disable", "--yes", "--now").code == Exit.OK

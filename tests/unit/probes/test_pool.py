"""Probes that are made when a node is first asked from: kept, one round at a time, made anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_nodedns.cluster.exec import ExecResult
from kubectl_nodedns.errors import ApiError, NodednsError, NotFoundError, UsageError
from kubectl_nodedns.lookup.probes import Probes
from kubectl_nodedns.lookup.question import Question
from kubectl_nodedns.probes.failure import Cause

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client

QUESTION = Question(name="a.test.", server="10.96.0.10")
RUNS = {"phase": "Running", "containerStatuses": [{"state": {"running": {"at": "x"}}}]}
PENDING = {"phase": "Pending"}


class Cluster:
    """Jobs make their pods at once; a command in a pod takes a second and answers nothing."""

    def __init__(self) -> None:
        self.status: dict[str, Any] = RUNS
        self.made: list[str] = []
        self.deleted: list[str] = []
        self.inside: list[int] = []
        """How many commands ran in the same pod at the same time, seen by each of them."""
        self.gone: set[str] = set()
        """Pods in which nothing can be run any more."""
        self.prints = ""
        self.commands: list[list[str]] = []
        self._running: dict[str, int] = {}

    async def create(self, _: str, job: dict[str, Any]) -> dict[str, Any]:
        self.made.append(job["metadata"]["name"])
        return {"metadata": {"uid": f"uid-of-{job['metadata']['name']}"}}

    async def delete(self, _: str, *, uid: str) -> bool:
        self.deleted.append(uid.removeprefix("uid-of-"))
        return True

    async def list(self, path: str, **_: str) -> list[dict[str, Any]]:
        if path.endswith("/events"):
            return []
        return [
            {
                "metadata": {
                    "name": f"pod-{name}",
                    "ownerReferences": [{"uid": f"uid-of-{name}", "controller": True}],
                },
                "status": self.status,
            }
            for name in self.made
        ]

    async def exec(
        self, _: str, pod: str, __: str, command: list[str], **___: object
    ) -> ExecResult:
        self.commands.append(command)
        self._running[pod] = self._running.get(pod, 0) + 1
        self.inside.append(self._running[pod])
        await asyncio.sleep(1)
        self._running[pod] -= 1
        if pod in self.gone:
            raise ApiError("the pod is gone", status=404)
        return ExecResult(self.prints, "", 0)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def probes(cluster: Cluster) -> Probes:
    return Probes(cast("Client", cluster), timeout=5)


async def test_a_probe_is_made_for_the_first_question_and_kept(
    cluster: Cluster, probes: Probes
) -> None:
    assert not probes.busy
    for _ in range(3):
        await probes("node1", [QUESTION])
    assert len(cluster.made) == 1
    assert (probes.busy, cluster.deleted) == (True, [])


async def test_a_second_round_on_a_node_waits_for_the_first_and_other_nodes_do_not(
    cluster: Cluster, probes: Probes
) -> None:
    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(probes(node, [QUESTION]) for node in ("a", "a", "b")))
    assert len(cluster.made) == 2
    assert cluster.inside == [1, 1, 1]
    assert asyncio.get_running_loop().time() - began == pytest.approx(2.0)
    await asyncio.gather(probes.ask("a", [QUESTION]), probes.ask("a", [QUESTION]))
    assert cluster.inside == [1] * 5


async def test_a_probe_that_has_ended_is_deleted_and_the_next_round_gets_a_new_one(
    cluster: Cluster, probes: Probes
) -> None:
    await probes("node1", [QUESTION])
    (first,) = cluster.made
    cluster.gone.add(f"pod-{first}")
    answers = await probes("node1", [QUESTION])
    assert [answer.asked for answer in answers] == [False]
    assert cluster.deleted == [first]
    await probes("node1", [QUESTION])
    assert len(cluster.made) == 2


async def test_a_probe_that_does_not_run_is_deleted_and_said(
    cluster: Cluster, probes: Probes
) -> None:
    cluster.status = PENDING
    with pytest.raises(NodednsError, match="no probe pod runs on node1: ") as caught:
        await probes("node1", [QUESTION])
    assert caught.value.hint
    assert cluster.deleted == cluster.made
    assert not probes.busy


async def test_a_probe_is_released_when_its_round_is_over(cluster: Cluster, probes: Probes) -> None:
    await probes("node1", [QUESTION])
    round_ = asyncio.create_task(probes("node1", [QUESTION]))
    await asyncio.sleep(0.5)
    release = asyncio.create_task(probes.release("node1"))
    await asyncio.sleep(0.4)
    assert cluster.deleted == []
    await release
    assert round_.done()
    assert cluster.deleted == cluster.made


async def test_what_may_be_left_is_kept_where_nobody_is_told_at_once(
    cluster: Cluster, probes: Probes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_: str, *, uid: str) -> bool:
        raise ApiError(f"{uid} stays", status=403)

    monkeypatch.setattr(cluster, "delete", refused)
    for node in ("a", "b", "c"):
        await probes(node, [QUESTION])
    await probes.close()
    (said,) = probes.left
    assert "could not be deleted" in said
    assert said.endswith("; and 2 more like it")


async def test_probes_are_started_side_by_side_after_the_first_and_only_where_none_runs(
    cluster: Cluster, probes: Probes
) -> None:
    came: list[str] = []
    assert await probes.start(["a", "b", "c"], started=came.append) == {}
    assert sorted(came) == ["a", "b", "c"]
    assert all(map(probes.runs, "abc"))
    assert await probes.start(["a", "d"], started=came.append) == {}
    assert (len(cluster.made), came[3:]) == (4, ["d"])
    probes.forget("a")
    assert await probes.start(["a"]) == {}
    assert cluster.deleted == cluster.made[:1]


class Refusing(Cluster):
    """Refuses to create some Jobs."""

    def __init__(self, *numbers: int, error: ApiError) -> None:
        super().__init__()
        self.numbers = numbers
        self.error = error

    async def create(self, path: str, job: dict[str, Any]) -> dict[str, Any]:
        if int(job["metadata"]["name"].rpartition("-")[2]) in self.numbers:
            raise self.error
        return await super().create(path, job)


QUOTA = ApiError("exceeded quota: pods=2", status=403)


async def test_a_job_that_is_refused_fails_its_node_unless_it_is_the_first() -> None:
    cluster = Refusing(2, error=QUOTA)
    async with Probes(cast("Client", cluster), timeout=5) as probes:
        failed = await probes.start(["a", "b", "c"])
        assert {node: why.cause for node, why in failed.items()} == {"b": Cause.QUOTA}
        assert (probes.runs("a"), probes.runs("b"), probes.runs("c")) == (True, False, True)
    assert sorted(cluster.deleted) == sorted(cluster.made)
    with pytest.raises(ApiError, match="exceeded quota"):
        await Probes(cast("Client", Refusing(1, error=QUOTA))).start(["a", "b"])


async def test_one_that_is_wanted_later_and_refused_is_the_servers_own_error() -> None:
    cluster = Refusing(2, error=QUOTA)
    probes = Probes(cast("Client", cluster), timeout=5)
    await probes("a", [QUESTION])
    with pytest.raises(ApiError, match="exceeded quota"):
        await probes("b", [QUESTION])


@pytest.mark.parametrize(
    ("said", "kind"),
    [('namespaces "default" not found', UsageError), ("the server has no such kind", ApiError)],
)
async def test_a_namespace_that_is_not_there_is_wrong_usage(
    said: str, kind: type[Exception]
) -> None:
    missing = Refusing(1, error=NotFoundError(said, status=404))
    with pytest.raises(kind):
        await Probes(cast("Client", missing)).start(["a"])


async def test_a_command_is_run_in_the_probe_of_its_node(cluster: Cluster, probes: Probes) -> None:
    await probes.start(["a"])
    cluster.prints = "nameserver 10.88.0.1\n"
    assert await probes.resolv_conf("a") == "nameserver 10.88.0.1\n"
    assert cluster.commands[-1] == ["cat", "/etc/resolv.conf"]

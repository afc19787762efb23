"""Short-lived Jobs: what they have in common, and how the pod of one is waited for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_nodedns.errors import ApiError, RefusedError
from kubectl_nodedns.facts.images import IMAGE_PATIENCE
from kubectl_nodedns.probes.jobs import POLL, JobRun, Waited, job_on

if TYPE_CHECKING:
    from collections.abc import Mapping

LABEL = "example.com/run"
WAITING = {
    "containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull", "message": "x"}}}]
}
CREATING = {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}
RUNNING = {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}


class Client:
    """Shows one status of the Job's pod after the other, each for so many seconds."""

    def __init__(self, *shown: tuple[float, dict[str, Any] | None], node: str = "node1") -> None:
        self.shown = shown
        self.node = node
        self.labels: set[str] = set()
        self.deleted: list[str] = []

    async def create(self, _: str, job: Mapping[str, Any]) -> dict[str, Any]:
        return {"metadata": {"uid": f"uid-of-{job['metadata']['name']}"}}

    async def delete(self, _: str, *, uid: str) -> bool:
        self.deleted.append(uid)
        return True

    async def list(self, _: str, *, labels: str) -> list[dict[str, Any]]:
        self.labels.add(labels)
        left = asyncio.get_running_loop().time()
        status = None
        for seconds, status in self.shown:  # noqa: B007 - the last one lasts
            if (left := left - seconds) < 0:
                break
        if status is None:
            return []
        owner = {"uid": "uid-of-job-1", "controller": True}
        metadata = {"name": "pod", "ownerReferences": [owner]}
        return [{"metadata": metadata, "spec": {"nodeName": self.node}, "status": status}]


def run_of(client: Client, told: list[str] | None = None) -> JobRun:
    said = [] if told is None else told
    return JobRun(cast("Any", client), "kube-system", label=LABEL, told=said.append)


JOB = {
    "metadata": {"name": "job-1", "namespace": "kube-system"},
    "spec": {"activeDeadlineSeconds": 180},
}


async def waited(client: Client, timeout: float = 60.0) -> tuple[Waited, float]:
    run = run_of(client)
    async with run.having(JOB) as made:
        found = await run.wait(made, "node1", runs, timeout=timeout)
        assert client.labels == {f"{LABEL}={run.id}"}
        assert client.deleted == []
    assert client.deleted == ["uid-of-job-1"]
    return found, asyncio.get_running_loop().time()


def runs(pod: Mapping[str, Any] | None) -> bool:
    return pod is not None and pod["status"].get("phase") == "Running"


async def test_a_pod_is_waited_for_until_it_is_as_it_should_be() -> None:
    found, took = await waited(Client((3, None), (3, CREATING), (1, RUNNING)))
    assert (found.done, found.why, found.pod is not None) == (True, "", True)
    assert took == pytest.approx(6, abs=POLL)


@pytest.mark.parametrize(
    ("status", "why"), [(None, "its Job made no pod"), (CREATING, "ContainerCreating")]
)
async def test_when_time_is_up_it_is_said_why(status: dict[str, Any] | None, why: str) -> None:
    found, took = await waited(Client((1, status)))
    assert (found.done, found.imageless) == (False, False)
    assert found.why.startswith(why)
    assert took == pytest.approx(60, abs=POLL)


async def test_a_pod_whose_image_cannot_be_had_is_given_up_long_before() -> None:
    found, took = await waited(Client((1, CREATING), (1, WAITING)))
    assert (found.done, found.imageless, found.why) == (False, True, "ErrImagePull: x")
    assert took == pytest.approx(1 + IMAGE_PATIENCE, abs=POLL)


async def test_a_pull_that_is_tried_again_is_waited_for_anew() -> None:
    shown = [(IMAGE_PATIENCE - 1, WAITING), (1, CREATING), (IMAGE_PATIENCE - 1, WAITING)]
    found, _ = await waited(Client(*shown, (1, RUNNING)))
    assert found.done


async def test_a_pod_on_another_node_is_not_it_and_the_job_goes() -> None:
    client = Client((1, RUNNING), node="node2")
    with pytest.raises(RefusedError, match="asked for on node node1, and runs on node2"):
        await waited(client)
    assert client.deleted == ["uid-of-job-1"]


async def test_jobs_of_a_run_have_names_of_their_own_and_runs_have_ids() -> None:
    run, other = run_of(Client()), run_of(Client())
    assert run.id != other.id
    assert [run.name("look"), run.name("clean")] == [
        f"nodedns-look-{run.id}-1",
        f"nodedns-clean-{run.id}-2",
    ]


async def test_a_job_that_cannot_be_deleted_is_told_with_when_its_pod_ends() -> None:
    client, told = Client(), list[str]()

    async def refused(_: str, *, uid: str) -> bool:
        raise ApiError("jane cannot delete", status=403)

    client.delete = refused  # type: ignore[method-assign]
    async with run_of(client, told).having(JOB):
        pass
    (said,) = told
    assert said.startswith("Job kube-system/job-1 could not be deleted: jane cannot delete; ")
    assert said.endswith("its pod ends by itself after 180 s")


def test_a_job_on_a_node_ends_goes_and_is_never_repeated_whatever_the_nodes_taints() -> None:
    job = job_on(
        "node1",
        metadata={"name": "a"},
        pod={"containers": []},
        pod_metadata={"labels": {"a": "b"}},
        lifetime=180,
        linger=60,
    )
    spec = job["spec"]
    assert (spec["activeDeadlineSeconds"], spec["ttlSecondsAfterFinished"]) == (180, 60)
    assert spec["backoffLimit"] == 0
    pod = spec["template"]["spec"]
    assert (pod["restartPolicy"], pod["automountServiceAccountToken"]) == ("Never", False)
    assert pod["tolerations"] == [{"operator": "Exists"}]
    assert "nodeName" not in pod
    assert spec["template"]["metadata"] == {"labels": {"a": "b"}}

"""Waiting for probes: until each pod runs, or it is known why it does not."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from kubectl_nodedns.errors import ApiError
from kubectl_nodedns.facts.images import IMAGE_PATIENCE
from kubectl_nodedns.probes.failure import Cause, ProbeFailure
from kubectl_nodedns.probes.jobs import POLL, ShortLived
from kubectl_nodedns.probes.starting import LOOKS, Starting

RUNNING = {"phase": "Running", "containerStatuses": [{"state": {"running": {"at": "x"}}}]}
ENDED = {"phase": "Failed", "message": "evicted"}
QUOTA = 'Error creating: pods "p" is forbidden: exceeded quota: small'


def waiting(reason: str) -> dict[str, Any]:
    return {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": reason}}}]}


class Client:
    """Shows each node's pod as it is told to, and the events."""

    def __init__(self, **shown: dict[str, Any] | None) -> None:
        self.shown = shown
        self.events: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.forbidden = False

    def event(self, about: str, message: str, at: str = "1", kind: str = "Warning") -> None:
        involved = {"name": about}
        one = {"type": kind, "message": message, "lastTimestamp": at, "involvedObject": involved}
        self.events.append(one)

    async def list(self, path: str, *, labels: str = "", fields: str = "") -> list[dict[str, Any]]:
        self.asked.append((path.rpartition("/")[2], labels or fields))
        if path.endswith("/events"):
            if self.forbidden:
                raise ApiError("no", status=403)
            return self.events
        return [
            {
                "metadata": {
                    "name": f"probe-{node}-x",
                    "ownerReferences": [{"uid": f"uid-{node}", "controller": True}],
                },
                "spec": {"nodeName": node},
                "status": status,
            }
            for node, status in self.shown.items()
            if status is not None
        ]


async def started(client: Client) -> tuple[dict[str, str], dict[str, ProbeFailure], float]:
    jobs = {}
    for node in client.shown:
        metadata = {"name": f"probe-{node}", "namespace": "default"}
        job = ShortLived(cast("Any", client), {"metadata": metadata})
        job.uid = f"uid-{node}"
        jobs[node] = job
    runs: dict[str, str] = {}
    starting = Starting(cast("Any", client), "default", selector="a=b", jobs=jobs, timeout=30)
    failed = await starting.wait(runs.__setitem__)
    return runs, failed, asyncio.get_running_loop().time()


async def test_those_that_run_are_named_and_nothing_more_is_asked() -> None:
    client = Client(a=RUNNING, b=RUNNING)
    assert await started(client) == ({"a": "probe-a-x", "b": "probe-b-x"}, {}, 0)
    assert client.asked == [("pods", "a=b")]


async def test_one_that_has_ended_fails_at_once() -> None:
    runs, failed, took = await started(Client(a=RUNNING, b=ENDED))
    assert (list(runs), failed["b"].said, took) == (["a"], "evicted", 0)


async def test_one_without_a_pod_is_given_up_when_its_job_says_for_certain_why() -> None:
    client = Client(a=None)
    client.event("probe-a", QUOTA)
    client.event("probe-b", "failed calling webhook")
    _, failed, took = await started(client)
    assert failed["a"].cause is Cause.QUOTA
    assert took == pytest.approx((LOOKS - 1) * POLL, abs=2 * POLL)
    assert ("events", "involvedObject.kind=Job") in client.asked


async def test_one_whose_job_says_nothing_certain_is_waited_for() -> None:
    client = Client(a=None)
    client.event("probe-a", "something odd")
    _, failed, took = await started(client)
    assert failed["a"].said == "not running after 30 s: something odd"
    assert took == pytest.approx(30, abs=POLL)


async def test_when_time_is_up_its_state_and_its_newest_warning_say_why() -> None:
    client = Client(a=waiting("ContainerCreating"))
    client.event("probe-a-x", "old", at="1")
    client.event("probe-a-x", "new", at="2")
    client.event("probe-a-x", "Pulled", at="3", kind="Normal")
    client.event("probe-ab-x", "of another", at="4")
    _, failed, _ = await started(client)
    assert failed["a"].said == "not running after 30 s: ContainerCreating. new"
    assert failed["a"].cause is Cause.NODE


async def test_one_whose_image_cannot_be_had_is_given_up_long_before() -> None:
    _, failed, took = await started(Client(a=waiting("ErrImagePull"), b=RUNNING))
    assert failed["a"].cause is Cause.IMAGE
    assert failed["a"].said == f"not running after {IMAGE_PATIENCE:.0f} s: ErrImagePull"
    assert took == pytest.approx(IMAGE_PATIENCE, abs=POLL)


async def test_where_events_may_not_be_read_the_state_alone_says_it() -> None:
    client = Client(a=None)
    client.forbidden = True
    _, failed, _ = await started(client)
    assert failed["a"].said == "not running after 30 s: its Job made no pod"

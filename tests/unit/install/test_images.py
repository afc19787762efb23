"""Cache pods are waited for; one without its image is not waited for until the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_nodedns.errors import TimedOutError
from kubectl_nodedns.install import pods
from kubectl_nodedns.install.fetching import fetch, fetched
from kubectl_nodedns.install.live import newest
from kubectl_nodedns.install.objects import FULL, MANAGED_BY, PHASE, REVISION
from tests.clock import run

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client


def waiting(reason: str) -> dict[str, Any]:
    """A cache pod of ours whose container waits."""
    labels = {**MANAGED_BY, REVISION: "1", PHASE: FULL}
    state = {"waiting": {"reason": reason, "message": "not found"}}
    return {
        "metadata": {"name": "cache-1", "uid": "uid-1", "labels": labels},
        "spec": {"nodeName": "node1", "containers": [{}]},
        "status": {"containerStatuses": [{"state": state}]},
    }


class FixedPods:
    """Lists always the same pods; every delete is written down."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self.items = list(items)
        self.deleted: list[dict[str, Any]] = []

    async def list(self, path: str, **_: str) -> list[dict[str, Any]]:
        ready = {"type": "Ready", "status": "True"}
        node = {"metadata": {"name": "node1"}, "spec": {}, "status": {"conditions": [ready]}}
        return [node] if path.endswith("/nodes") else self.items

    async def create(self, path: str, job: dict[str, Any]) -> dict[str, Any]:
        """A Job makes its pod at once."""
        owner = {"kind": "Job", "uid": "uid-of-job", "controller": True}
        self.items[0]["metadata"]["ownerReferences"] = [owner]
        return {"metadata": {"uid": "uid-of-job"}}

    async def delete(self, path: str, **options: object) -> bool:
        self.deleted.append({"path": path, **options})
        return True


def cache_pods(client: FixedPods, notes: list[str]) -> pods.CachePods:
    return pods.CachePods(cast("Client", client), "kube-system", timeout=3600, note=notes.append)


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"])
def test_a_pod_without_its_image_is_given_up_long_before_the_timeout(reason: str) -> None:
    notes: list[str] = []
    asked = cache_pods(FixedPods(waiting(reason)), notes)
    with pytest.raises(TimedOutError) as caught:
        run(asked.running(["node1"], "1", FULL))
    assert f"its image cannot be had: {reason}: not found" in str(caught.value)
    assert "--image-registry" in caught.value.hint
    assert notes == [f"waiting for node1: {reason}: not found"]


@pytest.mark.parametrize(
    ("reason", "imageless"),
    [
        ("ErrImagePull", True),
        ("ErrImageNeverPull", True),
        ("InvalidImageName", True),
        ("ContainerCreating", False),
        ("CrashLoopBackOff", False),
        ("CreateContainerConfigError", False),
    ],
)
def test_which_reasons_are_about_the_image(reason: str, imageless: bool) -> None:
    assert newest([waiting(reason)])["node1"].imageless is imageless


@pytest.mark.parametrize(
    ("state", "done"),
    [
        ({"terminated": {"exitCode": 1}}, True),
        ({"running": {}}, True),
        ({"waiting": {"reason": "RunContainerError"}}, True),
        ({"waiting": {"reason": "ContainerCreating"}}, False),
        ({"waiting": {"reason": "ImagePullBackOff"}}, False),
        ({}, False),
    ],
)
def test_an_image_is_there_when_its_container_was_started(
    state: dict[str, Any], done: bool
) -> None:
    assert fetched({"status": {"containerStatuses": [{"state": state}]}}) is done


def test_a_node_that_cannot_fetch_is_given_up_long_before_the_timeout() -> None:
    client = FixedPods(waiting("ErrImagePull"))
    failed = run(
        fetch(
            cast("Client", client),
            ["node1"],
            namespace="kube-system",
            image="mirror/cache:0",
            pull_secrets=(),
            timeout=3600,
            note=[].append,
        )
    )
    assert failed == {"node1": "ErrImagePull: not found"}
    assert [one["uid"] for one in client.deleted] == ["uid-of-job"]


def test_a_cache_pod_always_gets_the_time_to_take_its_rules_away() -> None:
    client = FixedPods(waiting("ContainerCreating"))
    asked = cache_pods(client, [])
    run(asked.delete(newest(client.items)["node1"]))
    assert [(one["uid"], one["grace"]) for one in client.deleted] == [("uid-1", 30)]

"""A Job's pod is known by its controller's UID and its node, by nothing that anybody may write."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.facts.pod_owners import controller_uid, pod_of_job


def pod(name: str = "probe-x", uid: str = "job-1", node: str = "node1", **more: Any) -> Any:
    owner = {"kind": "Job", "name": "probe", "uid": uid, "controller": True, **more}
    labels = {"kubectl-nodedns/probe-run": "abcd", "job-name": "probe"}
    metadata = {"name": name, "labels": labels, "ownerReferences": [owner]}
    return {"metadata": metadata, "spec": {"nodeName": node} if node else {}}


def test_the_pod_with_the_jobs_uid_is_its_pod() -> None:
    mine = pod()
    assert pod_of_job([pod(uid="job-2"), mine], uid="job-1", node="node1") is mine


@pytest.mark.parametrize(
    "forged",
    [
        {"metadata": {"name": "probe-0", "labels": pod()["metadata"]["labels"]}, "spec": {}},
        pod(uid="job-2"),
        pod(controller=False),
        pod(uid=""),
    ],
    ids=["labels and name alone", "of another Job", "owned, not controlled", "no UID"],
)
def test_what_only_looks_like_it_is_none(forged: Any) -> None:
    assert pod_of_job([forged], uid="job-1", node="node1") is None
    mine = pod()
    assert pod_of_job([forged, mine], uid="job-1", node="node1") is mine


def test_a_job_whose_uid_is_not_known_has_no_pod() -> None:
    assert pod_of_job([pod(uid="")], uid="", node="node1") is None


def test_a_pod_that_is_not_scheduled_yet_is_the_jobs() -> None:
    assert pod_of_job([pod(node="")], uid="job-1", node="node1")


def test_a_pod_on_another_node_says_nothing_about_the_one_that_was_asked() -> None:
    with pytest.raises(RefusedError, match="asked for on node node1, and runs on node2"):
        pod_of_job([pod(node="node2")], uid="job-1", node="node1")


def test_of_two_that_both_claim_a_job_none_is_believed() -> None:
    with pytest.raises(RefusedError, match=r"2 pods say that they are of one Job.*a, b"):
        pod_of_job([pod("b"), pod("a")], uid="job-1", node="node1")


def test_a_pod_that_nobody_keeps_has_no_controller() -> None:
    assert controller_uid({"metadata": {"name": "bare"}}) == ""
    assert controller_uid(pod(controller=False)) == ""

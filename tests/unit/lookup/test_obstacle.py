"""What stands in a probe's way, told from the words that real clusters say."""

from __future__ import annotations

import pytest

from kubectl_nodedns.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    UnreachableError,
)
from kubectl_nodedns.lookup.obstacle import FINAL, What, obstacle, obstacle_of

SAID = {
    'Error creating: pods "p" is forbidden: exceeded quota: small, requested: pods=1': What.QUOTA,
    'Error creating: pods "p" is forbidden: failed quota: q: must specify limits.cpu': What.QUOTA,
    'pods "p" is forbidden: [minimum cpu usage per Container is 100m, but request is 5m]': (
        What.QUOTA
    ),
    'pods "p" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot': What.POLICY,
    "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'no-jobs' denied request": What.POLICY,
    'pods "p" is forbidden: error looking up service account': What.POLICY,
    'admission webhook "policy.example.com" denied the request: no': What.ADMISSION,
    'failed calling webhook "v.example.com": connection refused': What.ADMISSION,
    "ErrImagePull: failed to pull and unpack image": What.IMAGE,
    "ImagePullBackOff: Back-off pulling image": What.IMAGE,
    "InvalidImageName: couldn't parse image name": What.IMAGE,
    "CreateContainerConfigError: container has runAsNonRoot and image will run as root": (
        What.IMAGE
    ),
    'the container ended: StartError: exec: "sh": executable file not found in $PATH': What.IMAGE,
    "Unschedulable: 0/3 nodes are available: 1 Insufficient cpu": What.NODE,
    "OutOfcpu: Pod was rejected": What.NODE,
    "ContainerCreating. FailedCreatePodSandBox: plugin not initialised": What.NODE,
    "its Job made no pod": What.UNKNOWN,
}


@pytest.mark.parametrize(("said", "what"), SAID.items())
def test_the_clusters_words_tell_what_stands_in_the_way(said: str, what: What) -> None:
    found = obstacle(said)
    assert found.what == what
    assert str(found) == f"{what} stands in the way: {said}"
    assert found.way_out


def test_a_refused_pod_does_not_come_by_waiting_and_a_full_node_may() -> None:
    assert What.QUOTA in FINAL
    assert What.NODE not in FINAL


def test_words_of_an_image_cannot_bring_an_escape_sequence_onto_the_screen() -> None:
    assert obstacle("the container ended: \x1b[2J\r\nowned").said.isprintable()


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (ApiError("POST jobs: too many requests", status=429), What.SERVER),
        (ApiError("POST jobs: etcdserver: leader changed", status=500), What.SERVER),
        (ConflictError("POST jobs: Operation cannot be fulfilled", status=409), What.SERVER),
        (UnreachableError("no answer in time"), What.SERVER),
        (ApiError("failed calling webhook x: EOF", status=500), What.ADMISSION),
        (ForbiddenError("exceeded quota: pods=0", status=403), What.QUOTA),
        (InvalidError("Job is invalid", status=422), What.UNKNOWN),
    ],
)
def test_a_server_that_did_not_judge_a_probe_is_not_a_matter_of_its_image(
    error: ApiError, what: What
) -> None:
    found = obstacle_of(error)
    assert found.what is what
    assert ("--probe-image" in found.way_out) == (what is What.UNKNOWN)

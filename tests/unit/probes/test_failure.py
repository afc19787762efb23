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
from kubectl_nodedns.probes.failure import FINAL, Cause, failure_of, failure_of_error

SAID = {
    'Error creating: pods "p" is forbidden: exceeded quota: small, requested: pods=1': Cause.QUOTA,
    'Error creating: pods "p" is forbidden: failed quota: q: must specify limits.cpu': Cause.QUOTA,
    'pods "p" is forbidden: [minimum cpu usage per Container is 100m, but request is 5m]': (
        Cause.QUOTA
    ),
    'pods "p" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot': Cause.POLICY,
    "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'no-jobs' denied request": Cause.POLICY,
    'pods "p" is forbidden: error looking up service account': Cause.POLICY,
    'admission webhook "policy.example.com" denied the request: no': Cause.ADMISSION,
    'failed calling webhook "v.example.com": connection refused': Cause.ADMISSION,
    "ErrImagePull: failed to pull and unpack image": Cause.IMAGE,
    "ImagePullBackOff: Back-off pulling image": Cause.IMAGE,
    "InvalidImageName: couldn't parse image name": Cause.IMAGE,
    "CreateContainerConfigError: container has runAsNonRoot and image will run as root": (
        Cause.IMAGE
    ),
    'the container ended: StartError: exec: "sh": executable file not found in $PATH': Cause.IMAGE,
    "Unschedulable: 0/3 nodes are available: 1 Insufficient cpu": Cause.NODE,
    "OutOfcpu: Pod was rejected": Cause.NODE,
    "ContainerCreating. FailedCreatePodSandBox: plugin not initialised": Cause.NODE,
    "its Job made no pod": Cause.UNKNOWN,
}


@pytest.mark.parametrize(("said", "cause"), SAID.items())
def test_the_clusters_words_tell_what_stands_in_the_way(said: str, cause: Cause) -> None:
    found = failure_of(said)
    assert found.cause == cause
    assert str(found) == f"{cause} stands in the way: {said}"
    assert found.way_out


def test_a_refused_pod_does_not_come_by_waiting_and_a_full_node_may() -> None:
    assert Cause.QUOTA in FINAL
    assert Cause.NODE not in FINAL


def test_words_of_an_image_cannot_bring_an_escape_sequence_onto_the_screen() -> None:
    assert failure_of("the container ended: \x1b[2J\r\nowned").said.isprintable()


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ApiError("POST jobs: too many requests", status=429), Cause.SERVER),
        (ApiError("POST jobs: etcdserver: leader changed", status=500), Cause.SERVER),
        (ConflictError("POST jobs: Operation cannot be fulfilled", status=409), Cause.SERVER),
        (UnreachableError("no answer in time"), Cause.SERVER),
        (ApiError("failed calling webhook x: EOF", status=500), Cause.ADMISSION),
        (ForbiddenError("exceeded quota: pods=0", status=403), Cause.QUOTA),
        (InvalidError("Job is invalid", status=422), Cause.UNKNOWN),
    ],
)
def test_a_server_that_did_not_judge_a_probe_is_not_a_matter_of_its_image(
    error: ApiError, cause: Cause
) -> None:
    found = failure_of_error(error)
    assert found.cause is cause
    assert ("--probe-image" in found.way_out) == (cause is Cause.UNKNOWN)

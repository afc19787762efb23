"""Why a probe does not run, told apart from the cluster's own words. Pure.

The words are those of the scheduler, the kubelet, the Job controller and admission, as they stand
in conditions, container states and events.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from kubectl_nodedns.errors import ApiError

_CHOOSE = "--probe-namespace names another namespace"


class Cause(StrEnum):
    """What stands in the way."""

    QUOTA = "a quota or limit of the namespace"
    """ResourceQuota or LimitRange."""
    POLICY = "a policy of the cluster"
    """Pod Security, a ValidatingAdmissionPolicy, or RBAC."""
    ADMISSION = "an admission webhook"
    """A webhook denied the pod, or does not answer."""
    IMAGE = "the image"
    """It cannot be pulled, or cannot run as a probe."""
    NODE = "the node"
    """It has no room, or does not get pods going."""
    SERVER = "the API server"
    """It is overloaded or fails, or its answer was lost: it has not judged the probe."""
    FOREIGN = "somebody else's pod"
    """Another pod answers for the probe, or the probe was put on another node."""
    UNKNOWN = "something"
    """None of the known words."""


_WORDS: tuple[tuple[Cause, tuple[str, ...]], ...] = (
    (Cause.ADMISSION, ("admission webhook", "failed calling webhook")),
    (
        Cause.QUOTA,
        ("exceeded quota", "failed quota", " usage per Container", " usage per Pod", "LimitRange"),
    ),
    (
        Cause.POLICY,
        ("violates PodSecurity", "ValidatingAdmissionPolicy", "PodSecurityPolicy", "is forbidden"),
    ),
    (
        Cause.IMAGE,
        (
            "ErrImage",
            "ImagePullBackOff",
            "InvalidImageName",
            "ImageInspectError",
            "RegistryUnavailable",
            "CreateContainer",
            "RunContainerError",
            "StartError",
            "the container ended",
        ),
    ),
    (
        Cause.NODE,
        (
            "Unschedulable",
            "nodes are available",
            "OutOf",
            "Evicted",
            "NodeAffinity",
            "FailedCreatePodSandBox",
            "ContainerCreating",
            "Preempt",
            "node was",
            "NodeLost",
        ),
    ),
)
_WAYS_OUT = {
    Cause.QUOTA: f"a probe asks for 5m CPU and 16Mi, and is one Job and one pod; {_CHOOSE}",
    Cause.POLICY: f"a probe fits the restricted Pod Security level; {_CHOOSE}",
    Cause.ADMISSION: f"exempt probes (label app.kubernetes.io/component=probe) there, or {_CHOOSE}",
    Cause.IMAGE: "--probe-image names an image with dig, sh and sleep that the node can pull and "
    "user 65534 can run",
    Cause.NODE: "kubectl describe node shows its conditions; --node asks from others",
    Cause.SERVER: "it has not judged the probe: try again later; kubectl get --raw /readyz?verbose "
    "shows how it is",
    Cause.FOREIGN: "kubectl get pods -l app.kubernetes.io/component=probe -o yaml shows who writes "
    f"them there; {_CHOOSE}, in which nobody else does",
    Cause.UNKNOWN: f"--probe-image names another image; {_CHOOSE}",
}
FINAL = frozenset({Cause.QUOTA, Cause.POLICY, Cause.ADMISSION})
"""What an event of the Job tells for certain: its pod was refused, and waiting does not help."""


@dataclass(frozen=True, kw_only=True)
class ProbeFailure:
    """Why one probe does not run."""

    cause: Cause
    """What stands in the way."""
    said: str
    """The cluster's own words."""

    @property
    def way_out(self) -> str:
        """What to do about it."""
        return _WAYS_OUT[self.cause]

    def __str__(self) -> str:
        return f"{self.cause} stands in the way: {self.said}"


def failure_of_error(error: ApiError) -> ProbeFailure:
    """Tell what stands in the way where a Job could not be created."""
    found = failure_of(str(error))
    if found.cause is Cause.UNKNOWN and not error.judged:
        return replace(found, cause=Cause.SERVER)
    return found


def failure_of(said: str) -> ProbeFailure:
    """Tell from the cluster's words what stands in the way."""
    said = printable(said)
    for cause, words in _WORDS:
        if any(word in said for word in words):
            return ProbeFailure(cause=cause, said=said)
    return ProbeFailure(cause=Cause.UNKNOWN, said=said)

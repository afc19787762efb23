"""What the user may do here, asked of the API server before anything is begun.

A right that is missing in the middle of a rollout would stop it half-way, the putting back too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import ForbiddenError
from kubectl_nodedns.readable import understood
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.cluster.client import Client

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True)
class Right:
    """One thing that somebody may do."""

    verb: str
    """Such as "delete"."""
    group: str
    """API group; empty for the core."""
    resource: str
    """Plural, with the subresource: "pods/exec"."""
    namespace: str
    """Where; empty for the whole cluster."""
    otherwise: str = ""
    """Another verb that serves as well."""

    def __str__(self) -> str:
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {resource} in {self.namespace or 'the whole cluster'}"


def to_change(namespace: str, probe_namespace: str) -> list[Right]:
    """Return the rights that `enable` and `disable` need beyond reading."""
    rights = [
        Right(verb, group, resource, namespace)
        for verb in ("create", "patch", "delete")
        for group, resource in (
            ("apps", "daemonsets"),
            ("", "services"),
            ("", "configmaps"),
            ("", "serviceaccounts"),
        )
    ]
    return [
        *rights,
        Right("delete", "", "pods", namespace),
        Right("create", "batch", "jobs", probe_namespace),
        Right("delete", "batch", "jobs", probe_namespace),
        Right("list", "", "pods", probe_namespace),
        # An exec over WebSocket was a get before Kubernetes 1.35.
        Right("create", "", "pods/exec", probe_namespace, otherwise="get"),
    ]


def to_hold(namespace: str) -> list[Right]:
    """Return the rights to hold the lease that keeps two runs apart."""
    verbs = ("create", "get", "update", "delete")
    return [Right(verb, "coordination.k8s.io", "leases", namespace) for verb in verbs]


def to_look(namespace: str) -> list[Right]:
    """Return the rights to look at nodes from their own network; `disable` can do without."""
    return [
        Right("create", "batch", "jobs", namespace),
        Right("delete", "batch", "jobs", namespace),
        Right("get", "", "pods/log", namespace),
    ]


def to_fetch(namespace: str) -> list[Right]:
    """Return the rights to have nodes fetch the cache's image; `enable` can do without."""
    return [Right(verb, "batch", "jobs", namespace) for verb in ("create", "delete")]


async def demand(client: Client, rights: Sequence[Right]) -> None:
    """Check that the user has all of `rights`.

    Raises:
        ForbiddenError: one is missing; the message names all that are.
    """
    lacking = await missing(client, rights)
    if lacking:
        raise ForbiddenError(
            f"rights are missing: {'; '.join(map(str, lacking))}",
            hint="nothing was done. docs/security.md has a Role that grants them",
        )


@understood("the rights")
async def missing(client: Client, rights: Sequence[Right]) -> list[Right]:
    """Return those of `rights` that the user does not have."""
    answers = await together(_allowed(client, right) for right in rights)
    return [right for right, allowed in zip(rights, answers, strict=True) if not allowed]


async def _allowed(client: Client, right: Right) -> bool:
    verbs = [verb for verb in (right.verb, right.otherwise) if verb]
    return any([await _may(client, right, verb) for verb in verbs])


async def _may(client: Client, right: Right, verb: str) -> bool:
    resource, _, subresource = right.resource.partition("/")
    attributes = {
        "namespace": right.namespace,
        "verb": verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
    }
    review = await client.create(
        REVIEWS,
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        },
    )
    return bool((review.get("status") or {}).get("allowed"))

"""Which pod is whose. Pure.

Labels and names are whatever the writer of a pod likes. A pod is its controller's, by UID. A Job's
pod is the one that has the Job's
UID for its controller, runs where it was asked for, and has no other beside it that says so too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def controller_uid(pod: Mapping[str, Any]) -> str:
    """Return the UID of what made a pod and keeps it; empty for one that was made by hand."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((str(owner.get("uid") or "") for owner in owners if owner.get("controller")), "")


def pod_of_job(
    pods: Iterable[Mapping[str, Any]], *, uid: str, node: str
) -> Mapping[str, Any] | None:
    """Return the pod of a Job that makes one pod, for one node.

    Args:
        pods: pods of its namespace; others among them are left out.
        uid: the Job's UID, as the API server told it when the Job was made.
        node: the node that the Job asks for.

    Returns:
        None while there is none.

    Raises:
        RefusedError: another pod says that it is the Job's as well, or it was put on another node:
            what it says is no word of `node`.
    """
    mine = [pod for pod in pods if uid and controller_uid(pod) == uid]
    if len(mine) > 1:
        names = ", ".join(sorted(str(pod["metadata"]["name"]) for pod in mine))
        raise RefusedError(
            f"{len(mine)} pods say that they are of one Job, which makes one: {names}",
            hint="somebody writes pods there that answer for others: name a namespace in which "
            "nobody else does",
        )
    if not mine:
        return None
    put = (mine[0].get("spec") or {}).get("nodeName") or ""
    if put not in ("", node):
        raise RefusedError(
            f"pod {mine[0]['metadata']['name']} was asked for on node {node}, and runs on {put}",
            hint="something changes pods on their way in, or schedules them by rules of its own",
        )
    return mine[0]

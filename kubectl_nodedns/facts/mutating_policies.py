"""Whether this cluster can change pods by policy, and what of ours does so already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import PLURALS, collection
from kubectl_nodedns.errors import ForbiddenError, NotFoundError
from kubectl_nodedns.readable import understood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_nodedns.cluster.client import Client

GROUP = "admissionregistration.k8s.io"
VERSIONS = ("v1", "v1beta1")
"""Newest first; v1 since Kubernetes 1.36, v1beta1 since 1.34 behind a gate (KEP-3962)."""
KINDS = ("MutatingAdmissionPolicyBinding", "MutatingAdmissionPolicy")
"""In the order in which they are deleted."""


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What the API server offers, and what carries a label."""

    version: str
    """Version in which MutatingAdmissionPolicy is served; empty when it is not."""
    found: tuple[Mapping[str, Any], ...] = ()
    """Policies and bindings with the label and the name that were asked for, bindings first."""
    forbidden: str = ""
    """Why they could not be read; empty when they could."""


@understood("the admission policies")
async def read_admission(client: Client, labels: str, name: str) -> Admission:
    """Find out whether MutatingAdmissionPolicy is served; list those of that name with `labels`."""
    version = await _served(client)
    found: list[Mapping[str, Any]] = []
    if version:
        api_version = f"{GROUP}/{version}"
        try:
            for kind in KINDS:
                items = await client.list(collection(api_version, PLURALS[kind]), labels=labels)
                found += [
                    {"apiVersion": api_version, "kind": kind, **item}
                    for item in items
                    if item["metadata"]["name"] == name
                ]
        except ForbiddenError as error:
            return Admission(version=version, forbidden=str(error))
    return Admission(version=version, found=tuple(found))


@understood("the namespaces")
async def labelled_namespaces(client: Client, labels: str) -> list[str]:
    """Return the names of the namespaces that carry `labels`."""
    items = await client.list(collection("v1", "namespaces"), labels=labels)
    return sorted(item["metadata"]["name"] for item in items)


async def _served(client: Client) -> str:
    for version in VERSIONS:
        try:
            served = await client.get(f"/apis/{GROUP}/{version}")
        except NotFoundError:
            continue
        if any(r.get("kind") == KINDS[1] for r in served.get("resources") or ()):
            return version
    return ""

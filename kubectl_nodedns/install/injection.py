"""Plan, install, try and remove the policy that hands the cache to new pods (`enable --inject`)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, object_path
from kubectl_nodedns.errors import ApiError, NotFoundError, PartialError, RefusedError
from kubectl_nodedns.facts.mutating_policies import Admission, labelled_namespaces, read_admission
from kubectl_nodedns.facts.rights import Right, demand
from kubectl_nodedns.install.changes import CONFIGURE, CREATE, UNCHANGED, Change, differences
from kubectl_nodedns.install.injection_policy import (
    API_GROUP,
    ENABLED,
    LABEL,
    Resolver,
    objects,
    plain_patch,
)
from kubectl_nodedns.install.live import MANAGED
from kubectl_nodedns.install.objects import NAME
from kubectl_nodedns.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.proof import Report

IN_FORCE = 20.0
"""Seconds that the API server may take to act by a new policy."""
PAUSE = 0.5
"""Seconds between two questions whether it does."""
TRIED = 5
"""Namespaces in which a pod is tried, until one gets the cache: what keeps pods out of one, such as
a quota of its owner's, is its own affair."""
LABELLED = f"{LABEL}={ENABLED}"


@dataclass(frozen=True, kw_only=True)
class Injection:
    """What becomes of the policy and its binding."""

    resolver: Resolver
    """What pods are to get."""
    wanted: Sequence[dict[str, Any]]
    """Policy and binding."""
    changes: tuple[Change, ...]
    """What becomes of each."""

    @property
    def unchanged(self) -> bool:
        """Whether both are as they should be."""
        return all(change.action == UNCHANGED for change in self.changes)

    def lines(self) -> list[str]:
        """Say in lines what becomes of them."""
        lines = []
        for change in self.changes:
            lines.append(f"{change.action:<10} {change.kind} {change.name}")
            lines += [f"{'':<12} {field}" for field in change.fields]
        return lines


async def plan_injection(client: Client, resolver: Resolver, *, asked: bool) -> Injection | None:
    """Compare the policy that is wanted with what is there.

    A policy of ours that is there already is kept in step with the cache, whether it was asked for
    now or not: pods must not be handed an address at which nobody listens.

    Returns:
        None when there is none and none is wanted.

    Raises:
        RefusedError: it is asked for and cannot be had here, or a policy of that name is not ours.
    """
    seen = await read_admission(client, MANAGED, NAME)
    if not asked and not seen.found:
        return None
    if asked and seen.forbidden:
        raise RefusedError(
            f"the admission policies cannot be read: {seen.forbidden}",
            hint="docs/security.md has the ClusterRole that --inject needs",
        )
    if not seen.version:
        raise RefusedError(
            "this API server has no MutatingAdmissionPolicy (stable since Kubernetes 1.36)",
            hint="--inject=print prints the dnsConfig to merge into pod templates by hand",
        )
    wanted = objects(resolver, version=seen.version)
    found = {(obj["kind"], obj["metadata"]["name"]): obj for obj in seen.found}
    changes = [await _change(client, obj, found) for obj in wanted]
    return Injection(resolver=resolver, wanted=wanted, changes=tuple(changes))


async def _change(
    client: Client, obj: dict[str, Any], found: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Change:
    kind, name = obj["kind"], obj["metadata"]["name"]
    ours = found.get((kind, name))
    if ours is not None:
        fields = tuple(differences(obj, ours))
        return Change(
            kind=kind, name=name, action=CONFIGURE if fields else UNCHANGED, fields=fields
        )
    try:
        await client.get(object_path(obj))
    except NotFoundError:
        return Change(kind=kind, name=name, action=CREATE)
    raise RefusedError(
        f"there is a {kind} {name} that is not ours",
        hint="to apply over it would mix two installations; rename or remove it first",
    )


async def demand_injection(client: Client) -> None:
    """Check that the user may write the policy and its binding.

    Raises:
        ForbiddenError: a right is missing; the message names all that are.
    """
    await demand(
        client,
        [
            Right(verb, API_GROUP, plural, "")
            for verb in ("create", "patch", "delete")
            for plural in ("mutatingadmissionpolicies", "mutatingadmissionpolicybindings")
        ],
    )


async def install_injection(
    client: Client,
    injection: Injection,
    report: Report,
    *,
    image: str,
    force: bool,
    patience: float = IN_FORCE,
) -> None:
    """Apply policy and binding, and prove on a pod that is never created that they act.

    Args:
        client: an open client.
        injection: what is applied.
        report: told what is done.
        image: image of the pod that is never created.
        force: whether fields that others own are taken over.
        patience: seconds that the API server may take to act by a new policy.

    Raises:
        PartialError: the policy is there and does not act.
    """
    report.step("inject the cache into new pods of labelled namespaces")
    for obj in injection.wanted:
        await client.apply(obj, force=force)
    namespaces = await labelled_namespaces(client, LABELLED)
    if not namespaces:
        report.note(f"no namespace asks for it yet: kubectl label namespace NAME {LABELLED}")
        return
    for namespace in namespaces[:TRIED]:
        try:
            seen = await _in_force(client, injection.resolver, namespace, image, patience)
        except ApiError as error:
            report.note(f"a new pod of namespace {namespace} cannot be tried: {error}")
            continue
        break
    else:
        report.note(f"whether the policy {NAME} acts is not known: no pod could be tried")
        return
    if seen:
        raise PartialError(
            f"the policy {NAME} is there, and a new pod of namespace {namespace} does not get "
            f"the cache: {seen}",
            hint="the cache itself works. Another policy or webhook may write a dnsConfig first",
        )
    report.note(
        f"a new pod of namespace {namespace} gets {injection.resolver.local_ip} as its first "
        f"nameserver (server dry run); namespaces: {', '.join(namespaces)}; pods that run already "
        "stay as they are until they are replaced"
    )


async def _in_force(
    client: Client, resolver: Resolver, namespace: str, image: str, patience: float
) -> str:
    """Return what is wrong with a new pod of `namespace`; empty when it gets the cache.

    Raises:
        ApiError: no pod is let in there.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while True:
        wrong = await _pod_gets(client, resolver, namespace, image)
        if not wrong or loop.time() >= deadline:
            return wrong
        await asyncio.sleep(PAUSE)


async def _pod_gets(client: Client, resolver: Resolver, namespace: str, image: str) -> str:
    pod = await client.create(collection("v1", "pods", namespace), _sample(image), dry_run=True)
    config, policy = pod["spec"].get("dnsConfig"), pod["spec"].get("dnsPolicy")
    if config == resolver.dns_config(namespace):
        # With another one, other nameservers would come first.
        return "" if policy == "None" else f"its dnsPolicy is {printable(str(policy))}"
    return f"its dnsConfig is {printable(str(config))}" if config else "it has no dnsConfig"


def _sample(image: str) -> dict[str, Any]:
    """Return a pod for a server dry run that restricted Pod Security lets in."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "nodedns-never-created-"},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "none",
                    "image": image,
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


async def injection_to_print(
    client: Client | None, resolver: Resolver, report: Report
) -> list[dict[str, Any]]:
    """Return what --inject=print prints: policy and binding, or the plain patch."""
    seen = await read_admission(client, MANAGED, NAME) if client else Admission(version="v1")
    if not seen.version:
        report.note(
            "this API server has no MutatingAdmissionPolicy (stable since Kubernetes 1.36): this "
            "is the patch for a pod template; write its namespace for NAMESPACE"
        )
        return [plain_patch(resolver)]
    report.note(f"namespaces opt in with the label {LABELLED}, pods opt out with {LABEL}=disabled")
    return objects(resolver, version=seen.version)


async def remove_injection(
    client: Client, found: Sequence[Mapping[str, Any]], report: Report
) -> None:
    """Delete binding and policy, so that no new pod is handed the address."""
    for obj in found:
        report.step(f"delete {obj['kind']} {obj['metadata']['name']}")
        await client.delete(object_path(dict(obj)), uid=obj["metadata"]["uid"])

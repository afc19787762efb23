"""Whether the API server would let pods in, and whether it would change them on their way.

Objects such as a DaemonSet are admitted whatever their pods are like: Pod Security, quotas and most
webhooks look at pods alone. So a pod of each template is sent in a server dry run, which passes
through all of them and stores nothing.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import ApiError, ConflictError
from kubectl_nodedns.facts.quantity import MI, quantity
from kubectl_nodedns.readable import understood

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client

ENFORCE = "pod-security.kubernetes.io/enforce"
LEVELS = ("privileged", "baseline", "restricted")
UNKNOWN_RIGHT = re.compile(r"cannot \w+ resource")
"""Words of the API server's authorizer; admission uses others."""
WEBHOOK = ("admission webhook", "failed calling webhook")
"""Words of the API server about what a webhook did, or did not do."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What became of an object in a server dry run."""

    subject: str
    """What it was, such as "the cache's pod in namespace kube-system"."""
    refusal: str
    """Why it was refused, in the API server's words; empty when it was let in."""
    changes: tuple[str, ...] = ()
    """What admission changed that matters to DNS."""
    conflict: bool = False
    """Whether it was refused because another field manager owns a field."""


@dataclass(frozen=True, kw_only=True)
class Quota:
    """A quota that does not leave room for pods that are to come."""

    name: str
    """The ResourceQuota, as NAMESPACE/NAME."""
    resource: str
    """The resource that is short, such as "pods"."""
    needed: str
    """What the pods need of it."""
    left: str
    """What is left of it."""


@understood("the namespace")
async def level_of(client: Client, namespace: str) -> str:
    """Read the Pod Security level that a namespace enforces; empty when it has none of its own."""
    found = await client.get(named("v1", "namespaces", "", namespace))
    return str((found["metadata"].get("labels") or {}).get(ENFORCE, ""))


async def read_quotas(client: Client, namespace: str) -> list[dict[str, Any]]:
    """Read the ResourceQuotas of a namespace."""
    return await client.list(collection("v1", "resourcequotas", namespace))


async def try_pod(client: Client, pod: dict[str, Any], subject: str) -> Trial:
    """Send a pod in a server dry run.

    Raises:
        ApiError: it was not tried.
    """
    path = collection("v1", "pods", pod["metadata"]["namespace"])
    return await _trial(subject, client.create(path, pod, dry_run=True), sent=pod)


async def try_job(client: Client, job: dict[str, Any], subject: str) -> Trial:
    """Send a Job in a server dry run.

    Raises:
        ApiError: it was not tried.
    """
    path = collection("batch/v1", "jobs", job["metadata"]["namespace"])
    return await _trial(subject, client.create(path, job, dry_run=True))


async def try_object(client: Client, obj: dict[str, Any], *, force: bool = False) -> Trial:
    """Send an object of ours as it would be applied, in a server dry run.

    Raises:
        ApiError: it was not tried.
    """
    metadata = obj["metadata"]
    subject = f"{obj['kind']} {metadata['namespace']}/{metadata['name']}"
    return await _trial(subject, client.apply(obj, dry_run=True, force=force), owned=True)


@understood("what admission makes of it")
async def _trial(
    subject: str,
    asked: Awaitable[Mapping[str, Any]],
    *,
    sent: Mapping[str, Any] | None = None,
    owned: bool = False,
) -> Trial:
    """Await a server dry run.

    Args:
        subject: what is sent, in words.
        asked: the request.
        sent: the pod that is sent, to tell what admission changes.
        owned: whether a conflict (409) is one over the ownership of fields.

    Raises:
        ApiError: nobody looked at it: a right is missing, the server is overloaded or fails.
    """
    try:
        got = await asked
    except ApiError as error:
        conflict = owned and isinstance(error, ConflictError)
        if not (conflict or _refused(error)):
            raise
        return Trial(subject=subject, refusal=str(error), conflict=conflict)
    return Trial(subject=subject, refusal="", changes=tuple(changed(sent, got)) if sent else ())


def _refused(error: ApiError) -> bool:
    """Whether somebody looked at an object and refused it: webhooks may do so by any status."""
    said = str(error)
    by_webhook = any(words in said for words in WEBHOOK)
    return by_webhook or (error.judged and not UNKNOWN_RIGHT.search(said))


def pod_of_template(template: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Return a pod as a controller would make it from a template, for a dry run.

    Its ServiceAccount may not be there yet, so it gets the one that every namespace has.
    """
    metadata = copy.deepcopy(dict(template.get("metadata") or {}))
    spec = copy.deepcopy(dict(template["spec"])) | {"serviceAccountName": "default"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**metadata, "namespace": namespace, "generateName": "nodedns-preflight-"},
        "spec": spec,
    }


def changed(sent: Mapping[str, Any], got: Mapping[str, Any]) -> list[str]:
    """Say what admission changed in a pod: containers, limits, DNS, host network."""
    before, after = sent["spec"], got.get("spec") or {}
    own = {one["name"]: one for one in before["containers"]}
    found = []
    for kind in ("containers", "initContainers"):
        mine = {one["name"] for one in before.get(kind) or ()}
        found += [
            f"a container is added: {one['name']} ({one.get('image', '')})"
            for one in after.get(kind) or ()
            if one["name"] not in mine
        ]
    for one in after.get("containers") or ():
        if one["name"] in own:
            found += _limits(own[one["name"]], one)
            if one.get("image") != own[one["name"]].get("image"):
                found.append(f"the image becomes {one.get('image')}")
    for name in ("dnsPolicy", "dnsConfig", "hostNetwork", "priorityClassName"):
        if name in before and after.get(name) != before[name]:
            found.append(f"{name} becomes {after.get(name)}")
    if "dnsConfig" not in before and after.get("dnsConfig"):
        found.append("a dnsConfig is added")
    return found


def _limits(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    mine = (before.get("resources") or {}).get("limits") or {}
    now = (after.get("resources") or {}).get("limits") or {}
    return [
        f"container {after['name']} gets a {name} limit of {value}"
        for name, value in sorted(now.items())
        if name in ("cpu", "memory") and name not in mine
    ]


def short_quotas(
    quotas: Sequence[Mapping[str, Any]], spec: Mapping[str, Any], count: int
) -> list[Quota]:
    """Find quotas that do not leave room for `count` pods of this specification."""
    needs = _needs(spec)
    found = []
    for quota in quotas:
        if not _in_scope(quota.get("spec") or {}, spec):
            continue
        status = quota.get("status") or {}
        hard = status.get("hard") or (quota.get("spec") or {}).get("hard") or {}
        for resource, limit in sorted(hard.items()):
            need = needs.get(resource)
            if need is None:
                continue
            left = quantity(str(limit)) - quantity(
                str((status.get("used") or {}).get(resource, "0"))
            )
            if need * count > left:
                metadata = quota["metadata"]
                found.append(
                    Quota(
                        name=f"{metadata['namespace']}/{metadata['name']}",
                        resource=resource,
                        needed=_text(need * count),
                        left=_text(max(left, Fraction(0))),
                    )
                )
    return found


def _needs(spec: Mapping[str, Any]) -> dict[str, Fraction]:
    """Return what one pod takes of each resource that quotas count."""
    needs = {"pods": Fraction(1), "count/pods": Fraction(1)}
    for container in spec["containers"]:
        resources = container.get("resources") or {}
        for kind in ("requests", "limits"):
            for name, text in (resources.get(kind) or {}).items():
                key = f"{kind}.{name}"
                needs[key] = needs.get(key, Fraction(0)) + quantity(str(text))
    for name in ("cpu", "memory"):  # a quota of "memory" is one of "requests.memory"
        if f"requests.{name}" in needs:
            needs[name] = needs[f"requests.{name}"]
    return needs


def _in_scope(quota: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """Whether a quota counts pods of this specification (ResourceQuotaScope in the API)."""
    ends = spec.get("activeDeadlineSeconds") is not None
    requests = any((c.get("resources") or {}) for c in spec["containers"])
    simple = {
        "Terminating": ends,
        "NotTerminating": not ends,
        "BestEffort": not requests,
        "NotBestEffort": requests,
        "CrossNamespacePodAffinity": False,
    }
    if not all(simple.get(scope, True) for scope in quota.get("scopes") or ()):
        return False
    expressions = (quota.get("scopeSelector") or {}).get("matchExpressions") or ()
    return all(_meets(one, spec, simple) for one in expressions)


def _meets(
    expression: Mapping[str, Any], spec: Mapping[str, Any], simple: Mapping[str, bool]
) -> bool:
    scope, operator = str(expression["scopeName"]), str(expression["operator"])
    if scope != "PriorityClass":
        return simple.get(scope, True)
    name = spec.get("priorityClassName") or ""
    values = expression.get("values") or ()
    if operator == "In":
        return name in values
    if operator == "NotIn":
        return name not in values
    return bool(name) == (operator == "Exists")


def _text(number: Fraction) -> str:
    """Write a quantity: mebibytes for what can only be memory."""
    if number >= MI:
        return f"{float(number / MI):g}Mi"
    return f"{float(number):g}"

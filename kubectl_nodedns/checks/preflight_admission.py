"""Preflight: whether objects, cache pods and probes would be let in, and unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_nodedns.checks.preflight_evidence import Preflight


FORCE = (
    "enable --force-conflicts takes the fields over; or have them changed where they come from, so "
    "that they do not come back"
)


def _levels(pre: Preflight) -> Iterator[Seen] | None:
    rooms = [room for room in pre.rooms if room.level is not None]
    if not rooms:
        return None
    return (
        Seen(
            subject=f"namespace {room.namespace}",
            text=f"it enforces the Pod Security level {room.level!r}, which does not let "
            f"{room.purpose} in",
        )
        for room in rooms
        if room.level and room.level not in room.allowed
    )


def _quotas(pre: Preflight) -> Iterator[Seen] | None:
    if all(room.quotas is None for room in pre.rooms):
        return None
    return (
        Seen(
            subject=f"resourcequota {quota.name}",
            text=f"{quota.left} of {quota.resource} is left, and {room.purpose} on all selected "
            f"nodes needs {quota.needed}",
        )
        for room in pre.rooms
        for quota in room.quotas or ()
    )


def _refusals(pre: Preflight) -> Iterator[Seen] | None:
    if pre.trials is None:
        return None
    return (
        Seen(
            subject=trial.subject,
            text=f"the API server refuses it: {trial.refusal}",
            way_out=FORCE if trial.conflict else "",
        )
        for trial in pre.trials
        if trial.refusal
    )


def _changes(pre: Preflight) -> Iterator[Seen] | None:
    if pre.trials is None:
        return None
    return (
        Seen(subject=trial.subject, text=f"admission changes it: {'; '.join(trial.changes)}")
        for trial in pre.trials
        if trial.changes
    )


def _rights(pre: Preflight) -> Iterator[Seen] | None:
    if pre.missing_rights is None:
        return None
    return (Seen(subject="you", text=f"may not {right}") for right in pre.missing_rights)


def _unread(pre: Preflight) -> Iterator[Seen]:
    for one in pre.unread:
        yield Seen(subject=one.what, text=f"could not be looked at: {one.why}")


CHECKS: tuple[Check[Preflight], ...] = (
    Check(
        code="ND140",
        title="A namespace's Pod Security level does not let the pods in",
        severity=Severity.ERROR,
        category=Category.SECURITY,
        matters="the DaemonSet would be accepted and none of its pods: the cache needs the host "
        "network, the capability NET_ADMIN and a file of the host",
        way_out="kubectl label namespace NAMESPACE pod-security.kubernetes.io/enforce=privileged "
        "--overwrite, or an exemption in the API server's configuration; for probes, "
        "--probe-namespace names another namespace",
        look=_levels,
    ),
    Check(
        code="ND141",
        title="A quota leaves no room for the pods",
        severity=Severity.ERROR,
        category=Category.INSTALL,
        matters="some nodes would get no cache, or no probe to prove it",
        way_out="raise the quota, or give enable fewer nodes with --node-selector",
        look=_quotas,
    ),
    Check(
        code="ND142",
        title="The API server does not accept an object or a pod",
        severity=Severity.ERROR,
        category=Category.SECURITY,
        matters="the install would stop there; a DaemonSet whose pods are refused waits for ever",
        way_out="the words are those of the API server or of an admission webhook: give the cache "
        "an exemption there",
        look=_refusals,
    ),
    Check(
        code="ND143",
        title="Admission changes the cache's pods or the probes",
        severity=Severity.WARNING,
        category=Category.COMPATIBILITY,
        matters="a sidecar that proxies DNS falsifies every probe; a limit that a LimitRange adds "
        "may get the cache killed, and a killed cache takes its node's DNS with it",
        way_out="exempt the namespace from that webhook or LimitRange, or set the values yourself, "
        "so that nothing is left to add",
        look=_changes,
    ),
    Check(
        code="ND144",
        title="You lack a right that enable needs",
        severity=Severity.ERROR,
        category=Category.SECURITY,
        matters="without it a rollout would stop half-way, and so might putting it back",
        way_out="docs/rbac.yaml has roles that grant all of them",
        look=_rights,
    ),
    Check(
        code="ND199",
        title="Something could not be looked at",
        severity=Severity.INFO,
        category=Category.SECURITY,
        matters="there may be a finding that is not seen from here",
        way_out="docs/security.md lists the rights; it does not keep enable from working",
        look=_unread,
    ),
)

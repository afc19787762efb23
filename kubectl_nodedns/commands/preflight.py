"""Read what the preflight checks look at, and run them: for `enable`, and for `check --pre`.

A right that is missing, or an API that fails, leaves a gap in what is known and never ends the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from kubectl_nodedns.checks.finding import Severity, run
from kubectl_nodedns.checks.preflight import OWN_REFUSALS, PREFLIGHT
from kubectl_nodedns.checks.preflight_evidence import Policies, Preflight, Room, Unread
from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import (
    ApiError,
    NotFoundError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from kubectl_nodedns.facts.admission import (
    LEVELS,
    Trial,
    level_of,
    pod_of_template,
    read_quotas,
    short_quotas,
    try_job,
    try_object,
    try_pod,
)
from kubectl_nodedns.facts.coredns import read_coredns, read_peer
from kubectl_nodedns.facts.corefile import CorefileError
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.dataplane import read_beside
from kubectl_nodedns.facts.handed_out import cluster_ips_of
from kubectl_nodedns.facts.host_ports import needs_of
from kubectl_nodedns.facts.kubelets import read_kubelets
from kubectl_nodedns.facts.network_policies import read_foreign_policies, read_policies
from kubectl_nodedns.facts.pods import read_all_pods
from kubectl_nodedns.facts.ranges import read_ranges
from kubectl_nodedns.facts.rights import missing, to_change, to_hold
from kubectl_nodedns.install.objects import daemonset_of
from kubectl_nodedns.probes.pool import lacks_namespace, no_namespace
from kubectl_nodedns.probes.probe_job import job_for
from kubectl_nodedns.readable import Read, readable, said, understood

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
    from typing import Any

    from kubectl_nodedns.checks.finding import Finding, Outcome
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.inspection import Inspection
    from kubectl_nodedns.facts.kubelets import Resolvers
    from kubectl_nodedns.install.live import Live
    from kubectl_nodedns.install.objects import Objects
    from kubectl_nodedns.install.settings import Settings

T = TypeVar("T")
SHOWN = 5
"""Findings of one code that `enable` shows: what is wrong with a thousand nodes is in the first."""


@dataclass(frozen=True, kw_only=True)
class Trying:
    """What may be sent to the API server in a server dry run, which stores nothing."""

    probe_namespace: str
    """Namespace that probes are to run in."""
    probe_image: str
    """Image that they run."""
    pods: bool = True
    """Whether to send a cache pod and a probe."""
    objects: bool = False
    """Whether to send the objects too, and to ask for every right: `enable` does so by itself."""
    force: bool = False
    """Whether fields of other managers are to be taken over."""


def weigh(evidence: Preflight, ignore: Collection[str]) -> Outcome:
    """Look before `enable` changes anything; what it refuses by itself is left to it."""
    return run(PREFLIGHT, evidence, ignore={*OWN_REFUSALS, *ignore})


def ignored(arguments: argparse.Namespace) -> frozenset[str]:
    """Read --ignore.

    Raises:
        UsageError: there is no such check.
    """
    known = {check.code for check in PREFLIGHT}
    words = [word for text in arguments.ignore or () for word in text.split(",")]
    found = frozenset(word.strip().upper() for word in words if word.strip())
    if unknown := sorted(found - known):
        raise UsageError(
            f"--ignore: there is no check {unknown[0]} before an install",
            hint="kubectl nodedns check --pre shows the codes; docs/findings has a page for each",
        )
    return found


def refuse_errors(outcome: Outcome) -> None:
    """Refuse to go on when a finding is an error.

    Raises:
        RefusedError: with all of them, and the ways out.
    """
    errors = [one for one in outcome.findings if one.severity is Severity.ERROR]
    if not errors:
        return
    (first, *others), left = _few(errors)
    more = "".join(f"\n{_said(one)}\n  {one.way_out}" for one in others)
    more += "".join(f"\n{line}" for line in left)
    raise RefusedError(
        _said(first),
        hint=f"{first.way_out}{more}\nnothing was written; kubectl nodedns check --pre shows all. "
        "Where a finding is wrong, --ignore takes its code",
    )


def notes_of(outcome: Outcome) -> list[str]:
    """Say in lines what the plan should show: warnings, and what could not be looked at."""
    lines = []
    shown, left = _few([one for one in outcome.findings if one.severity is Severity.WARNING])
    for one in shown:
        lines += [f"{'warning':<10} {_said(one)}", f"{'':<12} way out: {one.way_out}"]
    lines += [f"{'':<10} {line}" for line in left]
    if gaps := [one.subject for one in outcome.findings if one.code == "ND199"]:
        lines.append(f"{'not seen':<10} {', '.join(gaps)}: check --pre says why")
    return lines


def _few(findings: Sequence[Finding]) -> tuple[list[Finding], list[str]]:
    """Return the first findings of each code, and a line for each code that has more."""
    by_code: dict[str, list[Finding]] = {}
    for one in findings:
        by_code.setdefault(one.code, []).append(one)
    shown = [one for those in by_code.values() for one in those[:SHOWN]]
    left = {code: len(those) - SHOWN for code, those in by_code.items() if len(those) > SHOWN}
    return shown, [f"{code}: {number} more like these" for code, number in left.items()]


def _said(finding: Finding) -> str:
    return f"{finding.code} {finding.subject}: {finding.seen}"


async def gather(
    client: Client,
    seen: Inspection,
    settings: Settings,
    wanted: Objects,
    live: Live,
    trying: Trying,
    *,
    resolvers: Sequence[Resolvers] | None = None,
) -> Preflight:
    """Read everything that the checks look at.

    Args:
        client: an open client.
        seen: the facts of the cluster.
        settings: what is to be installed.
        wanted: the objects of that.
        live: what is installed now.
        trying: what may be tried.
        resolvers: resolvers of the nodes, where probes read them.

    Raises:
        UsageError: there is no namespace for the probes.
        UnreachableError: the API server does not answer.
    """
    reading = _Reading()
    reading.note("DaemonSets", seen.left_out)
    selected = frozenset(
        node.name
        for node in seen.nodes
        if node.system == "linux" and node.selected(settings.node_selector)
    )
    pods = await reading.of("pods", read_all_pods(client))
    policies = await reading.of("network policies", read_policies(client))
    services = await reading.of("services", _services(client))
    return Preflight(
        dns=seen.dns,
        dataplane=seen.dataplane,
        nodes=seen.nodes,
        selected=selected,
        caches=seen.caches,
        imitations=seen.imitations,
        foreign_objects=tuple(live.foreign()),
        local_ip=settings.local_ip,
        needs=tuple(needs_of(daemonset_of(wanted))),
        cache_corefile=read_corefile(_corefile_of(wanted)),
        pods=pods,
        services=None
        if services is None
        else {ip: where for where, ips in services for ip in ips if ip},
        ranges=await reading.of("address ranges", read_ranges(client)),
        kubelets=await reading.of(
            "kubelets",
            read_kubelets(client, [n.name for n in seen.nodes if n.name in selected and n.ready]),
        ),
        resolvers=None if resolvers is None else tuple(resolvers),
        coredns=await reading.of("CoreDNS's Corefile", read_coredns(client, seen.dns)),
        kube_dns=await reading.of(
            "ConfigMap kube-dns", _data_of(client, settings.namespace, "kube-dns")
        ),
        policies=None
        if policies is None
        else Policies(
            objects=policies,
            coredns=await read_peer(client, seen.dns),
            foreign=await reading.of(
                "other makes of network policies", read_foreign_policies(client)
            ),
        ),
        beside=await reading.of(
            "what is beside kube-proxy",
            read_beside(client, f"{seen.dns.namespace}/{seen.dns.name}"),
        ),
        rooms=await _rooms(client, reading, selected, wanted, live, trying),
        trials=await _trials(client, reading, wanted, trying),
        missing_rights=await _missing(client, settings.namespace, trying),
        unread=tuple(reading.unread),
    )


class _Reading:
    """Keeps what could not be read."""

    def __init__(self) -> None:
        self.unread: list[Unread] = []

    async def of(self, what: str, asked: Awaitable[T]) -> T | None:
        """Await a reading; None, and a note, where it fails."""
        try:
            found = await asked
        except UnreachableError:
            raise
        except (ApiError, CorefileError) as error:
            self.unread.append(Unread(what=what, why=str(error)))
            return None
        if isinstance(found, Read):
            self.note(what, found.left_out)
        return found

    def note(self, what: str, left_out: Iterable[str]) -> None:
        """Keep the names of what had to be left out of a reading."""
        if words := said(left_out):
            self.unread.append(Unread(what=what, why=words))


async def _rooms(
    client: Client,
    reading: _Reading,
    selected: Collection[str],
    wanted: Objects,
    live: Live,
    trying: Trying,
) -> tuple[Room, ...]:
    """Look at the namespaces of the cache and of the probes."""
    daemonset = daemonset_of(wanted)
    probe = _probe(trying)
    new = [node for node in selected if node not in live.pods]
    found = []
    for namespace, purpose, spec, count, allowed in (
        (
            daemonset["metadata"]["namespace"],
            "the cache",
            daemonset["spec"]["template"]["spec"],
            len(new),
            frozenset({"privileged"}),
        ),
        (
            trying.probe_namespace,
            "a probe",
            probe["spec"]["template"]["spec"],
            len(selected),
            frozenset(LEVELS),
        ),
    ):
        quotas = await reading.of(f"quotas of {namespace}", read_quotas(client, namespace))
        found.append(
            Room(
                namespace=namespace,
                purpose=purpose,
                level=await reading.of(
                    f"namespace {namespace}", _there(namespace, trying, level_of(client, namespace))
                ),
                allowed=allowed,
                quotas=None if quotas is None else tuple(short_quotas(quotas, spec, count)),
            )
        )
    return tuple(found)


async def _trials(
    client: Client, reading: _Reading, wanted: Objects, trying: Trying
) -> tuple[Trial, ...] | None:
    """Send in a server dry run what may be sent."""
    if not trying.pods:
        return None
    daemonset = daemonset_of(wanted)
    namespace = daemonset["metadata"]["namespace"]
    trials: list[Trial | None] = []
    if trying.objects:
        for obj in wanted:
            what = f"admission of {obj['kind']} {obj['metadata']['name']}"
            trials.append(await reading.of(what, try_object(client, obj, force=trying.force)))
        where = trying.probe_namespace
        job = try_job(client, _probe(trying), f"Job of a probe in namespace {where}")
        trials.append(await reading.of("admission of probes' Jobs", _there(where, trying, job)))
    for what, where, template in (
        ("cache pods", namespace, daemonset["spec"]["template"]),
        ("probe pods", trying.probe_namespace, _probe(trying)["spec"]["template"]),
    ):
        pod = pod_of_template(template, where)
        trial = try_pod(client, pod, f"{what} in namespace {where}")
        trials.append(await reading.of(f"admission of {what}", _there(where, trying, trial)))
    return tuple(trial for trial in trials if trial is not None)


async def _there(namespace: str, trying: Trying, asked: Awaitable[T]) -> T:
    """Await something in a namespace.

    Raises:
        UsageError: it is the one for probes, and is not there.
    """
    try:
        return await asked
    except NotFoundError as error:
        if namespace == trying.probe_namespace and lacks_namespace(error, namespace):
            raise no_namespace(namespace) from error
        raise


async def _missing(client: Client, namespace: str, trying: Trying) -> tuple[str, ...] | None:
    if not trying.objects:
        return None
    try:
        rights = [*to_change(namespace, trying.probe_namespace), *to_hold(namespace)]
        lacking = await missing(client, rights)
    except UnreachableError:
        raise
    except ApiError:
        return None
    return tuple(map(str, lacking))


def _probe(trying: Trying) -> dict[str, Any]:
    return job_for(
        "node",  # no such node is asked for: nothing is scheduled in a dry run
        name="nodedns-preflight",
        run="preflight",
        namespace=trying.probe_namespace,
        image=trying.probe_image,
    )


@understood("the services")
async def _services(client: Client) -> Read[tuple[str, list[str]]]:
    """Read NAMESPACE/NAME of every service, with its cluster IPs."""
    return readable(cluster_ips_of, await client.list(collection("v1", "services")))


@understood("a ConfigMap")
async def _data_of(client: Client, namespace: str, name: str) -> Mapping[str, str]:
    """Read the data of a ConfigMap; empty when there is none."""
    try:
        found = await client.get(named("v1", "configmaps", namespace, name))
    except NotFoundError:
        return {}
    return found.get("data") or {}


def _corefile_of(wanted: Objects) -> str:
    config = next(obj for obj in wanted if obj["kind"] == "ConfigMap")
    return str(config["data"]["Corefile"])

"""Read what the preflight checks look at: for `enable`, and for `check --pre`.

A right that is missing, or an API that fails, leaves a gap in what is known and never ends the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from kubectl_nodedns.checks.preflight_evidence import Policies, Preflight, Room
from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import ApiError, NotFoundError, UnreachableError, UsageError
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
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.dataplane import read_beside
from kubectl_nodedns.facts.handed_out import cluster_ips_of
from kubectl_nodedns.facts.host_ports import needs_of
from kubectl_nodedns.facts.kubelets import read_kubelets
from kubectl_nodedns.facts.network_policies import read_foreign_policies, read_policies
from kubectl_nodedns.facts.pods import read_all_pods
from kubectl_nodedns.facts.ranges import read_ranges
from kubectl_nodedns.facts.readings import Readings
from kubectl_nodedns.facts.rights import missing, to_change, to_hold
from kubectl_nodedns.install.live import Live
from kubectl_nodedns.install.objects import daemonset_of
from kubectl_nodedns.probes.pool import lacks_namespace, no_namespace
from kubectl_nodedns.probes.probe_job import job_for
from kubectl_nodedns.readable import Read, readable, understood
from kubectl_nodedns.together import side_by_side, together

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
    from typing import Any

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.inspection import Inspection
    from kubectl_nodedns.install.objects import Objects
    from kubectl_nodedns.install.settings import Settings

T = TypeVar("T")


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


async def gather(
    client: Client,
    seen: Inspection,
    settings: Settings,
    wanted: Objects,
    live: Live | asyncio.Task[Live],
    trying: Trying,
) -> Preflight:
    """Read everything that the checks look at but the nodes' resolvers, all side by side.

    Args:
        client: an open client.
        seen: the facts of the cluster.
        settings: what is to be installed.
        wanted: the objects of that.
        live: what is installed now, or the reading of it.
        trying: what may be tried.

    Raises:
        UsageError: there is no namespace for the probes.
        UnreachableError: the API server does not answer.
    """
    readings = Readings(UsageError)
    readings.note("DaemonSets", seen.left_out)
    selected = frozenset(
        node.name
        for node in seen.nodes
        if node.system == "linux" and node.selected(settings.node_selector)
    )
    ready = [node.name for node in seen.nodes if node.name in selected and node.ready]
    service = f"{seen.dns.namespace}/{seen.dns.name}"
    async with side_by_side() as group:

        def start(what: str, reading: Coroutine[object, object, T]) -> asyncio.Task[T | None]:
            return group.create_task(readings.maybe(what, reading))

        pods = start("pods", read_all_pods(client))
        policies = start("network policies", read_policies(client))
        services = start("services", _services(client))
        ranges = start("address ranges", read_ranges(client))
        kubelets = start("kubelets", read_kubelets(client, ready))
        coredns = start("CoreDNS's Corefile", read_coredns(client, seen.dns))
        kube_dns = start("ConfigMap kube-dns", _data_of(client, settings.namespace, "kube-dns"))
        peer = start("CoreDNS's pods", read_peer(client, seen.dns))
        foreign = start("other makes of network policies", read_foreign_policies(client))
        beside = start("what is beside kube-proxy", read_beside(client, service))
        rooms = group.create_task(_rooms(client, readings, selected, wanted, live, trying))
        trials = group.create_task(_trials(client, readings, wanted, trying))
        rights = group.create_task(_missing(client, settings.namespace, trying))
        installed = live if isinstance(live, Live) else await live
    objects, behind, addresses = policies.result(), peer.result(), services.result()
    return Preflight(
        dns=seen.dns,
        dataplane=seen.dataplane,
        nodes=seen.nodes,
        selected=selected,
        caches=seen.caches,
        imitations=seen.imitations,
        foreign_objects=tuple(installed.foreign()),
        local_ip=settings.local_ip,
        needs=tuple(needs_of(daemonset_of(wanted))),
        cache_corefile=read_corefile(_corefile_of(wanted)),
        pods=pods.result(),
        services=None
        if addresses is None
        else {ip: where for where, ips in addresses for ip in ips if ip},
        ranges=ranges.result(),
        kubelets=kubelets.result(),
        coredns=coredns.result(),
        kube_dns=kube_dns.result(),
        policies=None
        if objects is None or behind is None
        else Policies(objects=objects, coredns=behind, foreign=foreign.result()),
        beside=beside.result(),
        rooms=rooms.result(),
        trials=trials.result(),
        missing_rights=rights.result(),
        unread=readings.unread,
    )


async def _rooms(
    client: Client,
    readings: Readings,
    selected: Collection[str],
    wanted: Objects,
    live: Live | asyncio.Task[Live],
    trying: Trying,
) -> tuple[Room, ...]:
    """Look at the namespaces of the cache and of the probes."""
    metadata, spec = daemonset_of(wanted)["metadata"], daemonset_of(wanted)["spec"]

    async def new() -> int:
        installed = live if isinstance(live, Live) else await live
        return sum(node not in installed.pods for node in selected)

    async def everyone() -> int:
        return len(selected)

    async def room(
        namespace: str,
        purpose: str,
        pod: Mapping[str, Any],
        pods: Callable[[], Awaitable[int]],
        allowed: frozenset[str],
    ) -> Room:
        asked = _there(namespace, trying, level_of(client, namespace))
        async with side_by_side() as group:
            reading = group.create_task(
                readings.maybe(f"quotas of {namespace}", read_quotas(client, namespace))
            )
            level = group.create_task(readings.maybe(f"namespace {namespace}", asked))
            number = await pods()
        quotas = reading.result()
        return Room(
            namespace=namespace,
            purpose=purpose,
            level=level.result(),
            allowed=allowed,
            quotas=None if quotas is None else tuple(short_quotas(quotas, pod, number)),
        )

    privileged, probe = frozenset({"privileged"}), _probe(trying)["spec"]["template"]["spec"]
    cache = spec["template"]["spec"]
    found = await together(
        (
            room(metadata["namespace"], "the cache", cache, new, privileged),
            room(trying.probe_namespace, "a probe", probe, everyone, frozenset(LEVELS)),
        )
    )
    return tuple(found)


async def _trials(
    client: Client, readings: Readings, wanted: Objects, trying: Trying
) -> tuple[Trial, ...] | None:
    """Send in a server dry run what may be sent."""
    if not trying.pods:
        return None
    asked = []
    where = trying.probe_namespace
    if trying.objects:
        for obj in wanted:
            what = f"admission of {obj['kind']} {obj['metadata']['name']}"
            asked.append(readings.maybe(what, try_object(client, obj, force=trying.force)))
        job = try_job(client, _probe(trying), f"Job of a probe in namespace {where}")
        asked.append(readings.maybe("admission of probes' Jobs", _there(where, trying, job)))
    daemonset = daemonset_of(wanted)
    for what, namespace, template in (
        ("cache pods", daemonset["metadata"]["namespace"], daemonset["spec"]["template"]),
        ("probe pods", where, _probe(trying)["spec"]["template"]),
    ):
        pod = pod_of_template(template, namespace)
        trial = try_pod(client, pod, f"{what} in namespace {namespace}")
        asked.append(readings.maybe(f"admission of {what}", _there(namespace, trying, trial)))
    return tuple(trial for trial in await together(asked) if trial is not None)


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

"""What the screen reads beside metrics: events, logs, configuration, and where one can ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import ApiError, NodednsError, NotFoundError
from kubectl_nodedns.facts.cache_pods import unix
from kubectl_nodedns.facts.caches import cache_of, read_caches
from kubectl_nodedns.facts.command_line import words_of
from kubectl_nodedns.facts.dns_service import read_dns_service
from kubectl_nodedns.facts.leftovers import read_upstreams
from kubectl_nodedns.lookup.vantage import VantagePoint, vantage_points
from kubectl_nodedns.together import both, together
from kubectl_nodedns.tui.ports import Configuration, Event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.facts.caches import Cache

LINES = 1000
"""Newest lines of a log that are read,"""
BYTES = 256 * 1024
"""and how much of them at most."""
TIMEOUT_SECONDS = 10.0
COREFILES = ("Corefile", "Corefile.base")
"""Keys under which ConfigMaps have the Corefile."""


class PodReader:
    """Reads through the API server.

    Args:
        client: the session to the API server.
        dns_service: NAMESPACE/NAME of the DNS service; empty to find it.
        namespace: the DNS service's namespace.
    """

    def __init__(self, client: Client, *, dns_service: str, namespace: str) -> None:
        self._client = client
        self._dns_service = dns_service
        self._namespace = namespace

    async def events(self, node: str, pod: CachePod | None) -> Sequence[Event]:
        """Return what happened to the node and its cache pod, newest first.

        Raises:
            NodednsError: neither can be read.
        """
        readings = [self._events("", "Node", node)]
        if pod is not None:
            readings.append(self._events(pod.namespace, "Pod", pod.name))
        found = await together(map(_tried, readings))
        read = [events for events in found if not isinstance(events, NodednsError)]
        if not read:
            raise next(error for error in found if isinstance(error, NodednsError))
        return sorted((e for events in read for e in events), key=lambda e: -e.at)

    async def logs(self, pod: CachePod, *, previous: bool) -> Sequence[str]:
        """Return the newest lines of the cache's log, oldest first.

        Raises:
            NodednsError: it cannot be read.
        """
        found = await self._pod(pod)
        params = {
            "container": _container(found).get("name", ""),
            "tailLines": str(LINES),
            "limitBytes": str(BYTES),
            "timestamps": "true",
        } | ({"previous": "true"} if previous else {})
        path = f"{named('v1', 'pods', pod.namespace, pod.name)}/log"
        try:
            body = await self._client.send("GET", path, params=params, timeout=TIMEOUT_SECONDS)
        except ApiError as error:
            if previous and error.status in {400, 404}:
                raise NotFoundError(
                    f"there is no log of before the last restart of {pod.name}",
                    hint="p shows the log of now",
                ) from error
            raise
        return body.decode(errors="replace").splitlines()

    async def configuration(self, pod: CachePod) -> Configuration:
        """Return what the pod is configured with: the ConfigMap that it mounts.

        Raises:
            NodednsError: it cannot be read.
        """
        found = await self._pod(pod)
        container = _container(found)
        name = _configmap(found)
        files: dict[str, str] = {}
        if name:
            configmap = await self._client.get(named("v1", "configmaps", pod.namespace, name))
            data = configmap.get("data") or {}
            ordered = sorted(data, key=lambda key: (key not in COREFILES, key))
            files = {key: data[key] for key in ordered}
        return Configuration(
            name=f"{pod.namespace}/{name}" if name else "none is mounted",
            files=files,
            arguments=words_of(container),
        )

    async def points(self) -> Sequence[VantagePoint]:
        """Return where one question can be asked.

        Raises:
            NodednsError: the DNS service cannot be read.
        """
        dns, caches = await both(
            read_dns_service(self._client, self._dns_service),
            read_caches(self._client, self._namespace),
        )
        endpoints, upstreams = await both(
            self._endpoints(dns.namespace, dns.name), self._upstreams(caches)
        )
        return vantage_points(
            local_ips=dict.fromkeys(ip for cache in caches for ip in cache.local_ips),
            kube_dns_ips=dns.ips,
            upstream_ips=upstreams,
            endpoints=endpoints,
        )

    async def _upstreams(self, caches: Sequence[Cache]) -> tuple[str, ...]:
        try:
            found = await read_upstreams(self._client, caches)
        except ApiError:
            return ()
        return tuple(dict.fromkeys(one.address for one in found if one.address))

    async def _endpoints(self, namespace: str, service: str) -> list[tuple[str, str]]:
        """List address and pod of each endpoint of the DNS service, the ready ones."""
        slices = await self._client.list(
            collection("discovery.k8s.io/v1", "endpointslices", namespace),
            labels=f"kubernetes.io/service-name={service}",
        )
        return sorted(
            (address, " on ".join(filter(None, (_target(one), one.get("nodeName") or ""))))
            for part in slices
            for one in part.get("endpoints") or ()
            if (one.get("conditions") or {}).get("ready") is not False
            for address in one.get("addresses") or ()
        )

    async def _pod(self, pod: CachePod) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await self._client.get(
            named("v1", "pods", pod.namespace, pod.name)
        )
        return found

    async def _events(self, namespace: str, kind: str, name: str) -> list[Event]:
        items = await self._client.list(
            collection("v1", "events", namespace),
            fields=f"involvedObject.kind={kind},involvedObject.name={name}",
        )
        return [_event(item) for item in items]


async def _tried(reading: Awaitable[list[Event]]) -> list[Event] | NodednsError:
    """Return what a reading failed with, instead of raising it."""
    try:
        return await reading
    except NodednsError as error:
        return error


def _event(item: Mapping[str, Any]) -> Event:
    """Read an Event object; its newer form has a series, and times with fractions."""
    series = item.get("series") or {}
    about = item.get("involvedObject") or {}
    times = (
        series.get("lastObservedTime"),
        item.get("lastTimestamp"),
        item.get("eventTime"),
        (item.get("metadata") or {}).get("creationTimestamp"),
    )
    return Event(
        at=next((at for text in times if (at := unix(text)) is not None), 0.0),
        warning=item.get("type") == "Warning",
        reason=item.get("reason") or "",
        message=(item.get("message") or "").strip(),
        count=int(series.get("count") or item.get("count") or 1),
        about=f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}",
    )


def _container(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the pod's cache container; its first one where none looks like it."""
    containers: Sequence[Mapping[str, Any]] = pod["spec"].get("containers") or [{}]
    for container in containers:
        template = {"spec": {**pod["spec"], "containers": [container]}}
        spec = {"selector": {}, "template": template}
        if cache_of({"metadata": {**pod["metadata"]}, "spec": spec}) is not None:
            return dict(container)
    return dict(containers[0])


def _configmap(pod: Mapping[str, Any]) -> str:
    """Return the name of the ConfigMap that the pod's Corefile comes from; empty without one."""
    spec = {"selector": {}, "template": {"spec": pod["spec"]}}
    cache = cache_of({"metadata": {**pod["metadata"]}, "spec": spec})
    return cache.configmap if cache else ""


def _target(endpoint: Mapping[str, Any]) -> str:
    return str((endpoint.get("targetRef") or {}).get("name") or "")

"""The kubelets: they start and stop the containers of pods on their nodes, and say so."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.demo import pods
from kubectl_nodedns.demo.clock import stamp
from kubectl_nodedns.demo.corefile import zones
from kubectl_nodedns.demo.kinds import BY_PATH
from kubectl_nodedns.demo.nodecache import NodeCache
from kubectl_nodedns.demo.store import key_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from kubectl_nodedns.demo.clock import Clock
    from kubectl_nodedns.demo.events import Recorder
    from kubectl_nodedns.demo.kinds import Resource
    from kubectl_nodedns.demo.machines import Machine, Network
    from kubectl_nodedns.demo.replies import Asked, Outcome
    from kubectl_nodedns.demo.store import Change, Object, Store

PODS = BY_PATH["v1", "pods"]
CONFIGMAPS = BY_PATH["v1", "configmaps"]
START_SECONDS = (0.25, 0.45)
"""From a pod's binding to running containers, at least and at most."""
READY_SECONDS = (0.1, 0.3)
"""From there to its being ready."""
STOP_SECONDS = (0.15, 0.3)
"""From a deletion to its end."""
RESTART_SECONDS = 1.2
"""From a container's death to its next life."""
POD_RANGE = ipaddress.IPv4Network("10.192.0.0/10")
"""Where pods' addresses come from."""
IMAGES = re.compile(
    r"registry\.k8s\.io/(dns/k8s-dns-node-cache|e2e-test-images/agnhost|coredns/coredns|kube-proxy"
    r"|pause|kube-apiserver|etcd):v?\d[\w.-]*|demo\.example/[\w/-]+:\d[\w.-]*"
)
"""What the cluster's registries have."""


class Kubelets:
    """All kubelets.

    Args:
        store: the objects.
        machines: the nodes by name.
        network: where caches ask.
        clock: the cluster's clock.
        chance: makes durations vary.
        events: takes events.
        coredns: version of CoreDNS that node caches have inside.
    """

    def __init__(
        self,
        store: Store,
        machines: Mapping[str, Machine],
        network: Network,
        *,
        clock: Clock,
        chance: random.Random,
        events: Recorder,
        coredns: str,
    ) -> None:
        self._store = store
        self._machines = machines
        self._network = network
        self._clock = clock
        self._chance = chance
        self._events = events
        self._coredns = coredns
        self._addresses = 0
        self.started: list[Callable[[Object, Machine], None]] = []
        """Called with each cache pod whose process has started, and its machine."""

    def see(self, change: Change) -> None:
        """Look at a change; a pod that is bound and waits is started."""
        if change.resource is not PODS or change.after is None:
            return
        pod = change.after
        bound = pod["spec"].get("nodeName") in self._machines
        was_bound = change.before is not None and change.before["spec"].get("nodeName")
        waits = (pod.get("status") or {}).get("phase", "Pending") == "Pending"
        if bound and not was_bound and waits:
            asyncio.get_running_loop().call_soon(self._create, key_of(pod), pod["metadata"]["uid"])

    def deleting(self, resource: Resource, obj: Object, grace: int | None) -> bool:
        """See to the end of a pod; True when it takes its time."""
        if resource is not PODS or obj["spec"].get("nodeName") not in self._machines:
            return False
        if grace == 0:
            self._halt(obj)
            return False
        if "deletionTimestamp" not in obj["metadata"]:
            given = obj["spec"].get("terminationGracePeriodSeconds", 30) if grace is None else grace
            marks = {"deletionTimestamp": stamp(), "deletionGracePeriodSeconds": given}
            obj = self._store.put(PODS, {**obj, "metadata": {**obj["metadata"], **marks}})
            self._tell(obj, "Killing", f"Stopping container {_first(obj)['name']}")
            self._later(STOP_SECONDS, self._finish, obj)
        return True

    def run_at_once(self, pod: Object, *, age: float = 0.0) -> None:
        """Start a pod that has been there for `age` seconds."""
        machine = self._machines[pod["spec"]["nodeName"]]
        started = pod["metadata"]["creationTimestamp"]
        ip = self._ip(pod, machine)
        self._start_cache(pod, machine, age=age)
        self._store.put(
            PODS, pods.running(pod, ip=ip, host=machine.ip, ready=True, started=started)
        )

    def kill(self, pod: Object, *, reason: str, code: int) -> None:
        """Let a pod's containers die; they are started anew after a while."""
        live = self._current(pod)
        if live is None or "deletionTimestamp" in live["metadata"]:
            return
        machine = self._machines[live["spec"]["nodeName"]]
        machine.killed()
        state = live["status"]["containerStatuses"][0]["state"]
        began = (state.get("running") or {}).get("startedAt", stamp())
        self._store.put(
            PODS, pods.ended(live, code=code, reason=reason, started=began, restart=True)
        )
        text = f"Readiness probe failed: dial tcp {machine.ip}:8080: connect: connection refused"
        self._tell(live, "Unhealthy", text, warning=True)
        asyncio.get_running_loop().call_later(RESTART_SECONDS, self._restart, live)

    def caches(self) -> list[tuple[Object, Machine]]:
        """Return the pods of node caches whose process runs, and their machines."""
        return [
            (pod, self._machines[pod["spec"]["nodeName"]])
            for pod in self._store.all(PODS).values()
            if _addresses(pod) and self._machines[pod["spec"]["nodeName"]].cache is not None
        ]

    def _create(self, key: tuple[str, str], uid: str) -> None:
        pod = self._store.get(PODS, *key)
        if pod is None or pod["metadata"]["uid"] != uid:
            return
        image = _first(pod)["image"]
        if not IMAGES.fullmatch(image):
            self._fail_pull(pod, image)
            return
        if missing := self._missing_config(pod):
            volume = 'MountVolume.SetUp failed for volume "config-volume"'
            text = f'{volume} : configmap "{missing}" not found'
            self._tell(pod, "FailedMount", text, warning=True)
            self._store.put(PODS, pods.waiting(pod, "ContainerCreating"))
            self._later((1.0, 1.0), self._retry, pod)
            return
        self._store.put(PODS, pods.waiting(pod, "ContainerCreating"))
        self._later(START_SECONDS, self._start, pod)

    def _retry(self, pod: Object) -> None:
        live = self._current(pod)
        if live is not None and "deletionTimestamp" not in live["metadata"]:
            self._create(key_of(pod), pod["metadata"]["uid"])

    def _fail_pull(self, pod: Object, image: str) -> None:
        text = (
            f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": '
            f"{image}: not found"
        )
        said = f'Failed to pull image "{image}": rpc error: code = NotFound desc = {text}'
        self._tell(pod, "Failed", said, warning=True)
        self._store.put(PODS, pods.waiting(pod, "ErrImagePull", text))
        self._later((1.5, 1.5), self._back_off, pod)

    def _back_off(self, pod: Object) -> None:
        live = self._current(pod)
        if live is not None and "deletionTimestamp" not in live["metadata"]:
            text = f'Back-off pulling image "{_first(pod)["image"]}": ErrImagePull'
            self._store.put(PODS, pods.waiting(live, "ImagePullBackOff", text))

    def _start(self, pod: Object) -> None:
        live = self._current(pod)
        if live is None or "deletionTimestamp" in live["metadata"]:
            return
        machine = self._machines[live["spec"]["nodeName"]]
        self._start_cache(live, machine)
        live = self._store.put(
            PODS, pods.running(live, ip=self._ip(live, machine), host=machine.ip, ready=False)
        )
        container = _first(live)
        for reason, text in (
            ("Pulled", f'Container image "{container["image"]}" already present on machine'),
            ("Created", f"Container created: {container['name']}"),
            ("Started", f"Container started: {container['name']}"),
        ):
            self._tell(live, reason, text)
        self._later(READY_SECONDS, self._complete if ends(live) else self._ready, live)

    def _complete(self, pod: Object) -> None:
        """Let programs that end come to their end."""
        live = self._current(pod)
        if live is not None and "deletionTimestamp" not in live["metadata"]:
            began = live["metadata"]["creationTimestamp"]
            done = pods.ended(live, code=0, reason="Completed", started=began, restart=False)
            self._store.put(PODS, done)

    def _ready(self, pod: Object) -> None:
        live = self._current(pod)
        if live is None or "deletionTimestamp" in live["metadata"]:
            return
        if "running" not in live["status"]["containerStatuses"][0]["state"]:
            return
        status = live["status"]
        ready = pods.running(live, ip=status["podIP"], host=status["hostIP"], ready=True)
        self._store.put(PODS, ready)

    def _restart(self, pod: Object) -> None:
        live = self._current(pod)
        if live is None or "deletionTimestamp" in live["metadata"]:
            return
        machine = self._machines[live["spec"]["nodeName"]]
        self._start_cache(live, machine)
        status = live["status"]
        live = pods.running(live, ip=status["podIP"], host=machine.ip, ready=False)
        self._store.put(PODS, live)
        self._tell(live, "Started", f"Container started: {_first(live)['name']}")
        self._later(READY_SECONDS, self._ready, live)

    def _finish(self, pod: Object) -> None:
        live = self._current(pod)
        if live is not None:
            self._halt(live)
            self._store.remove(PODS, *key_of(live))

    def _halt(self, pod: Object) -> None:
        """End a pod's processes; an agent takes its rules and its link away."""
        machine = self._machines[pod["spec"]["nodeName"]]
        if _addresses(pod) and machine.cache is not None:
            machine.stopped()

    def _start_cache(self, pod: Object, machine: Machine, *, age: float = 0.0) -> None:
        addresses = _addresses(pod)
        if not addresses:
            return

        def upstream(asked: Asked, cluster: bool) -> Outcome:
            return self._network.upstream(machine, asked, cluster=cluster)

        cache = NodeCache(
            zones=zones(self._corefile(pod), environment(pod)),
            addresses=addresses,
            upstream=upstream,
            clock=self._clock,
            profile=machine.profile,
            version=self._coredns,
        )
        machine.started(cache, self._network.service_ips())
        if age:
            cache.aged(age)
        for listener in self.started:
            listener(pod, machine)

    def _corefile(self, pod: Object) -> str:
        found = self._store.get(CONFIGMAPS, pod["metadata"]["namespace"], _config(pod))
        data = (found or {}).get("data") or {}
        return str(next((text for key, text in data.items() if key.startswith("Corefile")), ""))

    def _missing_config(self, pod: Object) -> str:
        """Return the ConfigMap that a cache needs and that is not there."""
        name = _config(pod)
        if not name or self._store.get(CONFIGMAPS, pod["metadata"]["namespace"], name):
            return ""
        return name

    def _ip(self, pod: Object, machine: Machine) -> str:
        if pod["spec"].get("hostNetwork"):
            return machine.ip
        self._addresses += 1
        return str(POD_RANGE[self._addresses])

    def _current(self, pod: Object) -> Object | None:
        live = self._store.get(PODS, *key_of(pod))
        return live if live and live["metadata"]["uid"] == pod["metadata"]["uid"] else None

    def _later(
        self, between: tuple[float, float], act: Callable[[Object], None], pod: Object
    ) -> None:
        asyncio.get_running_loop().call_later(self._chance.uniform(*between), act, pod)

    def _tell(self, pod: Object, reason: str, message: str, *, warning: bool = False) -> None:
        host = pod["spec"].get("nodeName", "")
        self._events.tell(pod, reason, message, by="kubelet", host=host, warning=warning)


def environment(pod: Object) -> dict[str, str]:
    """Return the environment of a pod's first container, as far as it comes from the pod."""
    values = {
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "metadata.uid": pod["metadata"]["uid"],
        "metadata.name": pod["metadata"]["name"],
        "metadata.namespace": pod["metadata"]["namespace"],
    }
    found = {}
    for variable in _first(pod).get("env") or ():
        path = ((variable.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath", "")
        found[variable["name"]] = str(variable.get("value") or values.get(path, ""))
    return found


def ends(pod: Object) -> bool:
    """Whether every container of a pod runs a program that prints something and ends."""
    words = [" ".join(one.get("command") or ()) for one in pod["spec"]["containers"]]
    return all("tables-save" in text or "/proc/net/" in text for text in words)


def _first(pod: Object) -> dict[str, Any]:
    return dict(pod["spec"]["containers"][0])


def _addresses(pod: Object) -> tuple[str, ...]:
    """Return what a node cache listens on; nothing when the pod is none."""
    words = [*(_first(pod).get("command") or ()), *(_first(pod).get("args") or ())]
    for i, word in enumerate(words):
        name, equals, value = word.lstrip("-").partition("=")
        if name == "localip":
            text = value if equals else words[i + 1]
            return tuple(part.strip() for part in text.split(",") if part.strip())
    return ()


def _config(pod: Object) -> str:
    """Return the ConfigMap with a cache's Corefile; empty when the pod is no cache."""
    if not _addresses(pod):
        return ""
    for volume in pod["spec"].get("volumes") or ():
        source = volume.get("configMap") or {}
        if source and not source.get("optional"):
            return str(source["name"])
    return ""

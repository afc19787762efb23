"""Probe pods: one a node, so that a question takes the way that pods' questions take.

Each is a Job of one pod that sleeps until its deadline, and questions are asked by exec. The Job
ends by itself (`activeDeadlineSeconds`), deletes itself (`ttlSecondsAfterFinished`) and is never
repeated (`backoffLimit: 0`), so a client that dies leaves nothing behind for longer than that. The
pods hold no token, fit the "restricted" Pod Security level, tolerate every taint, and are labelled
against sidecars: a sidecar that proxies DNS would falsify every answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Any, Self

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.errors import (
    ApiError,
    ForbiddenError,
    NotFoundError,
    TimedOutError,
    UsageError,
)
from kubectl_nodedns.lookup import dig
from kubectl_nodedns.lookup.question import Answer, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client

IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.39"
"""The image that the Kubernetes documentation debugs DNS with; it has dig, sh and sleep."""
NAMESPACE = "default"
LIFETIME = 1800
"""Seconds after which a probe pod ends, whatever became of us."""
RUN_LABEL = "kubectl-nodedns/probe-run"
CONTAINER = "probe"
# As process 1 a plain sleep would ignore SIGTERM, and the pod would end as a failed one.
_SLEEP = f"trap 'exit 0' TERM; sleep {LIFETIME} & wait"
AT_ONCE = 20
"""Probe pods started, and commands run in them, at the same time."""
POLL = 0.5
"""Seconds between two looks at pods that are starting."""
GIVE_UP = frozenset(
    {"InvalidImageName", "ErrImageNeverPull", "CreateContainerError", "RunContainerError"}
)
"""Waiting reasons that do not go away by waiting."""


class Probes:
    """The probe pods of one run. Use it as an async context manager; leaving it deletes them.

    Args:
        client: an open client.
        namespace: an existing namespace to make the pods in; kube-system is refused.
        image: an image with dig, sh and sleep.
        timeout: seconds that the pods may take to start.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: str = NAMESPACE,
        image: str = IMAGE,
        timeout: float = 120.0,
    ) -> None:
        check_namespace(namespace)
        self._client = client
        self._namespace = namespace
        self._image = image
        self._timeout = timeout
        self._run = secrets.token_hex(4)
        self._count = 0
        self._jobs: dict[str, tuple[str, str]] = {}
        self._pods: dict[str, str] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def start(
        self, nodes: Iterable[str], *, started: Callable[[str], None] = lambda _: None
    ) -> Mapping[str, str]:
        """Start a probe on each node that has none yet, and wait until they run.

        Args:
            nodes: names of the nodes.
            started: called with a node's name as soon as its probe runs.

        Returns:
            For each node whose probe does not run: why.

        Raises:
            ApiError: the API server does not let us make the first Job.
        """
        wanted = [node for node in nodes if node not in self._pods]
        failed: dict[str, str] = {}

        async def create(node: str) -> None:
            async with self._gate:
                try:
                    await self._create(node)
                except ApiError as error:
                    if not self._jobs:
                        raise
                    failed[node] = str(error)

        # The first alone: a missing right or namespace is then one error, not one a node.
        if wanted:
            await create(wanted[0])
            await asyncio.gather(*(create(node) for node in wanted[1:]))
        waiting = {node for node in wanted if node not in failed}
        failed |= await self._wait(waiting, started)
        return failed

    async def ask(self, node: str, questions: Sequence[Question]) -> list[Answer]:
        """Ask `questions` one after the other from the probe on `node`.

        Returns:
            One answer for each question, in order. A probe that is gone, or an exec that fails,
            is an error in each of them.

        Raises:
            ForbiddenError: the user may not exec in probes.
        """
        pod = self._pods.get(node)
        if pod is None:
            return [_unasked(q, "no probe runs on this node") for q in questions]
        async with self._gate:
            try:
                done = await self._client.exec(
                    self._namespace,
                    pod,
                    CONTAINER,
                    dig.command(questions),
                    timeout=dig.limit(questions),
                )
            except ForbiddenError:
                raise
            except (ApiError, TimedOutError) as error:
                return [_unasked(q, f"probe: {error}") for q in questions]
        return dig.answers(questions, done.stdout)

    async def resolv_conf(self, node: str) -> str:
        """Return /etc/resolv.conf of the probe on `node`: what its kubelet gives to pods."""
        done = await self._client.exec(
            self._namespace, self._pods[node], CONTAINER, ["cat", "/etc/resolv.conf"], timeout=20.0
        )
        return done.stdout

    async def close(self) -> None:
        """Delete every probe of this run, even while we are being cancelled."""
        jobs, self._jobs, self._pods = self._jobs, {}, {}
        if jobs:
            await asyncio.shield(asyncio.gather(*(self._delete(*job) for job in jobs.values())))

    async def _create(self, node: str) -> None:
        if before := self._jobs.pop(node, None):  # an earlier start that did not come to its end
            await self._delete(*before)
        self._count += 1
        job = job_for(
            node,
            name=f"nodedns-probe-{self._run}-{self._count}",
            run=self._run,
            namespace=self._namespace,
            image=self._image,
        )
        path = collection("batch/v1", "jobs", self._namespace)
        name = job["metadata"]["name"]
        self._jobs[node] = (name, "")
        try:
            made = await _whole(self._client.create(path, job))
        except ApiError as error:
            del self._jobs[node]
            if isinstance(error, NotFoundError):
                raise UsageError(
                    f"--probe-namespace: there is no namespace {self._namespace!r}"
                ) from error
            raise
        self._jobs[node] = (name, made["metadata"]["uid"])

    async def _wait(self, waiting: set[str], started: Callable[[str], None]) -> dict[str, str]:
        """Wait until each probe runs; return why for those that will not or did not in time."""
        failed: dict[str, str] = {}
        why: dict[str, str] = {}
        deadline = asyncio.get_running_loop().time() + self._timeout
        by_job = {job[0]: node for node, job in self._jobs.items()}
        path = collection("v1", "pods", self._namespace)
        while waiting and asyncio.get_running_loop().time() < deadline:
            for pod in await self._client.list(path, labels=f"{RUN_LABEL}={self._run}"):
                labels = pod["metadata"].get("labels") or {}
                job = labels.get("batch.kubernetes.io/job-name") or labels.get("job-name") or ""
                node = by_job.get(job)
                if node is None or node not in waiting:
                    continue
                running, reason, hopeless = pod_state(pod)
                if running:
                    self._pods[node] = pod["metadata"]["name"]
                    waiting.discard(node)
                    started(node)
                elif hopeless:
                    failed[node] = reason
                    waiting.discard(node)
                else:
                    why[node] = reason
            if waiting:
                await asyncio.sleep(POLL)
        for node in waiting:
            reason = why.get(node) or await self._refusal(self._jobs[node][0])
            failed[node] = f"not running after {self._timeout:.0f} s: {reason}"
        return failed

    async def _refusal(self, job: str) -> str:
        """Why a Job has made no pod: its newest event, such as a quota or an admission error."""
        fields = f"involvedObject.kind=Job,involvedObject.name={job}"
        with contextlib.suppress(ApiError):
            events = await self._client.list(
                collection("v1", "events", self._namespace), fields=fields
            )
            if events:
                return str(events[-1].get("message", ""))
        return "its Job made no pod"

    async def _delete(self, name: str, uid: str) -> None:
        path = named("batch/v1", "jobs", self._namespace, name)
        with contextlib.suppress(ApiError, asyncio.CancelledError):
            if not uid:  # cancelled between the request and its answer
                uid = (await self._client.get(path))["metadata"]["uid"]
            await self._client.delete(path, uid=uid)


async def _whole(write: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """Await a write to its end, even while we are being cancelled.

    A Job whose creation is abandoned half-way might appear after everything was cleaned up.
    """
    task = asyncio.ensure_future(write)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # whatever it was, the cancellation goes first
        raise


def check_namespace(namespace: str) -> None:
    """Refuse kube-system.

    Raises:
        UsageError: it is that.
    """
    if namespace == "kube-system":
        raise UsageError(
            "--probe-namespace: probes never run in kube-system",
            hint="exec rights there would reach every pod of the control plane",
        )


def _unasked(question: Question, why: str) -> Answer:
    """Answer for a question that was never sent."""
    return Answer(question=question, error=why, asked=False)


def pod_state(pod: Mapping[str, Any]) -> tuple[bool, str, bool]:
    """Say whether a pod runs, else why not, and whether waiting is hopeless."""
    status = pod.get("status") or {}
    if status.get("phase") in ("Failed", "Succeeded"):
        return False, status.get("message") or f"the pod ended: {status.get('reason', '')}", True
    for container in status.get("containerStatuses") or ():
        state = container.get("state") or {}
        if state.get("running") and status.get("phase") == "Running":
            return True, "", False
        if waiting := state.get("waiting"):
            reason = waiting.get("reason", "")
            text = f"{reason}: {waiting.get('message', '')}".rstrip(": ")
            return False, text, reason in GIVE_UP
    for condition in status.get("conditions") or ():
        if condition.get("status") == "False" and condition.get("message"):
            return False, f"{condition.get('reason', '')}: {condition['message']}", False
    return False, f"the pod is {status.get('phase', 'not there')}", False


def job_for(node: str, *, name: str, run: str, namespace: str, image: str) -> dict[str, Any]:
    """Build the Job of one probe."""
    labels = {
        "app.kubernetes.io/managed-by": "kubectl-nodedns",
        "app.kubernetes.io/component": "probe",
        RUN_LABEL: run,
        "sidecar.istio.io/inject": "false",
        "kubectl-nodedns/inject": "disabled",
    }
    metadata = {
        "labels": labels,
        "annotations": {"linkerd.io/inject": "disabled", "kubectl-nodedns/node": node},
    }
    # Affinity, not nodeName: a pod that does not fit is then Pending with the scheduler's reason.
    match = {"key": "metadata.name", "operator": "In", "values": [node]}
    terms = [{"matchFields": [match]}]
    pod = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "runAsGroup": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "tolerations": [{"operator": "Exists"}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}
            }
        },
        "containers": [
            {
                "name": CONTAINER,
                "image": image,
                "command": ["sh", "-c", _SLEEP],
                "resources": {
                    "requests": {"cpu": "5m", "memory": "16Mi"},
                    "limits": {"cpu": "500m", "memory": "64Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {
            "activeDeadlineSeconds": LIFETIME,
            "ttlSecondsAfterFinished": 30,
            "backoffLimit": 0,
            "template": {"metadata": metadata, "spec": pod},
        },
    }

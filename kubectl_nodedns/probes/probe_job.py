"""How a probe is started, its Job, and what the state of its pod means. Pure.

Its pod holds no token, fits the "restricted" Pod Security level, tolerates every taint, and opts
out of sidecars and of injected DNS settings: either would falsify every answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.facts.images import mirrored
from kubectl_nodedns.probes.jobs import job_on

if TYPE_CHECKING:
    from collections.abc import Mapping

IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.39"
"""The image that the Kubernetes documentation debugs DNS with; it has dig, sh and sleep."""
NAMESPACE = "default"
"""Where probes run unless another namespace is given."""
LIFETIME = 1800
"""Seconds after which a probe pod ends, whatever became of us."""
START = 180.0
"""Seconds that probes may take to start, unless a shorter time is given."""
LINGER = 30
"""Seconds after its end when a probe's Job is deleted by the cluster itself."""
RUN_LABEL = "kubectl-nodedns/probe-run"
CONTAINER = "probe"
NO_SIDECARS = {
    "sidecar.istio.io/inject": "false",
    "istio.io/dataplane-mode": "none",
    "kuma.io/sidecar-injection": "disabled",
    "admission.datadoghq.com/enabled": "false",
    "node-local-dns-injection": "disabled",
    "kubectl-nodedns/inject": "disabled",
}
"""Labels by which a pod opts out: Istio's sidecars and its ambient mode, Kuma, Datadog's agent,
the webhooks of cloud providers that write a node-local cache into a pod's dnsConfig, and our own
policy that does."""
NO_INJECTION = {
    "linkerd.io/inject": "disabled",
    "consul.hashicorp.com/connect-inject": "false",
    "openservicemesh.io/sidecar-injection": "disabled",
    "appmesh.k8s.aws/sidecarInjectorWebhook": "disabled",
}
"""Annotations that do the same: Linkerd, Consul, Open Service Mesh, App Mesh."""
GIVE_UP = frozenset(
    {
        "InvalidImageName",
        "ErrImageNeverPull",
        "CreateContainerError",
        "CreateContainerConfigError",
        "RunContainerError",
    }
)
"""Waiting reasons that do not go away by waiting."""


@dataclass(frozen=True, kw_only=True)
class ProbeOptions:
    """How the probes of one command are started."""

    namespace: str = NAMESPACE
    """Namespace that they run in."""
    image: str = ""
    """Image that they run; empty for the default one."""
    lifetime: int = LIFETIME
    """Whole seconds after which one ends by itself."""
    start: float = START
    """Seconds that they may take to start."""

    def image_from(self, registry: str) -> str:
        """Return the image that probes run; the default one comes from `registry`, if not empty."""
        return self.image or mirrored(IMAGE, registry)


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


def job_for(
    node: str,
    *,
    name: str,
    run: str,
    namespace: str,
    image: str,
    lifetime: int = LIFETIME,
    dns_policy: str = "ClusterFirst",
    host_network: bool = False,
) -> dict[str, Any]:
    """Build the Job of one probe.

    Args:
        node: name of the node it asks from.
        name: name of the Job.
        run: value of `RUN_LABEL`, the same for all probes of a run.
        namespace: where it is made.
        image: an image with dig, sh and sleep.
        lifetime: seconds after which it ends by itself.
        dns_policy: "ClusterFirst" gives its pod the resolv.conf of pods, "Default" the node's.
        host_network: whether it lives in its node's network; the namespace must allow that.
    """
    labels = {
        "app.kubernetes.io/managed-by": "kubectl-nodedns",
        "app.kubernetes.io/component": "probe",
        RUN_LABEL: run,
        **NO_SIDECARS,
    }
    metadata = {"labels": labels, "annotations": {**NO_INJECTION, "kubectl-nodedns/node": node}}
    spec = _pod(image, lifetime, dns_policy)
    if host_network:
        spec["hostNetwork"] = True
    return job_on(
        node,
        metadata={"name": name, "namespace": namespace, **metadata},
        pod=spec,
        pod_metadata=metadata,
        lifetime=lifetime,
        linger=LINGER,
    )


def _pod(image: str, lifetime: int, dns_policy: str) -> dict[str, Any]:
    return {
        "dnsPolicy": dns_policy,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "runAsGroup": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": CONTAINER,
                "image": image,
                # As process 1 a plain sleep would ignore SIGTERM, and the pod would end as failed.
                "command": ["sh", "-c", f"trap 'exit 0' TERM; sleep {lifetime} & wait"],
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


def pod_state(pod: Mapping[str, Any]) -> tuple[bool, str, bool]:
    """Say whether a pod runs, else why not, and whether waiting is hopeless."""
    status = pod.get("status") or {}
    if status.get("phase") in ("Failed", "Succeeded"):
        return False, _end(status), True
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


def _end(status: Mapping[str, Any]) -> str:
    """Say how a pod ended: the container's own words first."""
    for container in status.get("containerStatuses") or ():
        if ended := (container.get("state") or {}).get("terminated"):
            words = ended.get("message") or f"exit code {ended.get('exitCode')}"
            return f"the container ended: {ended.get('reason', '')}: {words}"
    return status.get("message") or f"the pod ended: {status.get('reason', '')}"

"""How probes are started: what `--probe-image` and its siblings say, checked. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.facts.images import mirrored

IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.39"
"""The image that the Kubernetes documentation debugs DNS with; it has dig, sh and sleep."""
NAMESPACE = "default"
"""Where probes run unless another namespace is given."""
LIFETIME = 1800
"""Seconds after which a probe pod ends, whatever became of us."""
START = 180.0
"""Seconds that probes may take to start, unless a shorter time is given."""


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

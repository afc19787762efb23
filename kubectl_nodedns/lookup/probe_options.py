"""How probes are started: what `--probe-image` and its siblings say, checked."""

from __future__ import annotations

from dataclasses import dataclass

from kubectl_nodedns.facts.images import mirrored
from kubectl_nodedns.lookup import probe_job

START = 180.0
"""Seconds that probes may take to start, unless a shorter time is given."""


@dataclass(frozen=True, kw_only=True)
class ProbeOptions:
    """How the probes of one command are started."""

    namespace: str = probe_job.NAMESPACE
    """Namespace that they run in."""
    image: str = ""
    """Image that they run; empty for the default one."""
    lifetime: int = probe_job.LIFETIME
    """Whole seconds after which one ends by itself."""
    start: float = START
    """Seconds that they may take to start."""

    def image_from(self, registry: str) -> str:
        """Return the image that probes run; the default one comes from `registry`, if not empty."""
        return self.image or mirrored(probe_job.IMAGE, registry)

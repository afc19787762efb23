"""Images: where a mirror has them; pods without theirs, and how long such a pod is waited for."""

from __future__ import annotations

REGISTRY = "registry.k8s.io"
"""Where the images of Kubernetes are."""
NO_IMAGE = ("ErrImage", "ImagePull", "InvalidImageName", "ImageInspectError", "RegistryUnavail")
"""How a kubelet's reasons begin that are about an image (kubernetes, pkg/kubelet/images)."""
IMAGE_PATIENCE = 15.0
"""Seconds that a pod may be without its image: a kubelet asks the registry again after 10."""


def mirrored(image: str, registry: str) -> str:
    """Return an image as a mirror has it; images of other registries stay."""
    if registry and image.startswith(f"{REGISTRY}/"):
        return f"{registry}/{image.removeprefix(f'{REGISTRY}/')}"
    return image


class Imageless:
    """Since when pods that are waited for are without their image. Each has a name of its own."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def too_long(self, name: str, now: float, *, imageless: bool) -> bool:
        """Tell whether a pod is without its image for so long that waiting on would be in vain.

        Args:
            name: what the pod is counted by, at every look the same.
            now: when it was looked at, in seconds of any clock.
            imageless: whether it was without its image then. If not, counting begins anew.
        """
        if not imageless:
            self._since.pop(name, None)
            return False
        return now - self._since.setdefault(name, now) >= IMAGE_PATIENCE

"""The objects as `manifests/` has them, parsed.

The folder stands at the top of the repository and travels inside the package as `_manifests`.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

FILE = "nodelocaldns.yaml"


def folder() -> Traversable:
    """Return the folder with the manifests, in an installed package or in a checkout."""
    package = resources.files("kubectl_nodedns")
    packed = package / "_manifests"
    if packed.is_dir():
        return packed
    return Path(str(package)).parent / "manifests"


def read_objects() -> list[dict[str, Any]]:
    """Return the objects of the manifest, in the order in which they must be created."""
    text = (folder() / FILE).read_text(encoding="utf-8")
    return [document for document in yaml.safe_load_all(text) if document]

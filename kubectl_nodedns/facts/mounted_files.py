"""The files that ConfigMaps put into a container. Pure."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def configmaps_of(spec: Mapping[str, Any]) -> list[str]:
    """Return the names of the ConfigMaps that a pod specification mounts."""
    return [
        source["name"]
        for volume in spec.get("volumes") or ()
        for source in _sources(volume)
        if source.get("name")
    ]


def mounted_files(
    container: Mapping[str, Any], spec: Mapping[str, Any], data: Mapping[str, Mapping[str, str]]
) -> dict[str, tuple[str, str]]:
    """Return ConfigMap and text of each file, by its absolute path.

    Args:
        container: the container.
        spec: the specification of its pod.
        data: the data of ConfigMaps, by name; those that are missing give no files.
    """
    volumes = {volume["name"]: volume for volume in spec.get("volumes") or ()}
    found: dict[str, tuple[str, str]] = {}
    for mount in container.get("volumeMounts") or ():
        for source in _sources(volumes.get(mount["name"]) or {}):
            name = source.get("name", "")
            items = source.get("items")
            paths = {one["path"]: one["key"] for one in items} if items else None
            for path, key in (paths or {key: key for key in data.get(name, {})}).items():
                if key not in data.get(name, {}):
                    continue
                where = posixpath.join(mount["mountPath"], path)
                if mount.get("subPath"):
                    if mount["subPath"] != path:
                        continue
                    where = mount["mountPath"]
                found[posixpath.normpath(where)] = (name, data[name][key])
    return found


def _sources(volume: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the ConfigMaps of a volume, a projected one's among them."""
    projected = (volume.get("projected") or {}).get("sources") or ()
    return [one["configMap"] for one in (volume, *projected) if one.get("configMap")]

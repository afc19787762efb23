"""What an API server says of itself, and the reviews of rights that it answers."""

from __future__ import annotations

import json
import platform
from typing import Any

from kubectl_nodedns.demo.kinds import RESOURCES

VERSION = "v1.37.2"
"""The Kubernetes release that is emulated."""
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
REVIEWS = {
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": {"allowed": True},
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews": {
        "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        "incomplete": False,
    },
    "/apis/authentication.k8s.io/v1/selfsubjectreviews": {
        "userInfo": {"username": "demo", "groups": ["system:masters", "system:authenticated"]}
    },
}
"""Status of each review: everybody may do everything here."""


def review(path: str, body: bytes) -> dict[str, Any] | None:
    """Answer a review; None when the path is none."""
    status = REVIEWS.get(path)
    if status is None:
        return None
    return {**json.loads(body or b"{}"), "status": status}


def document(path: str) -> dict[str, Any] | str | None:
    """Return what is served at a path that names no object; None when that is nothing."""
    path = path.rstrip("/")
    if path == "/version":
        major, minor = VERSION.removeprefix("v").split(".")[:2]
        return {
            "major": major,
            "minor": minor,
            "gitVersion": VERSION,
            "gitCommit": "",
            "gitTreeState": "",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "",
            "compiler": "gc",
            "platform": f"linux/{platform.machine()}",
        }
    if path in ("/healthz", "/readyz", "/livez"):
        return "ok"
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        versions = sorted({r.version for r in RESOURCES if r.group})
        return {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [_group(version) for version in versions],
        }
    version = path.removeprefix("/apis/") if path.startswith("/apis/") else path[5:]
    found = [r for r in RESOURCES if r.version == version]
    if not found:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": version,
        "resources": [
            {
                "name": r.plural,
                "singularName": r.kind.lower(),
                "namespaced": r.namespaced,
                "kind": r.kind,
                "verbs": VERBS,
                "shortNames": list(r.short),
            }
            for r in found
        ],
    }


def _group(version: str) -> dict[str, Any]:
    name, _, number = version.rpartition("/")
    one = {"groupVersion": version, "version": number}
    return {"name": name, "versions": [one], "preferredVersion": one}

"""A user with exactly the rights of docs/rbac.yaml can do the whole job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.conftest import KubectlCall
    from tests.e2e.plugin import Plugin

RBAC = Path(__file__).parents[2] / "docs" / "rbac.yaml"
USER = "nodedns-documented"
BINDINGS = (
    ("clusterrolebinding", "clusterrole", "nodedns-watch", ()),
    ("clusterrolebinding", "clusterrole", "nodedns-check", ()),
    ("rolebinding", "role", "nodedns-check", ("-n", "kube-system")),
    ("clusterrolebinding", "clusterrole", "nodedns-inspect", ()),
    ("rolebinding", "role", "nodedns-watch", ("-n", "kube-system")),
    ("rolebinding", "role", "nodedns-install", ("-n", "kube-system")),
    ("rolebinding", "role", "nodedns-probe", ("-n", "default")),
)


def test_the_documented_roles_suffice(
    no_cache: None, nodedns: Plugin, kubectl: KubectlCall
) -> None:
    kubectl("apply", "-f", str(RBAC))
    try:
        for binding, role, name, where in BINDINGS:
            kubectl(*where, "create", binding, name, f"--{role}={name}", f"--user={USER}")
        for words in (
            ("enable", "--yes"),
            ("top", "--once"),
            ("status", "--probe"),
            ("check", "--ignore", "ND014"),
            ("lookup", "kubernetes.default", "--udp"),
            ("disable", "--yes"),
        ):
            ended = nodedns.run(*words, "--as", USER)
            assert ended.code == 0, str(ended)
            said = [line for line in ended.stderr.splitlines() if "nodes/proxy" not in line]
            assert "forbidden" not in "".join(said), str(ended)
    finally:
        for binding, _, name, where in BINDINGS:
            kubectl(*where, "delete", binding, name, "--ignore-not-found")
        kubectl("delete", "-f", str(RBAC), "--ignore-not-found")

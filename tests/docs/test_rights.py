"""docs/rbac.yaml is what docs/security.md says it is, and grants what the program writes."""

from __future__ import annotations

import re
from typing import Any

import yaml

from kubectl_nodedns.cluster.paths import PLURALS
from kubectl_nodedns.facts.rights import to_change, to_hold, to_look
from kubectl_nodedns.install.objects import read_objects
from kubectl_nodedns.probes.probe_job import NAMESPACE, job_for
from tests.docs.documents import ROOT

FILE = ROOT / "docs" / "rbac.yaml"
INSTALLED_IN = "kube-system"
STRONG = ("secrets", "nodes/proxy", "*")


def roles() -> dict[tuple[str, str], dict[str, Any]]:
    found = [document for document in yaml.safe_load_all(FILE.read_text()) if document]
    return {(role["kind"], role["metadata"]["name"]): role for role in found}


def granted(role: dict[str, Any]) -> dict[str, set[str]]:
    verbs: dict[str, set[str]] = {}
    for rule in role["rules"]:
        for resource in rule["resources"]:
            verbs.setdefault(resource, set()).update(rule["verbs"])
    return verbs


def test_every_rule_is_complete() -> None:
    for role in roles().values():
        assert role["apiVersion"] == "rbac.authorization.k8s.io/v1"
        assert (role["kind"] == "Role") == ("namespace" in role["metadata"])
        for rule in role["rules"]:
            assert rule["apiGroups"]
            assert rule["resources"]
            assert rule["verbs"]


def test_nothing_is_granted_that_reaches_further() -> None:
    for role in roles().values():
        for rule in role["rules"]:
            assert not {*STRONG} & {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}


def test_what_is_read_in_the_whole_cluster_is_only_read() -> None:
    for (kind, name), role in roles().items():
        if kind == "ClusterRole" and name != "nodedns-inject":
            for resource, verbs in granted(role).items():
                assert verbs <= {"get", "list", "watch"}, f"{name}: {resource}"


def test_what_reaches_into_pods_is_granted_in_one_namespace_at_a_time() -> None:
    """`pods/proxy` leads to every port of every pod, `pods/log` to what each of them says."""
    for (kind, name), role in roles().items():
        reaching = {resource for resource in granted(role) if "/" in resource}
        assert kind == "Role" or not reaching, f"{name}: {reaching}"
    for name in ("nodedns-watch", "nodedns-check", "nodedns-install"):
        assert granted(roles()["Role", name])["pods/proxy"] == {"get"}


def test_every_right_that_is_demanded_is_granted() -> None:
    held = to_hold(INSTALLED_IN)
    for right in (*to_change(INSTALLED_IN, NAMESPACE), *held, *to_look(INSTALLED_IN)):
        grants = [
            granted(role).get(right.resource, set())
            for role in roles().values()
            if role["metadata"].get("namespace") == right.namespace
        ]
        assert any(right.verb in verbs for verbs in grants), str(right)


def test_everything_that_is_installed_may_be_written_and_deleted() -> None:
    verbs = granted(roles()["Role", "nodedns-install"])
    for obj in read_objects():
        assert verbs[PLURALS[obj["kind"]]] >= {"get", "list", "create", "patch", "delete"}


def test_probes_may_be_made_and_asked() -> None:
    role = roles()["Role", "nodedns-probe"]
    job = job_for("node", name="probe", run="run", namespace=NAMESPACE, image="image")
    assert role["metadata"]["namespace"] == NAMESPACE
    verbs = granted(role)
    assert verbs[PLURALS[job["kind"]]] >= {"create", "delete"}
    assert "create" in verbs["pods/exec"]


def test_the_commands_that_bind_the_roles_name_roles_that_exist() -> None:
    found = roles()
    names = re.findall(r"--(clusterrole|role)=([\w-]+)", FILE.read_text())
    bound = {("ClusterRole" if kind == "clusterrole" else "Role", name) for kind, name in names}
    assert bound == set(found)


def test_security_md_explains_every_resource() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    for role in roles().values():
        for resource in granted(role):
            assert resource in text, resource

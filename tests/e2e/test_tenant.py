"""A tenant with all rights in his own namespace changes nothing elsewhere, and stops no command.

What every command does is written down without him and with him, and compared. That he is no more
than a tenant is asked of the API server first.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.images import TOOL_BOX_IMAGE
from tests.e2e import tenant
from tests.e2e.end_state import end_state
from tests.e2e.plugin import LIMIT, Ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall
    from tests.e2e.plugin import Plugin

TOP = ("top", "--once", "-o", "json")
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("check", "--pre"),
    ("enable", "--dry-run=server"),
    ("enable", "--yes"),
    ("enable", "--yes", "--upgrade"),
    ("status", "--probe"),
    ("check", "--window", "1s"),
    TOP,
    ("top", "--once"),
    ("lookup", "kubernetes.default", "--udp"),
    ("bench", "--duration", "1s"),
    ("disable", "--now", "--yes"),
    ("enable", "--yes"),
    ("disable", "--yes"),
)
"""Each in the state that the ones before it have left."""
INSTALLED = range(2, 10)
"""Those after which a cache is there."""
FOUND = frozenset({"check", "status"})
"""Commands that may tell of the tenant, as a finding: then they end with 1 instead of 0."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass
class Round:
    """What the commands did, one after the other."""

    ended: list[Ended] = field(default_factory=list)
    """How each ended."""
    states: list[dict[str, Any]] = field(default_factory=list)
    """What there was in kube-system, and on the nodes, after each."""
    marks: list[list[str]] = field(default_factory=list)
    """Objects outside of the tenant's namespace with his mark in them, after each."""
    touched: list[list[str]] = field(default_factory=list)
    """Objects of the tenant that are others than he wrote, or gone, after each."""


@pytest.fixture(scope="module")
def tool_box(request: pytest.FixtureRequest) -> str:
    """An image with sh and busybox."""
    image: str = request.config.getoption("--tool-image", default=TOOL_BOX_IMAGE)
    return image


@pytest.fixture
def rounds(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    kubectl: KubectlCall,
    rules: Callable[[str], list[str]],
    link: Callable[[str], list[str] | None],
    tool_box: str,
) -> Iterator[tuple[Round, Round]]:
    """What the commands did without the tenant, and with him."""

    def commands(written: dict[str, Any]) -> Round:
        done = Round()
        for words in COMMANDS:
            done.ended.append(ended(nodedns, *words))
            where = ("-n", "kube-system")
            state = end_state(real_cluster.node_names, kubectl, rules, link, where)
            done.states.append(state)
            done.marks.append(marked(kubectl))
            there = his(kubectl)
            done.touched.append([key for key, one in written.items() if there.get(key) != one])
        return done

    tenant.move_out(kubectl)
    quiet = commands({})
    tenant.settle_in(kubectl)
    try:
        only_a_tenant(kubectl)
        tenant.plant(kubectl, tool_box)
        kubectl("-n", tenant.TENANT, "wait", "pod", "-l", "a=page", "--for=condition=Ready")
        yield quiet, commands(his(kubectl))
    finally:
        tenant.move_out(kubectl)


def ended(nodedns: Plugin, *words: str) -> Ended:
    """Run a command to its end, whatever that is: a traceback and a hang are ends too."""
    process = nodedns.start(*words)
    try:
        stdout, stderr = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        return Ended(-1, stdout, f"{stderr}\nit hung, and was killed after {LIMIT:.0f} s")
    return Ended(-2 if "Traceback" in stderr else process.returncode, stdout, stderr)


def only_a_tenant(kubectl: KubectlCall) -> None:
    """Check that the cluster keeps him in his namespace."""
    for verb, kind, where in (
        ("create", "pods", ("-n", "kube-system")),
        ("patch", "daemonsets", ("-n", "kube-system")),
        ("create", "pods", ("-n", "default")),
        ("patch", "nodes", ()),
        ("patch", "namespaces", ()),
    ):
        with pytest.raises(ClusterError):
            kubectl(*where, "auth", "can-i", verb, kind, f"--as={tenant.WHO}")
    kubectl("-n", tenant.TENANT, "auth", "can-i", "create", "daemonsets", f"--as={tenant.WHO}")


def his(kubectl: KubectlCall) -> dict[str, Any]:
    """What the tenant has, without what controllers write: they count, and kubelets report."""
    kinds = "daemonsets,configmaps,services,serviceaccounts,jobs,leases,networkpolicies"
    items = kubectl("-n", tenant.TENANT, "get", kinds, "-ojson")["items"]
    return {
        f"{one['kind']}/{one['metadata']['name']}": {
            "uid": one["metadata"]["uid"],
            "labels": one["metadata"].get("labels"),
            "annotations": one["metadata"].get("annotations"),
            "spec": one.get("spec"),
            "data": one.get("data"),
        }
        for one in items
        if one["metadata"]["name"] not in ("kube-root-ca.crt", "default")
    }


def marked(kubectl: KubectlCall) -> list[str]:
    """Objects of other namespaces, and of none, in which the tenant's mark stands."""
    namespaced = "daemonsets,configmaps,services,serviceaccounts,pods,jobs,leases"
    everywhere = kubectl("get", namespaced, "-A", "-ojson")["items"]
    everywhere += kubectl("get", "nodes", "-ojson")["items"]
    return [
        f"{one['kind']} {one['metadata'].get('namespace')}/{one['metadata']['name']}"
        for one in everywhere
        if one["metadata"].get("namespace") != tenant.TENANT and tenant.MARK in json.dumps(one)
    ]


@pytest.mark.timeout(3600)
def test_a_tenant_changes_nothing_elsewhere_and_stops_no_command(
    rounds: tuple[Round, Round],
) -> None:
    quiet, attacked = rounds
    wrong = []
    for number, words in enumerate(COMMANDS):
        name = " ".join(words)
        before, after = quiet.ended[number], attacked.ended[number]
        told = {before.code, 1} if words[0] in FOUND and before.code == 0 else {before.code}
        if after.code not in told:
            wrong.append(f"{name}: ended with {before.code}, and now:\n{after}")
        if quiet.states[number] != attacked.states[number]:
            wrong.append(f"{name}: leaves another state:\n{difference(quiet, attacked, number)}")
        if attacked.marks[number]:
            wrong.append(f"{name}: the tenant's mark is in {attacked.marks[number]}")
        if attacked.touched[number]:
            wrong.append(f"{name}: what the tenant wrote is gone: {attacked.touched[number]}")
        if found := CONTROL.search(after.stdout + after.stderr):
            wrong.append(f"{name}: writes {found[0]!r} to the terminal")
        if words == TOP and before.code == after.code == 0 and seen(before) != seen(after):
            wrong.append(f"{name}: shows {seen(after)}, without the tenant {seen(before)}")
    for number in INSTALLED:
        names = quiet.states[number]["names"]
        assert "daemonset.apps/node-local-dns" in names, f"{COMMANDS[number]}: no cache"
    assert not wrong, "\n\n".join(wrong)


def seen(top: Ended) -> Any:
    """What `top` shows of caches and nodes, without what differs from pod to pod."""
    shown = json.loads(top.stdout)
    nodes = [
        (one["node"], one["state"], str(one["pod"]).partition("/")[0]) for one in shown["nodes"]
    ]
    return nodes, shown["fleet"]["caches"], shown["fleet"]["nodes_sampled"]


def difference(quiet: Round, attacked: Round, number: int) -> str:
    """What is other in one state than in the other, part by part."""
    one, other = quiet.states[number], attacked.states[number]
    parts = [key for key in one if one[key] != other[key]]
    return "\n".join(f"{key}: {one[key]}\nnow {other[key]}" for key in parts)

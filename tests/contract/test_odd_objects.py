"""Objects with values that are none stop no command, and change nothing that is said of others.

A tenant's are in the cluster all at once, once for each place in them and each odd value: every
command then has to say what it says without them.
"""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.errors import Exit
from tests.contract.ailing import Ailing
from tests.contract.cluster import fill
from tests.contract.oddities import (
    TENANT,
    TENANTS,
    changed,
    odd_shapes,
    odd_strings,
)
from tests.contract.test_decoys import ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.contract.api import Api
    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

PLURALS = {"DaemonSet": "daemonsets", "ConfigMap": "configmaps", "Service": "services"}
COMMANDS: dict[str, tuple[str, ...]] = {
    "status": ("status", "--window", "1s", "-o", "json"),
    "check": ("check", "--window", "1s", "-o", "json"),
    "top": ("top", "--once", "-o", "json"),
    "monitoring": ("monitoring", "-o", "yaml"),
    "disable": ("disable", "--dry-run=client"),
    "enable again": ("enable", "--dry-run=server"),
    "enable": ("enable", "--dry-run=server"),
    "check --pre": ("check", "--pre", "-o", "json"),
}
WITHOUT_A_CACHE = ("enable", "check --pre")
MOMENTS = re.compile(r"_seconds$|_per_second$|^(time|at|sampled|age|summary)$")
"""Fields that tell when or how fast something was read, or count findings."""


def installed() -> Ailing:
    """A cluster with an installation of ours that is well."""
    made = Ailing()
    objects = ours()
    objects["DaemonSet", "node-local-dns"]["metadata"]["uid"] = "uid-of-node-local-dns"
    objects["DaemonSet", "node-local-dns"]["status"] = {"desiredNumberScheduled": 2}
    made.objects["daemonsets"] = []
    made.objects["services"] = made.objects["services"][:1]
    made.objects["configmaps"] = made.objects["configmaps"][:2]
    for pod in made.objects["pods"][:2]:
        template = objects["DaemonSet", "node-local-dns"]["spec"]["template"]
        pod["metadata"]["labels"] = dict(template["metadata"]["labels"])
        pod["status"]["containerStatuses"][0]["ready"] = True
    for (kind, _), obj in objects.items():
        made.objects[PLURALS.get(kind, f"{kind.lower()}s")].append(obj)
    return made


def prepare(command: str, api: Api) -> None:
    if command in WITHOUT_A_CACHE:
        fill(api)
        return
    installed().serve(api)
    api.add("namespaces", {"metadata": {"name": "default"}})


def judgement(ended: Ended) -> Any:
    """What a command says of everything that is no tenant's, without the moments of its reading."""
    if ended.out.startswith("{"):
        return said_of_others(json.loads(ended.out))
    lines = [
        re.sub(r"^ +[0-9.]+ s ", "", line) for line in f"{ended.out}\n{ended.err}".splitlines()
    ]
    return [line for line in lines if not about_tenants(line)]


def said_of_others(content: Any) -> Any:
    if isinstance(content, dict):
        return {k: said_of_others(v) for k, v in content.items() if not MOMENTS.search(k)}
    if isinstance(content, list):
        return [said_of_others(one) for one in content if not about_tenants(json.dumps(one))]
    return content


def about_tenants(text: str) -> bool:
    """Whether a line or an entry is about a tenant, or says that something was not seen."""
    return (
        f"{TENANT}/" in text or "not seen " in text or bool(re.search(r"namespace .?tenant", text))
    )


def sound(ended: Ended) -> None:
    """Check that an end is one in words."""
    assert ended.code in (Exit.OK, Exit.FINDING, Exit.API, Exit.REFUSED), ended.err
    assert "unexpected" not in ended.err
    assert "Traceback" not in ended.err
    assert "\x1b" not in ended.out + ended.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("oddity", [odd_strings, odd_shapes])
def test_no_object_of_a_tenant_stops_a_command_or_changes_what_is_said_of_others(
    oddity: Callable[[dict[str, Any]], Iterator[dict[str, Any]]],
    command: str,
    api: Api,
    config: Path,
    run: Run,
) -> None:
    prepare(command, api)
    before = run(*COMMANDS[command])
    assert before.code == Exit.OK, before.err
    for plural, make in TENANTS.items():
        for number, obj in enumerate(oddity(make())):
            metadata = obj["metadata"]
            metadata["name"], metadata["uid"] = f"decoy-{number}", f"uid-{plural}-{number}"
            api.add(plural, obj)
    for scripts in api.state.scripts.values():
        del scripts[:-1]  # the pages of metrics from here on
    after = run(*COMMANDS[command])
    sound(after)
    assert judgement(after) == judgement(before)
    assert after.code == Exit.OK or json.loads(after.out)["findings"], after.err


TEMPLATE = ("spec", "template")


@pytest.mark.parametrize(
    ("path", "odd"),
    [
        ((*TEMPLATE, "metadata"), "x"),
        ((*TEMPLATE, "metadata", "labels"), 7),
        ((*TEMPLATE, "spec", "nodeSelector"), "x"),
        (("metadata", "annotations"), [None]),
    ],
)
def test_our_daemonset_of_another_shape_is_named_and_nothing_is_planned_on_it(
    path: tuple[Any, ...], odd: object, api: Api, config: Path, run: Run
) -> None:
    prepare("disable", api)
    own = next(obj for kind, obj in api.state.objects if kind == "daemonsets")
    api.add("daemonsets", changed(own, path, copy.deepcopy(odd)))
    ended = run(*COMMANDS["disable"])
    assert ended.code == Exit.API
    assert "error: DaemonSet kube-system/node-local-dns cannot be read: " in ended.err
    assert api.state.writes == []


@pytest.mark.parametrize(
    "words",
    [
        ("lookup", "kubernetes.default", "--timeout", "1s"),
        ("lookup", "kubernetes.default", "--from", "tenant/decoy-1"),
        ("bench", "--yes", "--duration", "1s", "--timeout", "1s"),
        ("enable", "--adopt", "--dry-run=server"),
        ("enable", "--diff"),
        ("disable", "--now", "--dry-run=client"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("oddity", [odd_strings, odd_shapes])
def test_what_no_command_can_go_by_ends_it_in_words(
    words: tuple[str, ...],
    oddity: Callable[[dict[str, Any]], Iterator[dict[str, Any]]],
    api: Api,
    config: Path,
    run: Run,
) -> None:
    prepare("disable", api)
    for plural, make in TENANTS.items():
        for number, obj in enumerate(oddity(make())):
            metadata = obj["metadata"]
            metadata["name"], metadata["uid"] = f"decoy-{number}", f"uid-{plural}-{number}"
            api.add(plural, obj)
    ended = run(*words)
    assert ended.code != Exit.UNEXPECTED, ended.err
    assert "Traceback" not in ended.err

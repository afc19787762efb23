"""Text of others never reaches a terminal as it is, through whichever command and format.

Every text of every object is given what would act on a terminal: an escape sequence that writes
the reader's clipboard, a title, a change of the direction of writing, line ends that begin a line
of one's own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from kubectl_nodedns.errors import Exit
from tests.contract.ailing import Ailing
from tests.contract.oddities import (
    tenants_daemonset,
    tenants_pod,
    tenants_policy,
    tenants_rule,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.contract.api import Api
    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

EVIL = "\x1b]52;c;ZXZpbA==\x07\x1b]0;t\x1b\\\x9b31m\u202e\u2066\x08\r\x00\x7f\nverdict: fine"
OBJECTS: dict[str, Callable[[], dict[str, Any]]] = {
    "daemonsets": tenants_daemonset,
    "pods": tenants_pod,
    "networkpolicies": tenants_policy,
    "prometheusrules": tenants_rule,
}
NAMES = {"name", "namespace", "uid", "kind", "apiVersion", "nodeName", "resourceVersion"}
"""Fields that an API server lets have a few characters only."""
MEANT = {
    *("clusterIP", "clusterIPs", "ip", "podIP", "podIPs", "hostIP", "addresses", "address"),
    *("podCIDR", "podCIDRs", "cidr", "except", "phase", "type", "status", "dnsPolicy", "policy"),
    *("k8s-app", "kubernetes.io/service-name", "protocol", "operator", "nameservers", "args"),
    *("Corefile", "config.conf", "config.yaml", "startedAt", "creationTimestamp"),
}
"""Fields that decide how an object is read: with them spoilt, others are not looked at."""
READERS: dict[str, tuple[str, ...]] = {
    "status": ("status", "--window", "1s"),
    "status wide": ("status", "--window", "1s", "-o", "wide"),
    "check": ("check", "--window", "1s"),
    "check wide": ("check", "--window", "1s", "-o", "wide"),
    "check short": ("check", "--window", "1s", "-o", "short"),
    "check --pre": ("check", "--pre"),
    "top": ("top", "--once", "-o", "wide"),
    "top yaml": ("top", "--once", "-o", "yaml"),
    "enable": ("enable", "--dry-run=server"),
    "enable yaml": ("enable", "--dry-run=server", "-o", "yaml"),
    "diff": ("enable", "--diff"),
    "adopt": ("enable", "--adopt", "--dry-run=server"),
    "adopt diff": ("enable", "--adopt", "--diff"),
    "disable": ("disable", "--dry-run=client"),
    "monitoring": ("monitoring",),
}
DATA: dict[str, tuple[str, ...]] = {
    "status": ("status", "--window", "1s", "-o", "json"),
    "check": ("check", "--window", "1s", "-o", "json"),
    "check --pre": ("check", "--pre", "-o", "json"),
    "top": ("top", "--once", "-o", "json"),
    "top lines": ("top", "--once", "-o", "json"),
    "status yaml": ("status", "--window", "1s", "-o", "yaml"),
    "diff": ("enable", "--adopt", "--diff", "-o", "json"),
}


def spoilt(value: Any, keep: frozenset[str], key: str = "") -> Any:
    """Return a copy in which every text does its worst, but those of the keys to keep."""
    if isinstance(value, dict):
        return {name: spoilt(part, keep, name) for name, part in value.items()}
    if isinstance(value, list):
        return [spoilt(part, keep, key) for part in value]
    return value + EVIL if isinstance(value, str) and key not in keep else value


def without_effect(text: str) -> bool:
    return text.replace("\n", "").replace("\t", "").isprintable()


@pytest.fixture(params=["what is shown", "what is read"])
def hostile(request: pytest.FixtureRequest, api: Api) -> Iterator[None]:
    """A cluster whose texts do their worst: those that are only shown, or all but names."""
    keep = frozenset(NAMES | MEANT if request.param == "what is shown" else NAMES)
    ailing = Ailing()
    ailing.objects["namespaces"].append({"metadata": {"name": "default"}})
    for plural, make in OBJECTS.items():
        ailing.objects[plural].append(make())
    ours = {"helm.sh/chart": "x", "meta.helm.sh/release-name": "y", "kubectl-nodedns/options": "z"}
    for daemonset in ailing.objects["daemonsets"]:
        metadata = daemonset["metadata"]
        metadata["annotations"] = {**metadata.get("annotations", {}), **ours}
    for page in (*ailing.before.values(), *ailing.after.values()):
        page.version = "1.13.2\\x1b]0;t\x1b]0;t\x07"
    for plural, objects in ailing.objects.items():
        ailing.objects[plural] = [spoilt(obj, keep) for obj in objects]
    ailing.kubelets = {name: [EVIL, *servers] for name, servers in ailing.kubelets.items()}
    ailing.serve(api)
    return


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("command", READERS)
def test_what_is_printed_acts_on_no_terminal(command: str, config: Path, run: Run) -> None:
    ended = run(*READERS[command])
    assert ended.out + ended.err
    assert without_effect(ended.out), ended.out
    assert without_effect(ended.err), ended.err
    # A line that somebody else began would be read as ours.
    assert "\nverdict: fine" not in ended.out + ended.err


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("command", DATA)
def test_data_is_escaped_and_reads_as_it_was(command: str, config: Path, run: Run) -> None:
    ended = run(*DATA[command])
    assert without_effect(ended.out), ended.out
    assert without_effect(ended.err), ended.err
    if ended.code not in (Exit.OK, Exit.FINDING):
        assert ended.out == ""  # what cannot be read ends in an error, which is looked at above
        return
    read = yaml.safe_load if "yaml" in DATA[command] else json.loads
    assert read(ended.out)

"""What a tenant puts into its own namespace decides nothing outside of it, and stops no command."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from kubectl_nodedns.cluster.paths import PLURALS
from kubectl_nodedns.errors import Exit
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.options import DEFAULTS, Memory
from tests.contract import cluster
from tests.unit.install.samples import SETTINGS, stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.api import Api
    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

EVIL, EVIL_IP = "evil.example/node-cache:1", "192.0.2.66"
EVIL_OPTIONS = {
    "image": EVIL,
    "upstream": EVIL_IP,
    "image-registry": "evil.example",
    "cluster-domain": "evil.local",
    "dns-service": "tenant/kube-dns",
    "mode": "ipvs",
}
EVERYWHERE = ("aaa-tenant", "tenant")
"""Namespaces that come before and after kube-system in an alphabet."""

pytestmark = pytest.mark.usefixtures("config")


def ours(**options: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The objects of an installation of ours."""
    memory = Memory(given=options, defaults=DEFAULTS)
    return stored(build(SETTINGS, options=memory.as_text()))


def decoy(namespace: str, *, name: str = "node-local-dns", given: bool = True) -> dict[str, Any]:
    """Our DaemonSet in a tenant's namespace, with options of the tenant."""
    daemonset = copy.deepcopy(ours()["DaemonSet", "node-local-dns"])
    daemonset["metadata"] |= {"namespace": namespace, "name": name, "uid": f"uid-in-{namespace}"}
    kind = {"given": EVIL_OPTIONS} if given else {"defaults": EVIL_OPTIONS}
    options = json.dumps({"given": {}, "defaults": {}, **kind, "version": "0"})
    daemonset["metadata"]["annotations"]["kubectl-nodedns/options"] = options
    container = daemonset["spec"]["template"]["spec"]["containers"][0]
    container["image"] = EVIL
    daemonset["spec"]["selector"]["matchLabels"] = {"app": "decoy"}
    return daemonset


def decoys() -> list[dict[str, Any]]:
    found = [decoy(namespace) for namespace in EVERYWHERE]
    found += [decoy(namespace, name="a", given=False) for namespace in EVERYWHERE]
    unlabelled = decoy(EVERYWHERE[0], name="b")
    unlabelled["metadata"]["labels"] = {}
    return [*found, unlabelled]


@pytest.fixture
def attacked(api: Api) -> Api:
    """A sound cluster with decoys in tenants' namespaces."""
    cluster.fill(api)
    api.add("daemonsets", *decoys())
    services = [cluster.dns_service("kube-dns", EVIL_IP) for _ in EVERYWHERE]
    for namespace, service in zip(EVERYWHERE, services, strict=True):
        service["metadata"] |= {"namespace": namespace, "uid": f"uid-in-{namespace}"}
    api.add("services", *services)
    return api


def install(api: Api, **options: str) -> None:
    for (kind, _), obj in ours(**options).items():
        api.add(PLURALS[kind], obj)


def nothing_of_a_tenant(api: Api, ended: Ended) -> None:
    """Check that a tenant's words are nowhere, and that nothing was written near him."""
    for word in (EVIL, EVIL_IP, "evil"):
        assert word not in ended.out
        assert word not in ended.err
    assert not [w for w in api.state.writes if any(f"/{n}/" in w.path for n in EVERYWHERE)]


@pytest.mark.parametrize("installed", [False, True])
@pytest.mark.parametrize("words", [[], ["--upgrade"], ["--config"], ["--force-conflicts"]])
def test_a_decoy_gives_enable_no_option(
    words: list[str], installed: bool, attacked: Api, run: Run, tmp_path: Path
) -> None:
    if installed:
        install(attacked)
    if words == ["--config"]:
        file = tmp_path / "config.yaml"
        file.write_text("apiVersion: nodedns/v1alpha1\nkind: NodeDNSConfiguration\nspec: {}\n")
        words = ["--config", str(file)]
    ended = run("enable", "--dry-run=client", "-o", "yaml", *words)
    assert ended.code == Exit.OK, ended.err
    daemonset = list(yaml.safe_load_all(ended.out))[-1]
    assert daemonset["metadata"]["namespace"] == "kube-system"
    container = daemonset["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == DEFAULTS["image"]
    nothing_of_a_tenant(attacked, ended)
    assert "ND111 daemonset aaa-tenant/a: it bears our label" in ended.err


def test_a_decoy_is_a_finding_before_an_install(attacked: Api, run: Run) -> None:
    ended = run("check", "--pre", "-o", "json")
    assert ended.code == Exit.OK, ended.err
    found = [one for one in json.loads(ended.out)["findings"] if one["code"] == "ND111"]
    assert [(one["subject"], one["severity"]) for one in found] == [
        ("daemonset aaa-tenant/a", "warning"),
        ("daemonset tenant/a", "warning"),
        ("daemonset aaa-tenant/b", "info"),
    ]
    assert "so do node-local-dns" in found[0]["seen"]
    codes = {one["code"] for one in json.loads(ended.out)["findings"]}
    assert "ND111" in codes
    assert not codes & {"ND103", "ND104"}
    nothing_of_a_tenant(attacked, ended)


@pytest.mark.parametrize("words", [[], ["--now"], ["--adopt"], ["--adopt", "--now"]])
def test_with_decoys_alone_there_is_nothing_to_disable(
    words: list[str], attacked: Api, run: Run
) -> None:
    ended = run("disable", "--yes", *words)
    assert (ended.code, ended.out) == (Exit.OK, "nothing to do: no cache is installed\n")
    assert "left alone DaemonSet aaa-tenant/a" in ended.err
    assert attacked.state.writes == []


def test_ours_is_taken_out_beside_decoys(attacked: Api, run: Run) -> None:
    install(attacked)
    ended = run("disable", "--now", "--yes")
    assert ended.code == Exit.OK, ended.err
    gone = [w.path for w in attacked.state.writes if w.method == "DELETE"]
    deleted = {path.rpartition("/")[2] for path in gone if "/leases/" not in path}
    assert deleted == {name for _, name in ours()}
    nothing_of_a_tenant(attacked, ended)
    left = [obj for plural, obj in attacked.state.objects if plural == "daemonsets"]
    assert len(left) == len(decoys()) + 1, "kube-proxy, and what is not ours to delete"


def test_disable_looks_at_ours_and_not_at_a_decoy(attacked: Api, run: Run) -> None:
    install(attacked)
    ended = run("disable", "--dry-run=server")
    assert ended.code == Exit.OK, ended.err
    assert "delete     DaemonSet kube-system/node-local-dns" in ended.err
    asked = {s.path for s in attacked.state.seen if s.method == "DELETE"}
    assert asked
    assert all(
        path.split("/")[path.split("/").index("namespaces") + 1] == "kube-system" for path in asked
    )


def official() -> dict[str, Any]:
    """The add-on's DaemonSet, as somebody applied it."""
    image = "registry.k8s.io/dns/k8s-dns-node-cache:1.25.0"
    daemonset = cluster.daemonset(
        "node-local-dns", image, "-localip", "169.254.20.10,10.96.0.10", "-upstreamsvc", "other"
    )
    template = daemonset["spec"]["template"]
    template["metadata"] = {"labels": {"k8s-app": "node-local-dns"}}
    template["spec"]["hostNetwork"] = True
    return daemonset | {"kind": "DaemonSet"}


@pytest.mark.parametrize("command", ["enable", "disable"])
def test_a_decoy_keeps_nobody_from_adopting(command: str, attacked: Api, run: Run) -> None:
    attacked.add("daemonsets", official())
    ended = run(command, "--adopt", "--dry-run=client")
    assert ended.code == Exit.OK, ended.err
    assert "adopt      DaemonSet node-local-dns, managed by" in ended.err
    nothing_of_a_tenant(attacked, ended)


@pytest.mark.parametrize("command", [["status"], ["check", "--fail-on=warning"], ["top", "--once"]])
def test_reading_commands_read_no_decoy(command: list[str], attacked: Api, run: Run) -> None:
    """Before it the same as without it: there is no cache."""
    ended = run(*command)
    assert ended.code == Exit.FINDING, ended.err
    said = ended.out + ended.err
    assert any(words in said for words in ("not installed", "ND001", "no node-local DNS cache"))
    assert EVIL not in said


def test_a_dns_service_of_a_tenant_is_never_found(api: Api, run: Run) -> None:
    cluster.fill(api)
    api.remove("services")
    service = cluster.dns_service("kube-dns", EVIL_IP)
    service["metadata"]["namespace"] = "tenant"
    api.add("services", service)
    for command in (["enable", "--yes"], ["check"], ["check", "--pre"], ["lookup", "a.example"]):
        ended = run(*command)
        assert ended.code in (Exit.REFUSED, Exit.FINDING), ended.err
        said = ended.out + ended.err
        assert "no DNS service in namespace kube-system" in said
        assert "tenant/kube-dns" in said
        assert EVIL_IP not in said
    assert api.state.writes == []


def test_an_image_that_is_remembered_stands_in_the_plan_for_what_it_is(api: Api, run: Run) -> None:
    cluster.fill(api)
    install(api, image="mirror.example/node-cache:7", upstream="192.0.2.53")
    ended = run("enable", "--dry-run=client")
    assert ended.code == Exit.OK, ended.err
    assert "image: mirror.example/node-cache:7 is remembered from an earlier run" in ended.err
    assert "upstream: 192.0.2.53 is remembered from an earlier run" in ended.err


def test_a_remembered_value_that_nobody_could_give_is_refused(api: Api, run: Run) -> None:
    cluster.fill(api)
    install(api, upstream="evil.example")
    ended = run("enable", "--yes")
    assert ended.code == Exit.REFUSED, ended.err
    assert "remembers an option that cannot be used: --upstream: 'evil.example'" in ended.err
    assert "Give --upstream anew" in ended.err
    assert api.state.writes == []
    assert run("enable", "--dry-run=client", "--upstream=none").code == Exit.OK
    assert run("disable", "--now", "--yes").code == Exit.OK


def test_a_remembered_dns_service_somewhere_else_is_refused(api: Api, run: Run) -> None:
    cluster.fill(api)
    install(api, **{"dns-service": "tenant/kube-dns"})
    ended = run("enable", "--yes")
    assert ended.code == Exit.REFUSED, ended.err
    assert "--dns-service: 'tenant/kube-dns' is not in kube-system" in ended.err
    assert api.state.writes == []

"""`enable --dry-run`: objects on stdout, words on stderr, and nothing on the wire that writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from kubectl_nodedns.errors import Exit
from tests.contract import cluster

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.api import Api
    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

VALUES = (
    "--mode=iptables",
    "--local-ip=169.254.20.11",
    "--kube-dns-ip=10.96.0.10",
    "--cluster-domain=k8s.test",
)


def by_kind(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"{obj['kind']}/{obj['metadata']['name'].split('-0')[0]}": obj for obj in objects}


def check(objects: list[dict[str, Any]]) -> None:
    """Check that these are the objects of an installation with `VALUES`."""
    kinds = [obj["kind"] for obj in objects]
    assert kinds == ["ServiceAccount", "Service", "Service", "ConfigMap", "DaemonSet"]
    config, daemonset = objects[3], objects[4]
    corefile = config["data"]["Corefile"]
    assert corefile.startswith("k8s.test:53 {\n")
    assert "health 169.254.20.11:8080" in corefile
    template = daemonset["spec"]["template"]
    [container] = template["spec"]["containers"]
    assert container["args"][:2] == ["-localip", "169.254.20.11,10.96.0.10"]
    assert {obj["metadata"]["namespace"] for obj in objects} == {"kube-system"}


def test_the_four_values_make_it_possible_without_any_kubeconfig(home: Path, run: Run) -> None:
    ended = run("enable", "--dry-run=client", "-o", "yaml", *VALUES)
    assert ended.code == Exit.OK, ended.err
    check(list(yaml.safe_load_all(ended.out)))
    assert "no cluster was asked; assumed: namespace kube-system" in ended.err
    assert "k8s-dns-node-cache:" in ended.err


def test_the_same_as_json_is_one_list(home: Path, run: Run) -> None:
    ended = run("enable", "--dry-run=client", "-o", "json", *VALUES)
    assert ended.code == Exit.OK, ended.err
    document = json.loads(ended.out)
    assert (document["apiVersion"], document["kind"]) == ("v1", "List")
    check(document["items"])


def test_without_a_format_it_is_yaml(home: Path, run: Run) -> None:
    plain = run("enable", "--dry-run=client", *VALUES)
    as_yaml = run("enable", "--dry-run=client", "-oyaml", *VALUES)
    assert plain.out == as_yaml.out


@pytest.mark.parametrize("missing", VALUES)
def test_with_a_value_missing_a_cluster_is_asked(missing: str, home: Path, run: Run) -> None:
    ended = run("enable", "--dry-run=client", *(word for word in VALUES if word != missing))
    assert ended.code == Exit.API
    assert ".kube/config does not exist" in ended.err


def test_the_other_options_are_built_in(home: Path, run: Run) -> None:
    words = ("--image=mirror/node-cache:1", "--node-selector=pool=a", "--dns-service=dns/coredns")
    ended = run("enable", "--dry-run=client", *VALUES, *words)
    objects = list(yaml.safe_load_all(ended.out))
    spec = objects[4]["spec"]["template"]["spec"]
    assert spec["containers"][0]["image"] == "mirror/node-cache:1"
    assert spec["nodeSelector"] == {"pool": "a", "kubernetes.io/os": "linux"}
    assert {obj["metadata"]["namespace"] for obj in objects} == {"dns"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--kube-dns-ip=fd00:10::a"], "one address family"),
        (["--kube-dns-ip=169.254.20.11"], "169.254.20.11"),
        (["--dns-service=coredns"], "NAMESPACE/NAME"),
    ],
)
def test_values_that_do_not_go_together_are_refused_without_a_cluster_too(
    words: list[str], said: str, home: Path, run: Run
) -> None:
    ended = run("enable", "--dry-run=client", *VALUES, *words)
    assert ended.code in (Exit.REFUSED, Exit.USAGE), ended.err
    assert said in ended.err
    assert ended.out == ""


@pytest.mark.parametrize("mode", ["cilium", "calico-ebpf"])
def test_objects_that_were_not_proved_bear_that_mark(mode: str, home: Path, run: Run) -> None:
    others = [word for word in VALUES if not word.startswith("--mode")]
    ended = run("enable", "--dry-run=client", "-oyaml", f"--mode={mode}", *others)
    assert ended.code == Exit.OK, ended.err
    mark, _, objects = ended.out.partition("\n")
    assert mark.startswith("# not proved by this plugin: ")
    assert mark.removeprefix("# ") in ended.err
    as_json = run("enable", "--dry-run=client", "-ojson", f"--mode={mode}", *others)
    assert json.loads(as_json.out)["items"] == list(yaml.safe_load_all(objects))


def test_with_a_cluster_a_client_dry_run_shows_the_plan_and_asks_nothing_of_it(
    api: Api, config: Path, run: Run
) -> None:
    cluster.fill(api)
    ended = run("enable", "--dry-run=client")
    assert ended.code == Exit.OK, ended.err
    assert ended.out == ""
    assert "create     DaemonSet kube-system/node-local-dns" in ended.err
    assert {seen.method for seen in api.state.seen} == {"GET"}


def test_a_server_dry_run_prints_what_the_server_made_of_it(
    api: Api, config: Path, run: Run
) -> None:
    cluster.fill(api)
    ended = run("enable", "--dry-run=server", "-o", "yaml")
    assert ended.code == Exit.OK, ended.err
    objects = list(yaml.safe_load_all(ended.out))
    assert all(obj["metadata"]["uid"].startswith("made-by-the-server") for obj in objects)
    assert api.state.writes == []


def test_facts_of_the_cluster_are_in_the_objects(api: Api, config: Path, run: Run) -> None:
    cluster.fill(api)
    service = cluster.dns_service("coredns", "10.3.0.10")
    service["spec"]["selector"] = {"app": "coredns"}
    service["spec"]["ports"][0]["targetPort"] = "dns"
    service["spec"]["ports"][1]["targetPort"] = 1053
    api.remove("services")
    api.add("services", service)
    api.add("endpointslices", cluster.endpoints("coredns", "10.244.1.2"))
    ended = run("enable", "--dry-run=client", "-oyaml")
    assert ended.code == Exit.OK, ended.err
    _, upstream, _, _, daemonset = yaml.safe_load_all(ended.out)
    assert upstream["spec"]["selector"] == {"app": "coredns"}
    assert [p["targetPort"] for p in upstream["spec"]["ports"]] == ["dns", 1053]
    [container] = daemonset["spec"]["template"]["spec"]["containers"]
    assert container["args"][1] == "169.254.20.10,10.3.0.10"


@pytest.mark.parametrize(
    "path",
    [
        "/apis/apps/v1/daemonsets",
        "/api/v1/namespaces/kube-system/configmaps/node-local-dns-adopted",
    ],
)
def test_what_is_installed_is_read_once(path: str, api: Api, config: Path, run: Run) -> None:
    cluster.fill(api)
    ended = run("enable", "--dry-run=server")
    assert ended.code == Exit.OK, ended.err
    assert [seen.method for seen in api.state.seen if seen.path == path] == ["GET"]


def test_printed_objects_have_no_yaml_anchors(home: Path, run: Run) -> None:
    ended = run("enable", "--dry-run=client", *VALUES, "--labels=team=a")
    assert ended.code == Exit.OK, ended.err
    assert "&id" not in ended.out
    assert "*id" not in ended.out

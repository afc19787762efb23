from __future__ import annotations

from dataclasses import replace

from kubectl_nodedns.install.live import Live
from kubectl_nodedns.install.objects import DARK, build
from kubectl_nodedns.install.uninstall_plan import commands, describe, installed, ours
from tests.unit.install import samples
from tests.unit.install.samples import NOTHING, SETTINGS, pod, stored


def test_local_ip_and_domain_are_read_from_what_is_installed() -> None:
    assert installed(samples.installed()) == ("169.254.20.10", "cluster.local")


def test_an_ipv6_address_and_another_domain_are_read_back_too() -> None:
    settings = replace(
        SETTINGS, local_ip="fd00:90de:d95::1", kube_dns_ip="fd00:10::a", cluster_domain="k8s.test"
    )
    assert installed(samples.installed(settings)) == ("fd00:90de:d95::1", "k8s.test")


def test_without_a_configuration_of_ours_nothing_is_known() -> None:
    assert installed(NOTHING) == ("", "")


def test_a_configuration_that_is_not_ours_is_not_believed() -> None:
    objects = stored(build(SETTINGS))
    for obj in objects.values():
        obj["metadata"]["labels"].pop("app.kubernetes.io/managed-by")
    assert installed(Live(objects=objects, pods={})) == ("", "")


def test_only_what_is_ours_is_deleted() -> None:
    objects = stored(build(SETTINGS))
    del objects["Service", "kube-dns-upstream"]["metadata"]["labels"]
    found = [(o["kind"], o["metadata"]["name"]) for o in ours(Live(objects=objects, pods={}))]
    assert ("Service", "kube-dns-upstream") not in found
    assert len(found) == 4


def test_the_cache_goes_before_what_it_depends_on() -> None:
    kinds = [obj["kind"] for obj in ours(samples.installed())]
    assert kinds == ["DaemonSet", "Service", "Service", "ServiceAccount", "ConfigMap"]


def test_the_commands_by_hand_delete_the_same_in_the_same_order() -> None:
    live = samples.installed()
    lines = commands(ours(live))
    assert lines[0] == "kubectl -n kube-system delete daemonset node-local-dns"
    assert lines[1:3] == [
        "kubectl -n kube-system delete service kube-dns-upstream",
        "kubectl -n kube-system delete service node-local-dns",
    ]
    assert lines[3] == "kubectl -n kube-system delete serviceaccount node-local-dns"
    assert lines[4].startswith("kubectl -n kube-system delete configmap node-local-dns-")
    assert len(lines) == len(ours(live))


def test_the_plan_counts_the_nodes_that_are_given_back() -> None:
    live = samples.installed(SETTINGS, pod("node1"), pod("node2", phase=DARK), pod("node3"))
    lines = describe(live, ["node1", "node2", "node3"], {"node4": "not ready"}, 1)
    assert lines[0].startswith("give back  2 nodes")
    assert "delete     DaemonSet kube-system/node-local-dns" in lines
    assert lines[-1] == "unproved   node node4: not ready"


def test_an_installation_in_the_dark_gives_nothing_back() -> None:
    live = samples.installed(SETTINGS, pod("node1", phase=DARK), phase=DARK)
    assert not any("give back" in line for line in describe(live, ["node1"], {}, 1))

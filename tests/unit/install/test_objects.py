from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import Any

import pytest

from kubectl_nodedns.install.objects import (
    DARK,
    ENABLED,
    ENABLING,
    FULL,
    OPTIONS,
    PHASE,
    REVISION,
    SELECTOR,
    STATE,
    Objects,
    applicable,
    build,
    daemonset_of,
    darkened,
    read_objects,
    revision_of,
)
from tests.unit.install.samples import SETTINGS, stored

MANAGER = "app.kubernetes.io/managed-by"


def one(objects: Objects, kind: str, name: str = "") -> dict[str, Any]:
    [found] = [o for o in objects if o["kind"] == kind and name in ("", o["metadata"]["name"])]
    return found


def container(objects: Objects) -> dict[str, Any]:
    [found] = daemonset_of(objects)["spec"]["template"]["spec"]["containers"]
    return dict(found)


def local_ips(objects: Objects) -> str:
    words = container(objects)["args"]
    return str(words[words.index("-localip") + 1])


def without_ours(objects: Objects) -> Objects:
    """Take away the names, labels and init containers that `build` adds to the manifest."""
    plain = copy.deepcopy(objects)
    one(plain, "ConfigMap")["metadata"]["name"] = "node-local-dns"
    daemonset = daemonset_of(plain)
    del daemonset["metadata"]["annotations"]
    del daemonset["spec"]["template"]["spec"]["initContainers"]
    for volume in daemonset["spec"]["template"]["spec"]["volumes"]:
        if volume["name"] == "config-volume":
            volume["configMap"]["name"] = "node-local-dns"
    for metadata in (
        *(obj["metadata"] for obj in plain),
        daemonset["spec"]["template"]["metadata"],
    ):
        for label in (MANAGER, REVISION, PHASE):
            metadata["labels"].pop(label, None)
    return plain


def test_the_usual_values_yield_the_manifest_up_to_names_and_labels_of_ours() -> None:
    assert without_ours(build(SETTINGS)) == read_objects()


def test_objects_come_in_the_order_in_which_they_are_needed() -> None:
    kinds = [obj["kind"] for obj in build(SETTINGS)]
    assert kinds[-1] == "DaemonSet"
    assert kinds.index("ConfigMap") < kinds.index("DaemonSet")
    assert kinds.count("Service") == 2


def test_in_the_dark_the_agent_listens_on_the_local_ip_alone() -> None:
    assert local_ips(build(SETTINGS, phase=DARK)) == "169.254.20.10"


def test_in_full_the_agent_takes_the_kube_dns_ip_too_local_ip_first() -> None:
    assert local_ips(build(SETTINGS, phase=FULL)) == "169.254.20.10,10.96.0.10"


def test_the_phases_differ_in_one_argument_one_label_and_what_comes_before_the_agent() -> None:
    dark, full = build(SETTINGS, phase=DARK), build(SETTINGS, phase=FULL)
    template = daemonset_of(dark)["spec"]["template"]
    before = daemonset_of(full)["spec"]["template"]["spec"]["initContainers"]
    template["spec"]["initContainers"] = before
    template["metadata"]["labels"][PHASE] = FULL
    words = template["spec"]["containers"][0]["args"]
    words[words.index("-localip") + 1] = "169.254.20.10,10.96.0.10"
    assert dark == full


def test_both_phases_share_a_revision_and_each_names_itself() -> None:
    dark, full = build(SETTINGS, phase=DARK), build(SETTINGS, phase=FULL)
    assert revision_of(dark) == revision_of(full)
    for objects, phase in ((dark, DARK), (full, FULL)):
        labels = daemonset_of(objects)["spec"]["template"]["metadata"]["labels"]
        assert labels[PHASE] == phase


def test_state_and_options_do_not_make_another_revision() -> None:
    objects = build(SETTINGS, state=ENABLING, options="{}")
    assert revision_of(objects) == revision_of(build(SETTINGS))


@pytest.mark.parametrize(
    "other",
    [
        replace(SETTINGS, image="registry.k8s.io/dns/k8s-dns-node-cache:1.26.7"),
        replace(SETTINGS, local_ip="169.254.20.11"),
        replace(SETTINGS, kube_dns_ip="10.96.0.11"),
        replace(SETTINGS, cluster_domain="k8s.test"),
        replace(SETTINGS, node_selector={"pool": "a"}),
    ],
    ids=lambda s: f"{s.image}-{s.local_ip}-{s.cluster_domain}",
)
def test_whatever_changes_the_cache_changes_its_revision(other: Any) -> None:
    assert revision_of(build(other)) != revision_of(build(SETTINGS))


def test_the_name_of_the_configuration_is_a_hash_of_its_content() -> None:
    name = one(build(SETTINGS), "ConfigMap")["metadata"]["name"]
    assert re.fullmatch(r"node-local-dns-[0-9a-f]{10}", name)
    assert name == one(build(SETTINGS, phase=DARK), "ConfigMap")["metadata"]["name"]
    other = build(replace(SETTINGS, cluster_domain="k8s.test"))
    assert one(other, "ConfigMap")["metadata"]["name"] != name


def test_a_new_image_keeps_the_configuration() -> None:
    objects = build(replace(SETTINGS, image="mirror/node-cache:1"))
    name = one(objects, "ConfigMap")["metadata"]["name"]
    assert name == one(build(SETTINGS), "ConfigMap")["metadata"]["name"]
    assert container(objects)["image"] == "mirror/node-cache:1"


def test_the_template_mounts_the_configuration_by_its_name() -> None:
    objects = build(SETTINGS)
    volumes = {v["name"]: v for v in daemonset_of(objects)["spec"]["template"]["spec"]["volumes"]}
    mounted = volumes["config-volume"]["configMap"]["name"]
    assert mounted == one(objects, "ConfigMap")["metadata"]["name"]


def test_the_upstream_service_has_the_dns_services_selector_and_target_ports() -> None:
    settings = replace(
        SETTINGS, dns_selector={"app": "coredns"}, dns_ports={"UDP": "dns", "TCP": 1053}
    )
    spec = one(build(settings), "Service", "kube-dns-upstream")["spec"]
    assert spec["selector"] == {"app": "coredns"}
    ports = {p["protocol"]: (p["port"], p["targetPort"]) for p in spec["ports"]}
    assert ports == {"UDP": (53, "dns"), "TCP": (53, 1053)}
    assert "clusterIP" not in spec


def test_the_agent_is_told_the_upstream_services_name_and_gets_its_address_by_environment() -> None:
    objects = build(SETTINGS)
    words = container(objects)["args"]
    assert words[words.index("-upstreamsvc") + 1] == "kube-dns-upstream"
    assert daemonset_of(objects)["spec"]["template"]["spec"]["enableServiceLinks"] is True


def test_everything_stands_in_the_dns_services_namespace() -> None:
    objects = build(replace(SETTINGS, namespace="dns"))
    assert {obj["metadata"]["namespace"] for obj in objects} == {"dns"}


def test_everything_carries_our_label_and_so_do_the_pods() -> None:
    objects = build(SETTINGS)
    pod = daemonset_of(objects)["spec"]["template"]["metadata"]
    for metadata in (*(obj["metadata"] for obj in objects), pod):
        assert metadata["labels"][MANAGER] == "kubectl-nodedns"


def test_only_selected_linux_nodes_get_a_cache() -> None:
    template = daemonset_of(build(replace(SETTINGS, node_selector={"pool": "a"})))["spec"][
        "template"
    ]
    assert template["spec"]["nodeSelector"] == {"pool": "a", "kubernetes.io/os": "linux"}


def test_no_selector_can_bring_the_cache_to_windows() -> None:
    settings = replace(SETTINGS, node_selector={"kubernetes.io/os": "windows"})
    template = daemonset_of(build(settings))["spec"]["template"]
    assert template["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux"}


def test_pods_are_found_by_the_usual_label_and_replaced_only_when_deleted() -> None:
    spec = daemonset_of(build(SETTINGS))["spec"]
    key, _, value = SELECTOR.partition("=")
    assert spec["selector"]["matchLabels"] == {key: value}
    assert spec["template"]["metadata"]["labels"][key] == value
    assert spec["updateStrategy"] == {"type": "OnDelete"}


def test_health_is_asked_at_the_local_ip() -> None:
    cache = container(build(replace(SETTINGS, local_ip="169.254.20.11")))
    for probe in ("livenessProbe", "readinessProbe"):
        assert cache[probe]["httpGet"]["host"] == "169.254.20.11"
    assert "169.254.20.10" not in str(build(replace(SETTINGS, local_ip="169.254.20.11")))


def test_the_daemonset_remembers_state_and_options() -> None:
    objects = build(SETTINGS, state=ENABLING, options='{"given": {}}')
    annotations = daemonset_of(objects)["metadata"]["annotations"]
    assert annotations == {STATE: ENABLING, OPTIONS: '{"given": {}}'}


def test_building_leaves_its_inputs_alone_and_shares_nothing() -> None:
    selector = {"pool": "a"}
    settings = replace(SETTINGS, node_selector=selector)
    first = build(settings)
    first[0]["metadata"]["labels"]["changed"] = "yes"
    daemonset_of(first)["spec"]["template"]["spec"]["nodeSelector"]["changed"] = "yes"
    assert selector == {"pool": "a"}
    assert "changed" not in str(build(settings))


def live_daemonset(**settings: Any) -> dict[str, Any]:
    objects = stored(build(replace(SETTINGS, **settings), state=ENABLED, options="{}"))
    daemonset = objects["DaemonSet", "node-local-dns"]
    daemonset["metadata"]["annotations"]["deprecated.daemonset.template.generation"] = "3"
    return daemonset


def test_a_live_object_can_be_applied_again_without_what_the_server_added() -> None:
    obj = applicable(live_daemonset())
    assert set(obj) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(obj["metadata"]) == {"name", "namespace", "labels", "annotations", "uid"}
    assert set(obj["metadata"]["annotations"]) == {STATE, OPTIONS}


def test_a_live_daemonset_is_darkened_whatever_options_made_it() -> None:
    live = live_daemonset(local_ip="fd00::1", kube_dns_ip="fd00:10::a", image="mirror/x:1")
    before = copy.deepcopy(live)
    dark = darkened(live, state="disabling")
    template = dark["spec"]["template"]
    assert local_ips([dark]) == "fd00::1"
    assert template["metadata"]["labels"][PHASE] == DARK
    assert (
        template["metadata"]["labels"][REVISION]
        == (live["spec"]["template"]["metadata"]["labels"][REVISION])
    )
    assert dark["metadata"]["annotations"][STATE] == "disabling"
    assert template["spec"]["containers"][0]["image"] == "mirror/x:1"
    assert live == before

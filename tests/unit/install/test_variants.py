"""What is installed, or printed, for each dataplane."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_nodedns.facts.host_ports import needs_of
from kubectl_nodedns.install.objects import build, daemonset_of, revision_of, serves_alone
from tests.unit.install.samples import SETTINGS


def _of(mode: str) -> dict[str, dict[str, Any]]:
    return {
        f"{obj['kind']} {obj['metadata']['name'].split('-0')[0]}": obj
        for obj in build(replace(SETTINGS, mode=mode))
    }


def _container(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    template = objects["DaemonSet node-local-dns"]["spec"]["template"]
    container: dict[str, Any] = template["spec"]["containers"][0]
    return container


def _corefile(mode: str) -> str:
    objects = build(replace(SETTINGS, mode=mode))
    return str(next(o for o in objects if o["kind"] == "ConfigMap")["data"]["Corefile"])


def test_iptables_and_nftables_install_the_same() -> None:
    assert _of("iptables") == _of("nftables")


def test_ipvs_listens_on_the_local_ip_alone_and_asks_the_service_itself() -> None:
    objects = build(replace(SETTINGS, mode="ipvs"))
    assert serves_alone(daemonset_of(objects))
    assert not serves_alone(daemonset_of(build(SETTINGS)))
    assert f"forward . {SETTINGS.kube_dns_ip} {{" in _corefile("ipvs")
    assert [o["metadata"]["name"] for o in objects if o["kind"] == "Service"] == ["node-local-dns"]


def test_another_mode_is_another_revision() -> None:
    assert revision_of(build(replace(SETTINGS, mode="ipvs"))) != revision_of(build(SETTINGS))


def test_cilium_gets_a_pod_of_its_own_network_and_a_redirect_to_it() -> None:
    objects = _of("cilium")
    policy = objects["CiliumLocalRedirectPolicy nodelocaldns"]["spec"]
    matcher = policy["redirectFrontend"]["serviceMatcher"]
    assert matcher == {"serviceName": "kube-dns", "namespace": "kube-system"}
    labels = policy["redirectBackend"]["localEndpointSelector"]["matchLabels"]
    template = objects["DaemonSet node-local-dns"]["spec"]["template"]
    assert labels.items() <= template["metadata"]["labels"].items()
    assert template["spec"]["hostNetwork"] is False
    container = _container(objects)
    assert {"-setupinterface=false", "-setupiptables=false"} <= set(container["args"])
    assert "host" not in container["readinessProbe"]["httpGet"]
    volumes = {volume["name"] for volume in template["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    assert "bind 0.0.0.0" in _corefile("cilium")
    assert "health :8080" in _corefile("cilium")


@pytest.mark.parametrize(
    "names", [{"UDP": "dns", "TCP": "dns-tcp"}, {"UDP": "udp-53", "TCP": "tcp-53"}]
)
def test_the_redirect_names_the_ports_as_the_dns_service_does(names: dict[str, str]) -> None:
    settings = replace(SETTINGS, mode="cilium", dns_port_names=names)
    (policy,) = (o for o in build(settings) if o["kind"] == "CiliumLocalRedirectPolicy")
    assert policy["spec"]["redirectBackend"]["toPorts"] == [
        {"port": "53", "name": names["UDP"], "protocol": "UDP"},
        {"port": "53", "name": names["TCP"], "protocol": "TCP"},
    ]


def test_calicos_ebpf_gets_the_usual_objects_and_the_annotation_on_the_dns_service() -> None:
    usual, objects = _of("iptables"), _of("calico-ebpf")
    service = objects.pop("Service kube-dns")
    assert objects == usual
    assert service["metadata"]["annotations"] == {"projectcalico.org/natExcludeService": "true"}
    assert "spec" not in service


def test_in_an_ipv6_cluster_cilium_sends_lookups_to_a_pod_that_listens_in_that_family() -> None:
    settings = replace(SETTINGS, mode="cilium", local_ip="fd00:90de:d95::1", kube_dns_ip="fd00::a")
    corefile = next(o for o in build(settings) if o["kind"] == "ConfigMap")["data"]["Corefile"]
    assert "bind ::" in corefile
    assert "0.0.0.0" not in corefile


@pytest.mark.parametrize(("port", "number"), [(None, 9353), (9400, 9400)])
def test_ipv6_can_reach_the_agents_own_metrics(port: int | None, number: int) -> None:
    ports = replace(SETTINGS.ports, setup_metrics=port or SETTINGS.ports.setup_metrics)
    six = replace(SETTINGS, local_ip="fd00:90de:d95::1", kube_dns_ip="fd00::a", ports=ports)
    arguments = daemonset_of(build(six))["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[arguments.index("-metrics-listen-address") + 1] == f"[::]:{number}"
    assert needs_of(daemonset_of(build(six)))[-1].port == number


@pytest.mark.parametrize("mode", ["iptables", "ipvs"])
def test_ipv6_needs_brackets_at_health_only(mode: str) -> None:
    settings = replace(SETTINGS, mode=mode, local_ip="fd00:90de:d95::1", kube_dns_ip="fd00:10::a")
    corefile = next(o for o in build(settings) if o["kind"] == "ConfigMap")["data"]["Corefile"]
    assert "health [fd00:90de:d95::1]:8080" in corefile
    assert ("forward . fd00:10::a {" in corefile) == (mode == "ipvs")

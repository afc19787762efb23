from __future__ import annotations

from kubectl_nodedns.cluster import paths
from kubectl_nodedns.install.objects import build
from tests.unit.install.samples import SETTINGS


def test_the_core_group_is_under_api_and_others_are_under_apis() -> None:
    assert paths.collection("v1", "nodes") == "/api/v1/nodes"
    assert paths.collection("apps/v1", "daemonsets", "dns") == (
        "/apis/apps/v1/namespaces/dns/daemonsets"
    )


def test_one_object_stands_under_its_collection() -> None:
    assert paths.named("v1", "services", "dns", "kube-dns") == (
        "/api/v1/namespaces/dns/services/kube-dns"
    )
    assert paths.named("crd.projectcalico.org/v1", "felixconfigurations", "", "default") == (
        "/apis/crd.projectcalico.org/v1/felixconfigurations/default"
    )


def test_every_object_that_we_install_has_a_path() -> None:
    found = [paths.object_path(obj) for obj in build(SETTINGS)]
    assert found[0] == "/api/v1/namespaces/kube-system/serviceaccounts/node-local-dns"
    assert found[-1] == "/apis/apps/v1/namespaces/kube-system/daemonsets/node-local-dns"
    assert len(set(found)) == len(found)


def test_proxies_lead_to_a_port_of_a_pod_and_to_a_kubelet() -> None:
    assert paths.pod_proxy("dns", "cache-abc", 9253, "/metrics") == (
        "/api/v1/namespaces/dns/pods/cache-abc:9253/proxy/metrics"
    )
    assert paths.node_proxy("node1", "configz") == "/api/v1/nodes/node1/proxy/configz"


def test_a_name_cannot_leave_its_place_in_the_path() -> None:
    assert paths.named("v1", "services", "a b", "x?y") == "/api/v1/namespaces/a%20b/services/x%3Fy"

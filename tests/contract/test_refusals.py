"""What `enable` and `disable` refuse: reason, way out, and nothing written."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.errors import Exit
from kubectl_nodedns.install.objects import build
from tests.contract import cluster
from tests.contract.api import Api, answers, document
from tests.unit.install.samples import SETTINGS, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

SERVICES = "/api/v1/namespaces/kube-system/services"
DAEMONSETS = "/apis/apps/v1/daemonsets"
KUBE_PROXY = "/apis/apps/v1/namespaces/kube-system/daemonsets"

pytestmark = pytest.mark.usefixtures("config")


@pytest.fixture
def sound(api: Api) -> Api:
    """A cluster with nothing in the way of a cache."""
    cluster.fill(api)
    return api


def refused(api: Api, ended: Ended, *words: str, code: Exit = Exit.REFUSED) -> None:
    """Check a refusal: its words and its way out, and that nothing was written."""
    assert ended.code == code, ended.err
    assert ended.out == ""
    _, found, error = ended.err.partition("error: ")
    assert found, ended.err
    for word in words:
        assert word in error
    assert len(error.splitlines()) > 1, f"no way out is named: {error}"
    assert api.state.writes == []


def test_a_sound_cluster_is_not_refused(sound: Api, run: Run) -> None:
    ended = run("enable", "--dry-run=server")
    assert ended.code == Exit.OK, ended.err
    assert "the API server accepts it (server dry run)" in ended.err
    assert "cluster.local  (ConfigMap kube-system/coredns, Corefile)" in ended.err
    assert "switch     2 nodes (node1, node2)" in ended.err
    assert sound.state.writes == []
    tried = [s.method for s in sound.state.seen if "dryRun" in s.query]
    assert tried == ["POST"] * 2 + ["PATCH"] * 5  # a pod of each kind, then the objects


def test_without_a_dns_service_it_is_asked_for_by_name(sound: Api, run: Run) -> None:
    sound.remove("services")
    refused(sound, run("enable", "--yes"), "no DNS service", "k8s-app=kube-dns", "--dns-service")


def test_of_several_dns_services_none_is_guessed(sound: Api, run: Run) -> None:
    sound.remove("services")
    sound.add("services", cluster.dns_service("dns-a"), cluster.dns_service("dns-b", "10.96.0.11"))
    refused(sound, run("enable"), "kube-system/dns-a, kube-system/dns-b", "--dns-service")


def test_a_dns_service_that_is_named_and_is_not_there(sound: Api, run: Run) -> None:
    ended = run("enable", "--dns-service", "dns/coredns")
    refused(sound, ended, "there is no service dns/coredns", code=Exit.USAGE)


def test_a_dns_service_without_tcp_cannot_be_asked_by_the_cache(sound: Api, run: Run) -> None:
    service = cluster.dns_service()
    del service["spec"]["ports"][1]
    sound.remove("services")
    sound.add("services", service)
    refused(sound, run("enable"), "kube-system/kube-dns", "both UDP and TCP")


def test_a_dns_service_without_ready_endpoints_is_repaired_first(sound: Api, run: Run) -> None:
    sound.remove("endpointslices")
    sound.add("endpointslices", cluster.endpoints("kube-dns", "10.244.1.2", ready=False))
    refused(sound, run("enable"), "no ready endpoint", "repair CoreDNS first")


def test_a_mode_of_kube_proxy_that_nobody_knows(api: Api, run: Run) -> None:
    cluster.fill(api, mode="userspace")
    refused(api, run("enable"), "userspace", "ConfigMap kube-system/kube-proxy", "--mode")


def test_ipvs_gets_a_cache_on_the_local_ip_alone(api: Api, run: Run) -> None:
    cluster.fill(api, mode="ipvs")
    ended = run("enable", "--dry-run=client", "-o", "json")
    assert ended.code == Exit.OK, ended.err
    objects = json.loads(ended.out)["items"]
    assert [obj["kind"] for obj in objects] == [
        "ServiceAccount",
        "Service",
        "ConfigMap",
        "DaemonSet",
    ]
    arguments = objects[-1]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[:2] == ["-localip", "169.254.20.10"]
    assert "-upstreamsvc" not in arguments
    corefile = objects[2]["data"]["Corefile"]
    assert "forward . 10.96.0.10 {" in corefile
    assert "__PILLAR__CLUSTER__DNS__" not in corefile


def test_an_empty_mode_means_iptables_and_is_said(api: Api, run: Run) -> None:
    cluster.fill(api, mode="")
    ended = run("enable", "--dry-run=client")
    assert ended.code == Exit.OK, ended.err
    assert "kube-proxy      iptables  (ConfigMap kube-system/kube-proxy, config.conf (an empty" in (
        ended.err
    )


def test_a_cluster_without_kube_proxy_has_an_unknown_mode(sound: Api, run: Run) -> None:
    sound.remove("daemonsets")
    sound.remove("configmaps")
    sound.add("configmaps", cluster.configmap("coredns", Corefile=cluster.COREFILE))
    refused(sound, run("enable"), "mode is not known", "--mode iptables")


def test_a_mode_that_may_not_be_read_is_unknown_and_says_why(sound: Api, run: Run) -> None:
    sound.script("GET", KUBE_PROXY, answers(403, "Forbidden", "jane cannot list daemonsets"))
    refused(sound, run("enable"), "mode is not known", "jane cannot list daemonsets", "--mode")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/kube-system/configmaps/cilium-config",
        "/apis/crd.projectcalico.org/v1/felixconfigurations/default",
        KUBE_PROXY,
        "/api/v1/namespaces/kube-system/configmaps/kube-proxy",
    ],
)
@pytest.mark.parametrize("code", [403, 500, 503, 409])
def test_a_dataplane_that_cannot_be_read_is_not_known(
    path: str, code: int, sound: Api, run: Run
) -> None:
    """It is none of those that come after it: their objects stay where it replaced them."""
    sound.script("GET", path, answers(code, "Trouble", "this cannot be read"))
    ended = run("enable", "--dry-run=client")
    refused(sound, ended, "mode is not known", "this cannot be read", "--mode iptables")


def test_a_read_that_fails_once_hides_no_cilium(sound: Api, run: Run) -> None:
    path = "/api/v1/namespaces/kube-system/configmaps/cilium-config"
    cilium = cluster.configmap("cilium-config", **{"kube-proxy-replacement": "true"})
    sound.script("GET", path, answers(503, "ServiceUnavailable", "later"), document(cilium))
    refused(sound, run("enable", "--dry-run=client"), "cilium", "CiliumLocalRedirectPolicy")


def dns_service_gone(api: Api, *servers: str) -> None:
    """The DNS service is away, an upstream service is there, and kubelets hand out `servers`."""
    upstream = cluster.dns_service("kube-dns-upstream", "10.96.7.7")
    kubernetes = cluster.dns_service("kubernetes", "10.96.0.1")
    kubernetes["metadata"]["labels"] = {}
    api.remove("services")
    api.add("services", upstream, kubernetes)
    for name in ("node1", "node2"):
        answer = document({"kubeletconfig": {"clusterDNS": list(servers)}})
        api.script("GET", f"/api/v1/nodes/{name}/proxy/configz", answer)


COMMANDS = (("check",), ("status",), ("lookup", "kubernetes.default"), ("enable",))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_without_the_dns_service_pods_have_no_dns_and_every_command_says_so(
    command: tuple[str, ...], sound: Api, run: Run
) -> None:
    dns_service_gone(sound, "10.96.0.10")
    ended = run(*command)
    refused(
        sound,
        ended,
        "pods have no DNS: the kubelet of node1 hands out 10.96.0.10, and no service has that",
        "but kube-system/kube-dns-upstream, headless or the upstream of a cache",
        "Make a Service with clusterIP: 10.96.0.10 again",
    )


def test_a_dns_service_that_is_named_and_gone_is_said_alike(sound: Api, run: Run) -> None:
    dns_service_gone(sound, "10.96.0.10")
    ended = run("check", "--dns-service", "kube-system/kube-dns")
    refused(sound, ended, "there is no service kube-system/kube-dns; pods have no DNS")


def test_a_service_without_the_label_that_kubelets_hand_out_is_named(sound: Api, run: Run) -> None:
    dns_service_gone(sound, "10.96.0.1")
    ended = run("check")
    refused(
        sound, ended, "the address of service kube-system/kubernetes", "--dns-service kube-system/"
    )
    assert "pods have no DNS" not in ended.err


def test_a_cache_that_still_answers_in_place_of_the_dns_service_is_named(
    sound: Api, run: Run
) -> None:
    dns_service_gone(sound, "10.96.0.10")
    image = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.8"
    sound.add("daemonsets", cluster.daemonset("by-hand", image, "-localip", "10.96.0.10"))
    ended = run("status")
    refused(sound, ended, "the DNS service is gone", "only the cache kube-system/by-hand still")


def test_without_the_kubelets_word_nothing_is_said_about_pods(sound: Api, run: Run) -> None:
    dns_service_gone(sound, "10.96.0.10")
    for name in ("node1", "node2"):
        del sound.state.scripts["GET", f"/api/v1/nodes/{name}/proxy/configz"]
    ended = run("check")
    refused(sound, ended, "there is no DNS service in namespace kube-system", "--dns-service")
    assert "pods have no DNS" not in ended.err


def test_without_a_configuration_file_the_argument_of_kube_proxy_counts(
    sound: Api, run: Run
) -> None:
    sound.remove("daemonsets")
    labels = {"k8s-app": "kube-proxy"}
    sound.add("daemonsets", cluster.daemonset("kube-proxy", "p:1", "--proxy-mode=user", **labels))
    refused(sound, run("enable"), "user", "--proxy-mode of DaemonSet kube-system/kube-proxy")


def test_with_a_configuration_file_the_argument_counts_for_nothing(sound: Api, run: Run) -> None:
    for plural in ("daemonsets", "configmaps"):
        sound.remove(plural)
    coredns = cluster.configmap("coredns", Corefile=cluster.COREFILE)
    sound.add("configmaps", coredns, cluster.configmap("proxy", conf=cluster.config("ipvs")))
    words = ("--config=/conf/conf", "--proxy-mode=iptables")
    proxy = cluster.daemonset("kube-proxy", "p:1", *words, **{"k8s-app": "kube-proxy"})
    spec = proxy["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "v", "configMap": {"name": "proxy"}}]
    spec["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/conf/"}]
    sound.add("daemonsets", proxy)
    ended = run("enable", "--dry-run=client")
    assert "kube-proxy      ipvs  (ConfigMap kube-system/proxy, conf)" in ended.err
    assert "10.96.0.10,169.254.20.10" not in ended.out + ended.err


def test_ciliums_redirect_names_the_ports_of_this_dns_service(sound: Api, run: Run) -> None:
    sound.remove("services")
    service = cluster.dns_service("rke2-coredns-rke2-coredns")
    for port, name in zip(service["spec"]["ports"], ("udp-53", "tcp-53"), strict=True):
        port["name"] = name
    sound.add("services", service)
    ended = run("enable", "--mode", "cilium", "--dry-run=client", "-o", "json")
    (policy,) = (o for o in json.loads(ended.out)["items"] if o["kind"].startswith("Cilium"))
    named = {port["name"] for port in policy["spec"]["redirectBackend"]["toPorts"]}
    assert named == {"udp-53", "tcp-53"}


def test_static_pods_of_kube_proxy_are_read(sound: Api, run: Run) -> None:
    sound.remove("daemonsets")
    sound.remove("configmaps")
    sound.add("configmaps", cluster.configmap("coredns", Corefile=cluster.COREFILE))
    for name, labels in (
        ("node1", {"component": "kube-proxy"}),
        ("node2", {"k8s-app": "kube-proxy"}),
    ):
        pod = {"metadata": cluster.named(f"kube-proxy-{name}", **labels)}
        container = {"name": "kube-proxy", "command": ["kube-proxy", "--proxy-mode=ipvs"]}
        sound.add("pods", {**pod, "spec": {"nodeName": name, "containers": [container]}})
    ended = run("enable", "--dry-run=client")
    assert "kube-proxy      ipvs  (--proxy-mode of pod kube-system/kube-proxy-node1)" in ended.err


def test_ciliums_replacement_of_kube_proxy_is_recognised(sound: Api, run: Run) -> None:
    data = {"kube-proxy-replacement": "true"}
    sound.add("configmaps", cluster.configmap("cilium-config", **data))
    refused(sound, run("enable"), "cilium", "CiliumLocalRedirectPolicy")


def test_calicos_ebpf_dataplane_is_recognised(sound: Api, run: Run) -> None:
    felix = {
        "apiVersion": "crd.projectcalico.org/v1",
        "metadata": {"name": "default"},
        "spec": {"bpfEnabled": True},
    }
    sound.add("felixconfigurations", felix)
    refused(sound, run("enable"), "calico-ebpf", "FelixConfiguration")


def test_a_mode_that_is_given_is_believed(api: Api, run: Run) -> None:
    cluster.fill(api, mode="ipvs")
    ended = run("enable", "--mode", "nftables", "--dry-run=client")
    assert ended.code == Exit.OK, ended.err
    assert "nftables  (as given)" in ended.err


def test_a_cluster_domain_that_nobody_tells_is_asked_for(sound: Api, run: Run) -> None:
    sound.remove("configmaps")
    sound.add("configmaps", cluster.configmap("kube-proxy", c=cluster.config("iptables")))
    refused(sound, run("enable"), "the cluster domain is not known", "--cluster-domain")


def test_of_several_cluster_domains_none_is_guessed(sound: Api, run: Run) -> None:
    corefile = cluster.COREFILE + cluster.COREFILE.replace("cluster.local", "k8s.test")
    sound.remove("configmaps")
    sound.add("configmaps", cluster.configmap("coredns", Corefile=corefile))
    refused(sound, run("enable"), "cluster.local, k8s.test", "--cluster-domain")


@pytest.mark.parametrize("command", ["enable", "disable"])
def test_a_cache_that_is_not_ours_is_left_alone(command: str, sound: Api, run: Run) -> None:
    image = "registry.k8s.io/dns/k8s-dns-node-cache:1.25.0"
    sound.add("daemonsets", cluster.daemonset("nodelocaldns", image, "-localip", "169.254.25.10"))
    refused(sound, run(command, "--yes"), "kube-system/nodelocaldns", image, "kubespray")


def test_an_object_of_the_same_name_that_is_not_ours_is_never_applied_over(
    sound: Api, run: Run
) -> None:
    sound.add("serviceaccounts", {"metadata": cluster.named("node-local-dns")})
    refused(sound, run("enable", "--yes"), "ServiceAccount node-local-dns", "kube-system")


def test_an_address_that_a_node_uses_is_refused(sound: Api, run: Run) -> None:
    ended = run("enable", "--local-ip", "10.88.0.12")
    refused(sound, ended, "10.88.0.12 is used already, by node node2", "--local-ip")


def test_an_address_in_a_pod_range_is_refused(sound: Api, run: Run) -> None:
    ended = run("enable", "--local-ip", "10.244.1.200")
    refused(sound, ended, "the pod range 10.244.1.0/24 of node node1", "--local-ip")


def test_an_address_that_a_pod_uses_is_refused(sound: Api, run: Run) -> None:
    sound.add("pods", cluster.pod("web-0", "192.0.2.7"))
    refused(sound, run("enable", "--local-ip", "192.0.2.7"), "pod default/web-0", "--local-ip")


def test_the_dns_services_own_address_is_refused(sound: Api, run: Run) -> None:
    ended = run("enable", "--local-ip", "10.96.0.10")
    refused(sound, ended, "the DNS service itself", "--local-ip")


def test_an_address_of_another_family_is_refused(sound: Api, run: Run) -> None:
    ended = run("enable", "--local-ip", "fd00:90de:d95::1")
    refused(sound, ended, "10.96.0.10", "one address family", "--local-ip")


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--local-ip", "169.254.20"], "--local-ip"),
        (["--local-ip", "169.254.169.254"], "--local-ip"),
        (["--cluster-domain", "a..b"], "--cluster-domain"),
        (["--external-name", "b..c"], "--external-name"),
        (["--image", "UPPER"], "--image"),
        (["--node-selector", "pool"], "--node-selector"),
        (["--dns-service", "kube-dns"], "--dns-service"),
        (["--kube-dns-ip", "ten", "--dry-run=client"], "--kube-dns-ip"),
        (["--kube-dns-ip", "10.96.0.10"], "--kube-dns-ip"),
    ],
)
def test_a_bad_value_is_a_usage_error_before_anything_is_asked(
    words: list[str], option: str, sound: Api, run: Run
) -> None:
    ended = run("enable", "--yes", *words)
    assert ended.code == Exit.USAGE, ended.err
    assert f"error: {option}" in ended.err
    assert sound.state.seen == []


def test_without_a_terminal_and_without_yes_nothing_is_changed(
    sound: Api, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    ended = run("enable")
    refused(sound, ended, "no terminal to ask on", "--yes", "--dry-run", code=Exit.USAGE)
    assert "create     DaemonSet kube-system/node-local-dns" in ended.err


def test_a_right_that_is_missing_is_named(sound: Api, run: Run) -> None:
    sound.script("GET", SERVICES, answers(403, "Forbidden", 'User "jane" cannot list "services"'))
    ended = run("enable", "--yes")
    refused(sound, ended, 'User "jane" cannot list', "auth can-i", code=Exit.API)


def test_a_conflict_with_another_field_manager_is_told_before_anything_is_written(
    sound: Api, run: Run
) -> None:
    path = f"{SERVICES}/kube-dns-upstream"
    message = 'Apply failed with 1 conflict: conflict with "helm": .spec.selector'
    sound.script("PATCH", path, answers(409, "Conflict", message))
    ended = run("enable", "--dry-run=server")
    assert ended.code == Exit.API
    assert message in ended.err
    assert sound.state.writes == []


def test_an_object_that_admission_turns_away_is_told_in_its_words(sound: Api, run: Run) -> None:
    path = f"{KUBE_PROXY}/node-local-dns"
    message = 'admission webhook "policy.example.com" denied the request: hostNetwork'
    sound.script("PATCH", path, answers(422, "Invalid", message))
    ended = run("enable", "--dry-run=server")
    assert ended.code == Exit.API
    assert message in ended.err


def test_without_a_cache_there_is_nothing_to_disable(sound: Api, run: Run) -> None:
    ended = run("disable", "--yes")
    assert (ended.code, ended.out) == (Exit.OK, "nothing to do: no cache is installed\n")
    assert sound.state.writes == []


def test_disable_is_refused_while_somebody_names_the_local_ip(sound: Api, run: Run) -> None:
    for (kind, _), obj in stored(build(SETTINGS)).items():
        sound.add(f"{kind.lower()}s", copy.deepcopy(obj))
    client = cluster.pod("web-0", "10.244.1.9")
    client["spec"] = {"dnsConfig": {"nameservers": ["169.254.20.10"]}}
    sound.add("pods", client)
    ended = run("disable", "--yes")
    refused(sound, ended, "169.254.20.10", "pod default/web-0", "--now")
    assert "delete     DaemonSet kube-system/node-local-dns" in ended.err


def test_top_without_a_cache_says_how_to_get_one(sound: Api, run: Run) -> None:
    ended = run("top", "--once")
    refused(sound, ended, "no node-local DNS cache", "enable", code=Exit.FINDING)

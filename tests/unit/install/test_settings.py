"""Options become Corefile, resources and pods, or an error before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.images import mirrored
from kubectl_nodedns.install.objects import build, daemonset_of
from kubectl_nodedns.install.option_checks import check
from kubectl_nodedns.install.options import settle
from kubectl_nodedns.install.quantity import memory_bytes, memory_text
from kubectl_nodedns.install.settings import Settings, tolerations_of

BLOCK = "other.example:53 {\n bind __PILLAR__LOCAL__DNS__\n forward . 10.0.0.9\n}\n"


def settings(**given: str) -> Settings:
    options = {name.replace("_", "-"): value for name, value in given.items()}
    memory, _ = settle({n: check(n, v) for n, v in options.items()}, None, upgrade=False)
    return Settings.of(
        memory,
        namespace="kube-system",
        dns_selector={"k8s-app": "kube-dns"},
        dns_ports={"UDP": 53, "TCP": 53},
        service_ips=("10.96.0.10",),
        mode="iptables",
        dns_service="kube-dns",
        cluster_domain="cluster.local",
    )


def block(text: str, zone: str) -> Any:
    [found] = [b for b in read_corefile(text).blocks if zone in b.names]
    return found


def pod(**given: str) -> dict[str, Any]:
    return dict(daemonset_of(build(settings(**given)))["spec"]["template"])


def lines(text: str, zone: str, plugin: str) -> list[tuple[str, ...]]:
    [found] = block(text, zone).all(plugin)
    return [(found.name, *found.arguments), *found.body]


def test_sizes_and_times_reach_every_cache() -> None:
    text = settings(
        cache_size="2000", cache_denial_size="1500", cache_ttl="60", cache_denial_ttl="3"
    ).corefile()
    assert lines(text, "cluster.local", "cache")[1:] == [
        ("success", "2000", "60"),
        ("denial", "1500", "3"),
    ]
    assert lines(text, ".", "cache")[1:] == [("success", "2000", "60"), ("denial", "1500", "60")]


def test_stale_answers_and_prefetch_stand_in_every_cache() -> None:
    text = settings(serve_stale="1h", prefetch="5").corefile()
    for zone in ("cluster.local", "in-addr.arpa", "."):
        assert ("serve_stale", "1h", "verify") in lines(text, zone, "cache")
        assert ("prefetch", "5") in lines(text, zone, "cache")


def test_resolvers_of_a_stub_domain_and_of_the_outside_are_asked() -> None:
    text = settings(
        stub_domain="corp.example=10.0.0.1,10.0.0.2:5353", upstream="10.1.1.1"
    ).corefile()
    assert lines(text, "corp.example", "forward")[0] == (
        "forward",
        ".",
        "10.0.0.1",
        "10.0.0.2:5353",
    )
    assert lines(text, ".", "forward")[0] == ("forward", ".", "10.1.1.1")
    assert block(text, "corp.example").all("prometheus")


def test_all_names_can_go_to_kube_dns() -> None:
    text = settings(forward_all_to_kube_dns="true").corefile()
    assert lines(text, ".", "forward")[:2] == [
        ("forward", ".", "__PILLAR__CLUSTER__DNS__"),
        ("force_tcp",),
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"stub_domain": "cluster.local=10.0.0.1"}, "two server blocks .* cluster.local"),
        ({"extra_blocks": BLOCK, "stub_domain": "other.example=10.0.0.1"}, "other.example"),
        ({"extra_blocks": BLOCK.replace("forward", "kubernetes")}, "kubernetes is not compiled"),
        ({"extra_blocks": BLOCK.replace(" bind __PILLAR__LOCAL__DNS__\n", "")}, "every address"),
        ({"extra_blocks": BLOCK.replace(":53", ":5353")}, "does not end in :53"),
        ({"extra_blocks": BLOCK.replace("forward", "reload\n forward")}, "stands in the cache"),
        ({"extra_blocks": BLOCK.replace("}", "")}, "is never closed"),
        ({"extra_blocks": BLOCK + "}"}, "a } that closes nothing"),
        ({"extra_blocks": BLOCK.replace("forward", "import x\n forward")}, "import is not taken"),
        ({"extra_blocks": "# nothing"}, "there is no server block"),
        ({"extra_blocks": "a.example:53 {\n}\n"}, "there is no plugin"),
        ({"upstream": "10.96.0.10"}, "an address of the cache itself"),
        ({"stub_domain": "a.example=169.254.20.10:53"}, "an address of the cache itself"),
        ({"extra_blocks": BLOCK.replace("10.0.0.9", "10.96.0.10")}, "of the cache itself"),
        ({"forward_all_to_kube_dns": "true", "upstream": "10.1.1.1"}, "one way only"),
        ({"health_port": "9253"}, "not three ports beside 53"),
        ({"metrics_port": "53"}, "not three ports beside 53"),
        ({"metrics_port": "0"}, "whole number from 1 to 65535"),
        ({"cache_size": "10"}, "from 1024"),
        ({"serve_stale": "soon"}, "not a time"),
        ({"image": "x/k8s-dns-node-cache:1.15.10"}, "template is not in node-cache before"),
        ({"image": "x/k8s-dns-node-cache:1.21.0", "serve_stale": "1h"}, "does not verify"),
        ({"stub_domain": "corp.example"}, "DOMAIN=IP"),
        ({"stub_domain": "a.example=10.0.0.1;a.example=10.0.0.2"}, "given twice"),
        ({"upstream": "dns.example"}, "is not an IP address"),
        ({"upstream": "10.0.0.1:70000"}, "no port from 1"),
        ({"node_selector": "kubernetes.io/os=windows"}, "cannot run the cache"),
        ({"labels": "k8s-app=other"}, "written by this plugin"),
        ({"pod_annotations": "kubectl-nodedns/state=x"}, "written by this plugin"),
        ({"toleration": "a:Sometimes"}, "KEY"),
        ({"toleration": "all,a"}, "stand alone"),
        ({"memory_limit": "much"}, "not a quantity of memory"),
        ({"memory_limit": "1Mi"}, "less than the agent needs"),
        ({"cpu_limit": "0"}, "not a quantity of CPU"),
        ({"image_registry": "https://mirror"}, "HOST"),
        ({"pull_secret": "Two Words"}, "not a name of an object"),
        ({"forward_all_to_kube_dns": "maybe"}, "neither true nor false"),
        ({"mode": "ipvs9"}, "none of"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(
    given: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        settings(**given)


def test_an_option_without_a_default_is_taken_back_with_none() -> None:
    for name in ("upstream", "stub-domain", "serve-stale", "extra-blocks", "labels", "cpu-limit"):
        assert check(name, "none") == ""
    assert settings(upstream="none") == settings()


def test_the_worst_case_of_the_corefile_makes_limit_and_request() -> None:
    need = settings().need()
    assert (need.entries, need.waiting, need.blocks) == (4 * 2 * 9984, 4000, 4)
    assert need.worst == 32 * 2**20 + 79872 * 3072 + 4000 * 2048
    assert memory_bytes(settings().memory_limit) > need.worst
    assert (settings().memory_request, settings().memory_limit) == ("96Mi", "352Mi")


def test_more_entries_or_blocks_need_more_memory() -> None:
    usual = memory_bytes(settings().memory_limit)
    assert memory_bytes(settings(cache_size="50000").memory_limit) > usual
    assert memory_bytes(settings(stub_domain="a.example=10.0.0.1").memory_limit) > usual
    assert memory_bytes(settings(cache_size="1024", cache_denial_size="1024").memory_limit) < usual
    extra = BLOCK.replace("forward", "cache 30\n forward")
    assert memory_bytes(settings(extra_blocks=extra).memory_limit) > usual


def test_a_limit_below_the_worst_case_is_taken_with_a_warning() -> None:
    text = "\n".join(settings(memory_limit="128Mi").resource_lines())
    assert "limit 128Mi" in text
    assert "WARNING: the limit is below the worst case" in text
    assert settings(memory_limit="64Mi").memory_request == "64Mi"
    assert "WARNING" not in "\n".join(settings().resource_lines())
    assert "79872 entries in 4 blocks x 3 Ki = 234 Mi" in "\n".join(settings().resource_lines())


def test_without_a_limit_there_is_none_and_go_is_not_told_one() -> None:
    container = pod(memory_limit="none")["spec"]["containers"][0]
    assert "limits" not in container["resources"]
    assert "GOMEMLIMIT" not in {e["name"] for e in container["env"]}


def test_go_is_told_nine_tenths_of_the_limit() -> None:
    container = pod(memory_limit="1Gi")["spec"]["containers"][0]
    [soft] = [e["value"] for e in container["env"] if e["name"] == "GOMEMLIMIT"]
    assert int(soft) == int(2**30 * 0.9)


@pytest.mark.parametrize(
    ("given", "canonical"),
    [("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("500M", "500M"), ("1024000", "1000Ki")],
)
def test_quantities_are_written_as_the_api_server_gives_them_back(
    given: str, canonical: str
) -> None:
    if memory_bytes(given) >= 2**24:
        assert check("memory-limit", given) == canonical
    assert memory_text(memory_bytes(given)) == canonical


def test_cpu_is_written_as_the_api_server_gives_it_back() -> None:
    assert [check("cpu-limit", text) for text in ("1000m", "0.5", "1500m", "2")] == [
        "1",
        "500m",
        "1500m",
        "2",
    ]


def test_ports_stand_wherever_they_are_needed() -> None:
    objects = build(settings(health_port="8081", metrics_port="9254", setup_metrics_port="9354"))
    text = next(o for o in objects if o["kind"] == "ConfigMap")["data"]["Corefile"]
    assert "health 169.254.20.10:8081" in text
    assert "prometheus :9254" in text
    assert "9253" not in text
    template = daemonset_of(objects)["spec"]["template"]
    container = template["spec"]["containers"][0]
    assert container["args"][-4:] == [
        "-health-port",
        "8081",
        "-metrics-listen-address",
        "0.0.0.0:9354",
    ]
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == 8081
    assert {p["name"]: p["containerPort"] for p in container["ports"]}["metrics"] == 9254
    assert template["metadata"]["annotations"]["prometheus.io/port"] == "9254"
    service = next(
        o for o in objects if o["kind"] == "Service" and o["spec"].get("clusterIP") == "None"
    )
    assert service["spec"]["ports"][0]["port"] == 9254


def test_a_mirror_and_a_digest_and_secrets_reach_the_pod() -> None:
    digest = "sha256:" + "a" * 64
    spec = pod(
        image=f"registry.k8s.io/dns/k8s-dns-node-cache:1.26.8@{digest}",
        image_registry="mirror.example/k8s/",
        pull_secret="one,two",
    )["spec"]
    image = spec["containers"][0]["image"]
    assert image == f"mirror.example/k8s/dns/k8s-dns-node-cache:1.26.8@{digest}"
    assert spec["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
    assert mirrored("other.example/x:1", "mirror.example") == "other.example/x:1"


def test_tolerations_are_those_of_kubernetes() -> None:
    assert tolerations_of("all") == [{"operator": "Exists"}]
    assert tolerations_of("none") == []
    assert tolerations_of(check("toleration", "gpu,dedicated=dns:NoSchedule,:NoExecute")) == [
        {"operator": "Exists", "effect": "NoExecute"},
        {"key": "dedicated", "operator": "Equal", "value": "dns", "effect": "NoSchedule"},
        {"key": "gpu", "operator": "Exists"},
    ]


def test_labels_stand_on_objects_and_pods_and_annotations_on_pods() -> None:
    objects = build(settings(labels="team=dns", pod_annotations="example.org/a=b c"))
    template = daemonset_of(objects)["spec"]["template"]
    assert all(o["metadata"]["labels"]["team"] == "dns" for o in objects)
    assert template["metadata"]["labels"]["team"] == "dns"
    assert template["metadata"]["annotations"]["example.org/a"] == "b c"
    usual = daemonset_of(build(settings()))["spec"]["template"]["metadata"]["labels"]
    revision = "kubectl-nodedns/revision"
    assert usual[revision] != template["metadata"]["labels"][revision]


def test_a_file_takes_back_what_it_does_not_name() -> None:
    before, _ = settle({"prefetch": "5", "cache-ttl": "60"}, None, upgrade=False)
    kept, _ = settle({"cache-ttl": "90"}, before, upgrade=False)
    whole, _ = settle({"cache-ttl": "90"}, before, upgrade=False, whole=True)
    assert (kept.value("prefetch"), whole.value("prefetch")) == ("5", "")

"""What another's cache was told is kept as far as our options can say it; the rest is named."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.install.carrying import carry
from kubectl_nodedns.install.corefile import corefile
from kubectl_nodedns.install.options import settle
from kubectl_nodedns.install.settings import Settings
from tests.e2e.local_only_install import corefile as theirs

KUBE_DNS_IP = "10.96.0.10"


def carried(text: str, **spec: Any) -> tuple[dict[str, str], tuple[str, ...]]:
    container = {"image": "registry.k8s.io/dns/k8s-dns-node-cache:1.25.0"}
    pod = {"containers": [container], **spec}
    found = carry(
        {"spec": {"template": {"spec": pod}}},
        text,
        domain="cluster.local",
        kube_dns_ip=KUBE_DNS_IP,
    )
    return dict(found.options), found.lost


def block(zone: str, *lines: str) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return f"{zone}:53 {{\n{body}\n}}\n"


def test_the_layout_of_kubespray_keeps_its_health_port_and_its_stub_domain() -> None:
    options, lost = carried(theirs())
    assert options == {
        "cluster-forward": "prefer_udp",
        "health-port": "9254",
        "stub-domain": "corp.example=192.0.2.53",
    }
    assert lost == ()


def test_our_own_corefile_needs_no_option_at_all() -> None:
    text = corefile(
        cluster_domain="cluster.local",
        local_ip="169.254.20.10",
        marker_zone="id.nodedns.cluster.local",
    )
    assert carried(text) == ({}, ())


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (
            block(".", "forward . 192.0.2.1 192.0.2.2:5353"),
            {"upstream": "192.0.2.1,192.0.2.2:5353"},
        ),
        (block(".", f"forward . {KUBE_DNS_IP}"), {"forward-all-to-kube-dns": "true"}),
        (block(".", "forward . __PILLAR__UPSTREAM__SERVERS__"), {}),
        (
            block("a.example", "forward . 192.0.2.1") + block("b.example", "forward . 192.0.2.2"),
            {"stub-domain": "a.example=192.0.2.1;b.example=192.0.2.2"},
        ),
        (block(".", "cache 120", "prometheus :9353"), {"cache-ttl": "120", "metrics-port": "9353"}),
        (
            block(
                "cluster.local",
                "cache {",
                "success 20480 60",
                "denial 4096 10",
                "serve_stale 2h",
                "prefetch 5",
                "}",
            ),
            {
                "cache-size": "20480",
                "cache-ttl": "60",
                "cache-denial-size": "4096",
                "cache-denial-ttl": "10",
                "serve-stale": "2h",
                "prefetch": "5",
            },
        ),
    ],
)
def test_what_a_corefile_says_becomes_options(text: str, options: dict[str, str]) -> None:
    assert carried(text) == (options, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (block("a.example", "kubernetes"), "kubernetes is not compiled into node-cache"),
        (f"a.example:1053 {{\n forward . {KUBE_DNS_IP}\n}}\n", "at port 53 alone"),
        (block(".", "forward . 192.0.2.1 /etc/resolv.conf"), "beside the node's own"),
        (block("cluster.local", "forward . 192.0.2.9"), "192.0.2.9, where cluster.local is asked"),
        (block(".", "cache {", "servfail 5s", "}"), "servfail of cache"),
    ],
)
def test_what_options_cannot_say_is_named(text: str, said: str) -> None:
    _, lost = carried(text)
    assert any(said in one for one in lost), lost


FORCED = ("forward . __PILLAR__CLUSTER__DNS__ {", "    force_tcp", "}")
BIND = "bind __PILLAR__LOCAL__DNS__"


@pytest.mark.parametrize("to", ["__PILLAR__CLUSTER__DNS__", KUBE_DNS_IP, f"{KUBE_DNS_IP}:53"])
def test_a_second_domain_that_goes_to_coredns_is_kept_as_a_block_of_its_own(to: str) -> None:
    given = block(
        "corp.internal",
        *("errors", "cache 30", "reload", "loop", "bind 169.254.20.10 10.96.0.10"),
        *(f"forward . {to} {{", "force_tcp", "}", "prometheus :9253", "health 169.254.20.10:8080"),
    )
    kept = block("corp.internal", BIND, "errors", "cache 30", "loop", *FORCED, "prometheus :9253")
    assert carried(given)[0]["extra-blocks"] == kept


def test_two_domains_in_one_block_are_taken_apart() -> None:
    text = "cluster.local:53 corp.internal:53 b.example. {\n cache 60\n forward . "
    options, lost = carried(f"{text}{KUBE_DNS_IP}\n}}\n")
    kept = "corp.internal:53 b.example:53 {\n" + "".join(
        f"    {line}\n" for line in (BIND, "cache 60", "forward . __PILLAR__CLUSTER__DNS__")
    )
    assert (options, lost) == ({"extra-blocks": kept + "}\n"}, ())


@pytest.mark.parametrize(
    "lines",
    [
        ("hosts {", "    192.0.2.7 x.a.example", "    fallthrough", "}"),
        ("forward . tls://192.0.2.1",),
        ("forward . 192.0.2.1 {", "    policy sequential", "}"),
        ("template IN AAAA {", "    rcode NOERROR", "}", "forward . 192.0.2.1"),
        ("template IN TXT {", '    answer "{{ .Name }} 5 IN TXT \\"a b\\""', "}"),
    ],
)
def test_a_block_that_a_stub_domain_cannot_say_is_kept_as_it_is(lines: tuple[str, ...]) -> None:
    options, lost = carried(block("a.example", *lines, "bind 192.0.2.1"))
    assert options == {"extra-blocks": block("a.example", BIND, *lines)}
    assert lost == ()


def test_what_is_kept_can_be_installed_beside_our_own_blocks() -> None:
    given = block("corp.internal", f"forward . {KUBE_DNS_IP}") + block("b.example", "whoami")
    options, _ = carried(given)
    memory, _ = settle(options, None, upgrade=False)
    for mode, asked in (("iptables", "__PILLAR__CLUSTER__DNS__"), ("ipvs", KUBE_DNS_IP)):
        settings = Settings.of(
            memory,
            namespace="kube-system",
            dns_selector={"k8s-app": "kube-dns"},
            dns_ports={"UDP": 53, "TCP": 53},
            service_ips=(KUBE_DNS_IP,),
            cluster_domain="cluster.local",
            mode=mode,
            dns_service="kube-dns",
        )
        blocks = {str(one): one for one in read_corefile(settings.corefile()).blocks}
        (forward,) = blocks["corp.internal:53"].all("forward")
        assert forward.arguments == (".", asked)
        assert "b.example:53" in blocks


AAAA = ("template IN AAAA {", "    rcode NOERROR", "}")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (
            block("cluster.local", f"forward . {KUBE_DNS_IP} {{", "prefer_udp", "max_fails 5", "}"),
            {"cluster-forward": "prefer_udp;max_fails 5"},
        ),
        (
            block(".", "forward . /etc/resolv.conf {", "policy sequential", "}"),
            {"outside-forward": "policy sequential"},
        ),
        (
            block(".", "forward . /etc/resolv.conf {", "force_tcp", "}"),
            {"outside-forward": "force_tcp"},
        ),
        (block("cluster.local", f"forward . {KUBE_DNS_IP} {{", "force_tcp", "}"), {}),
        (block("cluster.local", *AAAA), {"cluster-plugins": "\n".join((*AAAA, ""))}),
        (block(".", "rewrite name a b", "hosts"), {"outside-plugins": "rewrite name a b\nhosts\n"}),
    ],
)
def test_what_stands_in_a_usual_block_is_kept_for_ours(text: str, options: dict[str, str]) -> None:
    assert carried(text) == (options, ())


def test_a_corefile_that_cannot_be_read_is_named_too() -> None:
    options, lost = carried(".:53 {\n    forward . 192.0.2.1\n")
    assert options == {}
    assert ["which cannot be read" in one for one in lost] == [True]


def test_a_mirror_pull_secrets_and_a_node_selector_are_kept() -> None:
    container = {"image": "mirror.example/k8s/dns/k8s-dns-node-cache:1.25.0"}
    options, lost = carried(
        "",
        containers=[container],
        imagePullSecrets=[{"name": "one"}, {"name": "two"}],
        nodeSelector={"kubernetes.io/os": "linux", "pool": "web"},
        affinity={"nodeAffinity": {}},
    )
    assert options == {
        "image-registry": "mirror.example/k8s",
        "pull-secret": "one,two",
        "node-selector": "pool=web",
    }
    assert ["affinity" in one for one in lost] == [True]

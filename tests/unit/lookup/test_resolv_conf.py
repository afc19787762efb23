"""What a pod's resolver does with a name, and which resolv.conf a pod has."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.lookup.question import Answer, Question, Record
from kubectl_nodedns.lookup.resolv_conf import (
    ResolvConf,
    askable,
    candidates,
    chosen,
    of_pod,
    parse,
    usual,
)

NODE = ResolvConf(nameservers=("10.88.0.1",), search=("corp.example",), options=("timeout:1",))
POD = usual("shop", "cluster.local", ["10.96.0.10"], NODE)


def pod(policy: str = "ClusterFirst", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": "web"}, "spec": {"dnsPolicy": policy, **spec}}


def computed(item: dict[str, Any]) -> ResolvConf:
    return of_pod(item, domain="cluster.local", servers=["10.96.0.10"], node=NODE)


def test_a_file_is_read_and_of_several_search_lines_the_last_counts() -> None:
    text = (
        "# made by a kubelet\nsearch a.b c.d\nnameserver 10.96.0.10\nnameserver fe80::1%eth0\n"
        "search shop.svc.cluster.local. svc.cluster.local\noptions ndots:5 edns0 ; trailing\n"
        "nameserver\nsortlist 10.0.0.0\n"
    )
    conf = parse(text)
    assert conf.nameservers == ("10.96.0.10", "fe80::1%eth0")
    assert conf.search == ("shop.svc.cluster.local", "svc.cluster.local")
    assert (conf.ndots, conf.options) == (5, ("ndots:5", "edns0"))


@pytest.mark.parametrize(
    ("options", "ndots"), [((), 1), (("ndots:99",), 15), (("ndots:x",), 1), (("ndots:0",), 0)]
)
def test_ndots_is_one_unless_it_is_said_and_fifteen_at_most(
    options: tuple[str, ...], ndots: int
) -> None:
    assert ResolvConf(options=options).ndots == ndots


def test_a_file_cannot_bring_an_escape_sequence_onto_the_screen() -> None:
    conf = parse("nameserver \x1b[2J\nsearch a\x1b[31m\noptions \x07\n")
    assert "".join((*conf.nameservers, *conf.search, *conf.options)).isprintable()


def test_a_name_with_few_dots_is_tried_with_each_search_domain_first() -> None:
    assert candidates("example.com", POD) == (
        "example.com.shop.svc.cluster.local.",
        "example.com.svc.cluster.local.",
        "example.com.cluster.local.",
        "example.com.corp.example.",
        "example.com.",
    )


def test_a_name_with_enough_dots_is_tried_as_it_is_first() -> None:
    assert candidates("a.b.c.d.e.f", POD)[0] == "a.b.c.d.e.f."
    assert len(candidates("a.b.c.d.e.f", POD)) == 5


def test_a_final_dot_ends_the_search_before_it_begins() -> None:
    assert candidates("example.com.", POD) == ("example.com.",)


def test_unicode_labels_become_a_labels_before_the_search() -> None:
    assert candidates("bücher", POD)[0] == "xn--bcher-kva.shop.svc.cluster.local."


def test_a_name_that_is_too_long_with_a_domain_leaves_that_domain_out() -> None:
    long = ".".join(["x" * 60] * 4)
    assert candidates(long, POD) == (f"{long}.",)


def test_what_is_no_name_is_refused() -> None:
    with pytest.raises(UsageError):
        candidates("a..b", POD)


def tried(name: str, rcode: str, *, records: bool = False) -> Answer:
    record = Record(name=name, ttl=5, rtype="A", data="192.0.2.1")
    question = Question(name=name, server="10.96.0.10")
    return Answer(question=question, rcode=rcode, records=(record,) if records else ())


def test_the_name_with_records_is_chosen_else_one_that_exists_else_the_name_as_it_is() -> None:
    nothing, exists = tried("a.x.", "NXDOMAIN"), tried("a.y.", "NOERROR")
    found = tried("a.z.", "NOERROR", records=True)
    assert chosen("a.", [nothing, exists, found]) == "a.z."
    assert chosen("a.", [nothing, exists]) == "a.y."
    assert chosen("a.", [nothing]) == "a."
    assert chosen("a.", []) == "a."


def test_a_pod_with_cluster_first_gets_the_cluster_and_the_nodes_search_domains() -> None:
    assert computed(pod()).lines() == [
        "nameserver 10.96.0.10",
        "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example",
        "options ndots:5",
    ]


@pytest.mark.parametrize(
    ("item", "servers"),
    [
        (pod("Default"), ("10.88.0.1",)),
        (pod("ClusterFirst", hostNetwork=True), ("10.88.0.1",)),
        (pod("ClusterFirstWithHostNet", hostNetwork=True), ("10.96.0.10",)),
        (pod("None", dnsConfig={"nameservers": ["8.8.8.8"]}), ("8.8.8.8",)),
        (pod(dnsConfig={"nameservers": ["8.8.8.8"]}), ("10.96.0.10", "8.8.8.8")),
    ],
    ids=["Default", "host network", "with host net", "None", "added"],
)
def test_the_policy_decides_who_is_asked(item: dict[str, Any], servers: tuple[str, ...]) -> None:
    assert computed(item).nameservers == servers


def test_a_dns_config_overrides_options_and_adds_search_domains() -> None:
    options = [{"name": "ndots", "value": "2"}, {"name": "edns0"}]
    conf = computed(pod(dnsConfig={"options": options, "searches": ["more.example"]}))
    assert (conf.ndots, conf.options) == (2, ("ndots:2", "edns0"))
    assert conf.search[-1] == "more.example"


def test_loopback_and_nonsense_cannot_be_asked_from_a_pod() -> None:
    good, bad = askable(["127.0.0.53", "10.88.0.1", "::1", "fe80::1%eth0", "+short"])
    assert good == ["10.88.0.1", "fe80::1"]
    assert bad == ["127.0.0.53", "::1", "+short"]

"""What a cache left on a node is read from the node's own words; Jobs that look and clean."""

from __future__ import annotations

import json

import pytest

from kubectl_nodedns.install.disabling import capacity_words
from kubectl_nodedns.install.host_jobs import COREFILE, LIFETIME, clean_job, look_job
from kubectl_nodedns.install.leftover import Leftover, leftover_of

RULES = """\
*raw
-A PREROUTING -d 10.96.0.10/32 -p udp -m udp --dport 53 -m comment --comment \
"NodeLocal DNS Cache: skip conntrack" -j CT --notrack
-A OUTPUT -s 169.254.20.11/32 -p tcp -m tcp --sport 53 -m comment --comment \
"NodeLocal DNS Cache: skip conntrack" -j CT --notrack
COMMIT
*filter
-A INPUT -s 10.0.0.1/32 -j ACCEPT
COMMIT
"""
BARE = "-A PREROUTING -d 169.254.25.10/32 -p udp -m udp --dport 53 -j NOTRACK\n"
NETWORK = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes
    lo:  123 1 0 0
nodelocaldns:   0       0    0
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.88.0.11
        /32 host LOCAL
Local:
     |-- 169.254.20.10
        /32 host LOCAL
     |-- 10.96.0.10
        /32 host LOCAL
00000000000000000000000000000001 01 80 10 80       lo
fd0090de0d9500000000000000000001 05 80 00 80 nodelocaldns
"""
CLEAN = NETWORK.replace("nodelocaldns:", "eth0:").replace("169.254.20.10", "10.88.0.12")
IPS = ("169.254.20.10", "10.96.0.10")


def test_rules_and_link_with_their_own_addresses_are_found() -> None:
    found = leftover_of(RULES, NETWORK, IPS)
    assert (found.rules, found.link) == (2, True)
    assert found.addresses == ("169.254.20.10", "10.96.0.10", "169.254.20.11")
    assert str(found) == (
        "2 rules, the link nodelocaldns, the addresses 169.254.20.10, 10.96.0.10, 169.254.20.11"
    )


def test_rules_of_images_without_comments_are_found_by_what_they_do() -> None:
    found = leftover_of(BARE, CLEAN, IPS)
    assert (found.rules, found.link, found.addresses) == (1, False, ("169.254.25.10",))


def test_a_clean_node_has_nothing() -> None:
    kube_proxy = "-A KUBE-SERVICES -d 10.96.0.10/32 -p udp --dport 53 -j KUBE-SVC-X\n"
    found = leftover_of(kube_proxy, CLEAN, IPS)
    assert found == Leftover()
    assert found.nothing
    assert str(found) == "nothing"


def test_ipv6_addresses_are_read_too() -> None:
    ip = "fd00:90de:d95::1"
    assert leftover_of("", NETWORK, (ip,)).addresses == (ip,)


def test_a_look_needs_no_shell_of_the_caches_image_and_ends_by_itself() -> None:
    names = {"name": "look-1", "run": "r", "namespace": "kube-system"}
    job = look_job("node1", image="cache", tools="box", ipv6=False, **names)
    spec = job["spec"]["template"]["spec"]
    rules, network = spec["containers"]
    assert (rules["image"], rules["command"]) == ("cache", ["iptables-save"])
    assert network["image"] == "box"
    assert network["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert spec["hostNetwork"] is True
    assert spec["automountServiceAccountToken"] is False
    assert job["spec"]["activeDeadlineSeconds"] == LIFETIME
    assert job["spec"]["backoffLimit"] == 0
    six = look_job("node1", image="cache", tools="box", ipv6=True, **names)
    assert six["spec"]["template"]["spec"]["containers"][0]["command"] == ["ip6tables-save"]


def test_the_cleaner_is_the_agent_with_the_orphans_addresses_and_no_service_at_all() -> None:
    job = clean_job(
        "node2",
        name="clean-1",
        run="r",
        namespace="kube-system",
        image="cache",
        addresses=IPS,
        upstreams=("10.244.1.2:53",),
    )
    template = job["spec"]["template"]
    [container] = template["spec"]["containers"]
    assert container["args"][:2] == ["-localip", "169.254.20.10,10.96.0.10"]
    assert "-skipteardown" not in json.dumps(job)
    corefile = template["metadata"]["annotations"][COREFILE]
    assert "bind __PILLAR__LOCAL__DNS__" in corefile
    assert "forward . 10.244.1.2:53" in corefile
    assert "node2" in json.dumps(template["spec"]["affinity"])


@pytest.mark.parametrize(
    ("lookups", "ratio", "coredns", "words"),
    [
        (0.0, None, 2, "next to nothing"),
        (450.0, 0.83, 2, "about 450 lookups/s, most of them themselves"),
        (50.0, None, 1, "to 1 CoreDNS pod"),
        (9000.0, 0.9, 2, "WARNING"),
        (9000.0, 0.9, 2, "a small part of that"),
        (9000.0, 0.6, 2, "half of that or less"),
    ],
)
def test_what_comes_back_to_coredns_is_said_in_words(
    lookups: float, ratio: float | None, coredns: int, words: str
) -> None:
    assert words in capacity_words(lookups, ratio, coredns)


def test_a_load_that_coredns_carries_already_is_no_warning() -> None:
    assert "WARNING" not in capacity_words(9000.0, 0.1, 2)
    assert "WARNING" not in capacity_words(900.0, 0.9, 2)

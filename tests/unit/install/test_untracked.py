"""The rules that are there before the agent, so that no answer of the cache is ever tracked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_nodedns.facts.cache_pods import trouble
from kubectl_nodedns.install.objects import DARK, DISABLING, build, daemonset_of, darkened
from tests.unit.install.samples import SETTINGS

# What node-cache 1.26.8 itself asks iptables for, in its order: the facts' list of its rules.
OF_THE_AGENT = "-t raw OUTPUT -p udp -s 10.96.0.10 --sport 53 -m comment --comment"


def pod_spec(**changes: Any) -> dict[str, Any]:
    built = build(replace(SETTINGS, **changes))
    found: dict[str, Any] = daemonset_of(built)["spec"]["template"]["spec"]
    return found


def test_each_protocol_has_the_agents_own_rule_for_answers_from_the_kube_dns_ip() -> None:
    udp, tcp = pod_spec()["initContainers"]
    assert udp["command"][:2] == ["iptables", "-w"]
    rule = [word for word in udp["command"][2:] if word != "-I"]
    assert " ".join(rule).startswith(OF_THE_AGENT)
    assert udp["command"][-3:] == ["NodeLocal DNS Cache: skip conntrack", "-j", "NOTRACK"]
    assert tcp["command"] == [w.replace("udp", "tcp") for w in udp["command"]]


def test_they_run_the_caches_image_with_its_rights_and_the_lock_alone() -> None:
    spec = pod_spec()
    cache = spec["containers"][0]
    for container in spec["initContainers"]:
        assert container["image"] == cache["image"]
        assert container["securityContext"] == cache["securityContext"]
        assert container["resources"] == cache["resources"]
        assert [m["mountPath"] for m in container["volumeMounts"]] == ["/run/xtables.lock"]


def test_ipv6_has_its_own_program() -> None:
    udp, _ = pod_spec(kube_dns_ip="fd00:10:96::a", local_ip="fd00::53")["initContainers"]
    assert udp["command"][0] == "ip6tables"
    assert "fd00:10:96::a" in udp["command"]


@pytest.mark.parametrize(
    "image",
    [
        "registry.k8s.io/dns/k8s-dns-node-cache:1.22.18",  # rules without a comment
        "mirror.example/dns/k8s-dns-node-cache:latest",
        "mirror.example/dns/k8s-dns-node-cache@sha256:" + "0" * 64,
        "mirror.example/my-cache:1.26.8",
    ],
)
def test_an_agent_that_may_not_know_the_rules_for_its_own_gets_none(image: str) -> None:
    assert "initContainers" not in pod_spec(image=image)


def test_a_cache_on_the_local_ip_alone_gets_none() -> None:
    assert "initContainers" not in pod_spec(mode="ipvs")


def test_a_dark_template_has_none_for_its_agent_would_leave_them_behind() -> None:
    full = daemonset_of(build(SETTINGS))
    dark = daemonset_of(build(SETTINGS, phase=DARK))
    given_back = darkened(full, state=DISABLING)
    for daemonset in (dark, given_back):
        assert "initContainers" not in daemonset["spec"]["template"]["spec"]
    assert dark["spec"] == given_back["spec"]


def test_an_init_container_of_somebody_else_stays_in_a_dark_template() -> None:
    full = daemonset_of(build(SETTINGS))
    theirs = {"name": "untrack-nothing", "image": "mirror.example/tool:1"}
    full["spec"]["template"]["spec"]["initContainers"].append(theirs)
    spec = darkened(full, state=DISABLING)["spec"]["template"]["spec"]
    assert spec["initContainers"] == [theirs]


def test_what_keeps_an_init_container_from_starting_is_the_pods_trouble() -> None:
    waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
    status = {
        "initContainerStatuses": [{"state": {"waiting": waiting}}],
        "containerStatuses": [{"state": {"waiting": {"reason": "PodInitializing"}}}],
    }
    assert trouble(status) == "ImagePullBackOff: no such image"


def test_init_containers_that_have_done_their_work_are_no_trouble() -> None:
    done = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    status = {
        "initContainerStatuses": [{"state": done}, {"state": done}],
        "containerStatuses": [{"state": {"terminated": {"exitCode": 1, "reason": "Error"}}}],
    }
    assert trouble(status) == "Error with exit code 1"

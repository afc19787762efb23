"""Command lines as a process gets them: variables, flags, a shell's script."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.facts.agent_faults import agent_faults
from kubectl_nodedns.facts.caches import cache_of, local_ips_of
from kubectl_nodedns.facts.command_line import flag, words_of
from tests.unit.facts import daemonsets

LOCAL, KUBE_DNS = "169.254.20.10", "10.96.0.10"
BY_NODE = {"name": "HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}


def container(*args: str, **more: Any) -> dict[str, Any]:
    return {"image": daemonsets.ADD_ON, "args": [*args], **more}


def test_a_variable_of_the_environment_is_replaced_as_the_kubelet_does() -> None:
    env = [
        {"name": "LOCAL", "value": LOCAL},
        {"name": "BOTH", "value": f"$(LOCAL),{KUBE_DNS}"},
        {"name": "EMPTY"},
    ]
    words = words_of(container("-localip", "$(BOTH)", "$$(LOCAL)", "$(NONE)", "x$(EMPTY)", env=env))
    assert words == ("-localip", f"{LOCAL},{KUBE_DNS}", "$(LOCAL)", "$(NONE)", "x")
    assert local_ips_of(words) == (LOCAL, KUBE_DNS)


def test_a_variable_may_refer_to_those_before_it_only() -> None:
    env = [
        {"name": "A", "value": "$(B)"},
        {"name": "B", "value": "b"},
        {"name": "C", "value": "$(B)"},
    ]
    assert words_of(container("$(A)", "$(C)", env=env)) == ("$(B)", "b")


def test_a_cache_with_its_addresses_in_variables_is_read() -> None:
    env = [{"name": "LOCAL", "value": LOCAL}]
    cache = cache_of(daemonsets.daemonset("x", container("-localip=$(LOCAL)", env=env)))
    assert cache is not None
    assert (cache.local_ips, cache.faults) == ((LOCAL,), ())


def test_the_last_of_two_flags_counts_as_for_the_program() -> None:
    assert flag(("-localip", "192.0.2.1", "--localip=192.0.2.2"), "localip") == "192.0.2.2"


@pytest.mark.parametrize("shell", [["/bin/sh", "-c"], ["bash", "-ec"], ["sh", "-e", "-c"]])
def test_the_words_of_a_shells_script_are_read(shell: list[str]) -> None:
    script = "exec kube-proxy --proxy-mode='ipvs' --v=2 1>>/var/log/kube-proxy.log 2>&1"
    assert flag(words_of({"command": [*shell, script]}), "proxy-mode") == "ipvs"


def test_a_script_that_no_shell_is_given_is_one_word() -> None:
    assert flag(words_of({"command": ["echo", "-c", "x --proxy-mode=ipvs"]}), "proxy-mode") == ""


@pytest.mark.parametrize(
    ("localip", "said"),
    [
        ("__PILLAR__LOCAL__DNS__", "still holds the placeholder __PILLAR__LOCAL__DNS__"),
        (f"{LOCAL},__PILLAR__DNS__SERVER__", "still holds the placeholder __PILLAR__DNS__SERVER__"),
        (f"{LOCAL},", "has an empty item: a comma too many"),
        (f",{LOCAL}", "has an empty item"),
        (f"{LOCAL}, {KUBE_DNS}", f"holds ' {KUBE_DNS}', which is no IP address"),
        ("node-cache", "holds 'node-cache', which is no IP address"),
        ("$(NOBODY)", "holds $(NOBODY), and the container has no such variable"),
        (f"{LOCAL},fd00::1", "mixes IPv4 and IPv6"),
    ],
)
def test_what_the_agent_ends_at_is_said(localip: str, said: str) -> None:
    (fault,) = agent_faults(container("-localip", localip, env=[BY_NODE]))
    assert said in fault


def test_without_localip_the_agent_listens_nowhere() -> None:
    (fault,) = agent_faults(container("-conf", "/etc/Corefile"))
    assert "-localip is not given" in fault


@pytest.mark.parametrize("probe", ["livenessProbe", "readinessProbe", "startupProbe"])
def test_a_probe_at_a_placeholder_is_said(probe: str) -> None:
    asked = {probe: {"httpGet": {"host": "__PILLAR__LOCAL__DNS__", "port": 8080}}}
    (fault,) = agent_faults(container("-localip", LOCAL, **asked))
    assert probe in fault
    assert "__PILLAR__LOCAL__DNS__" in fault


@pytest.mark.parametrize(
    "more", [{"env": [BY_NODE]}, {"envFrom": [{"configMapRef": {"name": "x"}}]}]
)
def test_what_only_the_node_knows_is_not_judged(more: dict[str, Any]) -> None:
    assert agent_faults(container("-localip", f"{LOCAL},$(HOST_IP)", **more)) == ()


def test_variables_that_name_others_twice_do_not_grow_without_bounds() -> None:
    env = [{"name": "V0", "value": "x" * 100}]
    env += [{"name": f"V{n}", "value": f"$(V{n - 1})$(V{n - 1})"} for n in range(1, 60)]
    with pytest.raises(ValueError, match="longer than"):
        words_of({"args": ["-localip", "$(V59)"], "env": env})
    short = {"args": ["-localip", "$(V9)"], "env": env[:10]}
    assert len(words_of(short)[1]) == 100 * 2**9

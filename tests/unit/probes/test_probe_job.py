"""The probe pod's Job, and what its pod's state means."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.cluster.access import Access
from kubectl_nodedns.cluster.client import Client
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.lookup.probes import Probes
from kubectl_nodedns.probes.probe_job import LIFETIME, job_for, pod_state

JOB = job_for("node1", name="probe-0", run="abcd", namespace="default", image="agnhost:2.39")


def test_a_job_ends_and_goes_by_itself_even_if_we_die() -> None:
    spec = JOB["spec"]
    assert spec["activeDeadlineSeconds"] == LIFETIME
    assert spec["ttlSecondsAfterFinished"] <= 60
    assert spec["backoffLimit"] == 0
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    assert f"sleep {LIFETIME}" in spec["template"]["spec"]["containers"][0]["command"][-1]


def test_how_long_a_probe_lives_and_whose_resolv_conf_it_has_can_be_chosen() -> None:
    job = job_for(
        "node1", name="p", run="r", namespace="d", image="i", lifetime=10, dns_policy="Default"
    )
    pod = job["spec"]["template"]["spec"]
    assert job["spec"]["activeDeadlineSeconds"] == 10
    assert "sleep 10 " in pod["containers"][0]["command"][-1]
    assert (pod["dnsPolicy"], JOB["spec"]["template"]["spec"]["dnsPolicy"]) == (
        "Default",
        "ClusterFirst",
    )


def test_a_container_that_ended_at_once_says_how() -> None:
    ended = {"reason": "StartError", "exitCode": 128, "message": 'exec: "sh": not found'}
    item = pod("Failed", {"terminated": ended})
    assert pod_state(item)[1] == 'the container ended: StartError: exec: "sh": not found'


def test_a_probe_fits_the_restricted_pod_security_level() -> None:
    pod = JOB["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    nobody = pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]
    assert nobody == (65534, 65534)
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "hostNetwork" not in pod


def test_a_probe_holds_no_token_and_refuses_sidecars() -> None:
    template = JOB["spec"]["template"]
    assert template["spec"]["automountServiceAccountToken"] is False
    assert template["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"
    assert template["metadata"]["labels"]["istio.io/dataplane-mode"] == "none"
    assert template["metadata"]["annotations"]["linkerd.io/inject"] == "disabled"


def test_a_probe_runs_on_its_node_whatever_the_taints() -> None:
    pod = JOB["spec"]["template"]["spec"]
    required = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    [term] = required["nodeSelectorTerms"]
    assert term["matchFields"] == [{"key": "metadata.name", "operator": "In", "values": ["node1"]}]
    assert pod["tolerations"] == [{"operator": "Exists"}]


def test_job_and_pod_carry_our_label_and_the_run() -> None:
    for labels in (JOB["metadata"]["labels"], JOB["spec"]["template"]["metadata"]["labels"]):
        assert labels["app.kubernetes.io/managed-by"] == "kubectl-nodedns"
        assert labels["kubectl-nodedns/probe-run"] == "abcd"


def pod(phase: str, state: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    statuses = [{"state": state}] if state else []
    return {"status": {"phase": phase, "containerStatuses": statuses, **status}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def test_a_running_container_in_a_running_pod_runs() -> None:
    assert pod_state(pod("Running", {"running": {"startedAt": "2026-11-22T18:00:00Z"}})) == (
        True,
        "",
        False,
    )


@pytest.mark.parametrize(
    ("state", "text", "hopeless"),
    [
        (waiting("ContainerCreating"), "ContainerCreating", False),
        (waiting("ErrImagePull", "not found"), "ErrImagePull: not found", False),
        (waiting("ImagePullBackOff", "back-off"), "ImagePullBackOff: back-off", False),
        (waiting("InvalidImageName", "bad"), "InvalidImageName: bad", True),
        (waiting("CreateContainerError", "no sleep"), "CreateContainerError: no sleep", True),
    ],
)
def test_a_waiting_container_says_why_and_whether_waiting_helps(
    state: dict[str, Any], text: str, hopeless: bool
) -> None:
    assert pod_state(pod("Pending", state)) == (False, text, hopeless)


def test_a_pod_that_ended_is_hopeless() -> None:
    running, text, hopeless = pod_state(pod("Failed", reason="DeadlineExceeded"))
    assert not running
    assert "DeadlineExceeded" in text
    assert hopeless


def test_a_pod_that_does_not_fit_says_what_the_scheduler_said() -> None:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/3 nodes are available: insufficient memory",
    }
    _, text, hopeless = pod_state(pod("Pending", conditions=[condition]))
    assert text == "Unschedulable: 0/3 nodes are available: insufficient memory"
    assert not hopeless


def test_a_pod_without_a_status_is_not_there_yet() -> None:
    assert pod_state({}) == (False, "the pod is not there", False)


async def test_a_node_without_a_probe_gets_an_error_for_each_question() -> None:
    from tests.unit.lookup.samples import KUBE_DNS, TARGET

    access = Access(
        server="http://192.0.2.1", context="", namespace="default", tls=True, headers={}
    )
    probes = Probes(Client(access))
    answers = await probes.ask("node9", TARGET.ordinary(KUBE_DNS))
    assert [answer.error for answer in answers] == ["no probe runs on this node"] * 3
    assert not any(answer.asked for answer in answers)


def test_probes_never_run_in_kube_system() -> None:
    access = Access(
        server="http://192.0.2.1", context="", namespace="default", tls=True, headers={}
    )
    with pytest.raises(UsageError, match="--probe-namespace"):
        Probes(Client(access), namespace="kube-system")

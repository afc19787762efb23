"""What is written down before pods change their owner, and what a run that was killed finds."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.install.handover import Record, handed_over, is_renamed
from kubectl_nodedns.install.live import Live, newest
from kubectl_nodedns.install.objects import OPTIONS, RECORD
from kubectl_nodedns.install.uninstall_plan import ours
from tests.unit.install.samples import SETTINGS, installed
from tests.unit.install.test_adoption import daemonset, kubespray, pod_on


def test_a_daemonset_is_written_down_without_what_the_api_server_keeps_for_itself() -> None:
    record = Record.of({**kubespray(), "status": {"numberReady": 3}}, '{"given": {}}')
    metadata = record.daemonset["metadata"]
    assert "status" not in record.daemonset
    assert set(metadata) == {"name", "namespace", "uid", "labels", "annotations"}
    again = Record.of_object(record.as_object("kube-system"))
    assert again == record


def test_a_record_that_somebody_emptied_is_none() -> None:
    emptied: dict[str, Any] = {"metadata": {"name": RECORD}, "data": {"daemonset.json": "{"}}
    assert Record.of_object(emptied) is None
    assert Record.of_object({"metadata": {}}) is None


@pytest.mark.parametrize("text", ["[]", "null", "{}", '{"metadata": {}}', "[" * 100_000])
def test_a_record_without_a_daemonset_is_none(text: str) -> None:
    config = Record.of(kubespray(), "").as_object("kube-system")
    config["data"]["daemonset.json"] = text
    assert Record.of_object(config) is None


def test_a_record_of_a_daemonset_somewhere_else_is_none() -> None:
    config = Record.of(kubespray(), "").as_object("kube-system")
    config["metadata"]["namespace"] = "tenant"
    assert Record.of_object(config) is None


def test_only_ours_in_name_and_selector_becomes_ours_in_place() -> None:
    assert not is_renamed(daemonset())
    assert is_renamed(kubespray())
    assert is_renamed(daemonset(selector="other"))


def test_what_was_taken_over_can_be_put_back_by_a_run_that_did_not_see_it() -> None:
    config = Record.of(kubespray(), '{"given": {}}').as_object("kube-system")
    live = Live(objects={("ConfigMap", RECORD): config}, pods={})
    assert live.daemonset is None
    assert live.taken_over == handed_over(kubespray(), '{"given": {}}')
    assert live.taken_over is not None
    assert live.taken_over["metadata"]["annotations"][OPTIONS] == '{"given": {}}'
    assert installed().taken_over is None


def test_the_record_goes_before_the_daemonset_or_the_next_run_would_make_that_again() -> None:
    config = Record.of(kubespray(), "").as_object("kube-system")
    live = installed(SETTINGS)
    found = ours(Live(objects={**live.objects, ("ConfigMap", RECORD): config}, pods={}))
    assert [obj["kind"] for obj in found][:2] == ["ConfigMap", "DaemonSet"]
    assert found[0]["metadata"]["name"] == RECORD


def test_pods_without_an_owner_count_as_ours_because_our_daemonset_takes_them() -> None:
    pod = pod_on("node1", owner="nodelocaldns")
    del pod["metadata"]["ownerReferences"]
    found = newest([pod])["node1"]
    assert (found.local_ips, found.orphaned) == (("169.254.25.10",), True)
    assert not newest([pod_on("node1", owner="node-local-dns")])["node1"].orphaned

"""Which documents `monitoring` writes for which request."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.metrics.monitoring.objects import Target
from kubectl_nodedns.metrics.monitoring.request import (
    USUAL_KINDS,
    Installed,
    MonitoringRequest,
    documents,
    usual,
)


def make_request(*kinds: str, **given: Any) -> MonitoringRequest:
    values = {
        "kinds": kinds or USUAL_KINDS,
        "json": False,
        "labels": {"release": "mine"},
        "job": "dns",
        "coredns_version": "1.13.2",
        "dns_service": "",
    }
    return MonitoringRequest(**{**values, **given})


def kinds(request: MonitoringRequest, installed: Installed | None = None) -> list[str]:
    found = documents(request, installed or usual(request))
    return [one.get("kind", "no object") for one in found]


def test_documents_come_in_the_order_of_the_kinds() -> None:
    assert kinds(make_request()) == ["PodMonitor", "PrometheusRule"]
    assert kinds(make_request("prometheusrule", "podmonitor")) == ["PrometheusRule", "PodMonitor"]


def test_objects_have_the_labels_that_are_asked_for() -> None:
    request = make_request()
    for one in documents(request, usual(request)):
        assert one["metadata"]["labels"]["release"] == "mine"


def test_a_service_monitor_brings_the_service_that_it_lacks() -> None:
    request = make_request("servicemonitor")
    for has, wanted in ((True, ["ServiceMonitor"]), (False, ["Service", "ServiceMonitor"])):
        installed = Installed(version="1.13.2", target=Target(labels={"a": "b"}), has_service=has)
        assert kinds(request, installed) == wanted


@pytest.mark.parametrize(
    ("json", "asked", "wanted"),
    [
        (True, ("dashboard",), ["no object"]),
        (False, ("dashboard",), ["ConfigMap"]),
        (True, ("dashboard", "podmonitor"), ["ConfigMap", "PodMonitor"]),
    ],
)
def test_a_dashboard_alone_in_json_can_be_imported_as_it_is(
    json: bool, asked: tuple[str, ...], wanted: list[str]
) -> None:
    assert kinds(make_request(*asked, json=json)) == wanted


def test_rules_are_a_file_and_no_object() -> None:
    assert kinds(make_request("rules")) == ["no object"]


def test_a_version_that_is_none_is_wrong_usage() -> None:
    request = make_request(coredns_version="newest")
    with pytest.raises(UsageError):
        documents(request, usual(request))

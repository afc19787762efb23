"""Judgements that rest on figures: memory, images, names of metrics."""

from __future__ import annotations

import pytest

from kubectl_nodedns.checks.finding import Severity
from kubectl_nodedns.checks.gone_metrics import GONE, gone
from kubectl_nodedns.checks.surroundings import version
from kubectl_nodedns.checks.traffic import failing
from kubectl_nodedns.facts.alert_rules import rules_of
from kubectl_nodedns.facts.cache_memory import PROCESS, worst_case
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.pod_dns import pod_dns_of
from kubectl_nodedns.install.memory_need import memory_need
from kubectl_nodedns.metrics.series import BY_NAME, Series
from tests.unit.facts.test_corefile import OURS


def test_full_caches_of_the_usual_corefile_take_about_240_megabytes_and_the_process() -> None:
    usual = "".join(f"{zone}:53 {{\n cache 30\n}}\n" for zone in ("a", "b", "c", "."))
    worst = worst_case(read_corefile(usual).blocks)
    assert worst == PROCESS + 4 * 2 * 9984 * 3 * 1024
    assert 240e6 < worst - PROCESS < 250e6


def test_lookups_that_wait_count_too() -> None:
    (block,) = read_corefile(".:53 {\n forward . 10.0.0.2 {\n max_concurrent 1000\n }\n}").blocks
    assert worst_case([block]) == PROCESS + 1000 * 2048


def test_install_sizes_by_the_same_arithmetic() -> None:
    blocks = read_corefile(OURS).blocks
    assert memory_need(blocks).worst == worst_case(blocks)


@pytest.mark.parametrize(
    ("failed", "responses", "judged"),
    [
        (0, 0, None),
        (0, 500, None),
        (1, 1, None),
        (1, 66, None),
        (1.2, 20, None),  # counts come from rates: this was one
        (2, 201, None),
        (2, 200, Severity.WARNING),
        (2.9, 100, Severity.WARNING),
        (3, 100, Severity.ERROR),
        (2, 2, Severity.ERROR),
    ],
)
def test_a_single_response_that_failed_is_no_share(
    failed: float, responses: float, judged: Severity | None
) -> None:
    assert failing(failed, responses) == judged


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1.26.8", (1, 26, 8)),
        ("v1.26.8-r1", (1, 26, 8)),
        ("sha256:0f1e", None),
        ("", None),
        ("latest", None),
    ],
)
def test_versions(text: str, read: tuple[int, int, int] | None) -> None:
    assert version(text) == read


@pytest.mark.parametrize(
    ("metric", "instead"),
    [
        ("coredns_forward_responses_total", "coredns_proxy_request_duration_seconds_count"),
        (
            "coredns_forward_request_duration_seconds_bucket",
            "coredns_proxy_request_duration_seconds_bucket",
        ),
        ("coredns_nodecache_setup_errors", "coredns_nodecache_setup_errors_total"),
    ],
)
def test_metrics_that_are_gone_have_a_name_that_is_there(metric: str, instead: str) -> None:
    found = gone(metric)
    assert found is not None
    assert found[1] == instead


def test_metrics_of_today_are_not_called_gone() -> None:
    old = {Series.OLD_LOOKUP_TYPES}
    newest = [name for name, (series, rank) in BY_NAME.items() if rank == 0 and series not in old]
    assert [name for name in newest if gone(name)] == []
    assert [name for _, name in GONE.values() if gone(name)] == []


def test_rules_that_ask_for_something_else_are_passed_over() -> None:
    def rule(expr: str) -> dict[str, str]:
        return {"alert": "A", "expr": expr}

    item = {
        "metadata": {"namespace": "n", "name": "r"},
        "spec": {"groups": [{"rules": [rule("up == 0"), rule("rate(coredns_panics_total[5m])")]}]},
    }
    (found,) = rules_of(item)
    assert found.metrics == ("coredns_panics_total",)
    assert rules_of({"metadata": item["metadata"], "spec": {}}) == []


def test_static_pods_and_pods_that_ended_are_passed_over() -> None:
    spec = {"hostNetwork": True, "dnsPolicy": "ClusterFirst"}
    metadata = {"namespace": "n", "name": "p"}
    assert pod_dns_of({"metadata": metadata, "spec": spec}) is not None
    assert pod_dns_of({"metadata": metadata, "spec": spec, "status": {"phase": "Failed"}}) is None
    mirror = {**metadata, "annotations": {"kubernetes.io/config.mirror": "x"}}
    assert pod_dns_of({"metadata": mirror, "spec": spec}) is None
    assert pod_dns_of({"metadata": metadata, "spec": {"dnsPolicy": "Default"}}) is None

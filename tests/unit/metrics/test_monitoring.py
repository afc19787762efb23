"""What `monitoring` prints is taken by the real promtool and Prometheus, in every naming."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from kubectl_nodedns.cli.main import main
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.metrics.monitoring.dashboard import dashboard
from kubectl_nodedns.metrics.monitoring.queries import Queries, read_version
from kubectl_nodedns.metrics.monitoring.rules import alerts, groups
from kubectl_nodedns.metrics.series import BY_NAME, Series
from tests.e2e.prometheus import MISSING, query
from tests.unit.metrics.pages import KUBE_DNS, LOCAL, Load, UpstreamLoad, ZoneLoad, page
from tests.unit.metrics.prometheus_server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

JOB = "node-local-dns"
RELEASES = ("1.6", "1.8", "1.10", "1.13")
MIB = 2**20
HERE = f'job="{JOB}",instance="10.0.0.1:9253",node="n1"'
BOUNDS = [f"{0.00025 * 2**n:g}" for n in range(16)] + ["+Inf"]


def rules_of(release: str) -> dict[str, Any]:
    queries = Queries(version=read_version(release), job=JOB)
    return groups(alerts(queries, kube_dns_ips=(KUBE_DNS, "fd00::a"), memory_limit=128 * MIB))


def series(release: str, **values: str) -> list[dict[str, str]]:
    """A healthy, busy cache; some of its series changed. One value a minute."""
    version = read_version(release)

    def name(one: Series) -> str:
        return one.value.name_at(version)

    slow = values.pop("slow", "0+0x120")
    usual = {
        f"up{{{HERE}}}": "1+0x120",
        f'{name(Series.LOOKUPS)}{{{HERE},server="dns://{KUBE_DNS}:53",zone="."}}': "0+600x120",
        f'{name(Series.RESPONSES)}{{{HERE},rcode="NOERROR",zone="."}}': "0+600x120",
        f'{name(Series.RESPONSES)}{{{HERE},rcode="SERVFAIL",zone="."}}': "0+1x120",
        f'{name(Series.HEALTHCHECK_FAILURES)}{{{HERE},to="10.9.9.9:53"}}': "0+0x120",
        f'{name(Series.SETUP_ERRORS)}{{{HERE},errortype="iptables"}}': "0+0x120",
        f'{name(Series.SETUP_ERRORS)}{{{HERE},errortype="configmap"}}': "0+1x120",
        f"{name(Series.PANICS)}{{{HERE}}}": "0+0x120",
        f"{name(Series.STARTED)}{{{HERE}}}": "1000+0x120",
        f"{name(Series.MEMORY)}{{{HERE}}}": f"{60 * MIB}+0x120",
    }
    for bound in BOUNDS:
        late = bound == "+Inf" or float(bound) > 5
        key = f'{name(Series.LATENCY)}{{{HERE},le="{bound}",zone="."}}'
        usual[key] = "0+600x120" if slow == "0+0x120" or late else "0+300x120"
    for part, value in values.items():
        (key,) = [k for k in usual if (k.startswith("up{") if part == "up" else part in k)]
        usual[key] = value
    return [{"series": key, "values": value} for key, value in usual.items()]


def gone(release: str) -> list[dict[str, str]]:
    return [one for one in series(release) if not one["series"].startswith("up{")]


def cases(release: str) -> dict[str, tuple[list[dict[str, str]], set[str]]]:
    """What is wrong, and which alerts it raises after an hour and three quarters."""
    return {
        "well": (series(release), set()),
        "down": (series(release, up="0+0x120"), {"NodeLocalDNSDown/critical"}),
        "absent": (gone(release), {"NodeLocalDNSAbsent/critical"}),
        "failing a little": (
            series(release, SERVFAIL="0+12x120"),
            {"NodeLocalDNSFailing/warning"},
        ),
        "failing": (series(release, SERVFAIL="0+60x120"), {"NodeLocalDNSFailing/critical"}),
        "slow": (series(release, slow="yes"), {"NodeLocalDNSSlow/critical"}),
        "upstream": (
            series(release, healthcheck="0+1x120"),
            {"NodeLocalDNSUpstreamUnhealthy/warning"},
        ),
        "setup": (
            series(release, iptables="0+1x120"),
            {"NodeLocalDNSSetupErrors/warning"},
        ),
        "panics": (series(release, panic="0+1x120"), {"NodeLocalDNSPanics/warning"}),
        "restarts": (
            series(release, process_start="1000+60x120"),
            {"NodeLocalDNSRestarting/warning"},
        ),
        "memory": (
            series(release, process_resident=f"{120 * MIB}+0x120"),
            {"NodeLocalDNSMemory/warning"},
        ),
        "not intercepting": (
            series(release, server="0+0x120"),
            {"NodeLocalDNSNotIntercepting/info"},
        ),
    }


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
@pytest.mark.parametrize("release", RELEASES)
def test_each_alert_fires_when_it_should_and_only_then(release: str, tmp_path: Path) -> None:
    rules = rules_of(release)
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    check = ["promtool", "check", "rules", str(tmp_path / "rules.yaml")]
    assert subprocess.run(check, check=False).returncode == 0
    every = [(r["alert"], r["labels"]["severity"]) for r in rules["groups"][0]["rules"]]
    found = cases(release)
    assert {f"{name}/{severity}" for name, severity in every} == set().union(
        *(raised for _, raised in found.values())
    )
    tests = [
        {
            "name": case,
            "interval": "1m",
            "input_series": given,
            # Counting alerts leaves out what a test of a rule is not about: labels and words.
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{name}",severity="{severity}",'
                    'alertstate="firing"}) or vector(0)',
                    "eval_time": "105m",
                    "exp_samples": [{"value": int(f"{name}/{severity}" in raised)}],
                }
                for name, severity in every
            ],
        }
        for case, (given, raised) in found.items()
    ]
    file = tmp_path / "tests.yaml"
    file.write_text(
        yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests})
    )
    ran = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def stored(release: str) -> list[tuple[float, str]]:
    pages = []
    for number in range(20):
        zone = ZoneLoad(
            name=".",
            fast=300 * number,
            slow=20 * number,
            nxdomain=9 * number,
            servfail=number + 1,
            hits=200 * number,
            denials=50 * number,
            entries=40,
            denial_entries=9,
        )
        upstream = UpstreamLoad(
            to="10.96.77.12:53", noerror=20 * number, servfail=number, healthcheck_failures=number
        )
        load = Load(zones=(zone,), upstreams=(upstream,), setup_errors=number)
        pages.append((1_760_000_000.0 + 30 * number, page(load, release)))
    return pages


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if MISSING:
        pytest.skip(MISSING)
    scrapes = {f"{release}.0.0:9253": stored(release) for release in RELEASES}
    with serving(tmp_path_factory.mktemp("prometheus"), scrapes) as url:
        yield url


@pytest.mark.parametrize("release", RELEASES)
def test_every_line_of_the_dashboard_has_data(prometheus: str, release: str) -> None:
    queries = Queries(version=read_version(release), job=JOB)
    board = dashboard(queries, capacity=79872, memory_limit=128 * MIB)
    lines = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(lines) > 20
    for line in lines:
        expression = line.replace("$__rate_interval", "2m").replace(
            'node=~"$node"', f'instance="{release}.0.0:9253"'
        )
        found = query(prometheus, expression, 1_760_000_000.0 + 19 * 30)
        assert found, expression
        # Entries: each counted once, though two addresses report them.
        if "cache_entries" in line or "cache_size" in line:
            assert float(found[0]["value"][1]) == 49


def test_panels_do_not_lie_upon_each_other() -> None:
    board = dashboard(Queries(version=(1, 13), job=JOB))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place: Mapping[str, int] = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert all(x < 24 for x, _ in cells)
        taken |= cells


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("1.6.9", ("coredns_dns_request_count_total", "coredns_forward_request_duration_seconds")),
        ("1.7.0", ("coredns_dns_requests_total", "coredns_forward_request_duration_seconds")),
        ("1.10.1", ("coredns_dns_requests_total", "coredns_forward_request_duration_seconds")),
        ("1.11.0", ("coredns_dns_requests_total", "coredns_proxy_request_duration_seconds")),
        ("v1.14.7", ("coredns_dns_requests_total", "coredns_proxy_request_duration_seconds")),
    ],
)
def test_names_are_those_of_the_version(version: str, names: tuple[str, str]) -> None:
    text = json.dumps(dashboard(Queries(version=read_version(version), job=JOB)))
    others = {"coredns_dns_request_count_total", "coredns_dns_requests_total"}
    others |= {f"coredns_{p}_request_duration_seconds" for p in ("forward", "proxy")}
    assert all(name in text for name in names)
    assert not any(name in text for name in others - set(names))


def test_the_names_at_each_version_are_names_that_pages_are_read_by() -> None:
    for minor in range(6, 20):
        for one in Series:
            assert BY_NAME[one.value.name_at((1, minor))][0] is one


@pytest.mark.parametrize(("text", "words"), [("soon", "no version"), ("1.5.2", "not known")])
def test_a_version_that_is_none_is_told(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_version(text)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[Any]:
    assert main(["monitoring", "--coredns-version", "1.13.2", *arguments]) == 0
    return list(yaml.safe_load_all(capsys.readouterr().out))


def test_without_a_cluster_it_prints_what_can_be_applied(
    capsys: pytest.CaptureFixture[str],
) -> None:
    monitor, rule = printed(capsys, "--label", "release=kube-prometheus-stack")
    assert (monitor["kind"], rule["kind"]) == ("PodMonitor", "PrometheusRule")
    for one in (monitor, rule):
        assert one["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert monitor["spec"]["selector"] == {"matchLabels": {"k8s-app": "node-local-dns"}}
    expressions = json.dumps(rule["spec"])
    assert 'job=\\"node-local-dns\\"' in expressions


def test_a_dashboard_alone_in_json_is_for_an_import(capsys: pytest.CaptureFixture[str]) -> None:
    (board,) = printed(capsys, "--kind", "dashboard", "-o", "json")
    assert board["title"] == "NodeLocal DNSCache"
    (configmap,) = printed(capsys, "--kind", "dashboard")
    assert json.loads(configmap["data"]["node-local-dns.json"]) == board
    (several,) = printed(capsys, "--kind", "dashboard", "--kind", "servicemonitor", "-o", "json")
    assert [one["kind"] for one in several["items"]] == ["ConfigMap", "ServiceMonitor"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kind", "rules", "--kind", "dashboard"], "print it alone"),
        (["--label", "release"], "KEY=VALUE"),
    ],
)
def test_options_that_cannot_be_used(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["monitoring", "--coredns-version", "1.13", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_the_listen_address_is_matched_in_both_families() -> None:
    text = json.dumps(rules_of("1.13"))
    assert "10[.]96[.]0[.]10|fd00::a" in text
    assert LOCAL not in text

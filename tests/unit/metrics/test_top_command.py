"""`kubectl nodedns top` without a terminal, against an API server made of a few fixed answers."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from aiohttp import web

from kubectl_nodedns.cli.main import main
from tests.patience import PATIENCE
from tests.unit.metrics.pages import Load, ZoneLoad, page
from tests.unit.metrics.test_discovery import NODE_COLUMNS, POD_COLUMNS, node_row, pod_row, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYSTEM = "/api/v1/namespaces/kube-system"
APART = 0.2
"""Seconds between the two scrapes of a table."""
PROMETHEUS = "/api/v1/namespaces/monitoring/services/prometheus:web/proxy/api/v1/query"
DAEMONSET = {
    "metadata": {"namespace": "kube-system", "name": "node-local-dns", "uid": "u"},
    "spec": {
        "selector": {"matchLabels": {"k8s-app": "node-local-dns"}},
        "template": {
            "metadata": {},
            "spec": {
                "containers": [
                    {
                        "name": "node-cache",
                        "image": "registry.k8s.io/dns/k8s-dns-node-cache:1.26.8",
                        "args": ["-localip", "169.254.20.10,10.96.0.10"],
                        "resources": {"limits": {"memory": "128Mi"}},
                    }
                ]
            },
        },
    },
}
SERVICE = {
    "metadata": {"namespace": "kube-system", "name": "kube-dns"},
    "spec": {
        "clusterIP": "10.96.0.10",
        "clusterIPs": ["10.96.0.10"],
        "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
    },
}


class ApiServer:
    """Answers by path; counts how often."""

    def __init__(self) -> None:
        self.lists: dict[str, list[Any]] = {
            "/apis/apps/v1/daemonsets": [DAEMONSET],
            f"{SYSTEM}/services": [SERVICE],
            "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices": [],
        }
        self.tables: dict[str, Any] = {
            "/api/v1/nodes": table(NODE_COLUMNS, node_row("n1"), node_row("n2")),
            f"{SYSTEM}/pods": table(POD_COLUMNS, pod_row("p1", "n1")),
        }
        self.asked: list[str] = []
        self.selectors: dict[str, str] = {}
        self.url = ""
        self.token = ""
        self.prometheus: Any = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            raise web.HTTPUnauthorized
        self.asked.append(request.path)
        if "fieldSelector" not in request.query:
            self.selectors[request.path] = request.query.get("labelSelector", "")
        if request.query.get("watch"):
            response = web.StreamResponse()
            await response.prepare(request)
            await asyncio.sleep(60)
            return response
        if request.path in self.lists:
            return web.json_response({"metadata": {}, "items": self.lists[request.path]})
        if request.path in self.tables:
            return web.json_response(self.tables[request.path])
        if request.path == f"{SYSTEM}/pods/p1:9253/proxy/metrics":
            asked = 100 * self.asked.count(request.path)
            zone = ZoneLoad(name=".", fast=asked, hits=asked // 2)
            return web.Response(text=page(Load(zones=(zone,))))
        if self.prometheus and request.path == PROMETHEUS:
            return web.json_response(self.prometheus.answer(request.query["query"]))
        return web.json_response({"message": "not there", "reason": "NotFound"}, status=404)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    api = ApiServer()
    loop = asyncio.new_event_loop()

    async def start() -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/{path:.*}", api.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return runner

    runner = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield api
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(PATIENCE)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def top(server: ApiServer, *arguments: str) -> int:
    return main(["top", "--server", server.url, *arguments], apart=APART)


def test_piped_it_prints_a_table_and_talks_on_stderr(
    server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert top(server) == 0
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == ["NODE", "n1", "n2"]
    assert "1 of 2 nodes ready" in err
    assert "n2: no cache pod on this node" in err


def test_json_has_rates(server: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert top(server, "-o", "json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["fleet"]["caches"][0]["kube_dns_ips"] == ["10.96.0.10"]
    one, two = data["nodes"]
    assert one["lookups_per_second"] > 0
    assert one["hit_ratio"] == 0.5
    assert one["memory_limit_bytes"] == 128 * 2**20
    assert two["pod"] is None


def test_yaml_is_the_same(server: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert top(server, "-o", "yaml", "--once") == 0
    assert yaml.safe_load(capsys.readouterr().out)["nodes"][0]["node"] == "n1"


def test_wide_and_sorted(server: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert top(server, "-o", "wide", "--sort-by", "node") == 0
    assert "KUBE-DNS/S" in capsys.readouterr().out


def test_the_selector_reaches_the_server(server: ApiServer) -> None:
    assert top(server, "-l", "pool=a") == 0
    assert server.selectors["/api/v1/nodes"] == "pool=a"


def test_without_one_page_it_ends_with_an_error(
    server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.tables[f"{SYSTEM}/pods"] = table(POD_COLUMNS, pod_row("p2", "n2"))
    assert top(server) == 3
    out, err = capsys.readouterr()
    assert "n2" in out
    assert "no metrics from any node" in err


def test_without_a_cache_it_says_how_to_get_one(
    server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.lists["/apis/apps/v1/daemonsets"] = []
    assert top(server) == 1
    assert "kubectl nodedns enable" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sort-by", "colour"], "there is no column 'colour'"),
        (["--refresh", "soon"], "--refresh"),
        (["--refresh", "0.1s"], "not less than"),
        (["--watch", "-o", "yaml"], "--watch"),
        (["--dns-service", "kube-dns"], "NAMESPACE/NAME"),
        (["--dns-service", "kube-system/other"], "there is no service kube-system/other"),
        (["--at", "worst"], "give --replay FILE too"),
        (["--source", "proxy", "--prometheus", "http://localhost:1"], "give one"),
        (["--prometheus", "nowhere"], "neither a URL nor NAMESPACE/SERVICE"),
        (["--record", "x.rec", "--record-limit", "5"], "no size from 1Mi to 1Gi"),
        (["--record", "/nonexistent/x.rec"], "cannot be written: No such file"),
        (["--replay", "/nonexistent/x.rec"], "cannot be read: No such file"),
        (["--replay", "x.rec", "--record", "y.rec"], "not recorded again"),
    ],
)
def test_options_that_cannot_be_used(
    server: ApiServer, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert top(server, *arguments) == 2
    assert words in capsys.readouterr().err


def test_a_recording_shows_what_was_printed_while_it_was_made(
    server: ApiServer, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = str(tmp_path / "top.rec")
    assert top(server, "-o", "json", "--record", file) == 0
    live = capsys.readouterr()
    asked = len(server.asked)
    assert main(["top", "--replay", file, "-o", "json"]) == 0
    assert capsys.readouterr() == live
    assert len(server.asked) == asked
    assert main(["top", "--replay", file, "--watch"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(live.out)
    assert main(["top", "--replay", file, "--at", "soon"]) == 2
    assert "no place in a recording" in capsys.readouterr().err
    assert top(server, "--record", file) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_watched_fleet_is_recorded_and_played(
    server: ApiServer,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    taken: list[Any] = []

    def take(frame: Any) -> None:
        taken.append(frame)
        if len(taken) == 5:
            raise BrokenPipeError

    file = str(tmp_path / "top.rec")
    with monkeypatch.context() as patched:
        patched.setattr("kubectl_nodedns.commands.top.print_json_line", take)
        patched.setattr("os.dup2", lambda *_: 0)
        assert top(server, "--watch", "--refresh", "500ms", "--record", file) == 0
    capfd.readouterr()
    assert main(["top", "--replay", file, "--watch"]) == 0
    out, err = capfd.readouterr()
    frames = [json.loads(line) for line in out.splitlines()]
    assert len(frames) >= 3
    assert frames[-1]["nodes"][0]["lookups_per_second"] > 0
    assert "warning" not in err  # the file was ended in order


class Stored:
    """A Prometheus that has two scrapes of the one pod."""

    def answer(self, query: str) -> dict[str, Any]:
        if "instance=" not in query:
            return {"status": "success", "data": {"resultType": "vector", "result": []}}
        metric = {"__name__": "coredns_dns_requests_total", "server": "dns://10.96.0.10:53"}
        values = [[1_760_000_000, "100"], [1_760_000_015, "250"]]
        result = [{"metric": metric, "values": values}]
        return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def test_a_prometheus_behind_a_service_is_asked_through_the_api_server(
    server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.prometheus = Stored()
    assert top(server, "-o", "json", "--prometheus", "monitoring/prometheus:web") == 0
    read = json.loads(capsys.readouterr().out)
    assert read["fleet"]["source"] == "Prometheus monitoring/prometheus:web"
    assert read["nodes"][0]["lookups_per_second"] == 10
    assert read["nodes"][0]["interval_seconds"] == 15
    assert not any("pods/p1" in path for path in server.asked)


def test_monitoring_writes_for_what_is_installed(
    server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["monitoring", "--server", server.url]) == 0
    monitor, rule = yaml.safe_load_all(capsys.readouterr().out)
    assert monitor["spec"]["selector"]["matchLabels"] == {"k8s-app": "node-local-dns"}
    rules = {one["alert"]: one["expr"] for one in rule["spec"]["groups"][0]["rules"]}
    assert "coredns_proxy_healthcheck_failures_total" in rules["NodeLocalDNSUpstreamUnhealthy"]
    assert str(128 * 2**20) in rules["NodeLocalDNSMemory"]
    assert "10[.]96[.]0[.]10" in rules["NodeLocalDNSNotIntercepting"]
    assert main(["monitoring", "--server", server.url, "--kind", "servicemonitor"]) == 0
    # No service lists these pods' metrics, so one is printed too.
    kinds = [one["kind"] for one in yaml.safe_load_all(capsys.readouterr().out)]
    assert kinds == ["Service", "ServiceMonitor"]


def test_monitoring_asks_for_the_version_where_no_pod_tells_it(
    server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.tables[f"{SYSTEM}/pods"] = table(POD_COLUMNS)
    assert main(["monitoring", "--server", server.url]) == 1
    err = capsys.readouterr().err
    assert "no pod of it is ready" in err
    assert "--coredns-version" in err


PLUGIN = """
apiVersion: v1
kind: Config
current-context: c
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {{server: "{url}"}}}}]
users:
- name: u
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      interactiveMode: Never
      command: sh
      args: [-c, 'printf "{{\\"status\\": {{\\"token\\": \\"%s\\"}}}}" "$(cat {token})"']
"""


def test_expired_credentials_are_renewed_while_watching(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    token, kubeconfig = tmp_path / "token", tmp_path / "kubeconfig"
    token.write_text("first")
    kubeconfig.write_text(PLUGIN.format(url=server.url, token=token))
    server.token = "first"
    seen: list[tuple[bool, float]] = []

    def take(data: Any) -> None:
        seen.append((data["nodes"][0]["error"] is not None, data["nodes"][0]["lookups_total"] or 0))
        if len(seen) == 3:
            server.token = "second"
            token.write_text("second")
        if (len(seen) > 3 and seen[-1][1] > seen[2][1]) or len(seen) == 60:
            raise BrokenPipeError

    monkeypatch.setattr("kubectl_nodedns.commands.top.print_json_line", take)
    monkeypatch.setattr("os.dup2", lambda *_: 0)
    main(["top", "--kubeconfig", str(kubeconfig), "--watch", "--refresh", "500ms"])
    assert not any(error for error, _ in seen)
    assert seen[-1][1] > seen[2][1]


def test_watch_prints_a_line_each_time_until_the_reader_goes(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Any] = []

    def take(frame: Any) -> None:
        taken.append(frame)
        if len(taken) == 3:
            raise BrokenPipeError

    monkeypatch.setattr("kubectl_nodedns.commands.top.print_json_line", take)
    monkeypatch.setattr("os.dup2", lambda *_: 0)
    assert top(server, "--watch", "--refresh", "500ms") == 0
    assert taken[-1]["nodes"][0]["lookups_per_second"] > 0

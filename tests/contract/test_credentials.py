"""Credentials that expire in the middle of a run: it logs in again and goes on."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.cluster.access import AccessOptions
from kubectl_nodedns.cluster.client import Client
from kubectl_nodedns.cluster.transport import ATTEMPTS, IN_VAIN, LOG_IN_PAUSE
from kubectl_nodedns.commands.session import connect
from kubectl_nodedns.errors import UNAUTHORIZED, Exit, ForbiddenError, UnreachableError, UsageError
from kubectl_nodedns.top.pod_reader import PodReader
from tests.contract.api import Api, answers, document, lines, status, text
from tests.contract.conftest import access, kubeconfig
from tests.contract.test_exec import EXEC, STDOUT, ended, execute, speaks
from tests.contract.test_port_forward import DATA, HEAD, fetch
from tests.contract.test_port_forward import PATH as FORWARD
from tests.contract.test_port_forward import speaks as speaks_forward
from tests.unit.metrics.fleets import pod as cache_pod

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from aiohttp import web

    from kubectl_nodedns.cluster.access import Access
    from tests.contract.conftest import Ended

PODS = "/api/v1/pods"
POD = replace(cache_pod("n1"), namespace="kube-system", name="cache")
DAEMONSETS = "/apis/apps/v1/daemonsets"
CONFIGMAP: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"namespace": "default", "name": "one"},
}
PLUGIN = """\
#!/bin/sh
count=$(cat {folder}/count 2>/dev/null || echo 0)
echo $((count + 1)) > {folder}/count
test "$count" -lt {lasts} || {{ echo 'the session is over' >&2; exit 1; }}
echo '{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
  "status": {{"token": "'token-$count'"}}}}'
"""


class Expiring:
    """An API server that takes one token, and counts who logs in."""

    def __init__(self, api: Api) -> None:
        self.valid = "token-1"
        self.logins = 0
        self._access = access(api.url)
        self._handle = api.state.routes.handle

    def first(self) -> Access:
        """Access with a token that has expired."""
        return self._with("token-0")

    def log_in(self) -> Access:
        """Access with a token that is good."""
        self.logins += 1
        return self._with(self.valid)

    def _with(self, token: str) -> Access:
        return replace(self._access, headers={"Authorization": f"Bearer {token}"})

    def guarded(self, serve: Any = None) -> Any:
        """Serve only who has the token that is good."""

        async def handler(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != f"Bearer {self.valid}":
                return status(401, "Unauthorized", "Unauthorized")
            answer: web.StreamResponse = await (serve or self._handle)(request)
            return answer

        return handler


@pytest.fixture
def expiring(api: Api) -> Expiring:
    return Expiring(api)


async def test_many_requests_that_are_turned_away_log_in_once_and_are_answered(
    api: Api, expiring: Expiring
) -> None:
    api.script("GET", PODS, expiring.guarded())
    async with Client(expiring.first(), log_in=expiring.log_in) as client:
        assert await asyncio.gather(*(client.list(PODS) for _ in range(20))) == [[]] * 20
        assert expiring.logins == 1
        expiring.valid = "token-2"
        assert await client.list(PODS) == []
        assert expiring.logins == 2


async def test_a_write_that_was_turned_away_is_made_once(api: Api, expiring: Expiring) -> None:
    path = "/api/v1/namespaces/default/configmaps/one"
    api.script("PATCH", path, expiring.guarded())
    async with Client(expiring.first(), log_in=expiring.log_in) as client:
        made = await client.apply(CONFIGMAP)
    assert made["metadata"]["uid"]
    assert [seen.method for seen in api.state.seen] == ["PATCH", "PATCH"]


async def test_a_command_in_a_pod_that_was_turned_away_runs(api: Api, expiring: Expiring) -> None:
    api.script("GET", EXEC, expiring.guarded(speaks(STDOUT + b"out", ended(0))))
    api.script("GET", "/version", expiring.guarded())
    async with Client(expiring.first(), log_in=expiring.log_in) as client:
        assert (await execute(client)).stdout == "out"
    assert expiring.logins == 1


async def test_new_credentials_that_are_not_taken_either_are_the_end(
    api: Api, expiring: Expiring
) -> None:
    api.script("GET", PODS, expiring.guarded())
    api.script("GET", EXEC, expiring.guarded())
    api.script("GET", "/version", expiring.guarded())
    async with Client(expiring.first(), log_in=expiring.first) as client:
        with pytest.raises(ForbiddenError):
            await client.list(PODS)
        with pytest.raises(ForbiddenError):
            await execute(client)
    assert [seen.path for seen in api.state.seen] == [PODS, PODS, EXEC, "/version", EXEC]


async def test_a_request_that_is_turned_away_after_others_were_too_many_is_sent_again(
    api: Api, expiring: Expiring
) -> None:
    """The attempt that logs in is no attempt of the request."""
    busy = answers(429, "TooManyRequests", "slow down", {"Retry-After": "0"})
    api.script("GET", PODS, *[busy] * (ATTEMPTS - 1), expiring.guarded())
    async with Client(expiring.first(), log_in=expiring.log_in) as client:
        assert await client.list(PODS) == []
    assert len(api.state.seen) == ATTEMPTS + 1


PROXIED = (
    "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query",
    "/api/v1/namespaces/kube-system/pods/cache:9253/proxy/metrics",
    "/api/v1/nodes/n1/proxy/configz",
)


@pytest.mark.parametrize("path", PROXIED)
async def test_a_401_of_somebody_behind_the_api_server_is_no_reason_to_log_in(
    path: str, api: Api, expiring: Expiring
) -> None:
    """Such as a Prometheus that wants a password, or a pod that wants to be a nuisance."""
    api.script("GET", path, answers(401, "Unauthorized", "who are you?"))
    api.script("GET", "/version", expiring.guarded())
    expiring.valid = "token-0"
    async with Client(expiring.first(), log_in=expiring.log_in) as client:
        session = client.opened()
        for _ in range(20):
            with pytest.raises(ForbiddenError, match="who are you"):
                await client.get_text(path)
        assert client.opened() is session
    assert expiring.logins == 0


@pytest.mark.parametrize("path", PROXIED)
async def test_a_401_of_the_api_server_before_a_proxy_logs_in(
    path: str, api: Api, expiring: Expiring
) -> None:
    api.script("GET", path, expiring.guarded(text("page")))
    api.script("GET", "/version", expiring.guarded())
    async with Client(expiring.first(), log_in=expiring.log_in) as client:
        assert await client.get_text(path) == "page"
    assert expiring.logins == 1


async def test_log_ins_that_bring_nothing_are_not_tried_without_a_pause(
    api: Api, expiring: Expiring
) -> None:
    now = [100.0]
    api.script("GET", PODS, expiring.guarded())
    expiring.valid = "nobody's"

    def in_vain() -> Access:
        expiring.logins += 1
        return expiring.first()

    async with Client(expiring.first(), log_in=in_vain, clock=lambda: now[0]) as client:
        for _ in range(50):
            with pytest.raises(ForbiddenError):
                await client.list(PODS)
        assert expiring.logins == IN_VAIN
        now[0] += LOG_IN_PAUSE
        expiring.valid = "token-0"
        assert await client.list(PODS) == []


async def test_a_log_in_that_fails_is_an_error_of_the_request(api: Api, expiring: Expiring) -> None:
    """Also where the kubeconfig is wrong by then, which is wrong usage at the start."""

    def fails() -> Access:
        raise UsageError("there is no user 'me'", hint="look")

    api.script("GET", PODS, expiring.guarded())
    async with Client(expiring.first(), log_in=fails) as client:
        with pytest.raises(UnreachableError, match="there is no user 'me'"):
            await client.list(PODS)


async def test_a_port_forward_that_was_turned_away_is_opened_again(
    api: Api, expiring: Expiring
) -> None:
    forward = speaks_forward(DATA + HEAD + b"\r\nhello")
    api.script("GET", FORWARD, expiring.guarded(forward))
    api.script("GET", "/version", expiring.guarded())
    async with Client(expiring.first(), log_in=expiring.log_in) as client:
        assert await fetch(client) == "hello"
    assert expiring.logins == 1


async def test_a_watch_that_was_turned_away_is_opened_again(api: Api, expiring: Expiring) -> None:
    api.script("GET", PODS, expiring.guarded(lines({"type": "BOOKMARK", "object": {}})))
    async with Client(expiring.first(), log_in=expiring.log_in) as client:
        seen = [event["type"] async for event in client.watch(PODS, since="1")]
    assert seen == ["BOOKMARK"]
    assert expiring.logins == 1
    assert [request.path for request in api.state.seen] == [PODS, PODS]


async def test_a_watch_that_is_turned_away_again_is_an_error(api: Api, expiring: Expiring) -> None:
    api.script("GET", PODS, expiring.guarded())
    async with Client(expiring.first(), log_in=expiring.first) as client:
        with pytest.raises(ForbiddenError) as caught:
            _ = [event async for event in client.watch(PODS, since="1")]
    assert caught.value.status == UNAUTHORIZED
    assert len(api.state.seen) == 2


async def test_what_a_forwarded_port_answers_is_no_reason_to_log_in(
    api: Api, expiring: Expiring
) -> None:
    refusal = DATA + b"HTTP/1.0 401 Unauthorized\r\n\r\nwho are you?"
    api.script("GET", FORWARD, expiring.guarded(speaks_forward(refusal)))
    expiring.valid = "token-0"
    async with Client(expiring.first(), log_in=expiring.log_in) as client:
        for _ in range(3):
            with pytest.raises(ForbiddenError, match="who are you"):
                await fetch(client)
    assert expiring.logins == 0
    assert len(api.state.seen) == 3


@pytest.mark.parametrize(("path", "ask"), [(EXEC, execute), (FORWARD, fetch)])
async def test_a_401_of_a_kubelet_is_no_reason_to_log_in(
    path: str, ask: Callable[[Client], Awaitable[object]], api: Api, expiring: Expiring
) -> None:
    """Such as one that does not know the API server."""
    api.script("GET", path, answers(401, "Unauthorized", "Unauthorized"))
    api.script("GET", "/version", expiring.guarded())
    expiring.valid = "token-0"
    async with Client(expiring.first(), log_in=expiring.log_in) as client:
        with pytest.raises(ForbiddenError):
            await ask(client)
    assert expiring.logins == 0


async def test_what_a_screen_reads_logs_in_again(
    api: Api, expiring: Expiring, with_plugin: Callable[[int], None]
) -> None:
    with_plugin(2)
    events = "/api/v1/events"
    log = "/api/v1/namespaces/kube-system/pods/cache/log"
    pod = {"metadata": {"namespace": "kube-system", "name": "cache"}, "spec": {}}
    api.script("GET", events, expiring.guarded(document({"items": []})))
    api.script("GET", log.removesuffix("/log"), expiring.guarded(document(pod)))
    api.script("GET", log, expiring.guarded(text("2026-01-01T00:00:00Z said")))
    async with connect(AccessOptions(), on_screen=True) as client:
        reader = PodReader(client, dns_service="", namespace="kube-system")
        assert await reader.events("n1", None) == []
        assert await reader.logs(POD, previous=False) == ["2026-01-01T00:00:00Z said"]


@pytest.fixture
def with_plugin(home: Path, api: Api) -> Callable[[int], None]:
    """`with_plugin(n)`: a kubeconfig whose credential plugin gives n tokens and then fails."""

    def call(lasts: int) -> None:
        program = home / "plugin"
        program.write_text(PLUGIN.format(folder=home, lasts=lasts))
        program.chmod(0o755)
        version = "client.authentication.k8s.io/v1"
        user = {
            "exec": {"apiVersion": version, "command": str(program), "interactiveMode": "Never"}
        }
        folder = home / ".kube"
        folder.mkdir()
        (folder / "config").write_text(kubeconfig(api.url, user))

    return call


def test_a_credential_plugin_is_run_again_in_the_middle_of_a_run(
    api: Api,
    expiring: Expiring,
    with_plugin: Callable[[int], None],
    home: Path,
    run: Callable[..., Ended],
) -> None:
    with_plugin(2)
    api.script("GET", DAEMONSETS, expiring.guarded())
    finished = run("disable", "-o", "json")
    assert finished.code == Exit.OK, finished.err
    assert "nothing to do" in json.loads(finished.out)["message"]
    assert (home / "count").read_text() == "2\n"


def test_a_credential_plugin_that_fails_then_is_named(
    api: Api, expiring: Expiring, with_plugin: Callable[[int], None], run: Callable[..., Ended]
) -> None:
    with_plugin(1)
    api.script("GET", DAEMONSETS, expiring.guarded())
    failed = run("disable")
    assert failed.code == Exit.API, failed.err
    assert "plugin' ended with 1 and said: the session is over" in failed.err
    assert "run kubectl once to log in again" in failed.err

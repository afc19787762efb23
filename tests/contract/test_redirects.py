"""No redirect is followed: whoever answers with one would choose what this machine asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from kubectl_nodedns.cluster.web import Web
from kubectl_nodedns.errors import ApiError
from tests.contract.api import Api

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from kubectl_nodedns.cluster.client import Client

PAGE = "/api/v1/namespaces/kube-system/pods/cache:9253/proxy/metrics"
SERVICES = "/api/v1/namespaces/dns/services"
EXEC = "/api/v1/namespaces/default/pods/probe/exec"


@pytest.fixture
def elsewhere() -> Iterator[Api]:
    """A server that must not be asked anything."""
    with Api() as other:
        yield other
        assert other.state.seen == []


def leads_to(other: Api, status: int) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"{other.url}/reboot"})

    return answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_request_to_the_api_server_is_led_elsewhere(
    status: int, api: Api, client: Client, elsewhere: Api
) -> None:
    away = leads_to(elsewhere, status)
    for method, path in (("GET", PAGE), ("GET", SERVICES), ("POST", SERVICES), ("GET", EXEC)):
        api.script(method, path, away)
    with pytest.raises(ApiError, match="a redirect, and none is followed"):
        await client.get_text(PAGE)
    with pytest.raises(ApiError, match="a redirect, and none is followed"):
        await client.create(SERVICES, {"kind": "Service"})
    with pytest.raises(ApiError, match="a redirect, and none is followed"):
        async for _ in client.watch(SERVICES, since="1"):
            pass
    with pytest.raises(ApiError, match="a redirect, and none is followed"):
        await client.exec("default", "probe", "probe", ["true"], timeout=60.0)


@pytest.mark.parametrize("status", [302, 307])
async def test_no_prometheus_leads_elsewhere(status: int, api: Api, elsewhere: Api) -> None:
    api.script("GET", "/api/v1/query", leads_to(elsewhere, status))
    async with Web(api.url) as prometheus:
        with pytest.raises(ApiError, match="a redirect, and none is followed"):
            await prometheus.get("/api/v1/query")

"""An API server whose objects lack their spec or their metadata ends no command in a traceback."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from kubectl_nodedns.checks.finding import run
from kubectl_nodedns.checks.registry import RUNNING
from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.health.before_install import PreflightRequest, look_before_install
from kubectl_nodedns.health.gathering import gather
from kubectl_nodedns.health.scope import Scope
from kubectl_nodedns.probes.probe_job import ProbeOptions
from tests.contract.api import Api
from tests.contract.test_odd_objects import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.lookup.probes import Probes

REQUEST = PreflightRequest(
    given={}, whole=False, upgrade=False, force=False, probes=ProbeOptions(), probe=False
)
PLURALS = (
    "configmaps",
    "daemonsets",
    "endpointslices",
    "namespaces",
    "networkpolicies",
    "nodes",
    "pods",
    "resourcequotas",
    "servicecidrs",
    "services",
)


class Bare(Api):
    """Leaves a part out of all objects of some kinds."""

    def __init__(self) -> None:
        self.plurals: tuple[str, ...] = ()
        self.part = ""
        super().__init__()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        answer = await super()._handle(request)
        concerned = any(f"/{plural}" in request.path for plural in self.plurals)
        if request.method != "GET" or not concerned or not isinstance(answer, web.Response):
            return answer
        body = json.loads(answer.text or "null")
        for one in body.get("items", [body]):
            one.pop(self.part, None)
        return web.json_response(body, status=answer.status)


@pytest.fixture
def api() -> Iterator[Bare]:
    with Bare() as running:
        yield running


def make_probes(registry: str = "", *, dns_policy: str = "ClusterFirst") -> Probes:
    raise AssertionError("nobody asked for probes")


@pytest.mark.parametrize("part", ["spec", "metadata"])
@pytest.mark.parametrize("plural", PLURALS)
@pytest.mark.parametrize("command", ["check", "check --pre"])
async def test_what_lacks_a_part_is_a_gap_or_an_error_in_words(
    command: str, plural: str, part: str, api: Bare, client: Client
) -> None:
    prepare(command, api)
    api.plurals, api.part = (plural,), part
    with contextlib.suppress(NodednsError):
        if command == "check":
            assert run(RUNNING, await gather(client, Scope(window=0.0))).asked
        else:
            assert (await look_before_install(client, REQUEST, make_probes)).outcome.asked

"""Pods that only look like those of a Job of ours answer for nobody: probes, looks, fetches.

The decoys have the name's beginning and every label of the real one, and are listed before it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from kubectl_nodedns.install.fetching import fetch
from kubectl_nodedns.install.sweep import Look, Sweep
from kubectl_nodedns.lookup.probes import Probes
from kubectl_nodedns.probes.failure import Cause
from tests.contract.cluster import owned_by
from tests.contract.test_exec import BOTH, STDOUT, ended

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client
    from tests.contract.api import Api

RAN = {"phase": "Running", "containerStatuses": [{"state": {"running": {"startedAt": "x"}}}]}
LOOKED = {"phase": "Succeeded"}
A_RULE = (
    "-A OUTPUT -s 169.254.20.10/32 -p udp -m udp --sport 53 -m comment --comment "
    '"NodeLocal DNS Cache: skip conntrack" -j CT --notrack\n'
)


class Attacked:
    """A namespace in which somebody writes decoys beside the pod of each Job.

    Args:
        api: the API server.
        namespace: where.
        status: of all these pods.
        real: whether the Job's own pod comes, too.
        claims: how many pods say that they are the Job's.
        node: where the Job's pod was put.
    """

    def __init__(
        self,
        api: Api,
        namespace: str,
        status: dict[str, Any],
        *,
        real: bool = True,
        claims: int = 1,
        node: str = "node1",
    ) -> None:
        self.entered: set[str] = set()
        """Pods that were gone into or read from: "decoy", "real"."""
        self._api, self._status = api, status
        self._claims, self._node = claims if real else 0, node
        self._pods: list[dict[str, Any]] = []
        self._path = f"/api/v1/namespaces/{namespace}/pods"
        api.script("POST", f"/apis/batch/v1/namespaces/{namespace}/jobs", self._made)
        api.script("GET", self._path, self._listed)

    async def _made(self, request: web.Request) -> web.Response:
        job = json.loads(await request.read())
        job["metadata"]["uid"] = "uid-of-the-job"
        decoy = self._pod(job, "decoy-1", "node1")
        decoy["metadata"] |= owned_by("uid-of-another-job", name=job["metadata"]["name"])
        self._pods = [decoy, self._pod(job, "decoy-2", "node1")]
        for number in range(self._claims):
            real = self._pod(job, f"real-{number}", self._node)
            real["metadata"] |= owned_by("uid-of-the-job")
            self._pods.append(real)
        return web.json_response(job)

    def _pod(self, job: dict[str, Any], end: str, node: str) -> dict[str, Any]:
        name = job["metadata"]["name"]
        labels = {**job["spec"]["template"]["metadata"]["labels"], "job-name": name}
        labels["batch.kubernetes.io/job-name"] = name
        who = end.partition("-")[0]

        async def log(_: web.Request) -> web.Response:
            self.entered.add(who)
            return web.Response(text=A_RULE if who == "real" else "nothing here")

        async def run(request: web.Request) -> web.WebSocketResponse:
            self.entered.add(who)
            socket = web.WebSocketResponse(protocols=BOTH)
            await socket.prepare(request)
            await socket.send_bytes(STDOUT + f"{who} says so".encode())
            await socket.send_bytes(ended(0))
            await socket.close()
            return socket

        self._api.script("GET", f"{self._path}/{name}-{end}/log", log)
        self._api.script("GET", f"{self._path}/{name}-{end}/exec", run)
        metadata = {"name": f"{name}-{end}", "labels": labels}
        return {"metadata": metadata, "spec": {"nodeName": node}, "status": self._status}

    async def _listed(self, _: web.Request) -> web.Response:
        return web.json_response({"items": self._pods})


def sweep(client: Client) -> Sweep:
    return Sweep(
        client,
        namespace="kube-system",
        image="cache",
        tools="box",
        cache_ips=("169.254.20.10", "10.96.0.10"),
        upstreams=("10.244.1.2:53",),
        note=lambda _: None,
    )


async def fetched(client: Client) -> str:
    """Why node1 has not fetched the image; empty when it has."""
    failed = await fetch(
        client,
        ["node1"],
        namespace="kube-system",
        image="cache",
        pull_secrets=(),
        timeout=0.0,
        note=lambda _: None,
    )
    return failed.get("node1", "")


async def test_only_the_pod_of_the_job_that_was_made_is_a_probe(api: Api, client: Client) -> None:
    attacked = Attacked(api, "default", RAN)
    async with Probes(client, timeout=5) as probes:
        assert await probes.start(["node1"]) == {}
        assert await probes.resolv_conf("node1") == "real says so"
    assert attacked.entered == {"real"}


async def test_a_decoy_is_no_probe_where_the_real_one_does_not_come(
    api: Api, client: Client
) -> None:
    attacked = Attacked(api, "default", RAN, real=False)
    async with Probes(client, timeout=0.1) as probes:
        failed = await probes.start(["node1"])
    assert "its Job made no pod" in failed["node1"].said
    assert attacked.entered == set()


async def test_a_probe_that_was_put_on_another_node_does_not_speak_for_the_one_asked(
    api: Api, client: Client
) -> None:
    attacked = Attacked(api, "default", RAN, node="node2")
    async with Probes(client, timeout=5) as probes:
        failed = await probes.start(["node1"])
    assert failed["node1"].cause is Cause.FOREIGN
    assert "asked for on node node1, and runs on node2" in str(failed["node1"])
    assert "--probe-namespace" in failed["node1"].way_out
    assert attacked.entered == set()


async def test_two_pods_that_claim_one_probe_are_both_left_alone(api: Api, client: Client) -> None:
    attacked = Attacked(api, "default", RAN, claims=2)
    async with Probes(client, timeout=5) as probes:
        failed = await probes.start(["node1"])
    assert "2 pods say that they are of one Job" in failed["node1"].said
    assert attacked.entered == set()


async def test_a_look_at_a_node_reads_its_own_pod_alone(api: Api, client: Client) -> None:
    attacked = Attacked(api, "kube-system", LOOKED)
    look = await sweep(client).look("node1")
    assert look.leftover is not None
    assert look.leftover.rules == 1
    assert attacked.entered == {"real"}


@pytest.mark.parametrize(("more", "words"), [({"node": "node2"}, "runs on"), ({"claims": 2}, "2")])
async def test_a_look_that_may_be_somebody_elses_tells_nothing(
    api: Api, client: Client, more: dict[str, Any], words: str
) -> None:
    attacked = Attacked(api, "kube-system", LOOKED, **more)
    look = await sweep(client).look("node1")
    assert look == Look(leftover=None, why=look.why)
    assert words in look.why
    assert attacked.entered == set()


async def test_an_image_is_fetched_when_the_jobs_own_pod_has_it(api: Api, client: Client) -> None:
    Attacked(api, "kube-system", RAN)
    assert await fetched(client) == ""


async def test_a_decoy_that_runs_does_not_fetch_an_image(api: Api, client: Client) -> None:
    Attacked(api, "kube-system", RAN, real=False)
    assert await fetched(client) == "its Job made no pod"


async def test_an_image_that_another_node_fetched_is_not_there(api: Api, client: Client) -> None:
    Attacked(api, "kube-system", RAN, node="node2")
    assert "asked for on node node1, and runs on node2" in await fetched(client)

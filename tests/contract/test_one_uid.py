"""A run writes to the DaemonSet that it saw or made, and to no other of that name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_nodedns.cluster.paths import PLURALS, named
from kubectl_nodedns.errors import ConflictError
from kubectl_nodedns.install.live import read_live
from kubectl_nodedns.install.objects import ENABLED, STATE, applicable, build, darkened
from kubectl_nodedns.install.plan import make_plan
from kubectl_nodedns.install.rollout import Rollout
from tests.contract import cluster
from tests.unit.install.samples import OPTIONS, SETTINGS, stored

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.proof import Proof, Report
    from tests.contract.api import Api

PATH = named("apps/v1", "daemonsets", "kube-system", "node-local-dns")


class Silent:
    """A report that nobody hears."""

    def step(self, text: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""


async def rollout(client: Client) -> Rollout:
    """A run on a cluster without nodes: it writes objects, and has nobody to ask."""
    wanted = build(SETTINGS, options=OPTIONS)
    live = await read_live(client, "kube-system", wanted)
    plan = make_plan(settings=SETTINGS, options=OPTIONS, wanted=wanted, live=live, nodes=())
    nobody, report = cast("Proof", None), cast("Report", Silent())
    return Rollout(client, plan, live, nobody, report, timeout=1)


def daemonset() -> dict[str, Any]:
    return stored(build(SETTINGS, state="enabling"))["DaemonSet", "node-local-dns"]


@pytest.fixture(autouse=True)
def upstream(api: Api) -> None:
    api.add("endpointslices", cluster.endpoints("kube-dns-upstream", "10.244.1.2"))


async def test_what_was_made_is_what_is_written_to_afterwards(api: Api, client: Client) -> None:
    await (await rollout(client)).run()
    sent = [json.loads(w.body)["metadata"] for w in api.state.writes if w.path == PATH]
    uid = (await client.get(PATH))["metadata"]["uid"]
    assert [metadata.get("uid") for metadata in sent] == [None, uid]
    assert (await client.get(PATH))["metadata"]["annotations"][STATE] == ENABLED


@pytest.mark.parametrize("another", [True, False])
async def test_another_one_of_that_name_is_left_alone_and_a_deleted_one_stays_deleted(
    another: bool, api: Api, client: Client
) -> None:
    before = daemonset()
    api.add(PLURALS["DaemonSet"], before)
    run = await rollout(client)
    api.remove("daemonsets")
    if another:
        later = daemonset()
        later["metadata"]["uid"] = "another"
        api.add(PLURALS["DaemonSet"], later)
    with pytest.raises(ConflictError, match="uid"):
        await run.run()
    for obj in (applicable(before), darkened(before, state="disabling")):
        with pytest.raises(ConflictError, match="uid"):
            await client.apply(obj, force=True)
    found = [obj for plural, obj in api.state.objects if plural == "daemonsets"]
    assert found == ([later] if another else [])

"""A kubelet counts as switched by what it says and by what a fresh pod got, never by hope."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

import pytest

from kubectl_nodedns.errors import ApiError, TimedOutError
from kubectl_nodedns.install.kubelet_rollout import FRESH, POLL, KubeletRollout, Place
from kubectl_nodedns.install.requests import Wait
from kubectl_nodedns.lookup.proof import Target
from tests.unit.install.world import Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.proof import MakeProbes

IP, SERVICE = "169.254.20.10", "10.96.0.10"
TARGET = Target.of(local_ip=IP, kube_dns_ip=SERVICE, domain="cluster.local", external=None)


@dataclass
class Kubelets:
    """An API server, and kubelets that hand out these; one that is missing cannot be asked."""

    handed: dict[str, str]
    asked: int = 0

    async def get(self, path: str, **_: Any) -> dict[str, Any]:
        if not path.endswith("configz"):
            return {"items": []}
        self.asked += 1
        for node, ip in self.handed.items():
            if f"/{node}/" in path:
                return {"kubeletconfig": {"clusterDNS": [ip]}}
        raise ApiError("may not be read", status=403)

    async def list(self, path: str, **_: Any) -> list[dict[str, Any]]:
        return []


@dataclass
class Pods:
    """Probes: fresh pods that were handed this."""

    resolver: str
    failing: Mapping[str, str] = field(default_factory=dict)
    started: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, registry: str = "", *, dns_policy: str = "ClusterFirst") -> Pods:
        assert dns_policy == "ClusterFirst", "a pod with the node's own resolv.conf tells nothing"
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def start(self, nodes: Iterable[str]) -> Mapping[str, str]:
        self.started.append(tuple(nodes))
        return self.failing

    async def resolv_conf(self, node: str) -> str:
        return f"nameserver {self.resolver}\n"


class Told(Report):
    """A report that takes lines, too."""

    def lines(self, lines: Iterable[str]) -> None:
        self.told += lines


def rollout(kubelets: Kubelets, pods: Pods, *nodes: str) -> KubeletRollout:
    place = Place(namespace="kube-system", target=TARGET, nodes=nodes)
    client, make = cast("Client", kubelets), cast("MakeProbes", pods)
    return KubeletRollout(client, place, make, Told())


async def test_a_kubelet_that_hands_out_something_else_needs_no_pod_to_tell() -> None:
    pods = Pods(IP)
    [verdict] = await rollout(Kubelets({"node1": SERVICE}), pods, "node1").run(None)
    assert (verdict.ok, verdict.text) == (False, f"its kubelet hands out {SERVICE}")
    assert pods.started == []


@pytest.mark.parametrize("handed", [{}, {"node1": IP}], ids=["blind", "says so"])
async def test_a_fresh_pod_has_the_last_word(handed: dict[str, str]) -> None:
    pods = Pods(SERVICE)
    [verdict] = await rollout(Kubelets(handed), pods, "node1").run(None)
    assert (verdict.ok, verdict.text) == (False, f"a fresh pod was handed {SERVICE}")
    assert pods.started == [("node1",)]


async def test_a_node_without_a_fresh_pod_is_not_switched() -> None:
    pods = Pods(IP, failing={"node1": "no image"})
    [verdict] = await rollout(Kubelets({}), pods, "node1").run(None)
    assert (verdict.ok, verdict.text) == (False, "no fresh pod: no image")


@pytest.mark.parametrize(
    ("handed", "pause"), [({"node1": SERVICE}, POLL), ({}, FRESH)], ids=["asked", "blind"]
)
async def test_a_wait_looks_again_and_ends_at_its_limit(
    handed: dict[str, str], pause: float
) -> None:
    """Where a kubelet cannot be asked each look costs a pod, so there are fewer."""
    kubelets, pods = Kubelets(handed), Pods(SERVICE)
    with pytest.raises(TimedOutError) as caught:
        await rollout(kubelets, pods, "node1").run(Wait(text="61s", limit=61.0))
    assert str(caught.value) == f"these kubelets do not hand out {IP} after 61s: node1"
    rounds = 1 + int(61 / pause)
    assert len(pods.started) == (0 if handed else rounds)
    assert kubelets.asked == 2 * rounds

"""`lookup --from`: what decides where a pod's lookups go, and whether it can ask by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from kubectl_nodedns.cluster.exec import ExecResult
from kubectl_nodedns.errors import ApiError, NodednsError, NotFoundError, UsageError
from kubectl_nodedns.lookup.comparison import compare
from kubectl_nodedns.lookup.pod_dns import ask_pod, conclusion, pod_dns, read_pod
from kubectl_nodedns.lookup.resolv_conf import ResolvConf
from tests.unit.lookup.rows import KUBE_DNS, LOCAL, healthy, marked, row
from tests.unit.lookup.ways import WAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.lookup.comparison import Outcome

CONF = "nameserver 10.96.0.10\nsearch shop.svc.cluster.local\noptions ndots:5\n"
NODES_OWN = ResolvConf(nameservers=("10.88.0.1",), search=("example.org",))


def pod(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"nodeName": "node1", "containers": [{"name": "web"}], **spec},
        "status": {"phase": "Running"},
    }


class Client:
    """A pod and its kubelet."""

    def __init__(self, *, conf: ExecResult | Exception, dig: bool = True) -> None:
        self.conf, self.dig = conf, dig
        self.object: dict[str, Any] = pod()
        self.cluster_dns: list[str] | None = None
        self.entered: list[tuple[str, ...]] = []

    async def get(self, path: str, **_: Any) -> dict[str, Any]:
        if path.endswith("/configz"):
            if self.cluster_dns is None:
                raise ApiError("no", status=403)
            return {"kubeletconfig": {"clusterDNS": self.cluster_dns}}
        if path != "/api/v1/namespaces/shop/pods/web":
            raise NotFoundError("no", status=404)
        return self.object

    async def exec(self, *place: str | Sequence[str], timeout: float, most: int) -> ExecResult:
        *where, words = place
        self.entered.append(cast("tuple[str, ...]", tuple(where)))
        if words[0] == "cat":
            if isinstance(self.conf, Exception):
                raise self.conf
            return self.conf
        return ExecResult("/usr/bin/dig\n", "", 0) if self.dig else ExecResult("", "", 1)


READ = ExecResult(CONF, "", 0)


async def asked(client: Client, **spec: Any) -> tuple[Any, Any]:
    async def node_conf() -> ResolvConf:
        return NODES_OWN

    return await ask_pod(cast("Any", client), pod(**spec), WAY, node_conf=node_conf)


async def test_a_resolv_conf_that_can_be_read_counts_and_dig_in_the_pod_asks() -> None:
    client = Client(conf=READ)
    found, asker = await asked(client)
    assert found.conf.nameservers == ("10.96.0.10",)
    assert (found.evidence, found.asked_from) == ("read in the pod", "the pod itself, by its dig")
    assert asker is not None
    assert set(client.entered) == {("shop", "web", "web")}


async def test_a_pod_without_dig_is_asked_for_by_a_probe_on_its_node() -> None:
    found, asker = await asked(Client(conf=READ, dig=False))
    assert asker is None
    assert found.asked_from == "a probe pod on node1"


@pytest.mark.parametrize(
    ("conf", "why"),
    [
        (ApiError('exec: "cat": executable file not found in $PATH'), "it has no cat"),
        (ApiError("GET exec: jane cannot exec"), "jane cannot exec"),
        (ExecResult("", "cat: denied\n", 1), "cat: denied"),
    ],
)
async def test_what_cannot_be_read_is_computed_and_the_reason_is_said(
    conf: ExecResult | Exception, why: str
) -> None:
    found, _ = await asked(Client(conf=conf))
    assert found.evidence == (
        "computed from dnsPolicy ClusterFirst, with the DNS service's IP assumed, "
        f"because it cannot be read in the pod ({why})"
    )
    assert found.conf.nameservers == ("10.96.0.10",)
    assert found.conf.search == (
        "shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.org",
    )  # fmt: skip


async def test_what_the_kubelet_hands_out_is_computed_with() -> None:
    client = Client(conf=ExecResult("", "", 1))
    client.cluster_dns = ["169.254.20.10"]
    found, _ = await asked(client)
    assert found.conf.nameservers == ("169.254.20.10",)
    evidence = "computed from dnsPolicy ClusterFirst, with the clusterDNS of its kubelet"
    assert found.evidence == evidence


@pytest.mark.parametrize(
    ("spec", "servers"),
    [
        ({"dnsPolicy": "Default"}, ("10.88.0.1",)),
        ({"hostNetwork": True}, ("10.88.0.1",)),
        ({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["192.0.2.53"]}}, ("192.0.2.53",)),
    ],
)
async def test_the_policy_that_its_kubelet_follows_decides(
    spec: dict[str, Any], servers: tuple[str, ...]
) -> None:
    found, _ = await asked(Client(conf=ExecResult("", "", 1)), **spec)
    assert found.conf.nameservers == servers


@pytest.mark.parametrize("text", ["web", "pod/web", "pods/web", "po/web"])
async def test_a_pod_is_named_as_kubectl_names_it(text: str) -> None:
    client = Client(conf=READ)
    assert await read_pod(cast("Any", client), text, "shop") is client.object


@pytest.mark.parametrize("text", ["svc/web", "pod/", "/web"])
async def test_other_objects_are_no_pods(text: str) -> None:
    with pytest.raises(UsageError, match="is not of the form pod/NAME"):
        await read_pod(cast("Any", Client(conf=READ)), text, "shop")


async def test_a_pod_that_is_not_there_or_does_not_run_is_said() -> None:
    client = Client(conf=READ)
    with pytest.raises(UsageError, match="there is no pod none in namespace shop"):
        await read_pod(cast("Any", client), "none", "shop")
    client.object["status"] = {"phase": "Failed"}
    with pytest.raises(NodednsError, match="pod shop/web runs on no node: it is Failed"):
        await read_pod(cast("Any", client), "web", "shop")
    client.object = {"metadata": {}, "spec": {}}
    with pytest.raises(NodednsError, match="runs on no node: it is not scheduled"):
        await read_pod(cast("Any", client), "web", "shop")


def concluded(
    *servers: str, outcome: Outcome | None = None, cached: bool = True
) -> tuple[str, bool]:
    found = pod_dns(pod(), conf=ResolvConf(nameservers=servers), evidence="", asked_from="")
    text, difference = conclusion(
        found,
        outcome or compare(healthy()),
        local_ips=(LOCAL.address,),
        kube_dns_ips=(KUBE_DNS.address,),
        cached=cached,
    )
    assert difference is None or (difference.serious and difference.text == text)
    return text, difference is not None


def test_whether_a_pods_lookups_go_through_the_cache() -> None:
    who, at = "pod shop/web", "asks the kube-dns IP, 10.96.0.10"
    missed = compare([marked(row(LOCAL)), marked(row(KUBE_DNS), None)])
    unclear = replace(missed, proved=None)
    assert concluded() == (f"{who} has no nameserver", False)
    assert concluded(LOCAL.address, "192.0.2.1") == (
        f"{who} asks the cache at its own IP, 169.254.20.10",
        False,
    )
    assert concluded(KUBE_DNS.address) == (
        f"{who} {at}, and the cache of node1 answers there",
        False,
    )
    assert concluded(KUBE_DNS.address, outcome=missed) == (
        f"{who} {at}, and is not intercepted",
        False,
    )
    assert concluded(KUBE_DNS.address, outcome=unclear) == (
        f"{who} {at}, and whether the cache answers there is not proved",
        False,
    )
    assert concluded(KUBE_DNS.address, cached=False) == (f"{who} {at}; there is no cache", False)
    past = f"{who} bypasses the cache: its nameserver is 192.0.2.1"
    assert concluded("192.0.2.1") == (past, True)
    assert concluded("192.0.2.1", cached=False) == (past, False)


def test_what_decides_is_said_in_lines_and_as_data() -> None:
    found = pod_dns(
        pod(hostNetwork=True, hostAliases=[{"hostnames": ["db", "db.shop"]}]),
        conf=NODES_OWN,
        evidence="read in the pod",
        asked_from="the pod itself",
    )
    on = "on the host network"
    assert found.lines() == [
        f"pod             shop/web on node1, {on}, dnsPolicy ClusterFirst, which is Default {on}",
        "resolv.conf     read in the pod:",
        "                nameserver 10.88.0.1",
        "                search example.org",
        "asked from      the pod itself",
        "hostAliases     answer without a lookup: db, db.shop",
    ]
    assert found.as_json()["effectivePolicy"] == "Default"

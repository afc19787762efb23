from __future__ import annotations

import pytest

from kubectl_nodedns.errors import ApiError, ForbiddenError, NotFoundError, TimedOutError
from kubectl_nodedns.metrics.forwarded import AGAIN_READS, Automatic, PortForward
from kubectl_nodedns.metrics.source import NoAnswerError, PodProxy
from tests.unit.metrics.fleets import pod

REFUSED = "GET /x/proxy/metrics: error trying to reach service: dial tcp: i/o timeout"


class Cluster:
    """A client that reaches pods by the one way, the other, or none."""

    def __init__(self) -> None:
        self.proxy: Exception | str = "page by proxy"
        self.forward: Exception | str = "page by port-forward"
        self.asked: list[str] = []

    async def get_text(self, path: str, *, timeout: float | None = None) -> str:
        self.asked.append("proxy")
        if isinstance(self.proxy, Exception):
            raise self.proxy
        return self.proxy

    async def get_forwarded(
        self, namespace: str, pod: str, port: int, path: str, *, timeout: float
    ) -> str:
        assert (namespace, path) == ("kube-system", "/metrics")
        self.asked.append("forward")
        if isinstance(self.forward, Exception):
            raise self.forward
        return self.forward


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def source(cluster: Cluster) -> Automatic:
    return Automatic(PodProxy(cluster), PortForward(cluster))


async def test_the_proxy_is_first(cluster: Cluster, source: Automatic) -> None:
    assert await source.read(pod(name="a")) == "page by proxy"
    assert cluster.asked == ["proxy"]
    assert source.name == "pod proxy"


async def test_where_the_api_server_does_not_reach_the_node_the_kubelet_does(
    cluster: Cluster, source: Automatic
) -> None:
    cluster.proxy = ApiError(REFUSED, status=503)
    assert await source.read(pod(name="a")) == "page by port-forward"
    assert source.name == "port-forward"
    cluster.asked.clear()
    assert await source.read(pod(name="a")) == "page by port-forward"
    assert cluster.asked == ["forward"]


async def test_a_pod_that_restarted_is_read_by_the_proxy_again(
    cluster: Cluster, source: Automatic
) -> None:
    await source.read(pod(name="well"))
    cluster.proxy = ApiError(REFUSED, status=503)
    await source.read(pod(name="a"))
    assert source.name == "pod proxy, port-forward for 1"
    for _ in range(AGAIN_READS):  # the proxy is tried, and does not reach it yet
        assert await source.read(pod(name="a")) == "page by port-forward"
    cluster.proxy = "page by proxy"
    pages = {await source.read(pod(name="a")) for _ in range(AGAIN_READS)}
    assert "page by proxy" in pages
    assert source.name == "pod proxy"


async def test_after_a_few_such_pods_the_others_need_not_try(
    cluster: Cluster, source: Automatic
) -> None:
    cluster.proxy = ApiError(REFUSED, status=503)
    for name in "abc":
        await source.read(pod(name=name))
    cluster.asked.clear()
    await source.read(pod(name="d"))
    assert cluster.asked == ["forward"]


async def test_a_mixture_is_named(cluster: Cluster, source: Automatic) -> None:
    await source.read(pod(name="a"))
    cluster.proxy = ApiError(REFUSED, status=503)
    await source.read(pod(name="b"))
    assert source.name == "pod proxy, port-forward for 1"


async def test_a_pod_that_neither_reaches_has_the_proxy_s_error(
    cluster: Cluster, source: Automatic
) -> None:
    cluster.proxy = ApiError(REFUSED, status=503)
    cluster.forward = ForbiddenError("may not", status=403)
    with pytest.raises(ApiError, match=r"^dial tcp: i/o timeout$"):
        await source.read(pod(name="a"))
    # Without the right it is not tried again.
    cluster.asked.clear()
    with pytest.raises(ApiError):
        await source.read(pod(name="b"))
    assert "forward" not in cluster.asked


@pytest.mark.parametrize(
    "error",
    [
        ForbiddenError("may not get pods/proxy", status=403),
        NotFoundError("no such pod", status=404, reason="NotFound"),
        ApiError("GET /x: HTTP 500", status=500),
    ],
)
async def test_what_a_port_forward_would_not_help_is_not_tried(
    cluster: Cluster, source: Automatic, error: ApiError
) -> None:
    cluster.proxy = error
    with pytest.raises(type(error)):
        await source.read(pod(name="a"))
    assert "forward" not in cluster.asked


async def test_a_forward_that_fails_later_lets_the_proxy_try_again(
    cluster: Cluster, source: Automatic
) -> None:
    cluster.proxy = ApiError(REFUSED, status=503)
    await source.read(pod(name="a"))
    cluster.forward = TimedOutError("port 9253 of pod a did not answer in 5 s")
    with pytest.raises(NoAnswerError, match="did not answer"):
        await source.read(pod(name="a"))
    cluster.proxy = "page by proxy"
    assert await source.read(pod(name="a")) == "page by proxy"

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_nodedns.errors import (
    ApiError,
    ForbiddenError,
    NotFoundError,
    SilentError,
    UnreachableError,
)
from kubectl_nodedns.metrics.source import NoAnswerError, PodProxy
from tests.unit.metrics.fleets import pod

POD = pod(name="p")
PATH = "/api/v1/namespaces/kube-system/pods/p:{}/proxy/metrics"


class Pages:
    """A client that has a page, or an error, for each port."""

    def __init__(self, **ports: str | Exception) -> None:
        self.ports = {PATH.format(port.strip("_")): answer for port, answer in ports.items()}
        self.asked: list[str] = []

    async def get_text(self, path: str, *, timeout: float | None = None) -> str:
        assert timeout is not None
        self.asked.append(path.partition(":")[2].partition("/")[0])
        answer = self.ports[path]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_the_declared_port_is_read() -> None:
    pages = Pages(_9253="page")
    assert await PodProxy(pages).read(POD) == "page"
    assert pages.asked == ["9253"]


async def test_the_agents_port_is_tried_next_and_remembered() -> None:
    pages = Pages(_9253=ApiError("connection refused", status=503), _9353="page")
    source = PodProxy(pages)
    assert await source.read(POD) == "page"
    assert await source.read(POD) == "page"
    assert pages.asked == ["9253", "9353", "9353"]


async def test_the_agents_port_is_the_one_that_its_pods_are_told() -> None:
    pages = Pages(_9253=ApiError("connection refused", status=503), _9354="page")
    assert await PodProxy(pages).read(replace(POD, agent_port=9354)) == "page"
    assert pages.asked == ["9253", "9354"]


async def test_a_remembered_port_that_fails_is_forgotten() -> None:
    pages = Pages(_9253="page")
    source = PodProxy(pages)
    await source.read(POD)
    pages.ports = Pages(_9253=ApiError("refused", status=503), _9353="other").ports
    with pytest.raises(ApiError):
        await source.read(POD)
    assert await source.read(POD) == "other"


async def test_when_no_port_answers_the_first_error_counts() -> None:
    pages = Pages(_9253=ApiError("first", status=503), _9353=ApiError("second", status=503))
    with pytest.raises(ApiError, match="first"):
        await PodProxy(pages).read(POD)


@pytest.mark.parametrize(
    "error",
    [
        ForbiddenError("may not", status=403),
        NotFoundError("no such pod", status=404, reason="NotFound"),
        UnreachableError("no API server"),
    ],
)
async def test_where_no_other_port_helps_none_is_tried(error: ApiError) -> None:
    pages = Pages(_9253=error)
    with pytest.raises(type(error)):
        await PodProxy(pages).read(POD)
    assert pages.asked == ["9253"]


async def test_a_page_that_is_not_there_is_looked_for_on_the_other_port() -> None:
    pages = Pages(_9253=NotFoundError("404 page not found", status=404), _9353="page")
    assert await PodProxy(pages).read(POD) == "page"


async def test_a_pod_that_does_not_answer_is_not_taken_for_a_lost_api_server() -> None:
    error = SilentError("no answer in time", status=504)
    with pytest.raises(NoAnswerError, match="no answer within 5 s"):
        await PodProxy(Pages(_9253=error)).read(POD)


async def test_the_error_says_what_a_row_does_not_say_already() -> None:
    said = "error trying to reach service: dial tcp 10.0.0.1:9253: connect: connection refused"
    error = ApiError(f"GET {PATH.format(9253)}: {said}", status=503, reason="ServiceUnavailable")
    with pytest.raises(ApiError) as caught:
        await PodProxy(Pages(_9253=error, _9353=error)).read(POD)
    assert str(caught.value) == "dial tcp 10.0.0.1:9253: connect: connection refused"
    assert (caught.value.status, caught.value.reason) == (503, "ServiceUnavailable")

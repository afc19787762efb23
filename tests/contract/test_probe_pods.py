"""`enable --yes` on a cluster where probes cannot be had: nothing of the cache is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from kubectl_nodedns.errors import Exit
from tests.contract import cluster
from tests.contract.api import REVIEWS, Api, answers, document, hangs
from tests.contract.cluster import owned_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

JOBS = "/apis/batch/v1/namespaces/default/jobs"
PODS = "/api/v1/namespaces/default/pods"

pytestmark = pytest.mark.usefixtures("config")


@pytest.fixture
def sound(api: Api) -> Api:
    """A cluster with nothing in the way of a cache, but without anybody who starts pods."""
    cluster.fill(api)
    return api


def enable(run: Run, *words: str) -> Ended:
    return run("enable", "--yes", "--timeout", "1s", *words)


def only_probes(api: Api) -> None:
    """Check that Jobs were made and taken away again, and nothing else was written.

    But for the lease, which is given back.
    """
    writes = [seen for seen in api.state.writes if "/leases" not in seen.path]
    made = [seen for seen in writes if seen.method == "POST"]
    gone = [seen for seen in writes if seen.method == "DELETE"]
    assert {seen.path for seen in made} == {JOBS}
    assert all(seen.path.startswith(f"{JOBS}/nodedns-probe-") for seen in gone)
    assert len(made) == len(gone)
    assert len(writes) == 2 * len(made)
    assert "leases" not in {plural for plural, _ in api.state.objects}


def made_jobs(api: Api) -> list[str]:
    """The names of the Jobs that were made."""
    posted = (seen for seen in api.state.seen if (seen.method, seen.path) == ("POST", JOBS))
    return [json.loads(seen.body)["metadata"]["name"] for seen in posted]


def script_events(api: Api, message: str) -> None:
    """Let the Job controller say `message` about each Job that was made."""

    async def events(_: Any) -> web.Response:
        items = [{"involvedObject": {"name": job}, "message": message} for job in made_jobs(api)]
        return web.json_response({"items": items})

    api.script("GET", "/api/v1/namespaces/default/events", events)


def test_rights_that_are_missing_are_all_named_before_anything_is_written(
    sound: Api, run: Run
) -> None:
    sound.script("POST", REVIEWS, document({"status": {"allowed": False}}))
    ended = enable(run)
    assert ended.code == Exit.API, ended.err
    assert "delete pods in kube-system" in ended.err
    assert "create jobs.batch in default" in ended.err
    assert sound.state.writes == []


def test_a_probe_that_does_not_start_stops_the_run_and_is_taken_away(sound: Api, run: Run) -> None:
    ended = enable(run)
    assert ended.code == Exit.REFUSED, ended.err
    assert "the probe on node node1 does not run (and on 1 more nodes)" in ended.err
    assert "its Job made no pod" in ended.err
    assert "--probe-image" in ended.err
    only_probes(sound)


def test_what_forbids_a_probes_pod_is_told_in_the_clusters_words(sound: Api, run: Run) -> None:
    message = 'pods "nodedns-probe" is forbidden: exceeded quota: pods=0'
    script_events(sound, message)
    ended = enable(run)
    assert ended.code == Exit.REFUSED
    assert f"a quota or limit of the namespace stands in the way: {message}" in ended.err


def test_an_image_that_cannot_be_pulled_is_named(sound: Api, run: Run) -> None:
    async def pods(_: Any) -> Any:
        """A pod for each Job that was made, waiting for its image."""
        waiting = {"reason": "InvalidImageName", "message": "no such image: mirror/dig:0"}
        items = [
            {
                "metadata": {"name": "p", **owned_by(job["metadata"]["uid"])},
                "status": {"containerStatuses": [{"state": {"waiting": waiting}}]},
            }
            for plural, job in sound.state.objects
            if plural == "jobs"
        ]
        return web.json_response({"items": items})

    sound.script("GET", PODS, pods)
    ended = enable(run, "--probe-image", "mirror/dig:0")
    assert ended.code == Exit.REFUSED
    assert "InvalidImageName: no such image: mirror/dig:0" in ended.err
    only_probes(sound)


def test_a_namespace_that_does_not_exist_is_named(sound: Api, run: Run) -> None:
    sound.script("POST", JOBS, answers(404, "NotFound", 'namespaces "default" not found'))
    ended = enable(run)
    assert ended.code == Exit.USAGE, ended.err
    assert "--probe-namespace: there is no namespace 'default'" in ended.err


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (404, "the server could not find the requested resource"),
        (404, "404 page not found"),
        (429, "too many requests"),
        (409, "Operation cannot be fulfilled"),
    ],
)
def test_a_job_that_cannot_be_created_for_another_reason_says_that(
    code: int, words: str, sound: Api, run: Run
) -> None:
    sound.script("POST", JOBS, answers(code, "", words, {"Retry-After": "0"}))
    ended = enable(run)
    assert ended.code == Exit.API, ended.err
    assert f"POST {JOBS}: {words}" in ended.err
    assert "there is no namespace" not in ended.err
    assert "--probe-image" not in ended.err


def test_a_request_that_is_not_answered_in_time_is_named(sound: Api, run: Run) -> None:
    sound.script("POST", JOBS, hangs)
    ended = enable(run, "--request-timeout", "500ms")
    assert ended.code == Exit.API, ended.err
    assert f"no answer in time (POST {JOBS})" in ended.err
    assert "whether Job default/nodedns-probe-" in ended.err


def test_probes_never_run_in_kube_system(sound: Api, run: Run) -> None:
    ended = enable(run, "--probe-namespace", "kube-system")
    assert ended.code == Exit.USAGE, ended.err
    assert "--probe-namespace" in ended.err
    assert sound.state.writes == []


def test_a_selector_that_selects_no_node_is_refused(sound: Api, run: Run) -> None:
    ended = enable(run, "--node-selector", "pool=nowhere")
    assert ended.code == Exit.REFUSED, ended.err
    assert "--node-selector" in ended.err
    assert sound.state.writes == []

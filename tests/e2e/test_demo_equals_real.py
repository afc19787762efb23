"""The demo's cluster is held against a real one: the same commands on both, the same results.

Both have three nodes with the same names. What no two clusters have in common (UIDs, times, the
addresses of nodes) is left out before the results are compared; everything else has to be equal, to
the letter of the talk.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.cluster.access import AccessOptions, resolve
from kubectl_nodedns.cluster.client import TABLE, Client
from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.demo.cluster import Cluster, Options
from kubectl_nodedns.errors import ApiError
from tests.e2e.plugin import Ended, Plugin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import ProberCall

    Both = tuple[Plugin, Plugin]

LEFT_OUT = (
    (r"[0-9a-f]{8}-[0-9a-f-]{27}", "UID"),
    (r"^ *[\d.]+ s  ", "  ", re.MULTILINE),
    (r"inspect \S+", "inspect CONTEXT"),
    (r"endpoints +\d+ ready", "endpoints N ready"),
    (r"https?://[\w.:]+", "SERVER"),
    (r"10\.(88|20)\.\d+\.\d+", "NODE-IP"),
    (r"nodedns-probe-[0-9a-f]+-\d+-\w+", "PROBE"),
    (r"^ *(WARNING: )?the caches (answer about|are asked) .*$", "LOAD", re.MULTILINE),
    (r"node-local-dns-[bcdfghjklmnpqrstvwxz2-9]{5}\b", "POD"),
)


# The emulated kube-proxy is in iptables mode, so the real one has to be.
pytestmark = pytest.mark.parametrize("proxy_mode", ["iptables"], indirect=True)


@pytest.fixture
def both(
    proxy_mode: str, real_cluster: RealCluster, no_cache: None, nodedns: Plugin, tmp_path: Path
) -> Iterator[Both]:
    """The plugin on the real cluster, and on one of the demo with as many nodes."""
    names = real_cluster.node_names
    if names != [f"node{number}" for number in range(1, len(names) + 1)]:
        pytest.skip("the cluster's nodes are not called node1, node2, ...")
    with Cluster(Options(nodes=len(names), faults=())) as cluster:
        file = tmp_path / "kubeconfig"
        file.write_text(cluster.kubeconfig())
        yield nodedns, Plugin(file)


def plain(text: str) -> list[str]:
    """Leave out what differs from cluster to cluster, and the order in which nodes answer."""
    for pattern, instead, *flags in LEFT_OUT:
        text = re.sub(pattern, instead, text, flags=flags[0] if flags else 0)
    return sorted(line.rstrip() for line in text.splitlines())


def run(both: Both, *words: str) -> Ended:
    """Run a command on both; its exit code, data and talk are the same."""
    real, demo = (plugin.run(*words) for plugin in both)
    assert demo.code == real.code, f"{real}\n=== demo\n{demo}"
    assert plain(demo.stderr) == plain(real.stderr)
    assert plain(demo.stdout) == plain(real.stdout)
    return real


def unlike(real: Any, demo: Any, path: str = "") -> list[str]:
    """Where two documents are not of one form; a figure that one of them does not know is alike."""
    if real is None or demo is None:
        return []
    if re.search(r"_by_\w+$", path):  # what was asked and answered: other names, other keys
        return []
    if isinstance(real, dict) and isinstance(demo, dict):
        found = [f"{path}.{key}" for key in real.keys() ^ demo.keys()]
        shared = real.keys() & demo.keys()
        return found + [
            one for key in shared for one in unlike(real[key], demo[key], f"{path}.{key}")
        ]
    if isinstance(real, list) and isinstance(demo, list):
        return unlike(real[0], demo[0], f"{path}[0]") if real and demo else []
    number = (int, float)
    same = type(real) is type(demo) or (isinstance(real, number) and isinstance(demo, number))
    return [] if same else [f"{path}: {real!r}, {demo!r}"]


def test_the_main_job_says_the_same_to_the_letter(both: Both, prober: ProberCall) -> None:
    run(both, "enable", "--dry-run=client", "-o", "yaml")
    done = json.loads(run(both, "enable", "--yes", "-o", "json").stdout)
    assert (done["result"], len(done["nodes"])) == ("enabled", 3)
    assert "nothing changed" in run(both, "enable").stdout
    again = json.loads(run(both, "enable", "--yes", "-o", "json").stdout)
    assert again["result"] == "unchanged"
    run(both, "enable", "--local-ip", "169.254.20.77", "--dry-run=client")
    with prober():
        time.sleep(2)  # so that there is traffic on the real one too
        real, demo = (json.loads(plugin.run("top", "-o", "json").stdout) for plugin in both)
    assert unlike(real, demo) == []
    assert [row["node"] for row in demo["nodes"]] == [row["node"] for row in real["nodes"]]
    assert [row["state"] for row in demo["nodes"]] == [row["state"] for row in real["nodes"]]
    gone = json.loads(run(both, "disable", "--yes", "-o", "json").stdout)
    assert (gone["result"], len(gone["nodes"])) == ("disabled", 3)
    assert "nothing to do" in run(both, "disable", "--yes").stdout


def test_refusals_and_errors_are_the_same(both: Both) -> None:
    for words in (
        ("enable", "--yes", "--dns-service", "dns/nowhere"),
        ("enable", "--yes", "--node-selector", "pool=none"),
        ("enable", "--yes", "--local-ip", "10.96.0.10"),
        ("enable", "--yes", "--probe-namespace", "nowhere"),
        ("enable", "--yes", "--cluster-domain", "wrong.example"),
        ("enable",),
        ("top", "--once"),
        ("disable", "--yes"),
    ):
        ended = run(both, *words)
        assert ended.code != 0 or words[0] == "disable", words


def test_the_api_servers_answers_have_the_same_form(both: Both) -> None:
    maps = collection("v1", "configmaps", "default")
    one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nodedns-test"}}
    one["metadata"] |= {"namespace": "default"}  # type: ignore[operator]
    path = named("v1", "configmaps", "default", "nodedns-test")
    missing = named("apps/v1", "daemonsets", "kube-system", "none")
    lost = {**one, "metadata": {"name": "a", "namespace": "nowhere"}}

    async def table(client: Client, plural: str) -> Any:
        params = {"includeObject": "None", "limit": "1"}
        page = await client.get(collection("v1", plural), params=params, accept=TABLE)
        names = [(c["name"], c["priority"]) for c in page["columnDefinitions"]]
        return [names, sorted(page), sorted(page["rows"][0])]

    async def conflict(client: Client) -> None:
        await client.send(
            "PATCH",
            path,
            params={"fieldManager": "other"},
            body={"data": {"a": "1"}},
            content_type="application/merge-patch+json",
        )
        await client.apply({**one, "data": {"a": "2"}})

    asks: dict[str, Callable[[Client], Awaitable[Any]]] = {
        "pods as a table": lambda client: table(client, "pods"),
        "nodes as a table": lambda client: table(client, "nodes"),
        "services as a table": lambda client: table(client, "services"),
        "an object that is not there": lambda client: client.get(missing),
        "a namespace that is not there": lambda client: client.apply(lost),
        "an object": lambda client: client.apply({**one, "data": {"b": "1"}}),
        "the same again": lambda client: client.create(maps, one),
        "a conflict": conflict,
        "a UID of another object": lambda client: client.send(
            "DELETE", path, body={"preconditions": {"uid": "other"}}
        ),
        "its deletion": lambda client: client.send("DELETE", path),
        "a resource that is not served": lambda client: client.get("/apis/none.example/v1/things"),
        "a selector that cannot be read": lambda client: client.list(maps, fields="nonsense"),
    }
    real, demo = (asyncio.run(answers(plugin, asks)) for plugin in both)
    for name in asks:
        assert demo[name] == real[name], name


async def answers(
    plugin: Plugin, asks: dict[str, Callable[[Client], Awaitable[Any]]]
) -> dict[str, Any]:
    """Ask everything in order; an answer is its shape, an error its status and words."""
    found = {}
    async with Client(resolve(AccessOptions(kubeconfig=str(plugin.kubeconfig)))) as client:
        for name, ask in asks.items():
            try:
                answer = await ask(client)
            except ApiError as error:
                found[name] = [error.status, error.reason, *plain(str(error))]
                continue
            found[name] = answer if name.endswith("table") else _keys(answer)
    return found


def _keys(answer: Any) -> Any:
    """Keys of an object, and of its metadata."""
    content = json.loads(answer) if isinstance(answer, bytes) else answer
    if not isinstance(content, dict):
        return content
    inner = content.get("metadata")
    return [sorted(content), sorted(inner) if isinstance(inner, dict) else None]

"""`check` and `status` from the command line, against the emulated API server."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.errors import Exit
from tests.contract.ailing import Ailing
from tests.contract.api import answers
from tests.contract.test_findings import killed, low_limit, no_pod, other_servers, unfinished
from tests.contract.test_probe_pods import JOBS, script_events

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.api import Api
    from tests.contract.conftest import Ended

FAST = ("--window", "1s")


def served(api: Api, *provokes: Callable[[Ailing], None]) -> None:
    cluster = Ailing()
    for provoke in provokes:
        provoke(cluster)
    cluster.serve(api)


def test_a_sound_cluster_prints_nothing_and_ends_well(
    api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    served(api)
    ended = run("check", *FAST)
    assert (ended.code, ended.out) == (0, "")
    assert "no finding: " in ended.err
    assert "--probe proves it" in ended.err
    assert api.state.writes == []


def test_the_table_has_a_row_for_each_finding_and_stderr_the_way_out(
    api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    served(api, no_pod, other_servers)
    ended = run("check", *FAST)
    assert ended.code == 1, "a node without a cache makes the status wrong"
    header, *rows = ended.out.splitlines()
    assert header.split() == ["SEVERITY", "CODE", "SUBJECT", "SEEN"]
    assert [row.split()[:2] for row in rows] == [["warning", "ND010"], ["warning", "ND012"]]
    assert "way out" in ended.err
    assert "2 warnings: " in ended.err
    wide = run("check", *FAST, "-o", "wide", "--ignore", "nd010")
    assert "WAY OUT" in wide.out.splitlines()[0]
    assert "docs/findings/ND012.md" in wide.out
    assert "ND010" not in wide.out


@pytest.mark.parametrize("provoke", [no_pod, other_servers, killed, low_limit, unfinished])
def test_check_and_status_have_one_verdict_and_one_exit_status(
    api: Api, config: Path, run: Callable[..., Ended], provoke: Callable[[Ailing], None]
) -> None:
    served(api, provoke)
    checked = run("check", *FAST)
    api.state.scripts.clear()  # the pages of the caches begin anew
    served(api, provoke)
    status = run("status", *FAST)
    assert (checked.code, verdict(checked.err)) == (status.code, verdict(status.out))
    assert (checked.code == 1) == verdict(checked.err).startswith("wrong: ")


def verdict(text: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith("verdict"))
    return line.partition(" ")[2].strip()


def test_the_exit_status_follows_fail_on_and_ignore(
    api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    served(api, low_limit)
    assert run("check", *FAST, "-o", "short").code == 0
    assert run("check", *FAST, "-o", "short", "--fail-on", "info").code == 1
    ended = run("check", *FAST, "-o", "short", "--fail-on", "info", "--ignore", "ND043,ND010")
    assert ended.code == 0


def test_short_is_one_line(api: Api, config: Path, run: Callable[..., Ended]) -> None:
    served(api, killed, other_servers)
    ended = run("check", *FAST, "-o", "short")
    assert ended.code == 1
    assert ended.out == (
        "nodedns: 1 error, 1 warning; ND040 node node1; ND012 pod shop/resolver; 2 nodes, "
        "kube-system/node-local-dns 1.26.8 (whoever applied its manifest)\n"
    )


def test_a_corefile_that_cannot_be_read_is_said_and_stops_nothing(
    api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    served(api, lambda cluster: cluster.corefile(".:53 {\n cache {\n"))
    ended = run("check", *FAST)
    assert ended.code == Exit.FINDING, ended.err
    (row,) = (line for line in ended.out.splitlines() if "ND045" in line)
    assert "is never closed" in row
    named = "not read: CoreDNS's Corefile: the Corefile of ConfigMap kube-system/node-local-dns"
    assert named in ended.err


def test_json_says_what_was_asked_and_what_could_not_be_read(
    api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    served(api, no_pod, lambda cluster: cluster.kubelets.clear())
    api.script("GET", "/api/v1/pods", answers(403, "Forbidden", "pods is forbidden"))
    api.script("GET", "/api/v1/nodes/node1/proxy/configz", answers(403, "Forbidden", "no"))
    ended = run("check", *FAST, "-o", "json")
    answer = json.loads(ended.out)
    assert answer["summary"] == {"error": 0, "warning": 1, "info": 0}
    (finding,) = answer["findings"]
    assert finding["title"] == "A node has no cache pod"
    assert finding["subject"] == "node node2"
    assert {"matters", "wayOut", "page"} <= set(finding)
    assert {"ND012", "ND013", "ND014"} <= set(answer["skipped"])
    assert "ND010" in answer["asked"]
    assert len(answer["unread"]) == 2


def test_only_the_chosen_nodes_are_looked_at(
    api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    def labelled(cluster: Ailing) -> None:
        cluster.objects["nodes"][0]["metadata"]["labels"]["pool"] = "a"

    served(api, no_pod, labelled)
    ended = run("check", *FAST, "-o", "json", "-l", "pool=a")
    assert json.loads(ended.out)["findings"] == []
    none = run("check", *FAST, "-l", "pool=b")
    assert (none.code, "there is no node to look at" in none.err) == (5, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--ignore", "ND999"), "--ignore: there is no check ND999"),
        (("--window", "10ms"), "--window: not less than 1 s"),
        (("--selector", "a,b"), "is not of the form KEY=VALUE"),
        (("--probe-namespace", "kube-system"), "probes never run in kube-system"),
        (("--dns-service", "nothing"), "is not of the form NAMESPACE/NAME"),
    ],
)
def test_options_that_cannot_be_used(
    config: Path, run: Callable[..., Ended], words: tuple[str, ...], said: str
) -> None:
    ended = run("check", *words)
    assert (ended.code, said in ended.err) == (2, True), ended


def test_a_probe_that_does_not_run_is_a_finding(
    api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    served(api)
    script_events(api, "exceeded quota: pods")
    ended = run("check", *FAST, "--probe", "--timeout", "1s", "-o", "json")
    findings = json.loads(ended.out)["findings"]
    assert [one["code"] for one in findings] == ["ND062", "ND062"]
    assert "exceeded quota: pods" in findings[0]["seen"]
    assert sum(seen.method == "DELETE" for seen in api.state.seen) == 2, "both Jobs are deleted"


def test_probes_that_may_not_be_made_end_it_without_noise(
    api: Api, config: Path, run: Callable[..., Ended], caplog: pytest.LogCaptureFixture
) -> None:
    served(api)
    api.script("POST", JOBS, answers(403, "Forbidden", "jobs is forbidden"))
    ended = run("check", *FAST, "--probe")
    assert (ended.code, "jobs is forbidden" in ended.err) == (3, True), ended
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_an_api_server_that_says_no_to_nodes_ends_it(
    api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    served(api)
    api.script("GET", "/api/v1/nodes", answers(403, "Forbidden", "nodes is forbidden"))
    ended = run("check", *FAST)
    assert (ended.code, "nodes is forbidden" in ended.err) == (3, True)


def test_status_says_it_on_one_screen(api: Api, config: Path, run: Callable[..., Ended]) -> None:
    served(api)
    ended = run("status", *FAST)
    assert ended.code == 0
    screen = dict(line.split(None, 1) for line in ended.out.splitlines())
    assert screen["cache"] == "kube-system/node-local-dns"
    assert screen["image"].endswith(":1.26.8")
    assert screen["CoreDNS"] == "1.13.2"
    assert screen["mode"] == "iptables"
    assert screen["addresses"] == "169.254.20.10, takes over 10.96.0.10"
    assert screen["nodes"] == "2 of 2 covered, 2 ready"
    assert screen["intercepting"] == "2 not known; 2 unproved"
    assert screen["verdict"] == (
        "well as far as is known: 2 of 2 nodes are covered and ready; interception not known on 2 "
        "(--probe finds out)"
    )


def test_status_counts_lookups_as_evidence(
    api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    def asked(cluster: Ailing) -> None:
        name = 'coredns_dns_requests_total{server="dns://10.96.0.10:53",zone="."}'
        cluster.after["node2"].samples[name] = 510

    served(api, asked)
    answer = json.loads(run("status", *FAST, "-o", "json").out)
    assert answer["nodes"]["interception"] == {
        "proved": 0,
        "not intercepted": 0,
        "by counters": 1,
        "in the dark": 0,
        "not known": 1,
    }
    kinds = {one["node"]: one["interception"] for one in answer["perNode"]}
    assert kinds == {"node1": "not known", "node2": "by counters"}
    assert (answer["ok"], answer["verdict"].startswith("well as far as is known: ")) == (True, True)


def test_status_is_well_where_every_node_counts_lookups(
    api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    def asked(cluster: Ailing) -> None:
        for node in ("node1", "node2"):
            name = 'coredns_dns_requests_total{server="dns://10.96.0.10:53",zone="."}'
            cluster.after[node].samples[name] = 510

    served(api, asked)
    ended = run("status", *FAST)
    assert ended.code == 0
    said = "well: 2 of 2 nodes are covered and ready; interception by counters on 2"
    assert ended.out.endswith(f"{said}\n")


def test_status_is_wrong_where_a_node_has_no_pod(
    api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    served(api, no_pod)
    ended = run("status", *FAST, "-o", "wide")
    assert ended.code == 1
    assert "1 of 2 covered, 1 ready" in ended.out
    assert "wrong: node node2: no cache pod, and it should have one (ND010)" in ended.out
    assert any(line.split()[:2] == ["node2", "–"] for line in ended.out.splitlines())


def test_status_of_ours_knows_state_and_drift(
    api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    served(api, unfinished)
    ended = run("status", *FAST, "-o", "yaml")
    assert ended.code == 1
    assert "state: enabling" in ended.out
    assert "serviceaccount node-local-dns is not there" in ended.out


def test_status_waits_and_then_says_what_is_still_wrong(
    api: Api, config: Path, run: Callable[..., Ended]
) -> None:
    served(api, no_pod)
    ended = run("status", *FAST, "--wait", "--timeout", "3s")
    assert ended.code == 4
    assert "waiting: wrong: node node2" in ended.err
    assert "not well after 3 s: wrong: node node2" in ended.err
    assert "verdict" in ended.out


def test_status_without_a_cache(api: Api, config: Path, run: Callable[..., Ended]) -> None:
    cluster = Ailing()
    cluster.objects["daemonsets"].clear()
    cluster.objects["pods"] = cluster.objects["pods"][2:]
    cluster.serve(api)
    ended = run("status", *FAST)
    assert ended.code == 1
    assert "not installed: this cluster has no node-local DNS cache" in ended.out

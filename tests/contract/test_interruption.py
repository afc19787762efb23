"""Processes of their own: signals at any moment, and standard output that is data alone."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
import yaml

from kubectl_nodedns.errors import Exit
from tests.contract import cluster
from tests.contract.api import Api, hangs
from tests.contract.conftest import kubeconfig
from tests.patience import PATIENCE, until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Start = Callable[..., subprocess.Popen[str]]

pytestmark = pytest.mark.usefixtures("config")


def wait_for(api: Api, path: str) -> None:
    """Wait until somebody asks for `path`."""
    until(lambda: any(seen.path == path for seen in api.state.seen), f"nobody asked for {path}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", [["enable", "--yes"], ["top", "--once"]])
def test_a_signal_during_a_request_ends_with_130_and_without_a_traceback(
    number: signal.Signals, command: list[str], api: Api, start: Start
) -> None:
    cluster.fill(api)
    path = "/apis/apps/v1/daemonsets"
    api.script("GET", path, hangs)
    process = start(*command)
    wait_for(api, path)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == Exit.INTERRUPTED
    assert out == ""
    assert err.endswith("interrupted\n")
    assert "Traceback" not in err
    assert api.state.writes == []


def test_standard_output_is_data_alone(api: Api, start: Start) -> None:
    cluster.fill(api)
    out, err = start("enable", "--dry-run=client", "-o", "yaml").communicate(timeout=PATIENCE)
    assert [obj["kind"] for obj in yaml.safe_load_all(out)][-1] == "DaemonSet"
    assert "inspect lab" in err


def test_an_unknown_context_ends_in_words(api: Api, start: Start) -> None:
    process = start("enable", "--context", "prod", "--yes")
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == Exit.USAGE
    assert (out, err) == (
        "",
        "error: there is no context 'prod'\n  the kubeconfig has: lab\n",
    )


def test_without_a_terminal_nothing_is_changed(api: Api, start: Start) -> None:
    cluster.fill(api)
    process = start("enable")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == Exit.USAGE
    assert "no terminal to ask on" in err
    assert api.state.writes == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_a_credential_plugin(
    number: signal.Signals, config: Path, start: Start
) -> None:
    """Such as one that waits for a login in a browser."""
    mark = config.parent / "plugin-runs"
    spec = {"command": "sh", "args": ["-c", f"touch {mark}; exec sleep 600"]}
    config.write_text(kubeconfig("https://192.0.2.1", {"exec": spec}))
    process = start("disable")
    until(mark.exists, "the plugin was not started")
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (Exit.INTERRUPTED, "", "interrupted\n")

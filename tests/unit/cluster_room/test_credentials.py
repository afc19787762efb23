"""Credential plugins: real programs, started as kubectl starts them."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.cluster.credentials import run_plugin
from kubectl_nodedns.errors import Exit, UnreachableError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {"kind": "ExecCredential", "status": {"token": "t0ken", "expirationTimestamp": "2030"}}


def plugin(folder: Path, code: str) -> dict[str, Any]:
    """The `exec` section of a user whose plugin runs this Python code."""
    script = folder / "plugin.py"
    script.write_text(f"import json, os, sys\n{code}\n")
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": [str(script)],
        "interactiveMode": "IfAvailable",
    }


def run(spec: dict[str, Any], **cluster: Any) -> Any:
    return run_plugin(spec, cluster=cluster, interactive=False)


def test_a_token_comes_back(tmp_path: Path) -> None:
    credential = run(plugin(tmp_path, f"print(json.dumps({GOOD!r}))"))
    assert (credential.token, credential.client_certificate) == ("t0ken", "")


def test_a_certificate_comes_back(tmp_path: Path) -> None:
    answer = {"status": {"clientCertificateData": "CERT", "clientKeyData": "KEY"}}
    credential = run(plugin(tmp_path, f"print(json.dumps({answer!r}))"))
    assert (credential.token, credential.client_certificate, credential.client_key) == (
        "",
        "CERT",
        "KEY",
    )


def test_the_plugin_gets_the_information_that_the_contract_names(tmp_path: Path) -> None:
    code = (
        "info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])\n"
        "print(json.dumps({'status': {'token': json.dumps(info)}}))"
    )
    info = json.loads(run(plugin(tmp_path, code), server="https://192.0.2.1").token)
    assert info["kind"] == "ExecCredential"
    assert info["apiVersion"] == "client.authentication.k8s.io/v1"
    assert info["spec"] == {"interactive": False, "cluster": {"server": "https://192.0.2.1"}}


def test_the_plugin_gets_its_own_environment_beside_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_US", "one")
    code = "print(json.dumps({'status': {'token': os.environ['FROM_US'] + os.environ['EXTRA']}}))"
    spec = plugin(tmp_path, code) | {"env": [{"name": "EXTRA", "value": "two"}]}
    assert run(spec).token == "onetwo"


def test_the_library_path_of_a_frozen_build_does_not_reach_the_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/bundle")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/before")
    code = "print(json.dumps({'status': {'token': os.environ['LD_LIBRARY_PATH']}}))"
    assert run(plugin(tmp_path, code)).token == "/before"


def test_a_plugin_never_gets_our_standard_input(tmp_path: Path) -> None:
    code = "print(json.dumps({'status': {'token': 'read:' + sys.stdin.read()}}))"
    assert run(plugin(tmp_path, code)).token == "read:"


def test_a_missing_plugin_is_named_with_its_own_install_hint() -> None:
    spec = {"command": "no-such-plugin-anywhere", "installHint": "get it from the vendor\n"}
    with pytest.raises(UnreachableError, match="'no-such-plugin-anywhere' is not installed") as e:
        run(spec)
    assert e.value.hint == "get it from the vendor"


def test_a_missing_plugin_without_a_hint_still_has_a_way_out() -> None:
    with pytest.raises(UnreachableError) as caught:
        run({"command": "no-such-plugin-anywhere"})
    assert "PATH" in caught.value.hint


def test_a_failing_plugins_words_are_in_the_error(tmp_path: Path) -> None:
    code = "print('token expired, please log in', file=sys.stderr); sys.exit(7)"
    with pytest.raises(UnreachableError, match="token expired, please log in") as caught:
        run(plugin(tmp_path, code))
    assert "7" in str(caught.value)
    assert caught.value.exit is Exit.API
    assert caught.value.hint


@pytest.mark.parametrize(
    "printed", ["", "not json", "[]", "{}", '{"status": null}', '{"status": []}', "null"]
)
def test_a_plugin_that_prints_something_else_is_an_error(tmp_path: Path, printed: str) -> None:
    with pytest.raises(UnreachableError, match="printed no ExecCredential"):
        run(plugin(tmp_path, f"print({printed!r})"))


def test_an_empty_credential_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="neither token nor certificate"):
        run(plugin(tmp_path, """print('{"status": {}}')"""))


def test_a_plugin_that_is_no_program_is_an_error(tmp_path: Path) -> None:
    script = tmp_path / "plugin"
    script.write_text("words")
    with pytest.raises(UnreachableError, match="failed"):
        run({"command": str(script)})


def test_a_plugin_that_needs_a_terminal_is_not_started_without_one(tmp_path: Path) -> None:
    spec = plugin(tmp_path, "raise SystemExit(3)") | {"interactiveMode": "Always"}
    with pytest.raises(UnreachableError, match="needs a terminal"):
        run(spec)

"""Credential plugins: real programs, started as kubectl starts them."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.cluster.credentials import end_running, run_plugin
from kubectl_nodedns.errors import Exit, UnreachableError
from tests.e2e.terminal import Terminal
from tests.patience import PATIENCE, until

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


ON_TERMINAL = """\
import json, sys
from kubectl_nodedns.cluster.credentials import end_running, run_plugin
spec = json.loads(sys.argv[1])
print("got", run_plugin(spec, cluster={}, interactive=sys.argv[2] == "True").token)
"""


def on_terminal(spec: dict[str, Any], *, interactive: bool) -> Terminal:
    """Run a plugin from a program that has a terminal."""
    words = (sys.executable, "-c", ON_TERMINAL, json.dumps(spec), str(interactive))
    return Terminal(words, dict(os.environ), columns=120, lines=10)


@pytest.mark.parametrize("mode", ["IfAvailable", "Always", "Never"])
def test_on_a_terminal_a_person_sees_what_a_plugin_says_while_it_waits(
    tmp_path: Path, mode: str
) -> None:
    """Such as the code to type into a browser, before the login that it waits for."""
    done = tmp_path / "done"
    code = (
        "import pathlib, time\n"
        "print('enter the code ABC-DEF', file=sys.stderr, flush=True)\n"
        f"while not pathlib.Path({str(done)!r}).exists(): time.sleep(0.05)\n"
        f"print(json.dumps({GOOD!r}))"
    )
    spec = plugin(tmp_path, code) | {"interactiveMode": mode}
    with on_terminal(spec, interactive=True) as terminal:
        terminal.see("enter the code ABC-DEF")
        done.touch()
        terminal.see("got t0ken")


def test_on_a_terminal_a_plugin_may_ask_for_a_password(tmp_path: Path) -> None:
    code = (
        "import getpass\n"
        "word = getpass.getpass('password: ', stream=sys.stderr)\n"
        "print(json.dumps({'status': {'token': word + '-token'}}))"
    )
    with on_terminal(plugin(tmp_path, code), interactive=True) as terminal:
        terminal.see("password:")
        terminal.type("hidden\n")
        terminal.see("got hidden-token")


def test_a_plugin_that_may_not_ask_gets_no_input_though_there_is_a_terminal(tmp_path: Path) -> None:
    code = "print(json.dumps({'status': {'token': 'read:' + sys.stdin.read() + '.'}}))"
    spec = plugin(tmp_path, code) | {"interactiveMode": "Never"}
    with on_terminal(spec, interactive=True) as terminal:
        terminal.see("got read:.")


def test_where_a_screen_has_the_terminal_a_plugin_writes_nothing_on_it(tmp_path: Path) -> None:
    code = (
        "print('DRAWN', file=sys.stderr)\n"
        "try: open('/dev/tty', 'w').write('DRAWN')\n"
        "except OSError: pass\n"
        f"print(json.dumps({GOOD!r}))"
    )
    with on_terminal(plugin(tmp_path, code), interactive=False) as terminal:
        terminal.see("got t0ken")
        assert "DRAWN" not in terminal.text


def test_a_failing_plugin_s_words_are_plain_and_not_endless(tmp_path: Path) -> None:
    code = "sys.stderr.write('\\x1b]0;title\\x07' + 'x' * 10**6 + 'the end'); sys.exit(1)"
    with pytest.raises(UnreachableError, match=r"the end$") as caught:
        run(plugin(tmp_path, code))
    assert len(str(caught.value)) < 3000
    assert str(caught.value).isprintable()


def test_a_plugin_that_does_not_end_is_named_without_its_arguments(tmp_path: Path) -> None:
    spec = plugin(tmp_path, "import time; time.sleep(3600)")
    spec["args"].append("--secret=s3cr3t")
    with pytest.raises(UnreachableError, match="did not end") as caught:
        run_plugin(spec, cluster={}, interactive=False, patience=0.5)
    assert "s3cr3t" not in f"{caught.value}{caught.value.hint}"


def test_a_plugin_that_runs_in_a_thread_can_be_ended(tmp_path: Path) -> None:
    """Ctrl-C in a log-in: the thread is not interrupted, and the program waits for it."""
    started = tmp_path / "started"
    script = f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(600)"
    spec = {"command": sys.executable, "args": ["-c", script], "interactiveMode": "Never"}
    with ThreadPoolExecutor() as pool:
        running = pool.submit(run_plugin, spec, cluster={}, interactive=False)
        until(started.exists, "the plugin does not start")
        end_running()
        with pytest.raises(UnreachableError, match="ended with -9"):
            running.result(PATIENCE)

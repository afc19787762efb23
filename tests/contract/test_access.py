"""From a command line and a kubeconfig to the API server, or to an error in words."""

from __future__ import annotations

import json
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.errors import Exit
from tests.contract.api import Api, answers, hangs, text
from tests.contract.conftest import Ended, kubeconfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Ended]

NODES = "/api/v1/nodes"
SERVICES = "/api/v1/namespaces/kube-system/services"
DAEMONSETS = "/apis/apps/v1/daemonsets"


def said(ended: Ended, code: Exit, *words: str) -> None:
    """Check an end: the exit code, nothing on stdout, one error with these words, no traceback."""
    assert ended.code == code, ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert ended.err.count("error: ") == 1
    _, _, error = ended.err.partition("error: ")
    for word in words:
        assert word in error
    assert len(error.splitlines()) > 1, f"no way out is named: {error}"


def test_a_context_that_does_not_exist_is_named_with_those_that_do(config: Path, run: Run) -> None:
    said(run("enable", "--context", "prod"), Exit.USAGE, "'prod'", "the kubeconfig has: lab")


def test_a_kubeconfig_that_does_not_exist_is_named(home: Path, run: Run) -> None:
    ended = run("top", "--once", "--kubeconfig", str(home / "nothing"))
    said(ended, Exit.USAGE, "--kubeconfig", str(home / "nothing"))


def test_without_any_kubeconfig_the_usual_place_is_named(home: Path, run: Run) -> None:
    said(run("disable"), Exit.API, ".kube/config", "--kubeconfig")


@pytest.mark.parametrize(
    "content",
    [
        "a: [unclosed",
        "\tnot: yaml",
        "just words",
        "[]",
        "",
        "{}",
        "\x00\x01\x02",
        "current-context: lab",
        "current-context: lab\ncontexts: null",
        "current-context: lab\ncontexts:\n- context: {cluster: a}",
        "current-context: lab\ncontexts:\n- name: lab",
        "current-context: lab\ncontexts:\n- {name: lab, context: {cluster: gone, user: gone}}",
        "current-context: lab\ncontexts: words\nclusters: 7",
    ],
)
def test_a_file_that_is_no_kubeconfig_is_an_error_that_names_it(
    content: str, home: Path, run: Run
) -> None:
    file = home / "broken"
    file.write_text(content)
    ended = run("top", "--once", "--kubeconfig", str(file))
    said(ended, Exit.USAGE, "kubeconfig")


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"auth-provider": {"name": "gcp"}}, ["user 'me'", "'gcp'", "credential plugin"]),
        ({"exec": {"args": ["login"]}}, ["user 'me'", "has no command"]),
        ({"exec": "login"}, ["user 'me'", "exec is not an object"]),
        ({"token": "two\nlines"}, ["a token", "control character"]),
    ],
)
def test_a_user_that_cannot_log_in_is_told(
    user: dict[str, Any], words: list[str], home: Path, run: Run
) -> None:
    file = home / "kubeconfig"
    file.write_text(kubeconfig("http://192.0.2.1", user))
    said(run("disable", "--kubeconfig", str(file)), Exit.USAGE, *words)


def test_a_user_that_does_not_exist_is_not_nobody(config: Path, run: Run) -> None:
    said(run("disable", "--user", "jane"), Exit.USAGE, "no user 'jane'", "it has: me")


@pytest.mark.parametrize(
    "address", ["ftp://x", "https://[bad", "https://", "https://h:99999", "a b", "https://h:x"]
)
def test_what_is_no_address_of_a_server_is_refused(address: str, config: Path, run: Run) -> None:
    said(run("disable", "--server", address), Exit.USAGE, "the address of the API server", address)


@pytest.mark.parametrize("proxy", ["socks4://127.0.0.1:1080", "http://[bad"])
def test_a_proxy_that_cannot_be_spoken_to_is_refused(proxy: str, home: Path, run: Run) -> None:
    file = home / "kubeconfig"
    file.write_text(kubeconfig("https://192.0.2.1", **{"proxy-url": proxy}))
    said(run("disable", "--kubeconfig", str(file)), Exit.USAGE, "the address of the proxy", proxy)


def test_a_proxy_that_cannot_be_reached_is_told_apart_from_the_server(home: Path, run: Run) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = home / "kubeconfig"
    file.write_text(kubeconfig("https://192.0.2.1", **{"proxy-url": f"http://127.0.0.1:{port}"}))
    ended = run("disable", "--kubeconfig", str(file))
    said(ended, Exit.API, f"the proxy 127.0.0.1:{port}", "connection refused", "proxy-url")


def test_the_line_break_at_the_end_of_a_file_is_no_part_of_the_token(
    api: Api, home: Path, run: Run
) -> None:
    (home / "token").write_text("from-file\n")
    file = home / "kubeconfig"
    file.write_text(kubeconfig(api.url, {"tokenFile": str(home / "token")}))
    ended = run("disable", "--kubeconfig", str(file))
    assert ended.code == Exit.OK, ended.err
    assert api.state.seen[0].headers["Authorization"] == "Bearer from-file"


def test_a_kubeconfig_that_is_not_text_is_an_error(home: Path, run: Run) -> None:
    file = home / "broken"
    file.write_bytes(b"\xff\xfe\xfa" * 20)
    said(run("enable", "--kubeconfig", str(file)), Exit.USAGE, "kubeconfig")


def test_a_folder_as_kubeconfig_is_an_error(home: Path, run: Run) -> None:
    said(run("enable", "--kubeconfig", str(home)), Exit.USAGE, "kubeconfig")


def test_several_kubeconfigs_are_merged_and_missing_ones_skipped(
    api: Api, home: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    (home / "one").write_text(kubeconfig("http://192.0.2.1"))
    (home / "two").write_text(kubeconfig(api.url).replace('"lab"', '"second"'))
    monkeypatch.setenv("KUBECONFIG", f"{home / 'gone'}:{home / 'one'}:{home / 'two'}")
    ended = run("disable", "--context", "second")
    assert ended.code == Exit.OK
    assert "nothing to do" in ended.out
    assert api.state.seen


def test_a_server_that_does_not_answer_is_named(home: Path, run: Run) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{probe.getsockname()[1]}"
    file = home / "kubeconfig"
    file.write_text(kubeconfig(url))
    ended = run("enable", "--yes", "--kubeconfig", str(file))
    said(ended, Exit.API, url, "connection refused", "is the cluster up?")


def test_a_request_timeout_is_kept(api: Api, config: Path, run: Run) -> None:
    api.script("GET", DAEMONSETS, hangs)
    ended = run("disable", "--request-timeout", "200ms")
    said(ended, Exit.API, "no answer in time", "--request-timeout")


@pytest.mark.parametrize("words", [["--request-timeout", "soon"], ["--request-timeout=-1s"]])
def test_a_bad_request_timeout_is_refused(config: Path, run: Run, words: list[str]) -> None:
    said(run("disable", *words), Exit.USAGE, "--request-timeout", "30s")


def test_a_login_page_in_the_place_of_the_api_is_an_error_in_words(
    api: Api, config: Path, run: Run
) -> None:
    api.script("GET", DAEMONSETS, text("<html>please log in</html>"))
    said(run("disable"), Exit.API, DAEMONSETS, "is not JSON", "<html>please log in")


def test_credentials_that_have_expired_are_told(api: Api, config: Path, run: Run) -> None:
    api.script("GET", DAEMONSETS, answers(401, "Unauthorized", "Unauthorized"))
    said(run("disable"), Exit.API, "Unauthorized", "log in again")


def test_an_error_of_the_server_is_passed_on(api: Api, config: Path, run: Run) -> None:
    message = "etcdserver: request timed out"
    api.script("GET", DAEMONSETS, answers(500, "InternalError", message))
    ended = run("disable")
    assert ended.code == Exit.API
    assert f"error: GET {DAEMONSETS}: {message}" in ended.err


def test_flags_go_before_the_kubeconfig_and_impersonation_is_sent(
    api: Api, home: Path, run: Run
) -> None:
    file = home / "kubeconfig"
    file.write_text(kubeconfig("http://192.0.2.1", {"token": "from-file"}))
    ended = run(
        *("--kubeconfig", str(file), "disable", "--server", api.url, "--token", "given"),
        *("--as", "jane", "--as-group", "ops"),
    )
    assert ended.code == Exit.OK, ended.err
    headers = api.state.seen[0].headers
    assert headers["Authorization"] == "Bearer given"
    assert headers["Impersonate-User"] == "jane"
    assert headers["Impersonate-Group"] == "ops"


def test_a_group_without_a_user_is_a_usage_error(config: Path, run: Run) -> None:
    ended = run("disable", "--as-group", "ops")
    assert ended.code == Exit.USAGE
    assert "need --as" in ended.err


def test_a_certificate_that_cannot_be_read_is_named(home: Path, run: Run) -> None:
    file = home / "kubeconfig"
    file.write_text(kubeconfig("https://192.0.2.1"))
    words = ("--certificate-authority", str(home / "nothing.pem"))
    ended = run("disable", "--kubeconfig", str(file), *words)
    assert ended.code == Exit.USAGE
    assert "nothing.pem" in ended.err


PLUGINS = {
    "good": 'print(json.dumps({"status": {"token": "from-plugin"}}))',
    "failing": 'sys.stderr.write("token expired\\n"); sys.exit(3)',
    "garbage": 'print("please open https://login.example.com")',
}


@pytest.fixture
def plugin(api: Api, home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a kubeconfig whose user logs in with this plugin."""

    def make(kind: str) -> None:
        spec: dict[str, Any] = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "no-such-credential-plugin",
            "installHint": "install it with the vendor's tool",
            "interactiveMode": "Never",
        }
        if kind in PLUGINS:
            script = home / "plugin.py"
            script.write_text(f"import json, sys\n{PLUGINS[kind]}\n")
            spec |= {"command": sys.executable, "args": [str(script)]}
        file = home / "kubeconfig"
        file.write_text(kubeconfig(api.url, {"exec": spec}))
        monkeypatch.setenv("KUBECONFIG", str(file))

    return make


def test_the_token_of_a_credential_plugin_is_sent(
    plugin: Callable[[str], None], api: Api, run: Run
) -> None:
    plugin("good")
    assert run("disable").code == Exit.OK
    assert api.state.seen[0].headers["Authorization"] == "Bearer from-plugin"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", ["'no-such-credential-plugin' is not installed", "the vendor's tool"]),
        ("failing", ["token expired", "log in again"]),
        ("garbage", ["printed no ExecCredential"]),
    ],
)
def test_a_credential_plugin_that_gives_nothing_is_an_error_and_nothing_is_sent(
    kind: str, words: list[str], plugin: Callable[[str], None], api: Api, run: Run
) -> None:
    plugin(kind)
    said(run("disable"), Exit.API, *words)
    assert api.state.seen == []


def test_a_plugin_beside_the_kubeconfig_is_found_from_any_folder(
    api: Api, home: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As kubectl has it: relative to the file that names it."""
    (home / "bin").mkdir()
    script = home / "bin" / "login"
    script.write_text(f"#!{sys.executable}\nimport json\n{PLUGINS['good']}\n")
    script.chmod(0o755)
    (home / "kubeconfig").write_text(kubeconfig(api.url, {"exec": {"command": "./bin/login"}}))
    monkeypatch.chdir(tmp_path)
    ended = run("disable", "--kubeconfig", "home/kubeconfig")
    assert ended.code == Exit.OK, ended.err
    assert api.state.seen[0].headers["Authorization"] == "Bearer from-plugin"


def test_a_token_given_makes_the_plugin_unnecessary(
    plugin: Callable[[str], None], api: Api, run: Run
) -> None:
    """Whoever has a token has no need of the plugin, which may not even be installed."""
    plugin("missing")
    ended = run("disable", "--token", "given")
    assert ended.code == Exit.OK, ended.err
    assert api.state.seen[0].headers["Authorization"] == "Bearer given"


def test_kubeconfig_as_json_is_yaml_too(config: Path) -> None:
    assert json.loads(config.read_text())["current-context"] == "lab"

"""A kubeconfig with anything at all in it: it leads to a cluster, or to an error in words."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.cluster.access import AccessOptions, resolve
from kubectl_nodedns.cluster.client import Client
from kubectl_nodedns.errors import Exit, NodednsError, UnreachableError, UsageError
from tests.contract.conftest import Ended, kubeconfig
from tests.contract.oddities import changed, places

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.api import Api

    Run = Callable[..., Ended]

ODD: tuple[Any, ...] = (
    None,
    True,
    7,
    1e999,
    "",
    [],
    {},
    [None],
    [[]],
    [True],
    {"a": None},
    {"": [7]},
    [{"name": 7, "value": "x"}],
    [{"value": "x"}],
    "\x00",
    "a\x00b",
    "\ud800",
    "\udc80b",
    "~nosuchuser/x",
    "~",
    ".",
    "/proc/self/mem",
    "/dev/zero",
    "x" * 5000,
    "/" + "y/" * 3000,
    ".x",
    "a..b",
    "http://[",
    "https://\u00ad.x/",
    "https://" + "z" * 300,
    "\u00e9",
)
"""What somebody may write into any field."""
LOGINS: dict[str, dict[str, Any]] = {
    "token": {"token": "t"},
    "a file": {"tokenFile": "token"},
    "a password": {"username": "jo", "password": "p"},
    "a certificate": {"client-certificate": "c", "client-key": "k"},
    "certificate data": {"client-certificate-data": "Yw==", "client-key-data": "aw=="},
    "an auth provider": {"auth-provider": {"name": "oidc", "config": {"id-token": "x.y.z"}}},
    "a plugin": {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "false",
            "args": ["a"],
            "env": [{"name": "A", "value": "b"}],
            "installHint": "hint",
            "interactiveMode": "Never",
            "provideClusterInfo": True,
        }
    },
    "another's name": {
        "as": "jane",
        "as-uid": "1",
        "as-groups": ["ops"],
        "as-user-extra": {"reason": ["test"]},
    },
}
CLUSTER = (
    "server",
    "proxy-url",
    "certificate-authority",
    "certificate-authority-data",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "extensions",
)


def write(home: Path, document: Any) -> str:
    """Write a kubeconfig; what cannot stand in a file stands there as an escape."""
    (home / "token").write_text("from-file")
    file = home / "odd"
    file.write_text(json.dumps(document))
    return str(file)


async def leads(file: str) -> None:
    """Follow a kubeconfig until somebody should answer: each step may be an error in words.

    Raises:
        AssertionError: somebody answered.
    """
    with contextlib.suppress(NodednsError):
        access = resolve(AccessOptions(kubeconfig=file, request_timeout="2s"))
        async with Client(access) as client:
            raise AssertionError(await client.get("/version"))


@pytest.mark.parametrize("login", [*LOGINS, ""])
async def test_no_value_of_any_field_is_a_fault_of_the_program(login: str, home: Path) -> None:
    """Each is an error in words, or a request that nobody answers."""
    whole = json.loads(kubeconfig("http://127.0.0.1:1", LOGINS.get(login)))
    below = ("users", 0, "user") if login else ()
    for path in [path for path in places(whole) if path[: len(below)] == below]:
        for odd in ODD:
            await leads(write(home, changed(whole, path, odd)))


@pytest.mark.parametrize("field", CLUSTER)
async def test_no_value_of_any_field_of_a_cluster_is_one(field: str, home: Path) -> None:
    for odd in ODD:
        cluster = {"url": "https://127.0.0.1:1", "url" if field == "server" else field: odd}
        await leads(write(home, json.loads(kubeconfig(**cluster))))


@pytest.mark.parametrize(
    "option",
    [
        *("--kubeconfig", "--context", "--cluster", "--user", "--server", "--token", "--as"),
        *("--as-uid", "--as-group", "--tls-server-name", "--certificate-authority"),
        *("--client-certificate", "--client-key", "--request-timeout"),
    ],
)
def test_no_value_of_an_option_is_one(option: str, home: Path, run: Run) -> None:
    file = write(home, json.loads(kubeconfig("https://127.0.0.1:1", {"as": "jane"})))
    for odd in [odd for odd in ODD if isinstance(odd, str)]:
        given = ("disable", f"{option}={odd}")
        ended = run(*given, *(() if option == "--kubeconfig" else ("--kubeconfig", file)))
        assert ended.code in (Exit.USAGE, Exit.API), (odd, ended.err)
        assert "error: " in ended.err


@pytest.mark.parametrize(
    ("user", "field"),
    [
        ({"exec": {"command": "false", "env": True}}, "exec.env is not a list"),
        ({"exec": {"command": "false", "env": [{"name": 1}]}}, "exec.env.entry 1.name is not text"),
        ({"exec": {"command": "false", "args": ["a", 1]}}, "exec.args.entry 2 is not text"),
        ({"exec": {"command": ["false"]}}, "exec.command is not text"),
        ({"as-user-extra": {"secret": "x"}}, "as-user-extra.entry 1 is not a list"),
        ({"as-groups": "ops"}, "as-groups is not a list"),
        ({"password": "\ud800"}, "password is not text: it holds a character that is none"),
        ({"tokenFile": "a\x00b"}, "tokenFile is not text: it holds a character that is none"),
    ],
)
def test_the_field_that_is_wrong_is_named(
    user: dict[str, Any], field: str, home: Path, run: Run
) -> None:
    file = write(home, json.loads(kubeconfig("https://127.0.0.1:1", user)))
    ended = run("disable", "--kubeconfig", file)
    assert ended.code == Exit.USAGE
    assert f"the kubeconfig cannot be used: user 'me': {field}\n" in ended.err
    assert "secret" not in ended.err


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n", "null", "apiVersion: v1\n"])
def test_an_empty_file_is_as_none(
    content: str, api: Api, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / "empty"
    file.write_text(content)
    ended = run("disable", "--kubeconfig", str(file))
    assert ended.code == Exit.USAGE
    assert f"the kubeconfig {file} is empty" in ended.err
    monkeypatch.setenv("KUBECONFIG", str(file))
    ended = run("disable")
    assert ended.code == Exit.API
    assert f"there is no kubeconfig: {file} is empty" in ended.err
    for option in ("--context", "--cluster", "--user"):
        ended = run("disable", option, "lab", "--server", api.url)
        assert ended.code == Exit.USAGE, "what was chosen is not passed over"
        assert "'lab'" in ended.err
    assert run("disable", "--server", api.url).code == Exit.OK


@pytest.fixture
def pod(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The service account of a pod that this process seems to run in."""
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "token").write_text("of-the-pod")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1")
    return folder


def test_in_a_pod_its_account_is_taken_where_nothing_was_chosen(pod: Path) -> None:
    (pod / "ca.crt").write_text("")
    assert resolve(AccessOptions(service_account=pod)).headers == {
        "Authorization": "Bearer of-the-pod"
    }


@pytest.mark.parametrize(
    "chosen", [{"context": "lab"}, {"cluster": "lab"}, {"user": "me"}, {"kubeconfig": "/no/file"}]
)
def test_in_a_pod_what_was_chosen_goes_before_its_account(
    chosen: dict[str, str], pod: Path
) -> None:
    with pytest.raises(UsageError):
        resolve(AccessOptions(**chosen, service_account=pod))


def test_in_a_pod_its_token_is_sent_to_no_other_server(pod: Path) -> None:
    assert resolve(AccessOptions(server="https://192.0.2.9", service_account=pod)).headers == {}


@pytest.mark.parametrize("host", ["", "[", "a b", "x" * 300])
def test_in_a_pod_an_odd_address_is_an_error_in_words(
    host: str, pod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    with pytest.raises((UsageError, UnreachableError)):
        resolve(AccessOptions(service_account=pod))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(home: Path, run: Run) -> None:
    file = home / "kubeconfig"
    file.write_text("{}")
    file.chmod(stat.S_IWUSR)
    ended = run("disable", "--kubeconfig", str(file))
    assert ended.code == Exit.USAGE
    assert str(file) in ended.err


def test_another_s_name_is_sent_with_all_that_belongs_to_it(api: Api, home: Path, run: Run) -> None:
    """As client-go does it: an option takes the place of its own field, and of no other."""
    user = {
        "as": "jane",
        "as-uid": "1",
        "as-groups": ["ops", "dev"],
        "as-user-extra": {"example.com/why": ["a", "b"], "50% \u00e9": ["c"]},
    }
    file = write(home, json.loads(kubeconfig(api.url, user)))
    access = resolve(AccessOptions(kubeconfig=file, as_user="joe", as_groups=("sre",)))
    assert access.headers == {"Impersonate-User": "joe", "Impersonate-Uid": "1"}
    assert access.repeated == [
        ("Impersonate-Group", "sre"),
        ("Impersonate-Extra-example.com%2Fwhy", "a"),
        ("Impersonate-Extra-example.com%2Fwhy", "b"),
        ("Impersonate-Extra-50%25%20%C3%A9", "c"),
    ]
    assert run("disable", "--kubeconfig", file).code == Exit.OK
    sent = api.state.seen[0].headers
    assert sent["Impersonate-User"] == "jane"
    assert sent["Impersonate-Extra-50%25%20%C3%A9"] == "c"


@pytest.mark.parametrize("field", ["as-uid", "as-groups", "as-user-extra"])
def test_what_belongs_to_a_name_is_nothing_without_one(field: str, home: Path) -> None:
    value = LOGINS["another's name"][field]
    file = write(home, json.loads(kubeconfig("https://127.0.0.1:1", {field: value})))
    with pytest.raises(UsageError, match="need --as"):
        resolve(AccessOptions(kubeconfig=file))


def test_an_empty_password_is_one(home: Path) -> None:
    user = {"username": "jo", "password": ""}
    file = write(home, json.loads(kubeconfig("https://127.0.0.1:1", user)))
    assert resolve(AccessOptions(kubeconfig=file)).headers == {"Authorization": "Basic am86"}
    file = write(home, json.loads(kubeconfig("https://x:y@127.0.0.1:1", {"username": "jo"})))
    assert resolve(AccessOptions(kubeconfig=file)).headers == {"Authorization": "Basic am86"}


def test_without_a_current_context_a_server_or_a_cluster_is_enough(home: Path) -> None:
    document = json.loads(kubeconfig("https://127.0.0.1:1"))
    del document["current-context"]
    file = write(home, document)
    assert resolve(AccessOptions(kubeconfig=file, cluster="lab")).server == "https://127.0.0.1:1"
    assert resolve(AccessOptions(kubeconfig=file, server="http://x")).server == "http://x"
    with pytest.raises(NodednsError, match="no current context"):
        resolve(AccessOptions(kubeconfig=file))

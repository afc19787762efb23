"""No secret of a kubeconfig, a command line or a credential plugin is ever told."""

from __future__ import annotations

import base64
import copy
import json
import os
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.cluster.access import AccessOptions, resolve
from kubectl_nodedns.cluster.credentials import ExecCredential
from kubectl_nodedns.cluster.proxies import shown
from kubectl_nodedns.cluster.web import Web
from kubectl_nodedns.errors import NodednsError, UsageError
from tests.contract.api import Api, answers, drops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.contract.conftest import Ended

    Run = Callable[..., Ended]

MARK = "s3cr3t"
"""Is in every secret, and in its base64 as well, since that is told as little."""
CODED = base64.b64encode(f"{MARK} is no PEM".encode()).decode()
COMMANDS = (
    ("top", "--once"),
    ("status",),
    ("check",),
    ("check", "--pre"),
    ("lookup", "--node", "n1", "name"),
    ("enable", "--dry-run=client"),
    ("enable", "--yes"),
    ("disable", "--yes"),
    ("monitoring",),
    ("bench", "--yes"),
)
LOGINS: dict[str, dict[str, Any]] = {
    "token": {"token": f"{MARK}-token"},
    "file": {"tokenFile": "no-such-file"},
    "certificate": {"client-certificate-data": CODED, "client-key-data": CODED},
    "password": {"username": f"{MARK}-name", "password": f"{MARK}-password"},
    "oidc": {
        "auth-provider": {
            "name": "oidc",
            "config": {
                "id-token": f"{MARK}.eyJleHAiOjF9.sig",
                "refresh-token": f"{MARK}-refresh",
                "client-id": f"{MARK}-id",
                "client-secret": f"{MARK}-client",
                "idp-issuer-url": f"http://user:{MARK}@127.0.0.1:1/",
            },
        },
    },
    "plugin": {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "false",
            "args": [f"--secret={MARK}"],
            "env": [{"name": "LOGIN", "value": f"{MARK}-env"}],
            "provideClusterInfo": True,
        },
    },
}
"""A user of each kind, with all that is secret about it; one at a time is in use."""
GONE_BY: dict[str, Any] = {
    "as": "jane",
    "as-uid": f"{MARK}-uid",
    "as-groups": [f"{MARK}-group"],
    "as-user-extra": {f"{MARK}-key": [f"{MARK}-extra"]},
}
CLUSTER: dict[str, Any] = {
    "server": f"https://user:{MARK}@127.0.0.1:1?key={MARK}",
    "proxy-url": f"http://user:{MARK}@127.0.0.1:1",
    "certificate-authority-data": CODED,
    "tls-server-name": "name",
    "insecure-skip-tls-verify": False,
    "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": MARK}}],
}
WRONG: tuple[Any, ...] = (
    [MARK],
    {MARK: MARK},
    f"{MARK}\n\x1b[31m",
    f"{MARK} \u202e \u00e9",
    12345678901234567890,
    [[{"a": MARK}]],
    True,
)
"""Values that no field of these is made for; each holds a secret, where it can hold anything."""

TOLD = ("current-context", "name", "cluster", "user", "server", "tls-server-name")
TOLD += ("proxy-url", "command", "tokenFile")
"""Names, hosts and paths, which an error has to name; no text in them is secret by itself."""


def document(user: Any, cluster: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": "me", "user": user}],
    }


def silent(ended: Ended) -> None:
    """Check that an end told no secret, and was no traceback."""
    for text in (ended.out, ended.err):
        assert MARK not in text
        assert CODED not in text
        assert "Traceback" not in text
        assert "12345678901234567890" not in text


def paths(content: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Each place of a document, from the outside in."""
    yield before
    items: Any = ()
    if isinstance(content, dict):
        items = content.items()
    elif isinstance(content, list):
        items = enumerate(content)
    for key, value in items:
        yield from paths(value, (*before, key))


def replaced(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.copy(content)
    changed[path[0]] = replaced(content[path[0]], path[1:], value)
    return changed


def broken(login: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Kubeconfigs with one thing wrong, at every place, and every field alone."""
    whole = document({**login, **GONE_BY}, CLUSTER)
    yield whole
    for key, value in {**login, **GONE_BY}.items():
        yield document({key: value}, {"server": "https://127.0.0.1:1"})
    for key, value in CLUSTER.items():
        yield document(login, {"server": "https://127.0.0.1:1", key: value})
    for path in paths(whole):
        for value in WRONG:
            if not (isinstance(value, str) and path and path[-1] in TOLD):
                yield replaced(whole, path, value)


@pytest.mark.parametrize("login", LOGINS)
def test_no_kubeconfig_with_anything_wrong_in_it_is_repeated(login: str, home: Path) -> None:
    """Hundreds of them for each way to log in; each is an access, or an error in words."""
    file = home / "kubeconfig"
    tried = 0
    for content in broken(LOGINS[login]):
        file.write_text(json.dumps(content))
        tried += 1
        try:
            said = repr(resolve(AccessOptions(kubeconfig=str(file))))
        except NodednsError as error:
            said = f"{error}\n{error.hint}"
        for secret in (MARK, CODED, "12345678901234567890"):
            assert secret not in said, json.dumps(content)
    assert tried > 150


PLUGIN = """\
import json, os, sys
told = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
assert sys.argv[1:] and os.environ["LOGIN"] and told["spec"]["cluster"]
print(json.dumps({"status": {"token": os.environ["LOGIN"]}}))
"""


def in_use(folder: Path) -> dict[str, tuple[dict[str, Any], str]]:
    """A user of each kind whose log-in succeeds, with the header that it is sent in."""
    (folder / "token").write_text(f"{MARK}-in-file\n")
    pair = base64.b64encode(f"{MARK}-name:{MARK}-password".encode()).decode()
    claims = base64.urlsafe_b64encode(b'{"exp":99999999999}').decode().rstrip("=")
    jwt = f"e30.{claims}.{MARK}"
    plugin = {**LOGINS["plugin"]["exec"], "command": sys.executable}
    plugin["args"] = ["-c", PLUGIN, f"--secret={MARK}"]
    config = {**LOGINS["oidc"]["auth-provider"]["config"], "id-token": jwt}
    return {
        "token": (LOGINS["token"], f"Bearer {MARK}-token"),
        "file": ({"tokenFile": str(folder / "token")}, f"Bearer {MARK}-in-file"),
        "password": (LOGINS["password"], f"Basic {pair}"),
        "oidc": ({"auth-provider": {"name": "oidc", "config": config}}, f"Bearer {jwt}"),
        "plugin": ({"exec": plugin}, f"Bearer {MARK}-env"),
    }


@pytest.mark.parametrize("login", ["token", "file", "password", "oidc", "plugin"])
@pytest.mark.parametrize("answer", [200, 401, 403, 500])
def test_what_one_logs_in_with_is_sent_and_never_told(
    login: str, answer: int, api: Api, home: Path, run: Run
) -> None:
    """Whatever the API server says to it; there is one verbosity."""
    user, header = in_use(home)[login]
    if answer != 200:
        api.script("GET", "/apis/apps/v1/daemonsets", answers(answer, "Because", "no"))
    file = home / "kubeconfig"
    file.write_text(json.dumps(document({**user, **GONE_BY}, {"server": api.url})))
    ended = run("disable", "--kubeconfig", str(file), "--request-timeout=3s")
    silent(ended)
    secret = header.partition(" ")[2]
    assert secret not in ended.out + ended.err
    sent = api.state.seen[0].headers
    assert sent["Authorization"] == header
    assert sent["Impersonate-Uid"] == f"{MARK}-uid"
    assert sent["Impersonate-Group"] == f"{MARK}-group"
    assert sent[f"Impersonate-Extra-{MARK}-key"] == f"{MARK}-extra"


@pytest.mark.parametrize(
    "text",
    [
        "users:\n- name: me\n  user: {{token: {0}",
        "users:\n- name: me\n  user:\n    token: *{0}\n",
        "users:\n- name: me\n  user:\n    token: !{0} x\n",
        'users:\n- name: me\n  user:\n    token: "\\{0}"\n',
        "users: {0}\n\t{0}",
        "token: 2001-99-99T00:00:00Z {0}\nx: 2001-99-99\n",
        "&{0} a: &{0} b\n? {{x: {0}}}\n: y\n? [{0}]\n: z",
        "%{0}\n---\n",
        "a: {0}\n--- \nb: {0}\n",
        "{0}",
    ],
)
def test_what_yaml_cannot_read_is_named_by_its_place(text: str, home: Path, run: Run) -> None:
    (home / "broken").write_text(text.format(MARK))
    ended = run("status", "--kubeconfig", str(home / "broken"))
    silent(ended)
    assert ended.code == 2
    assert str(home / "broken") in ended.err


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("fault", ["nobody there", "401", "403", "500", "broken off", "no JSON"])
def test_no_command_tells_a_secret_whatever_fails(
    words: tuple[str, ...], fault: str, api: Api, home: Path, run: Run
) -> None:
    server = api.url.replace("http://", f"http://user:{MARK}@")
    everything = {
        "nobody there": None,
        "401": answers(401, "Unauthorized", "Unauthorized"),
        "403": answers(403, "Forbidden", "no"),
        "500": answers(418, "InternalError", "no"),
        "broken off": drops,
        "no JSON": answers(404, "NotFound", "no"),
    }[fault]
    if everything is None:
        server = f"http://user:{MARK}@127.0.0.1:1"
    else:
        for path in ("/api/v1/nodes", "/apis/apps/v1/daemonsets", "/api/v1/services"):
            api.script("GET", path, everything)
    user = {"username": f"{MARK}-name", "password": f"{MARK}-password"}
    (home / "kubeconfig").write_text(json.dumps(document(user, {"server": server})))
    silent(run(*words, "--kubeconfig", str(home / "kubeconfig"), "--request-timeout=3s"))
    silent(run(*words, "--server", server, "--token", f"{MARK}-token", "--request-timeout=3s"))


@pytest.mark.parametrize(
    "address",
    [
        f"https://user:{MARK}@[bad",
        f"https://user:{MARK}/x@host:port",
        f"ftp://user:{MARK}@host",
        f"user:{MARK}@host name",
        f"https://host:99999?key={MARK}",
        f"https://user:p#{MARK}@host:x",
        f"https://user:p@{MARK}@host:x",
    ],
)
def test_an_address_is_shown_without_what_is_secret_in_it(
    address: str, config: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = run("status", "--server", address)
    assert ended.code == 2
    silent(ended)
    (home / "other").write_text(
        json.dumps(document({}, {"server": "https://192.0.2.1", "proxy-url": address}))
    )
    silent(run("status", "--kubeconfig", str(home / "other"), "--request-timeout=1s"))
    monkeypatch.setenv("HTTPS_PROXY", address)
    silent(run("status", "--server", "https://192.0.2.1", "--request-timeout=1s"))
    with pytest.raises(UsageError) as caught:
        Web(address)
    assert MARK not in f"{caught.value} {caught.value.hint}"
    assert MARK not in shown(address)


def test_user_and_password_of_an_address_are_sent_and_not_kept_in_it(api: Api, run: Run) -> None:
    """As Go's client does it, which kubectl is made of."""
    server = api.url.replace("http://", "http://jo%40x:p%3Aw@")
    assert run("disable", "--server", server).code == 0
    assert api.state.seen[0].headers["Authorization"] == (
        "Basic " + base64.b64encode(b"jo@x:p:w").decode()
    )
    access = resolve(AccessOptions(server=server, token="given"))
    assert access.headers["Authorization"] == "Bearer given"
    assert access.server == api.url


def test_what_holds_a_secret_does_not_show_it() -> None:
    """Such as where an unforeseen error is shown with its variables."""
    options = AccessOptions(server=f"https://user:{MARK}@192.0.2.1", token=MARK)
    credential = ExecCredential(token=MARK, client_certificate="", client_key=MARK)
    access = resolve(options)
    assert MARK in access.headers["Authorization"]
    assert MARK not in repr((options, access, credential))


PAIR = f"""\
import json
print(json.dumps(dict(status=dict(clientCertificateData={MARK!r}, clientKeyData={MARK!r}))))
"""


@pytest.mark.parametrize(
    "code",
    [
        f"print({MARK!r})",
        f"print({{'status': {{'token': {MARK!r}}}}})",
        f"import json; print(json.dumps({{'status': {{'token': [{MARK!r}]}}}}))",
        f"import json; print(json.dumps({{'status': {{'token': {MARK!r} + chr(10) + 'x'}}}}))",
        f"import json; print(json.dumps({{'status': {{'clientCertificateData': {MARK!r}}}}}))",
        PAIR,
        f"print({MARK!r}); raise SystemExit(3)",
        "print('[' * 100000)",
        "import os; os.kill(os.getpid(), 9)",
    ],
)
def test_what_a_plugin_prints_is_not_told(code: str, home: Path, run: Run) -> None:
    spec = {
        "command": sys.executable,
        "args": ["-c", code, f"--secret={MARK}"],
        "env": [{"name": "LOGIN", "value": MARK}],
    }
    (home / "kubeconfig").write_text(
        json.dumps(document({"exec": spec}, {"server": "https://127.0.0.1:1"}))
    )
    ended = run("status", "--kubeconfig", str(home / "kubeconfig"))
    assert ended.code in (2, 3)
    silent(ended)


def pair(folder: Path) -> tuple[bytes, bytes]:
    """A certificate and its key."""
    words = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    where = ("-keyout", "key", "-out", "cert", "-subj", "/CN=test")
    subprocess.run(("openssl", *words, *where), cwd=folder, check=True, capture_output=True)
    return (folder / "cert").read_bytes(), (folder / "key").read_bytes()


SPY = """\
import os, ssl, sys, tempfile
from kubectl_nodedns.cluster.access import AccessOptions, resolve
whole = ssl.SSLContext.load_cert_chain
def spy(self, *args, **named):
    whole(self, *args, **named)
    os.kill(os.getpid(), 9)  # at the worst moment
if sys.argv[2] == "at once":
    ssl.SSLContext.load_cert_chain = spy
resolve(AccessOptions(kubeconfig=sys.argv[1]))
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("moment", ["at once", "later"])
@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="no files in memory on this system")
def test_a_key_is_never_on_disk(moment: str, home: Path, tmp_path: Path) -> None:
    """Also of a run that is killed with the key just loaded."""
    certificate, key = (base64.b64encode(part).decode() for part in pair(home))
    user = {"client-certificate-data": certificate, "client-key-data": key}
    cluster = {"server": "https://127.0.0.1:1", "certificate-authority-data": certificate}
    (home / "kubeconfig").write_text(json.dumps(document(user, cluster)))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SPY, str(home / "kubeconfig"), moment],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    assert list(temporary.iterdir()) == []


def test_where_there_are_no_files_in_memory_the_key_s_file_goes_at_once(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    pair(home)
    user = {"client-certificate": "cert", "client-key": "key"}
    (home / "kubeconfig").write_text(json.dumps(document(user, {"server": "https://127.0.0.1:1"})))
    before = set(tmp_path.iterdir())
    resolve(AccessOptions(kubeconfig=str(home / "kubeconfig")))
    assert set(tmp_path.iterdir()) == before


def test_nobody_is_asked_for_the_password_of_a_key(home: Path, run: Run) -> None:
    """OpenSSL would ask on the terminal."""
    pair(home)
    words = ("pkcs8", "-topk8", "-in", "key", "-out", "locked", "-passout", "pass:x")
    subprocess.run(("openssl", *words), cwd=home, check=True, capture_output=True)
    user = {"client-certificate": "cert", "client-key": "locked"}
    (home / "kubeconfig").write_text(json.dumps(document(user, {"server": "https://127.0.0.1:1"})))
    ended = run("status", "--kubeconfig", str(home / "kubeconfig"))
    assert ended.code == 2
    assert "a key without a password" in ended.err


@pytest.mark.parametrize(
    "bomb",
    [
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "\n".join(f"{c}: &{c} [{','.join([f'*{b}'] * 9)}]" for b, c in pairwise("abcdefghi")),
        "a: &a {x: 1}\n"
        + "\n".join(
            f"{c}: &{c} {{<<: [{','.join([f'*{b}'] * 9)}]}}" for b, c in pairwise("abcdefghi")
        ),
        "a: &a [*a]",
        "[" * 100_000,
    ],
    ids=["aliases", "merges", "itself", "deep"],
)
def test_a_yaml_bomb_is_no_kubeconfig(bomb: str, home: Path, run: Run) -> None:
    (home / "bomb").write_text(bomb)
    ended = run("status", "--kubeconfig", str(home / "bomb"))
    assert ended.code == 2
    assert str(home / "bomb") in ended.err

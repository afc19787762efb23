"""A proxy on the way to the API server, to a stream and to a Prometheus."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from typing import TYPE_CHECKING, Any, Self

import pytest

from kubectl_nodedns.cluster.access import AccessOptions, resolve
from kubectl_nodedns.cluster.client import Client
from kubectl_nodedns.cluster.web import Web
from kubectl_nodedns.errors import UnreachableError
from tests.contract.api import Api, document
from tests.contract.conftest import access, kubeconfig
from tests.contract.test_exec import EXEC, STDOUT, ended, execute, speaks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PODS = "/api/v1/pods"


def certificate(folder: Path) -> None:
    """Make a certificate for the name "api" and the address 127.0.0.1, and its key."""
    words = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    names = ("-subj", "/CN=x", "-addext", "subjectAltName=DNS:api,IP:127.0.0.1")
    where = ("-keyout", "key", "-out", "cert")
    subprocess.run(("openssl", *words, *where, *names), cwd=folder, check=True, capture_output=True)


class Socks:
    """A SOCKS5 proxy that leads every name to one port of this machine, and notes the names."""

    def __init__(self, port: int, *, user: bytes = b"", refuses: bool = False) -> None:
        self.asked: list[tuple[bytes, int]] = []
        self._port = port
        self._user = user
        self._refuses = refuses
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()

    @property
    def address(self) -> str:
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        if self._user:
            assert 2 in methods
            writer.write(b"\x05\x02")
            _, length = await reader.readexactly(2)
            name = await reader.readexactly(length)
            [length] = await reader.readexactly(1)
            password = await reader.readexactly(length)
            writer.write(b"\x01\x00" if name + b":" + password == self._user else b"\x01\x01")
        else:
            writer.write(b"\x05\x00")
        kind = (await reader.readexactly(4))[3]
        size = 4 if kind == 1 else (await reader.readexactly(1))[0]
        name = await reader.readexactly(size)
        self.asked.append((name, int.from_bytes(await reader.readexactly(2))))
        if self._refuses:
            writer.write(b"\x05\x02\x00\x01" + bytes(6))
            writer.close()
            return
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(_pipe(reader, back), _pipe(there, writer))


async def _pipe(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            to.write(data)
            await to.drain()
    to.close()


def port(api: Api) -> int:
    return int(api.url.rpartition(":")[2])


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_requests_and_streams_go_through_a_socks_proxy_that_resolves_the_name(
    scheme: str, api: Api, home: Path
) -> None:
    api.script("GET", EXEC, speaks(STDOUT + b"out", ended(0)))
    async with Socks(port(api), user=b"jo:p@w") as socks:
        url = f"{scheme}://jo:p%40w@{socks.address}"
        (home / "kubeconfig").write_text(
            kubeconfig("http://api.invalid:8080", **{"proxy-url": url})
        )
        resolved = resolve(AccessOptions(kubeconfig=str(home / "kubeconfig")))
        async with Client(resolved) as client:
            assert await client.list(PODS) == []
            assert (await execute(client)).stdout == "out"
        assert {*socks.asked} == {(b"api.invalid", 8080)}


async def test_what_a_socks_proxy_refuses_is_an_error_in_words(api: Api) -> None:
    async with Socks(port(api), refuses=True) as socks:
        url = f"socks5://{socks.address}"
        async with Client(access("http://api.invalid", proxy=url)) as client:
            with pytest.raises(UnreachableError, match="the SOCKS proxy: "):
                await client.list(PODS)


async def test_a_socks_proxy_that_is_not_there_is_an_error_in_words() -> None:
    async with Client(
        access("http://api.invalid", proxy="socks5://u:s3cr3t@127.0.0.1:1")
    ) as client:
        with pytest.raises(UnreachableError) as caught:
            await client.list(PODS)
    assert "127.0.0.1:1" in str(caught.value)
    assert "s3cr3t" not in f"{caught.value}{caught.value.hint}"


async def test_behind_a_socks_proxy_the_certificate_is_checked_for_the_name_that_was_given(
    tmp_path: Path, home: Path
) -> None:
    certificate(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with Api(tls) as api:
        async with Socks(port(api)) as socks:
            cluster: dict[str, Any] = {
                "proxy-url": f"socks5://{socks.address}",
                "certificate-authority": str(tmp_path / "cert"),
            }
            server = "https://127.0.0.9:6443"
            (home / "right").write_text(kubeconfig(server, **cluster, **{"tls-server-name": "api"}))
            (home / "wrong").write_text(kubeconfig(server, **cluster))
            async with Client(resolve(AccessOptions(kubeconfig=str(home / "right")))) as client:
                assert await client.list(PODS) == []
            async with Client(resolve(AccessOptions(kubeconfig=str(home / "wrong")))) as client:
                with pytest.raises(UnreachableError, match="certificate"):
                    await client.list(PODS)


@contextlib.asynccontextmanager
async def https_proxy(tls: ssl.SSLContext, to: int) -> AsyncIterator[str]:
    """A proxy that is spoken to by TLS and leads every name to one port of this machine."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            there, back = await asyncio.open_connection("127.0.0.1", to)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(_pipe(reader, back), _pipe(there, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_the_certificate_of_a_proxy_is_checked_as_the_servers_is(
    tmp_path: Path, home: Path
) -> None:
    """Against the authority of the kubeconfig where it names one, as Go's client does it."""
    (tmp_path / "other").mkdir()
    certificate(tmp_path)
    certificate(tmp_path / "other")
    contexts = {}
    for name, folder in (("known", tmp_path), ("unknown", tmp_path / "other")):
        contexts[name] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        contexts[name].load_cert_chain(folder / "cert", folder / "key")
    with Api(contexts["known"]) as api:
        for name, context in contexts.items():
            async with https_proxy(context, port(api)) as url:
                cluster = {"proxy-url": url, "certificate-authority": str(tmp_path / "cert")}
                (home / name).write_text(kubeconfig("https://api:6443", **cluster))
                async with Client(resolve(AccessOptions(kubeconfig=str(home / name)))) as client:
                    if name == "known":
                        assert await client.list(PODS) == []
                    else:
                        with pytest.raises(UnreachableError, match="certificate"):
                            await client.list(PODS)


async def test_a_prometheus_is_asked_through_the_environment_s_proxy_and_not_past_no_proxy(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.script("GET", "/api", document({"a": 1}))
    async with Socks(port(api)) as socks:
        monkeypatch.setenv("HTTP_PROXY", f"socks5://{socks.address}")
        async with Web("http://prometheus.invalid:9090") as web:
            assert await web.get("/api") == {"a": 1}
        assert socks.asked == [(b"prometheus.invalid", 9090)]
        monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,*.invalid")
        async with Web("http://prometheus.invalid:9090") as web:
            with pytest.raises(UnreachableError, match="does not resolve"):
                await web.get("/api")
        assert len(socks.asked) == 1

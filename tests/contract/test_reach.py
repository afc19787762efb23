"""Ways not to reach an API server: the network, names, certificates."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.cluster.access import AccessOptions, resolve
from kubectl_nodedns.cluster.client import Client
from kubectl_nodedns.errors import (
    ApiError,
    UnreachableError,
)
from tests.contract.api import (
    Api,
)
from tests.contract.conftest import access

if TYPE_CHECKING:
    from pathlib import Path

PODS = "/api/v1/pods"


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_refused_connection_names_the_address_and_asks_about_the_cluster(
    closed_port: int,
) -> None:
    url = f"https://127.0.0.1:{closed_port}"
    async with Client(access(url)) as client:
        with pytest.raises(UnreachableError) as caught:
            await client.get(PODS)
    assert str(caught.value) == f"cannot reach the API server at {url}: connection refused"
    assert "is the cluster up?" in caught.value.hint


async def test_a_name_that_does_not_resolve_says_so() -> None:
    async with Client(access("https://no-such-host.invalid:6443")) as client:
        with pytest.raises(UnreachableError, match="its name does not resolve"):
            await client.get(PODS)


def certificate(folder: Path, name: str) -> Path:
    """Make a certificate for `name` that nobody has signed but itself, and its key."""
    pair = folder / "pair.pem"
    done = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={name}"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pair.write_text((folder / "certificate.pem").read_text() + (folder / "key.pem").read_text())
    return pair


@pytest.fixture
def tls_api(tmp_path: Path) -> Api:
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate(tmp_path, "IP:127.0.0.1"))
    return Api(context)


async def test_a_certificate_that_is_not_trusted_is_an_error_with_a_way_out(tls_api: Api) -> None:
    with tls_api as api:
        async with Client(resolve(AccessOptions(server=api.url))) as client:
            with pytest.raises(UnreachableError, match="its certificate is not trusted") as caught:
                await client.get(PODS)
    assert "--certificate-authority" in caught.value.hint


async def test_a_certificate_of_the_given_authority_is_trusted(
    tls_api: Api, tmp_path: Path
) -> None:
    with tls_api as api:
        api.add("pods")
        options = AccessOptions(
            server=api.url, certificate_authority=str(tmp_path / "certificate.pem")
        )
        async with Client(resolve(options)) as client:
            assert await client.list(PODS) == []


async def test_a_certificate_for_another_name_is_not_trusted(tls_api: Api, tmp_path: Path) -> None:
    with tls_api as api:
        options = AccessOptions(
            server=api.url,
            certificate_authority=str(tmp_path / "certificate.pem"),
            tls_server_name="kubernetes.example.com",
        )
        async with Client(resolve(options)) as client:
            with pytest.raises(UnreachableError, match="not trusted"):
                await client.get(PODS)


async def test_plain_http_where_tls_is_spoken_is_an_error_in_words(tls_api: Api) -> None:
    with tls_api as api:
        url = api.url.replace("https", "http")
        async with Client(access(url)) as client:
            with pytest.raises(ApiError, match=r"cannot reach|HTTP 400"):
                await client.get(PODS)


async def test_tls_where_plain_http_is_spoken_is_an_error_in_words(api: Api) -> None:
    options = AccessOptions(server=api.url.replace("http", "https"))
    async with Client(resolve(options)) as client:
        with pytest.raises(UnreachableError, match="what listens there does not speak TLS"):
            await client.get(PODS)

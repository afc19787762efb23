"""Proxies: which one is asked, and how a session goes through it.

The environment is read as Go's `golang.org/x/net/http/httpproxy` reads it, so that a proxy that
serves kubectl serves us. SOCKS is `aiohttp_socks`' part; HTTP proxies are `aiohttp`'s own.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import aiohttp

from kubectl_nodedns.errors import UsageError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

SOCKS = ("socks5", "socks5h")
"""Both resolve names at the proxy, as they do in Go."""
PROXIES = ("http", "https", *SOCKS)
PORTS = {"http": 80, "https": 443}


def shown(url: str) -> str:
    """Return an address as people may see it: without user, password and query."""
    secret, at, rest = url.rpartition("@")
    scheme = re.match(r"[a-zA-Z][\w+.-]*://", secret) if at else None
    return re.split(r"[?#]", f"{scheme[0] if scheme else ''}{rest}")[0]


def check_url(url: str, whose: str, *, schemes: tuple[str, ...], hint: str) -> None:
    """Refuse what is no address.

    Args:
        url: the address.
        whose: what it is the address of, for the error.
        schemes: the schemes that can be spoken to.
        hint: what to do.

    Raises:
        UsageError: it is none.
    """
    try:
        parts = urlsplit(url)
        sound = parts.scheme in schemes and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        sound = False
    if not sound or " " in url or not url.isprintable():
        raise UsageError(f"the address of {whose} cannot be used: {shown(url)!r}", hint=hint)


def is_host(name: str) -> bool:
    """Whether a connection can be made to a name, or a certificate checked against it."""
    try:
        return bool(name.encode("idna")) and name.isprintable() and not name.startswith(".")
    except UnicodeError:
        return False


def usual_proxy(url: str, environ: Mapping[str, str]) -> str | None:
    """Return the proxy that the environment has for an address; None for a direct connection."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    name = f"{parts.scheme}_proxy"
    proxy = environ.get(name.upper()) or environ.get(name) or ""
    excepted = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    if not proxy or _local(host) or _excepted(host, parts.port or PORTS[parts.scheme], excepted):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _local(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or bool(address and address.is_loopback)


def _excepted(host: str, port: int, no_proxy: str) -> bool:
    """Whether $NO_PROXY names a host: by address, network or domain, a port behind it or not."""
    words = [word.strip().lower() for word in no_proxy.split(",")]
    return "*" in words or any(_matches(host, port, word) for word in words if word)


def _matches(host: str, port: int, word: str) -> bool:
    address = _address(host)
    if "/" in word:
        return address is not None and _within(address, word)
    if found := re.fullmatch(r"(\[.*\]|[^:]*):(\d+)", word):
        word = found[1] if found[2] == str(port) else ""
    word = word.removeprefix("[").removesuffix("]")
    named = _address(word)
    if address is not None or named is not None or not word:
        return address is not None and address == named
    if word.startswith(("*.", ".")):
        return host.endswith(word.removeprefix("*"))
    return host == word or host.endswith(f".{word}")


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: str) -> bool:
    try:
        return address in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def route(
    proxy: str | None, tls: ssl.SSLContext | bool, *, server_hostname: str | None = None
) -> dict[str, Any]:
    """Return the arguments of an `aiohttp.ClientSession` that goes through a proxy, or direct.

    Args:
        proxy: the proxy's address; None for a direct connection.
        tls: how TLS is spoken to the server behind it.
        server_hostname: name to check the server's certificate against, if not the address's.
    """
    limits: dict[str, Any] = {"ssl": tls, "limit": 0, "limit_per_host": 0}
    parts = urlsplit(proxy or "")
    if parts.scheme not in SOCKS:
        return {"connector": aiohttp.TCPConnector(**limits), "proxy": proxy}
    import aiohttp_socks  # noqa: PLC0415 - few need it

    failures = (
        aiohttp_socks.ProxyError,
        aiohttp_socks.ProxyConnectionError,
        aiohttp_socks.ProxyTimeoutError,
    )

    class Socks(aiohttp_socks.ProxyConnector):
        """Says what the proxy said as an error that `aiohttp` has."""

        async def connect(self, *args: Any, **named: Any) -> Any:
            try:
                return await super().connect(*args, **named)
            except failures as error:
                raise aiohttp.ClientConnectionError(f"the SOCKS proxy: {error}") from error

    if server_hostname and not isinstance(tls, bool):
        # aiohttp_socks hands the name of the address on, whatever the request says.
        wrap = tls.wrap_bio
        tls.wrap_bio = lambda *args, **named: wrap(  # type: ignore[method-assign]
            *args, **{**named, "server_hostname": server_hostname}
        )
    connector = Socks(
        proxy_type=aiohttp_socks.ProxyType.SOCKS5,
        host=parts.hostname or "",
        port=parts.port or 1080,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        rdns=True,
        **limits,
    )
    return {"connector": connector}

"""From an HTTP status, a Status object or a socket error to an error with a way out."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import aiohttp

from kubectl_nodedns.documents import DocumentError, read_json
from kubectl_nodedns.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    SilentError,
    UnreachableError,
)

_KINDS: dict[int, type[ApiError]] = {
    400: InvalidError,
    401: ForbiddenError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    413: InvalidError,
    422: InvalidError,
}

GATEWAY_TIMEOUT = 504
"""HTTP status of a request that was passed on and had no answer."""
_SPEAKING = frozenset({"Forbidden", "NotFound", "Unauthorized"})
"""Reasons whose messages name verb and resource by themselves."""

_HINTS = {
    401: "the credentials are wrong or expired: log in again, or check kubectl auth whoami",
    403: "ask for the right, or use another --context; kubectl auth can-i --list shows yours",
    429: "the API server is overloaded; try again later",
}


def failure(verb: str, path: str, status: int, body: bytes) -> ApiError:
    """Turn an answer with an error status into an error."""
    message, reason = _status(body)
    kind = _KINDS.get(status, ApiError)
    hint = _HINTS.get(status, "")
    said = f"{verb} {path}: {message or f'HTTP {status}'}"
    if message and reason in _SPEAKING:
        said = message
    return kind(said, hint=hint, status=status, reason=reason)


def _status(body: bytes) -> tuple[str, str]:
    """Message and reason of a Status object, or the text as it came."""
    text = body.decode(errors="replace").strip()
    try:
        status: Any = read_json(text)
    except DocumentError:
        return text[:500], ""
    if not isinstance(status, dict):
        return text[:500], ""
    said = status.get("message") or status.get("error")  # the latter is a Prometheus's
    return str(said or ""), str(status.get("reason") or "")


def unreachable(server: str, error: BaseException, *, request: str) -> UnreachableError:
    """Turn a failure to get any answer into an error that says why.

    Args:
        server: its address.
        error: what happened.
        request: what was asked, such as "GET /api/v1/nodes"; told where it may have been sent.
    """
    cause, hint = reason(error)
    asked = f" ({request})" if stood(error) else ""
    return UnreachableError(f"cannot reach the API server at {server}: {cause}{asked}", hint=hint)


def stood(error: BaseException) -> bool:
    """Whether there was a connection to the API server when a request went wrong."""
    return not isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))


def no_answer(request: str, error: BaseException) -> SilentError:
    """Turn a request that the API server passed on, and nobody answered, into an error.

    Args:
        request: what was asked, such as "GET /api/v1/nodes/node1/proxy/configz".
        error: what happened.
    """
    silent = isinstance(error, TimeoutError)
    cause = "no answer in time" if silent else str(error) or type(error).__name__
    return SilentError(
        f"{request}: {cause}: the API server passes this on, and whoever is behind it is silent",
        hint="kubectl get --raw with the same path shows the same; is that node or pod well?",
        status=GATEWAY_TIMEOUT,
    )


def reason(error: BaseException) -> tuple[str, str]:
    """Say why there was no answer, and what to do about it."""
    inner: BaseException = error
    if isinstance(error, aiohttp.ClientConnectorError):
        inner = error.os_error
    if said := _of_the_proxy(error) or _of_tls(error, inner):
        return said
    if isinstance(error, TimeoutError):
        return "no answer in time", "check the network, or give a longer --request-timeout"
    if isinstance(inner, socket.gaierror):
        return f"its name does not resolve ({inner})", "check the address, or this machine's DNS"
    if isinstance(inner, ConnectionRefusedError):
        return "connection refused", "check the address; is the cluster up?"
    return (str(inner) or type(inner).__name__), "check the address, or try: kubectl cluster-info"


def _of_the_proxy(error: BaseException) -> tuple[str, str] | None:
    """Say it where it is not the server that cannot be reached, but the proxy before it."""
    hint = "check HTTPS_PROXY, NO_PROXY and the kubeconfig's proxy-url"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        why, _ = reason(error.os_error)
        return f"the proxy {error.host}:{error.port} cannot be reached: {why}", hint
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy in between says {error.status} {error.message}", hint
    return None


def _of_tls(error: BaseException, inner: BaseException) -> tuple[str, str] | None:
    certificate = isinstance(error, aiohttp.ClientConnectorCertificateError)
    if certificate or isinstance(inner, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({inner})",
            "check certificate-authority in the kubeconfig, or give --certificate-authority",
        )
    if not isinstance(inner, ssl.SSLError):
        return None
    if inner.reason == "WRONG_VERSION_NUMBER":
        return "what listens there does not speak TLS", "check the port; https, or http?"
    return f"TLS failed ({inner})", "check the address and the client certificate"

"""No redirect is followed, by any request.

Neither an API server nor a Prometheus redirects. What does is a pod behind the API server's proxy,
a login page, or somebody in between; and to follow it would have this machine ask whatever address
they name, with the headers of the request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from kubectl_nodedns.errors import ApiError

if TYPE_CHECKING:
    from types import SimpleNamespace


def refused() -> aiohttp.TraceConfig:
    """Return what makes each redirect of a session an error, before it is followed."""
    config = aiohttp.TraceConfig()
    config.on_request_redirect.append(_refuse)
    return config


async def _refuse(
    _: aiohttp.ClientSession, __: SimpleNamespace, seen: aiohttp.TraceRequestRedirectParams
) -> None:
    seen.response.close()
    raise ApiError(
        f"{seen.method} {seen.url.path}: the answer is a redirect, and none is followed",
        hint="is this the address of the server itself? A login page may stand in between",
        status=seen.response.status,
    )

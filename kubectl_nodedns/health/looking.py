"""Look at a cluster and judge it: once for `check`, once or until nothing is wrong for `status`."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from kubectl_nodedns.checks.finding import run
from kubectl_nodedns.checks.registry import RUNNING
from kubectl_nodedns.checks.status import status_of
from kubectl_nodedns.health.gathering import gather
from kubectl_nodedns.health.proofs import offer_proofs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from kubectl_nodedns.checks.evidence import Evidence
    from kubectl_nodedns.checks.finding import Outcome
    from kubectl_nodedns.checks.status import Status
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.health.scope import Scope
    from kubectl_nodedns.install.proof import MakeProbes
    from kubectl_nodedns.lookup.probes import Probes

PAUSE = 1.0
"""Seconds between two looks that wait; each look takes its window besides."""
PROOFS_BY_REQUEST = "ND022"
"""The check whose findings a proof would settle: it is offered where they are not ignored."""


@dataclass(frozen=True, kw_only=True)
class CheckRequest:
    """What `check` is asked to do."""

    scope: Scope
    """What to look at."""
    probe: bool = False
    """Whether a probe on each node proves interception."""
    ignore: frozenset[str] = frozenset()
    """Codes of checks that are left out."""


@dataclass(frozen=True, kw_only=True)
class StatusRequest:
    """What `status` is asked to do."""

    scope: Scope
    """What to look at."""
    probe: bool = False
    """Whether a probe on each node proves interception."""
    patience: float | None = None
    """Seconds to look again for until nothing is wrong; None to look once."""


class Looked(Protocol):
    """Looks once."""

    async def __call__(self, *, brief: bool) -> Evidence:
        """Gather evidence; briefly, without what takes reading all pods, policies and rules."""


async def check(
    client: Client,
    request: CheckRequest,
    make_probes: MakeProbes,
    *,
    confirm: Callable[[str], bool] | None = None,
) -> tuple[Evidence, Outcome]:
    """Look once; return what was seen, and what the checks make of it.

    Args:
        client: an open client.
        request: what is asked for.
        make_probes: makes the probes.
        confirm: asks a person a yes-or-no question, to offer a proof; None to offer nothing.

    Raises:
        ApiError: nodes or DaemonSets cannot be read.
        RefusedError: there is no DNS service, or no node to look at.
    """
    async with _probes(make_probes, wanted=request.probe) as probes:
        evidence = await gather(client, request.scope, probes=probes)
    if confirm and not request.probe and PROOFS_BY_REQUEST not in request.ignore:
        evidence = await offer_proofs(evidence, make_probes, confirm)
    return evidence, run(RUNNING, evidence, ignore=request.ignore)


async def look(
    client: Client,
    request: StatusRequest,
    make_probes: MakeProbes,
    *,
    confirm: Callable[[str], bool] | None = None,
    waiting: Callable[[str], None] = lambda _: None,
    pause: float = PAUSE,
) -> tuple[Evidence, Status]:
    """Look once, or with patience until nothing is wrong; return the last look.

    It sees all that `check` sees.

    Args:
        client: an open client.
        request: what is asked for.
        make_probes: makes the probes.
        confirm: asks a person a yes-or-no question, to offer a proof where it does not wait;
            None to offer nothing.
        waiting: told a verdict that is not good, once.
        pause: seconds between two looks.

    Raises:
        ApiError: nodes or DaemonSets cannot be read.
        RefusedError: there is no DNS service, or no node to look at.
    """
    async with _probes(make_probes, wanted=request.probe) as probes:

        async def looked(*, brief: bool) -> Evidence:
            return await gather(client, replace(request.scope, brief=brief), probes=probes)

        if request.patience is not None:
            return await until_well(looked, patience=request.patience, waiting=waiting, pause=pause)
        evidence = await looked(brief=False)
    if confirm and not request.probe:
        evidence = await offer_proofs(evidence, make_probes, confirm)
    return evidence, status_of(evidence, run(RUNNING, evidence))


async def until_well(
    looked: Looked, *, patience: float, waiting: Callable[[str], None], pause: float = PAUSE
) -> tuple[Evidence, Status]:
    """Look briefly until nothing is wrong or patience ends, and then once at everything.

    What only the whole look shows to be wrong is waited for as well.

    Args:
        looked: looks once, briefly or at everything.
        patience: seconds after which it is not begun again.
        waiting: told a verdict that is not good, once.
        pause: seconds between two looks.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    said = ""
    brief = True
    while True:
        evidence = await looked(brief=brief)
        status = status_of(evidence, run(RUNNING, evidence))
        late = loop.time() >= deadline
        if brief and (status.ok or late):
            brief = False
            continue
        if status.ok or late:
            return evidence, status
        if status.verdict != said:
            said = status.verdict
            waiting(said)
        brief = True
        await asyncio.sleep(pause)


@contextlib.asynccontextmanager
async def _probes(make_probes: MakeProbes, *, wanted: bool) -> AsyncIterator[Probes | None]:
    """Give probes where they are wanted; they are deleted at the end."""
    if not wanted:
        yield None
        return
    async with make_probes() as probes:
        yield probes

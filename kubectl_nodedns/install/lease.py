"""One change at a time: whoever writes holds a Lease of ours in the DNS service's namespace.

It is created to be held and deleted to be given back, so its UID stands for one run, and nothing is
left when none is at work. It is renewed meanwhile. A run whose lease is not renewed any more is
dead, and the next one takes its place: at once where both are of one machine and the process is
gone, else after `DURATION` and a look whether it is really quiet, because clocks differ.

To break it by hand, the Lease is deleted: a run that still lives notices at its next renewal, and
stops where it stands.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import platform
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cluster.paths import collection, named
from kubectl_nodedns.cluster.whole import whole
from kubectl_nodedns.errors import (
    ApiError,
    ConflictError,
    NodednsError,
    NotFoundError,
    PartialError,
    RefusedError,
)
from kubectl_nodedns.install.objects import MANAGED_BY
from kubectl_nodedns.probes.jobs import REFUSED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from kubectl_nodedns.cluster.client import Client

VERSION = "coordination.k8s.io/v1"
NAME = "kubectl-nodedns"
DURATION = 15
"""Seconds after its last renewal from which a lease may be taken from its holder."""
RENEWAL = 5.0
"""Seconds between two renewals."""
RUN, MACHINE, PROCESS = (f"kubectl-nodedns/{what}" for what in ("run", "machine", "process"))
"""Annotations: which run holds it; on which machine, and as which process there."""
LONGEST_NAME = 120
"""Characters of a holder's name that are told."""
ATTEMPTS = 3
"""How often a lease that is free is tried to be taken before another run is thought faster."""


@dataclass(frozen=True, kw_only=True)
class Me:
    """Who holds a lease."""

    name: str
    """Who, where and doing what, for people."""
    machine: str = ""
    """What tells this machine's processes from others'; empty where that cannot be told."""
    process: int = 0
    """Process ID on that machine."""

    @classmethod
    def doing(cls, command: str) -> Me:
        """Return this process, which runs `command`."""
        try:
            user = getpass.getuser()
        except (OSError, KeyError, ImportError):  # a container whose user has no name
            user = "somebody"
        host = platform.node() or "an unknown machine"
        return cls(
            name=f"{user}@{host} ({command}, process {os.getpid()})",
            machine=_machine(),
            process=os.getpid(),
        )


def _machine() -> str:
    """Boot and PID namespace: within these a process ID means one process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except (OSError, ValueError):
        return ""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """What a lease that is there says about whoever holds it."""

    uid: str
    """The Lease's UID."""
    version: str
    """Its resource version, which each renewal changes."""
    ours: bool
    """Whether it carries our label."""
    name: str
    """The holder, for people; empty when nobody is named."""
    run: str
    """Which run holds it."""
    since: datetime | None
    """When it was taken; None when that is not readable."""
    renewed: datetime | None
    """When it was renewed last; None when that is not readable."""
    seconds: int
    """How long it is held without a renewal."""
    machine: str
    """The holder's machine."""
    process: str
    """Its process ID there, as it stands there."""

    @classmethod
    def of(cls, lease: Mapping[str, Any]) -> Holder:
        """Read a Lease object."""
        metadata, spec = lease["metadata"], lease.get("spec") or {}
        notes = metadata.get("annotations") or {}
        labels = metadata.get("labels") or {}
        seconds = spec.get("leaseDurationSeconds")
        name = str(spec.get("holderIdentity") or "")[:LONGEST_NAME]
        return cls(
            uid=str(metadata.get("uid") or ""),
            version=str(metadata.get("resourceVersion") or ""),
            ours=all(labels.get(key) == value for key, value in MANAGED_BY.items()),
            name="".join(c if c.isprintable() else "?" for c in name),
            run=str(notes.get(RUN) or ""),
            since=_moment(spec.get("acquireTime")),
            renewed=_moment(spec.get("renewTime")),
            seconds=seconds if isinstance(seconds, int) and seconds > 0 else DURATION,
            machine=str(notes.get(MACHINE) or ""),
            process=str(notes.get(PROCESS) or ""),
        )

    def dead(self, machine: str) -> bool:
        """Whether it is known, on `machine`, that nobody holds it: no name, or no such process."""
        if not self.name:
            return True
        if (
            not machine
            or self.machine != machine
            or not re.fullmatch("[1-9][0-9]{0,8}", self.process)
        ):
            return False
        try:
            os.kill(int(self.process), 0)
        except ProcessLookupError:
            return True
        except OSError:  # it is somebody else's
            pass
        return False

    def expired(self, now: datetime) -> bool:
        """Whether it was not renewed in time, as far as clocks agree."""
        return self.renewed is not None and (now - self.renewed).total_seconds() > self.seconds

    def text(self, now: datetime) -> str:
        """Say who holds it, for how long, and when it was renewed last."""
        return f"{self.name}, {_ago(self.since, now, 'for')}, {_ago(self.renewed, now, 'renewed')}"


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _ago(moment: datetime | None, now: datetime, word: str) -> str:
    if moment is None:
        return f"{word} it is not known when" if word == "renewed" else "for an unknown time"
    seconds = max(0, round((now - moment).total_seconds()))
    return f"{word} {seconds} s" + (" ago" if word == "renewed" else "")


def _now() -> datetime:
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def held(
    client: Client,
    namespace: str,
    *,
    me: Me,
    told: Callable[[str], None],
    now: Callable[[], datetime] = _now,
    renewal: float = RENEWAL,
) -> AsyncIterator[None]:
    """Hold the lease for as long as something lasts, and give it back however that ends.

    Args:
        client: an open client.
        namespace: the DNS service's.
        me: who holds it.
        told: called with what people should know.
        now: the time.
        renewal: seconds between two renewals.

    Raises:
        RefusedError: somebody else holds it.
        PartialError: it was taken away meanwhile, and what went on was cancelled.
        ApiError: it cannot be had.
    """
    lease = _Lease(client, namespace, me=me, told=told, now=now, renewal=renewal)
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a lease is held by a task")
    before = task.cancelling()
    try:
        await lease.take()
        renewing = asyncio.create_task(lease.renew(task))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait({renewing})
    except asyncio.CancelledError:
        if lease.lost and task.uncancel() <= before:
            raise PartialError(
                f"this run stopped, because its lease was taken away: {lease.lost}",
                hint="see what the other run does before you go on",
            ) from None
        raise
    finally:
        await whole(lease.give_back())


class _Lease:
    """One run's lease."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        *,
        me: Me,
        told: Callable[[str], None],
        now: Callable[[], datetime],
        renewal: float,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._path = named(VERSION, "leases", namespace, NAME)
        self._me = me
        self._told = told
        self._now = now
        self._renewal = renewal
        self._run = secrets.token_hex(8)
        self._object: dict[str, Any] | None = None  # as it stands there, while it is ours
        self.lost = ""

    async def take(self) -> None:
        """Create the lease; take it from a holder that is dead.

        Raises:
            RefusedError: somebody holds it.
        """
        for _ in range(ATTEMPTS):
            await whole(self._create())
            if self._object is not None:
                return
            await self._free()
        raise RefusedError(
            "another run began at the same moment, and was faster",
            hint="run it again when that has ended",
        )

    async def _create(self) -> None:
        """Create it; not where there is one already."""
        moment = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        lease = {
            "apiVersion": VERSION,
            "kind": "Lease",
            "metadata": {
                "name": NAME,
                "namespace": self._namespace,
                "labels": dict(MANAGED_BY),
                "annotations": {
                    RUN: self._run,
                    MACHINE: self._me.machine,
                    PROCESS: str(self._me.process),
                },
            },
            "spec": {
                "holderIdentity": self._me.name,
                "leaseDurationSeconds": DURATION,
                "acquireTime": moment,
                "renewTime": moment,
            },
        }
        try:
            self._object = await self._client.create(
                collection(VERSION, "leases", self._namespace), lease
            )
        except ConflictError:
            return
        except ApiError as error:
            if error.status in REFUSED or not await self._is_mine():
                raise

    async def _is_mine(self) -> bool:
        """Look whether the lease is this run's, where an answer was lost; remember it then."""
        with contextlib.suppress(ApiError):
            found = await self._client.get(self._path)
            if Holder.of(found).run == self._run:
                self._object = found
                return True
        return False

    async def _free(self) -> None:
        """Delete the lease of a holder that is dead.

        Raises:
            RefusedError: its holder lives, or may.
        """
        try:
            holder = Holder.of(await self._client.get(self._path))
        except NotFoundError:
            return
        if not holder.ours:
            raise RefusedError(
                f"there is a Lease {self._namespace}/{NAME} that is not ours",
                hint="it keeps two runs apart; rename or delete the other one",
            )
        if not holder.dead(self._me.machine):
            if not holder.expired(self._now()):
                raise self._refusal(holder)
            self._told(f"waiting whether {holder.name} is dead: {holder.text(self._now())}")
            await asyncio.sleep(2 * self._renewal)
            try:
                again = Holder.of(await self._client.get(self._path))
            except NotFoundError:
                return
            if (again.uid, again.version) != (holder.uid, holder.version):
                raise self._refusal(again)
        self._told(f"the run of {holder.name or 'nobody'} is dead: its lease is taken over")
        await self._client.delete(self._path, uid=holder.uid)

    def _refusal(self, holder: Holder) -> RefusedError:
        return RefusedError(
            f"another run is changing this installation: {holder.text(self._now())}",
            hint=f"wait for its end. Where it died, {holder.seconds} s after its last renewal "
            f"its lease expires; to break it now: kubectl -n {self._namespace} delete lease "
            f"{NAME} (where it lives, it stops)",
        )

    async def renew(self, holding: asyncio.Task[Any]) -> None:
        """Renew the lease until cancelled; cancel `holding` when somebody else took it."""
        while not self.lost:
            await asyncio.sleep(self._renewal)
            with contextlib.suppress(NodednsError):  # perhaps the next time; else it expires
                await self._renew()
        holding.cancel()

    async def _renew(self) -> None:
        if self._object is None:
            return
        moment = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {**self._object["spec"], "renewTime": moment}
        try:
            self._object = await self._client.replace(
                self._path, {**self._object, "spec": spec}, timeout=self._renewal
            )
        except (NotFoundError, ConflictError):
            try:
                found = await self._client.get(self._path)
            except NotFoundError:
                self.lost = f"Lease {self._namespace}/{NAME} was deleted"
                return
            holder = Holder.of(found)
            if holder.run == self._run:
                self._object = found
            else:
                self.lost = f"held by {holder.text(self._now())}"

    async def give_back(self) -> None:
        """Delete the lease, where it is this run's."""
        if self._object is None or self.lost:
            return
        try:
            await self._client.delete(self._path, uid=self._object["metadata"]["uid"])
        except ApiError as error:
            self._told(
                f"the lease could not be given back: {error}; it expires {DURATION} s after its "
                "last renewal"
            )

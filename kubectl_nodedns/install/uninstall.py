"""Take the cache out: lookups go back to kube-dns node by node, then the objects go.

The template loses the kube-dns IP first, so that a pod that is deleted comes back in the dark, and
its node's lookups are with CoreDNS again. Only when every node is proved does the DaemonSet go, and
only after its pods the upstream service and the configuration that they need until then. Where a
kubelet is dead, its pod stays, and so does what that needs: the next run finishes.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from kubectl_nodedns.cluster.paths import object_path
from kubectl_nodedns.errors import PartialError, RevertedError, TimedOutError
from kubectl_nodedns.facts.nodes import read_nodes
from kubectl_nodedns.install.handover import forget
from kubectl_nodedns.install.needs import delete_unneeded
from kubectl_nodedns.install.objects import (
    DARK,
    DISABLING,
    FULL,
    RECORD,
    REVISION,
    applicable,
    darkened,
    serves_alone,
)
from kubectl_nodedns.install.plan import batches, nodes_text
from kubectl_nodedns.install.pods import CachePods
from kubectl_nodedns.install.standing import Stand, Standing, in_words
from kubectl_nodedns.install.uninstall_plan import ours
from kubectl_nodedns.install.verdicts import Verdicts
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.leftover import Leftover
    from kubectl_nodedns.install.live import Live
    from kubectl_nodedns.install.needs import User
    from kubectl_nodedns.install.proof import Proof, Report
    from kubectl_nodedns.install.sweep import Sweep
    from kubectl_nodedns.verdict import Verdict

BACK_PROOF = 15.0
"""Seconds that kube-dns may take to answer a node whose cache let go."""
SILENCE = 20.0
"""Seconds after which the local IP must be silent."""
AGAIN = "run disable again to go on, or enable to go back"
DARK_START = 10.0
"""Seconds to let a pod get started in the dark, so that it also ends in order."""


@dataclass(frozen=True, kw_only=True)
class Unclean:
    """The verdict on a node that could not be cleaned."""

    node: str
    """The node."""
    text: str
    """What is left there."""
    ok: bool = False
    """Never."""
    asked: bool = True
    """Always: somebody looked."""


class Uninstall:
    """One run of `disable`.

    Args:
        client: an open client.
        live: what is installed.
        nodes: nodes that can be asked.
        proof: asks from the nodes.
        report: where progress goes.
        timeout: seconds that one step on one node may take.
        batch_size: nodes given back at once.
        trusted: nodes where DNS worked before; only their failure is ours to undo.
        sweep: looks at nodes for what a cache left; None where that is not allowed.
        dark: the DaemonSet to give nodes back through; None for what is installed, in the dark.
    """

    def __init__(
        self,
        client: Client,
        live: Live,
        nodes: Sequence[str],
        proof: Proof,
        report: Report,
        *,
        timeout: float,
        batch_size: int,
        trusted: frozenset[str],
        sweep: Sweep | None = None,
        dark: dict[str, Any] | None = None,
    ) -> None:
        self._client = client
        self._live = live
        self._nodes = nodes
        self._proof = proof
        self._report = report
        self._batch_size = batch_size
        self._trusted = trusted
        namespace = next((o["metadata"]["namespace"] for o in ours(live)), "")
        self._pods = CachePods(client, namespace, timeout=timeout, note=report.note)
        self._verdicts = Verdicts(self._pods)
        self._standing = Standing()
        self._deleted: list[str] = []
        self._sweep = sweep
        self._dark = dark
        self.inferred: dict[str, str] = {}
        """Nodes that could not be looked at, with the reason."""
        self.kept_for: list[str] = []
        """Nodes whose cache pod outlived its DaemonSet; what it needs was not deleted."""
        self.left: Mapping[str, User] = {}
        """Objects that were not deleted because a cache uses them, each with who."""

    @property
    def lost(self) -> Mapping[str, str]:
        """Nodes that left or went unready meanwhile, with the reason."""
        return self._pods.lost

    async def run(self) -> list[Verdict]:
        """Take everything out; return the final verdict on each node that is not lost.

        Raises:
            RevertedError: a node had no DNS without the cache, and has it back.
            NodednsError: something else went wrong; the message says what was left.
        """
        try:
            daemonset = self._live.daemonset
            if daemonset is not None and not serves_alone(daemonset):
                await self._give_back(daemonset)
            if ("ConfigMap", RECORD) in self._live.objects:
                await forget(
                    self._client, self._live.objects["ConfigMap", RECORD]["metadata"]["namespace"]
                )
            await self._delete("DaemonSet")
            self._report.step("wait until the cache pods are gone")
            await self._pods.gone(self._nodes)
            await self._pods.look(self._nodes)  # a node that left took its pod along
            left = await self._look()
            verdicts = await self._prove_clean(left)
            self.kept_for = await self._with_a_pod()
            if not self.kept_for:
                rest = [obj for obj in ours(self._live) if obj["kind"] != "DaemonSet"]
                done = self._deleted.append
                self.left = await delete_unneeded(self._client, rest, self._report, done)
        except RevertedError:
            raise
        except BaseException:
            deleted = f"; deleted: {', '.join(self._deleted)}" if self._deleted else ""
            self._report.note(f"as it stands: {self._standing}{deleted}")
            raise
        return verdicts

    async def _give_back(self, daemonset: Mapping[str, Any]) -> None:
        """Replace each pod that intercepts by one that does not, batch by batch."""
        dark = self._dark or darkened(daemonset, state=DISABLING)
        revision = dark["spec"]["template"]["metadata"]["labels"][REVISION]
        await self._client.apply(dark, force=True)
        pods = await self._pods.read()
        intercepted = [n for n in self._nodes if n in pods and pods[n].phase == FULL]
        for batch in batches(intercepted, self._batch_size):
            await self._pods.look(batch)
            here = self._here(batch)
            if not here:
                continue
            self._report.step(f"give back {', '.join(here)}")
            self._standing.put(here, Stand.GIVING_BACK)
            try:
                await together(self._pods.delete(pods[node]) for node in here)
                verdicts = await self._back(here)
                bad = [v for v in await self._verdicts.bad(verdicts) if v.node in self._trusted]
            except Exception as error:  # noqa: BLE001 - whatever it is, no node stays unproved
                await self._put_back(daemonset, *in_words(error))
            if bad:
                await self._put_back(daemonset, *why_back(bad[0]))
            self._standing.put((v.node for v in verdicts if v.ok), Stand.GIVEN_BACK)
        if intercepted:
            with contextlib.suppress(TimedOutError, asyncio.TimeoutError):
                async with asyncio.timeout(DARK_START):
                    await self._pods.running(intercepted, revision, DARK)

    def _here(self, nodes: Sequence[str]) -> list[str]:
        """Return the nodes that are not lost."""
        return [node for node in nodes if node not in self.lost]

    async def _back(self, batch: Sequence[str]) -> list[Verdict]:
        verdicts = await together(map(self._ask_back, batch))
        for verdict in verdicts:
            self._report.node(verdict)
        return verdicts

    async def _ask_back(self, node: str) -> Verdict:
        return await self._verdicts.ask(partial(self._proof.back, node, timeout=BACK_PROOF))

    async def _put_back(self, daemonset: Mapping[str, Any], why: str, hint: str) -> NoReturn:
        """Give the nodes of this run their cache again, and raise what happened.

        Raises:
            RevertedError: all of them have it.
            PartialError: some have not, or are not proved.
        """
        nodes = self._standing.nodes
        self._report.step(f"put back {', '.join(nodes)}: {why}")
        self._standing.put(nodes, Stand.PUTTING_BACK)
        try:
            verdicts = await self._with_cache(daemonset, nodes)
            still = await self._verdicts.bad(verdicts)
        except Exception as error:
            said, todo = in_words(error)
            raise PartialError(
                f"{why}; and putting the cache back did not come to its end: {said}",
                hint=f"{todo}\n{AGAIN}".strip(),
            ) from error
        self._standing.put((v.node for v in verdicts if v.ok), Stand.PUT_BACK)
        if still:
            raise PartialError(
                f"{why}; and after putting the cache back, node {still[0].node}: {still[0].text}",
                hint="kubectl nodedns disable --now takes the cache out without asking",
            )
        raise RevertedError(
            f"{why}; the cache is back on {nodes_text(len(nodes))}",
            hint=f"{hint}\nthen run disable again".strip(),
        )

    async def _with_cache(
        self, daemonset: Mapping[str, Any], nodes: Sequence[str]
    ) -> list[Verdict]:
        """Give `nodes` the pods of the template before; return what they answer then."""
        await self._client.apply(applicable(daemonset), force=True)
        pods = await self._pods.read()
        for node in nodes:
            if node in pods and pods[node].phase == DARK:
                await self._pods.delete(pods[node])
        labels = daemonset["spec"]["template"]["metadata"]["labels"]
        revision = labels.get(REVISION, "")
        running = await self._pods.running(nodes, revision, FULL)
        switched = self._proof.switched
        verdicts = await together(
            self._verdicts.ask(partial(switched, node, pod.uid, timeout=BACK_PROOF))
            if revision
            else self._ask_back(node)  # an adopted one has no marker
            for node, pod in sorted(running.items())
        )
        for verdict in verdicts:
            self._report.node(verdict)
        return verdicts

    async def _look(self) -> Mapping[str, Leftover]:
        """Look for rules and links that are left, while the upstream service still stands.

        Returns:
            What is left on nodes for good.
        """
        if self._sweep is None:
            return {}
        here = self._here(self._nodes)
        self._report.step(f"look at {nodes_text(len(here))}: rules, link, addresses")
        looks = await self._sweep.sweep(here)
        self.inferred = {node: look.why for node, look in looks.items() if look.leftover is None}
        for node, why in self.inferred.items():
            self._report.note(f"node {node}: that it is clean is inferred, not seen: {why}")
        clean = sum(1 for look in looks.values() if look.leftover and look.leftover.nothing)
        if clean:
            self._report.note(f"{nodes_text(clean)}: no rule, link or address of a cache is left")
        found = {node: look.leftover for node, look in looks.items() if look.leftover}
        return {node: leftover for node, leftover in found.items() if not leftover.nothing}

    async def _prove_clean(self, left: Mapping[str, Leftover]) -> list[Verdict]:
        """Ask each node once more: kube-dns answers for itself, the local IP is silent."""
        here = self._here(self._nodes)
        self._report.step(f"prove {nodes_text(len(here))} clean")

        async def one(node: str) -> Verdict:
            if node in left:
                bad = Unclean(node=node, text=f"a cache left {left[node]}")
                self._report.node(bad)
                return bad
            silent = partial(self._proof.silent, node, timeout=SILENCE)
            verdict = await self._verdicts.ask(silent)
            self._report.node(verdict)
            if not verdict.ok:
                return verdict
            verdict = await self._ask_back(node)
            self._report.node(verdict)
            return verdict

        verdicts = await together(map(one, here))
        await self._verdicts.bad(verdicts)
        return [verdict for verdict in verdicts if verdict.node not in self.lost]

    async def _with_a_pod(self) -> list[str]:
        """Return the nodes that still have a cache pod: their kubelets are dead and end none.

        Its container runs on and serves the node's pods, for as long as it reaches CoreDNS.
        """
        pods = await self._pods.read()
        there = {node.name for node in await read_nodes(self._client)} if pods else set()
        return sorted(set(pods) & there)

    async def _delete(self, kind: str) -> None:
        for obj in ours(self._live):
            if obj["kind"] == kind:
                self._report.step(f"delete {kind} {obj['metadata']['name']}")
                await self._client.delete(object_path(dict(obj)), uid=obj["metadata"]["uid"])
                self._deleted.append(f"{kind} {obj['metadata']['name']}")


def why_back(bad: Verdict) -> tuple[str, str]:
    """Say why a node gets its cache back, and where to look."""
    if bad.asked:
        why = f"node {bad.node} has no DNS without the cache: {bad.text}"
        return why, "look at CoreDNS and kube-proxy there"
    why = f"whether node {bad.node} has DNS without the cache is not known: {bad.text}"
    return why, "look at its kubelet"

"""Carry out a plan: objects, dark start, switch node by node, record.

The order is what makes it safe. A cache that listens on the local IP alone touches nobody, so it
is started everywhere and proved first. Then the template gains the kube-dns IP; under `OnDelete` a
node is switched by deleting its pod, and each batch is proved before the next. The first failure
puts back what this run switched. Killed at any point, DNS goes on: a node is either intercepted by
a proved cache, or it is not intercepted.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from kubectl_nodedns.cluster.paths import object_path
from kubectl_nodedns.errors import PartialError, RevertedError, TimedOutError
from kubectl_nodedns.facts.endpoints import read_endpoints
from kubectl_nodedns.install.changes import DELETE
from kubectl_nodedns.install.gaps import Gaps
from kubectl_nodedns.install.handover import forget
from kubectl_nodedns.install.objects import (
    DARK,
    ENABLED,
    ENABLING,
    FULL,
    PHASE,
    REVISION,
    UPSTREAM,
    applicable,
    build,
    daemonset_of,
    serves_alone,
)
from kubectl_nodedns.install.plan import Plan, nodes_text
from kubectl_nodedns.install.pods import CachePods
from kubectl_nodedns.install.standing import Stand, Standing, in_words
from kubectl_nodedns.install.variants import Variant
from kubectl_nodedns.install.verdicts import Verdicts, the_same_on
from kubectl_nodedns.together import together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.live import CachePod, Live
    from kubectl_nodedns.install.proof import Proof, Report
    from kubectl_nodedns.verdict import Verdict

DARK_PROOF = 30.0
"""Seconds that a cache which runs in the dark may take to answer everything."""
SWITCH_PROOF = 15.0
"""Seconds that a switched cache may take; its node's pods depend on it by then."""
ENDPOINTS = 60.0
"""Seconds that the upstream service may take to have ready endpoints."""


class Rollout:
    """One run of `enable`.

    Args:
        client: an open client.
        plan: what to do.
        live: what was there when the plan was made.
        proof: asks from the nodes.
        report: where progress goes.
        timeout: seconds that one step on one node may take.
        force: whether to take over fields that another field manager owns.
    """

    def __init__(
        self,
        client: Client,
        plan: Plan,
        live: Live,
        proof: Proof,
        report: Report,
        *,
        timeout: float,
        force: bool = False,
    ) -> None:
        self._client = client
        self._plan = plan
        self._live = live
        self._proof = proof
        self._report = report
        self._force = force
        self._pods = CachePods(client, plan.settings.namespace, timeout=timeout, note=report.note)
        self._verdicts = Verdicts(self._pods)
        self._transparent = plan.settings.variant is Variant.TRANSPARENT
        self.repaired: tuple[str, ...] = ()
        """Nodes whose cache pod was as it should be, did not intercept, and was replaced."""
        self.gaps = Gaps(proof, report, plan.gaps)
        """What clients of the local IP met on each node that served them."""
        metadata = live.daemonset["metadata"] if live.daemonset is not None else {}
        self._uid: str = metadata.get("uid", "")  # of our DaemonSet, once there is one
        self._standing = Standing()

    async def run(self) -> list[Verdict]:
        """Carry out the plan; return the final verdict on each node.

        A plan without a change still proves each node, and repairs one that does not intercept.

        Raises:
            RevertedError: a node failed its proof; pods' DNS goes the way it went before.
            NodednsError: something else went wrong; the message says what was left.
        """
        try:
            if not self._plan.unchanged:
                # Upstream service and Corefile first: a pod that starts finds whom to ask.
                await self._write_base()
                # Nobody is intercepted before the same revision answered everything in the dark.
                if self._plan.dark:
                    await self._start_dark()
                # OnDelete: this template reaches a node only when its pod is deleted, below.
                await self._apply_daemonset(FULL, ENABLING)
            verdicts = await self._check_kept()
            self.repaired = tuple(v.node for v in await self._verdicts.bad(verdicts))
            good = [v for v in verdicts if v.ok]
            for batch in self._plan.batches(self.repaired):
                good += await self._switch(batch)
            if self.repaired or not self._plan.unchanged:
                await self._record()
        except RevertedError:
            raise
        except BaseException:
            self._report.note(f"as it stands: {self._standing}")
            raise
        good = [verdict for verdict in good if verdict.node not in self.lost]
        return sorted(good, key=lambda verdict: verdict.node)

    @property
    def lost(self) -> Mapping[str, str]:
        """Nodes that left or went unready meanwhile, with the reason."""
        return self._pods.lost

    async def joined(self) -> list[str]:
        """Return the nodes that the plan did not know and that carry a cache pod by now."""
        plan = self._plan
        known = {*plan.proved, *plan.left_out, *plan.not_selected}
        return sorted(set(await self._pods.read()) - known)

    async def _write_base(self) -> None:
        """Apply everything but the DaemonSet, and wait until the upstream service can serve."""
        self._report.step("objects")
        for obj in self._objects(DARK, ENABLING):
            if obj["kind"] != "DaemonSet":
                await self._client.apply(obj, force=self._force)
        namespace = self._plan.settings.namespace
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ENDPOINTS
        while self._transparent and not await read_endpoints(self._client, namespace, UPSTREAM):
            if loop.time() >= deadline:
                raise TimedOutError(
                    f"service {namespace}/{UPSTREAM} has no ready endpoint after {ENDPOINTS:.0f} s",
                    hint="are the CoreDNS pods ready? No cache was started; run enable again later",
                )
            await asyncio.sleep(0.5)

    async def _start_dark(self) -> None:
        """Start the cache on the local IP alone, and prove it there on each node."""
        plan = self._plan
        self._report.step(
            f"dark start: {plan.settings.local_ip} alone, on {nodes_text(len(plan.dark))}"
        )
        await self._apply_daemonset(DARK, ENABLING)
        pods = await self._pods.read()
        for node in plan.dark:
            pod = pods.get(node)
            if pod is None:
                continue
            if (pod.revision, pod.phase) != (plan.revision, DARK) or pod.imageless:
                await self._darken(pod)
        try:
            running = await self._pods.running(plan.dark, plan.revision, DARK)
            verdicts = await together(
                self._prove_dark(node, pod) for node, pod in sorted(running.items())
            )
            bad = await self._verdicts.bad(verdicts)
        except Exception as error:
            if self._standing.nodes:
                await self._put_back(*in_words(error))
            if isinstance(error, TimedOutError):
                raise TimedOutError(
                    f"{error}; nobody's DNS was touched", hint=_after(error.hint)
                ) from error
            raise
        if bad:
            await self._fail_dark(f"node {bad[0].node}: {bad[0].text}", the_same_on(bad[1:]))
        proved = {verdict.node for verdict in verdicts if verdict.ok}
        self._standing.put(proved & set(self._standing.nodes), Stand.DARKENED)

    async def _darken(self, pod: CachePod) -> None:
        """Have a node's pod replaced by one in the dark; kube-dns serves it from then on.

        Raises:
            RevertedError: that did not come to its end, and an older cache is back.
        """
        if pod.phase != FULL:
            await self._pods.delete(pod)
            return
        self._standing.put([pod.node], Stand.SWITCHING)
        try:
            await self._pods.delete(pod)
        except Exception as error:  # noqa: BLE001 - whatever it is, an older cache served it
            await self._put_back(*in_words(error))

    async def _prove_dark(self, node: str, pod: CachePod) -> Verdict:
        dark = partial(self._proof.dark, node, pod.uid, timeout=DARK_PROOF)
        verdict = await self._verdicts.ask(dark)
        if verdict.ok and node in self._standing.nodes:  # kube-dns serves it meanwhile
            back = await self._verdicts.ask(partial(self._proof.back, node, timeout=SWITCH_PROOF))
            verdict = verdict if back.ok else back
        self._report.node(verdict)
        return verdict

    async def _fail_dark(self, why: str, hint: str) -> NoReturn:
        """End a dark start that failed. Nodes that an older revision served get it back."""
        if self._standing.nodes:
            await self._put_back(why, hint)
        ip = self._plan.settings.local_ip
        raise RevertedError(
            f"the cache does not work, and nobody's DNS was touched: {why}",
            hint=_after(f"{hint}\nits pods stay, listening on {ip} alone".strip()),
        )

    async def _switch(self, batch: Sequence[str]) -> list[Verdict]:
        """Replace the pods of a batch, and prove that each new one intercepts.

        A node that is not ready by now keeps the pod that it has.
        """
        await self._pods.look(batch)
        batch = [node for node in batch if node not in self.lost]
        if not batch:
            return []
        self._report.step(f"switch {', '.join(batch)}")
        async with self.gaps.over(batch):
            try:
                await together(map(self._replace, batch))
                running = await self._pods.running(batch, self._plan.revision, FULL)
                verdicts = await together(
                    self._prove_switched(node, pod) for node, pod in sorted(running.items())
                )
                bad = await self._verdicts.bad(verdicts)
            except Exception as error:  # noqa: BLE001 - whatever it is, no node stays unproved
                await self._put_back(*in_words(error))
            if bad:
                await self._put_back(f"node {bad[0].node}: {bad[0].text}", the_same_on(bad[1:]))
            self._standing.put((verdict.node for verdict in verdicts if verdict.ok), Stand.SWITCHED)
        return verdicts

    async def _replace(self, node: str) -> None:
        pod = (await self._pods.read(node)).get(node)
        # Before the deletion: whatever ends the run from here on, the node counts as touched.
        self._standing.put([node], Stand.SWITCHING)
        wanted = (self._plan.revision, FULL)
        stale = pod is not None and (
            (pod.revision, pod.phase) != wanted or node in self._plan.kept or pod.imageless
        )
        if pod is not None and stale:
            await self._pods.delete(pod)

    async def _prove_switched(self, node: str, pod: CachePod) -> Verdict:
        at_local_ip = not self._transparent or node in self._plan.gaps
        if at_local_ip:
            patience = SWITCH_PROOF if node in self._plan.gaps else DARK_PROOF
            dark = partial(self._proof.dark, node, pod.uid, timeout=patience)
            verdict = await self._verdicts.ask(dark)
        if self._transparent and (not at_local_ip or verdict.ok):
            switched = partial(self._proof.switched, node, pod.uid, timeout=SWITCH_PROOF)
            verdict = await self._verdicts.ask(switched)
        self._report.node(verdict)
        return verdict

    async def _check_kept(self) -> list[Verdict]:
        """Ask the nodes whose pod is as it should be whether it really intercepts."""
        if not self._plan.kept:
            return []
        self._report.step(f"prove {nodes_text(len(self._plan.kept))} switched already")
        pods = await self._pods.ready(self._plan.kept)
        return await together(self._prove_switched(node, pod) for node, pod in sorted(pods.items()))

    async def _record(self) -> None:
        """Write down that the installation is complete; old configuration goes last."""
        await self._pods.ready(self._plan.proved)
        if (
            not self._plan.left_out and not self.lost
        ):  # a node that is not ready may still need the old one
            for change in self._plan.changes:
                if change.action == DELETE:
                    old = self._live.objects[change.kind, change.name]
                    await self._client.delete(object_path(dict(old)), uid=old["metadata"]["uid"])
            await forget(self._client, self._plan.settings.namespace)
        await self._apply_daemonset(FULL, ENABLED)

    async def _put_back(self, why: str, hint: str) -> NoReturn:
        """Undo what this run switched, prove it, and raise what happened.

        Raises:
            RevertedError: all of it is put back.
            PartialError: some of it could not be.
        """
        touched = self._standing.nodes
        self._report.step(f"put back {', '.join(touched) or 'nothing'}: {why}")
        # Where clients wait meanwhile, not all of them at once; those of the failure first.
        order = list(reversed(touched))
        size = self._plan.batch_size if self._plan.gaps else len(order)
        try:
            # The template before any pod: one that is deleted first would come back as it was.
            previous = self._previous()
            await self._client.apply(previous, force=True)
            for i in range(0, len(order), size or 1):
                async with self.gaps.over(order[i : i + size]):
                    await self._put_back_nodes(order[i : i + size], previous, why)
        except PartialError:
            raise
        except Exception as error:
            said, todo = in_words(error)
            raise PartialError(
                f"{why}; and putting it back did not come to its end: {said}", hint=_after(todo)
            ) from error
        raise RevertedError(
            f"{why}; put back on {nodes_text(len(touched))}: DNS goes as it went before",
            hint=_after(hint),
        )

    async def _put_back_nodes(
        self, nodes: Sequence[str], previous: Mapping[str, Any], why: str
    ) -> None:
        """Give nodes the pod of the template before, and prove it.

        Raises:
            PartialError: a node does not have DNS with it.
        """
        labels = previous["spec"]["template"]["metadata"]["labels"]
        revision, phase = labels.get(REVISION, ""), labels.get(PHASE, FULL)
        self._standing.put(nodes, Stand.PUTTING_BACK)
        pods = await self._pods.read()
        for node in nodes:
            pod = pods.get(node)
            if pod is None:
                continue
            if (pod.revision, pod.phase) != (revision, phase) or pod.imageless:
                await self._pods.delete(pod)
        alone = serves_alone(previous)
        verdicts = await self._prove_previous(nodes, revision, phase, alone=alone)
        if bad := await self._verdicts.bad(verdicts):
            raise PartialError(
                f"{why}; and after putting it back, node {bad[0].node}: {bad[0].text}",
                hint="kubectl nodedns disable --now takes the cache out without asking",
            )
        self._standing.put((verdict.node for verdict in verdicts if verdict.ok), Stand.PUT_BACK)

    async def _prove_previous(
        self, nodes: Sequence[str], revision: str, phase: str, *, alone: bool
    ) -> list[Verdict]:
        if phase == DARK or not revision:
            if phase == FULL:  # an adopted one, which has no marker
                await self._pods.running(nodes, revision, phase)
            unmarked = self._proof.local if phase == FULL and alone else self._proof.back
            here = [node for node in nodes if node not in self.lost]
            asks = [partial(unmarked, node, timeout=DARK_PROOF) for node in here]
        else:
            pods = await self._pods.running(nodes, revision, phase)
            prove = self._proof.dark if alone else self._proof.switched
            asks = [
                partial(prove, node, pod.uid, timeout=DARK_PROOF)
                for node, pod in sorted(pods.items())
            ]
        verdicts = await together(map(self._verdicts.ask, asks))
        for verdict in verdicts:
            self._report.node(verdict)
        return verdicts

    def _previous(self) -> dict[str, Any]:
        """Return the DaemonSet to go back to: an older revision that served, else the dark one."""
        for before in (self._live.daemonset, self._live.taken_over):
            if before is not None:
                labels = before["spec"]["template"]["metadata"]["labels"]
                if labels.get(PHASE, FULL) == FULL and labels.get(REVISION) != self._plan.revision:
                    return applicable(before)
        return daemonset_of(self._objects(DARK, ENABLING))

    def _objects(self, phase: str, state: str) -> list[dict[str, Any]]:
        plan = self._plan
        return build(plan.settings, phase=phase, state=state, options=plan.options)

    async def _apply_daemonset(self, phase: str, state: str) -> None:
        obj = daemonset_of(self._objects(phase, state))
        if self._uid:  # turned away where somebody deleted it, or made another, meanwhile
            obj["metadata"]["uid"] = self._uid
        self._uid = (await self._client.apply(obj, force=self._force))["metadata"]["uid"]


def _after(hint: str) -> str:
    return f"{hint}\nrun enable again when the cause is gone, or disable to take it out".strip()

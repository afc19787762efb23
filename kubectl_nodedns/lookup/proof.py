"""The proof: a few questions from a pod on a node, and a verdict in words.

Six verdicts, each a pure function of answers:

* baseline: what resolves at the kube-dns address before anything is written,
* dark: the cache answers everything at the local address, which nobody uses yet,
* switched: the node's own cache pod answers at the kube-dns address,
* back: CoreDNS answers at the kube-dns address, and no cache does,
* local: a cache without a marker answers at the local address, as it did before,
* silent: nothing answers at the local address any more.

`Prover` asks from probe pods and repeats until a verdict is good or time is up.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from kubectl_nodedns.lookup.marker import read_marker
from kubectl_nodedns.lookup.question import Answer, Question
from kubectl_nodedns.names import absolute, marker_name, reverse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_nodedns.lookup.gap import Watch

PAUSE = 0.4
"""Seconds between two rounds of questions."""


class Asker(Protocol):
    """Whatever asks questions from a node; `Probes` does."""

    async def ask(self, node: str, questions: Sequence[Question]) -> Sequence[Answer]:
        """Ask `questions` from `node`; one answer for each, in order."""

    async def watch(self, node: str, server: str, name: str) -> Watch:
        """Ask `server` for `name` from `node`, until the watch is ended."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """The addresses and names that a proof is about."""

    local_ip: str
    """Address of the cache that nothing else uses."""
    kube_dns_ip: str
    """Address of the cluster's DNS service."""
    marker: str
    """Name that only a cache of ours answers."""
    cluster: str
    """Name inside the cluster domain."""
    reverse: str | None
    """Name in a reverse zone; None when it is left out."""
    external: str | None
    """Name outside the cluster; None when it is left out."""

    @classmethod
    def of(cls, *, local_ip: str, kube_dns_ip: str, domain: str, external: str | None) -> Target:
        """Build the target of a cluster."""
        return cls(
            local_ip=local_ip,
            kube_dns_ip=kube_dns_ip,
            marker=marker_name(domain),
            cluster=absolute(f"kubernetes.default.svc.{domain}"),
            reverse=reverse(kube_dns_ip),
            external=absolute(external, option="--external-name") if external else None,
        )

    def ordinary(self, server: str) -> list[Question]:
        """Return the questions about real names, to be asked of `server`."""
        questions = [Question(name=self.cluster, server=server)]
        if self.reverse:
            questions.append(Question(name=self.reverse, rtype="PTR", server=server))
        if self.external:
            questions.append(Question(name=self.external, server=server))
        return questions

    def mark(self, server: str) -> Question:
        """Return the question for the marker."""
        return Question(name=self.marker, rtype="TXT", server=server)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a round of questions from one node showed."""

    node: str
    """The node."""
    ok: bool
    """Whether it is what it should be."""
    text: str
    """What was seen, or what is wrong, in words."""
    answers: tuple[Answer, ...] = ()
    """The answers it rests on."""

    @property
    def asked(self) -> bool:
        """Whether a question left the node: where no command runs in the probe, none did."""
        return any(answer.asked for answer in self.answers)


def baseline(node: str, answers: Sequence[Answer]) -> Verdict:
    """Judge the questions of `Target.ordinary`: the cluster's own name is mandatory.

    A question that was not asked has no answer, so it does not count as one that failed.
    """
    first = answers[0]
    unasked = [answer for answer in answers if not answer.asked]
    text = f"{first.question.name} resolves at {first.question.server}"
    if unasked or not first.ok:
        text = _said((unasked or [first])[0])
    ok = first.ok and not unasked
    return Verdict(node=node, ok=ok, text=text, answers=tuple(answers))


def dark(node: str, pod_uid: str, answers: Sequence[Answer]) -> Verdict:
    """Judge marker and ordinary names, asked at the local address."""
    wrong = _wrong_marker(node, pod_uid, answers[0])
    wrong += [_said(answer) for answer in answers[1:] if not answer.ok]
    if wrong:
        return Verdict(
            node=node, ok=False, text="; ".join(dict.fromkeys(wrong)), answers=tuple(answers)
        )
    kinds = ", ".join(["marker", *(_kind(a) for a in answers[1:])])
    text = f"{kinds} answered at {answers[0].question.server}"
    return Verdict(node=node, ok=True, text=text, answers=tuple(answers))


def switched(node: str, pod_uid: str, answers: Sequence[Answer]) -> Verdict:
    """Judge marker and ordinary names, asked at the kube-dns address."""
    verdict = dark(node, pod_uid, answers)
    if not verdict.ok:
        return verdict
    text = f"intercepted: its own cache answers at {answers[0].question.server}"
    return replace(verdict, text=text)


def back(node: str, answers: Sequence[Answer]) -> Verdict:
    """Judge marker and ordinary names at the kube-dns address, where no cache may answer."""
    marker = read_marker(answers[0])
    wrong = []
    if marker is not None:
        wrong.append(f"the cache on {marker.node} still answers at {answers[0].question.server}")
    elif not answers[0].rcode:
        wrong.append(_said(answers[0]))
    wrong += [_said(answer) for answer in answers[1:] if not answer.ok]
    text = (
        "; ".join(dict.fromkeys(wrong))
        or f"kube-dns answers at {answers[0].question.server} itself"
    )
    return Verdict(node=node, ok=not wrong, text=text, answers=tuple(answers))


def local(node: str, answers: Sequence[Answer]) -> Verdict:
    """Judge ordinary names at the local address, where somebody else's cache answers."""
    wrong = "; ".join(dict.fromkeys(_said(answer) for answer in answers if not answer.ok))
    text = wrong or f"the cache that it had answers at {answers[0].question.server}"
    return Verdict(node=node, ok=not wrong, text=text, answers=tuple(answers))


def silent(node: str, answers: Sequence[Answer]) -> Verdict:
    """Judge one question at the local address, where nothing may answer any more.

    Silence counts only when the question was sent.
    """
    answer = answers[0]
    if not answer.asked:
        return Verdict(node=node, ok=False, text=_said(answer), answers=tuple(answers))
    if answer.rcode:
        text = f"something still answers at {answer.question.server}: {answer.summary()}"
        return Verdict(node=node, ok=False, text=text, answers=tuple(answers))
    text = f"nothing answers at {answer.question.server}"
    return Verdict(node=node, ok=True, text=text, answers=tuple(answers))


def _wrong_marker(node: str, pod_uid: str, answer: Answer) -> list[str]:
    if not answer.asked:
        return [_said(answer)]
    marker = read_marker(answer)
    if marker is None:
        where = answer.question.server
        return [f"the marker is not answered by a cache at {where} ({answer.summary()})"]
    if marker.node != node:
        return [f"the cache of node {marker.node} answered"]
    if marker.pod_uid != pod_uid:
        return ["the cache pod that was there before still answers"]
    return []


def _said(answer: Answer) -> str:
    if not answer.asked:
        return f"it could not be asked: {answer.error}"
    return f"{answer.question.name} at {answer.question.server}: {answer.summary()}"


def _kind(answer: Answer) -> str:
    if answer.question.rtype == "PTR":
        return "reverse"
    return "cluster" if ".svc." in answer.question.name else "external"


class Prover:
    """Asks from probe pods until a verdict is good or time is up.

    Args:
        asker: whatever asks from a node.
        target: the addresses and names.
    """

    def __init__(self, asker: Asker, target: Target) -> None:
        self._asker = asker
        self.target = target

    async def baseline(self, node: str) -> Verdict:
        """Ask what resolves now at the kube-dns address; twice, if the first answer is bad."""
        questions = self.target.ordinary(self.target.kube_dns_ip)
        return await self._until(node, questions, lambda a: baseline(node, a), timeout=5.0)

    async def dark(self, node: str, pod_uid: str, *, timeout: float) -> Verdict:
        """Prove the cache pod at the local address."""
        return await self._own(node, pod_uid, self.target.local_ip, dark, timeout)

    async def switched(self, node: str, pod_uid: str, *, timeout: float) -> Verdict:
        """Prove that the cache pod answers at the kube-dns address."""
        return await self._own(node, pod_uid, self.target.kube_dns_ip, switched, timeout)

    async def back(self, node: str, *, timeout: float) -> Verdict:
        """Prove that kube-dns answers for itself again."""
        server = self.target.kube_dns_ip
        questions = [self.target.mark(server), *self.target.ordinary(server)]
        return await self._until(node, questions, lambda a: back(node, a), timeout=timeout)

    async def local(self, node: str, *, timeout: float) -> Verdict:
        """Prove that the local address answers ordinary names, whoever stands behind it."""
        questions = self.target.ordinary(self.target.local_ip)
        return await self._until(node, questions, lambda a: local(node, a), timeout=timeout)

    async def watch(self, node: str) -> Watch:
        """Ask the local address for the cluster's own name, until the watch is ended."""
        return await self._asker.watch(node, self.target.local_ip, self.target.cluster)

    async def silent(self, node: str, *, timeout: float) -> Verdict:
        """Prove that nothing answers at the local address."""
        questions = [self.target.mark(self.target.local_ip)]
        return await self._until(node, questions, lambda a: silent(node, a), timeout=timeout)

    async def _own(
        self,
        node: str,
        pod_uid: str,
        server: str,
        judge: Callable[[str, str, Sequence[Answer]], Verdict],
        timeout: float,
    ) -> Verdict:
        def verdict(answers: Sequence[Answer]) -> Verdict:
            return judge(node, pod_uid, answers)

        # The marker alone first: a cache that does not listen yet costs one time-out, not four.
        marker = self.target.mark(server)
        started = await self._until(node, [marker], verdict, timeout=timeout)
        if not started.ok:
            return started
        questions = [marker, *self.target.ordinary(server)]
        return await self._until(node, questions, verdict, timeout=timeout)

    async def _until(
        self,
        node: str,
        questions: Sequence[Question],
        judge: Callable[[Sequence[Answer]], Verdict],
        *,
        timeout: float,
    ) -> Verdict:
        """Repeat the round until the verdict is good; return the last one."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            verdict = judge(await self._asker.ask(node, questions))
            if verdict.ok or loop.time() >= deadline:
                return verdict
            await asyncio.sleep(PAUSE)

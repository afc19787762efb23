"""Take an installation out: probes, baseline, the way back node by node, and how it ended.

Before that, people are told what comes back to CoreDNS when the caches go.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_nodedns.cluster.paths import object_path
from kubectl_nodedns.errors import ApiError, NodednsError, TimedOutError
from kubectl_nodedns.facts.clients import Clients, nameservers
from kubectl_nodedns.facts.dns_service import read_dns_service
from kubectl_nodedns.facts.rights import demand, to_change, to_hold
from kubectl_nodedns.install.adoption import adopt
from kubectl_nodedns.install.baseline import ask_baseline, start_probes
from kubectl_nodedns.install.injection import demand_injection, remove_injection
from kubectl_nodedns.install.lease import Me, held
from kubectl_nodedns.install.live import read_live, refuse_changed
from kubectl_nodedns.install.needs import delete_unneeded, left_text
from kubectl_nodedns.install.objects import (
    DARK,
    DISABLING,
    RECORD,
    UPSTREAM,
    build,
    daemonset_of,
)
from kubectl_nodedns.install.options import NO_EXTERNAL_NAME
from kubectl_nodedns.install.orphans import make_sweep
from kubectl_nodedns.install.plan import nodes_text
from kubectl_nodedns.install.pods import CachePods
from kubectl_nodedns.install.result import Result, with_reasons
from kubectl_nodedns.install.standing import going_on
from kubectl_nodedns.install.takeover import settings_to_remove
from kubectl_nodedns.install.uninstall import Uninstall
from kubectl_nodedns.install.uninstall_plan import installed, ours, refuse_clients
from kubectl_nodedns.lookup.proof import Prover, Target
from kubectl_nodedns.metrics.monitor import traffic_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.caches import Cache
    from kubectl_nodedns.facts.dns_service import DnsService
    from kubectl_nodedns.install.live import Live
    from kubectl_nodedns.install.needs import User
    from kubectl_nodedns.install.objects import Objects
    from kubectl_nodedns.install.proof import MakeProbes, Report
    from kubectl_nodedns.install.requests import DisableRequest
    from kubectl_nodedns.install.settings import Settings
    from kubectl_nodedns.install.uninstall_plan import UninstallPlan
    from kubectl_nodedns.lookup.probes import Probes
    from kubectl_nodedns.verdict import Verdict

BUSY = 1000
"""Lookups a second of one CoreDNS pod from which more replicas are worth a thought."""
MANIFOLD = 2.0
"""From so many times today's load on it is a warning."""
GO_BACK = "enable to go back"
"""What can be done instead of going on."""
NOW_WAIT = 60.0
"""Seconds that `--now` gives the cache pods to end, at most: what they use is not taken away."""


async def tell_capacity(
    client: Client, caches: Sequence[Cache], coredns: int, report: Report
) -> None:
    """Say what comes back to CoreDNS; where the caches cannot be asked, that it is not known."""
    try:
        traffic = await traffic_of(client, caches)
    except ApiError:
        traffic = None
    if traffic is None or traffic.lookups is None:
        report.note("what comes back to CoreDNS is not known: the caches' counters cannot be read")
    else:
        report.note(capacity_words(traffic.lookups, traffic.hit_ratio, coredns))


def capacity_words(lookups: float, hit_ratio: float | None, coredns: int) -> str:
    """Say what CoreDNS gets when all lookups come back to it.

    Args:
        lookups: that the caches answer now, a second.
        hit_ratio: share of them that never reached anybody else; None when not known.
        coredns: ready CoreDNS pods.
    """
    if lookups < 1:
        return "the caches are asked next to nothing now: CoreDNS gets little more without them"
    text = f"the caches answer about {lookups:.0f} lookups/s"
    if hit_ratio is not None:
        text += f", {_share(hit_ratio)} of them themselves"
    text += f"; all of them come back to {coredns} CoreDNS pod{'s' if coredns != 1 else ''}"
    factor = 1 / max(1 - hit_ratio, 0.01) if hit_ratio is not None else MANIFOLD
    if factor >= MANIFOLD and lookups / max(coredns, 1) > BUSY:
        return f"WARNING: {text}, which get {_times(factor)} now: scale CoreDNS up first"
    return text


def _share(ratio: float) -> str:
    steps = ((0.95, "nearly all"), (0.7, "most"), (0.4, "about half"), (0.1, "some"))
    return next((words for least, words in steps if ratio >= least), "few")


def _times(factor: float) -> str:
    return "a small part of that" if factor >= 4 else "half of that or less"  # noqa: PLR2004


async def dry_run(client: Client, plan: UninstallPlan, report: Report, *, server: bool) -> Result:
    """Say what would be deleted; with `server` the API server is asked whether it would.

    Raises:
        ApiError: it would not.
    """
    if server:
        for obj in plan.going:
            await client.delete(object_path(dict(obj)), uid=obj["metadata"]["uid"], dry_run=True)
        report.note("the API server would delete them (server dry run)")
    text = f"would delete {len(plan.going)} objects; nothing was done"
    return Result(word="planned", text=text, unproved=plan.left_out)


async def disable(
    client: Client,
    request: DisableRequest,
    plan: UninstallPlan,
    make_probes: MakeProbes,
    report: Report,
) -> Result:
    """Take everything out.

    Raises:
        RefusedError: nothing was done, and why.
        NodednsError: it did not come to its end; the message says what was left.
    """
    there = plan.there
    await demand(client, to_hold(there.home))
    if there.admission.found:
        await demand_injection(client)
    async with held(client, there.home, me=Me.doing("disable"), told=report.note):
        # What the plan was made from is compared under the lease: from here on nobody else writes.
        refuse_changed(there.found, await read_live(client, there.home))
        if there.admission.found:
            # First of all: from here on no new pod is handed an address that is about to go.
            with going_on("disable", GO_BACK, report.note):
                await remove_injection(client, there.admission.found, report)
        if request.now or not ours(there.live):
            text = "disabled: deleted, not proved"
            return await _delete_all(client, request, plan, report, text=text)
        return await _take_out(client, request, plan, make_probes, report)


async def _delete_all(
    client: Client, request: DisableRequest, plan: UninstallPlan, report: Report, *, text: str
) -> Result:
    with going_on("disable", GO_BACK, report.note):
        left = await remove_now(client, plan.there.live, report, timeout=request.timeout)
    return Result(
        word="disabled", text=f"{text}{stays(left)}", unproved=plan.left_out, whole=not left
    )


async def _take_out(
    client: Client,
    request: DisableRequest,
    plan: UninstallPlan,
    make_probes: MakeProbes,
    report: Report,
) -> Result:
    there, ready = plan.there, plan.ready
    memory = there.memory
    dns = await read_dns_service(client, request.dns_service or memory.value("dns-service"))
    local_ip, domain, dark = await _what_is_proved(client, plan, dns)
    if not local_ip and there.live.daemonset is None:
        report.note("no cache and no configuration of ours is left, so there is nothing to prove")
        text = "disabled: the rest is deleted"
        return await _delete_all(client, request, plan, report, text=text)
    if not local_ip:
        raise NodednsError(
            "our ConfigMap is gone, so it is not known which address and domain to prove",
            hint="kubectl nodedns disable --now deletes what is left",
        )
    external = memory.value("external-name") or NO_EXTERNAL_NAME
    target = Target.of(
        local_ip=local_ip,
        kube_dns_ip=dns.beside(local_ip),
        domain=domain,
        external=None if external == NO_EXTERNAL_NAME else external,
    )
    namespace = ours(there.live)[0]["metadata"]["namespace"]
    await demand(client, to_change(namespace, request.probes.namespace))
    async with make_probes(memory.value("image-registry")) as probes:
        await start_probes(probes, ready, report)
        await _refuse_resolvers(probes, ready, local_ip)
        await tell_capacity(client, there.caches, dns.ready, report)
        if (cache := there.adopted) is not None:
            memory = replace(memory, given={**memory.given, "image": cache.image})
        sweep = await make_sweep(client, request.probes, there.live, memory, dns, local_ip, report)
        found = await ask_baseline(
            Prover(probes, target),
            ready,
            report,
            otherwise="disable --now takes the cache out without asking",
        )
        with going_on("disable", GO_BACK, report.note):
            objects = await _prepare(client, plan, dark, report)
            live = there.live
            if there.adoption is not None or dark is not None:
                live = await read_live(client, namespace)
            uninstall = Uninstall(
                client,
                live,
                ready,
                Prover(probes, found.target),
                report,
                timeout=request.timeout,
                batch_size=plan.batch_size,
                trusted=frozenset(v.node for v in found.verdicts if v.ok),
                sweep=sweep,
                dark=daemonset_of(objects) if objects else None,
            )
            verdicts = await uninstall.run()
    if uninstall.kept_for:
        report.note(kept_text(uninstall.kept_for, namespace))
    return ended(
        verdicts,
        {**plan.left_out, **uninstall.lost},
        nodes=len(ready) + len(plan.left_out),
        kube_dns_ip=target.kube_dns_ip,
        inferred=uninstall.inferred if sweep is not None else None,
        left=uninstall.left,
    )


async def _what_is_proved(
    client: Client, plan: UninstallPlan, dns: DnsService
) -> tuple[str, str, Settings | None]:
    """Return local IP, cluster domain, and the settings of the dark cache to give nodes back by.

    The last is None for an installation of ours, and for one that intercepts nothing.
    """
    there = plan.there
    cache = there.adopted
    if cache is None:
        return *installed(there.live), None
    dark = await settings_to_remove(
        client, cache, dns, plan.ready, domain=there.memory.value("cluster-domain")
    )
    intercepts = dns.ip in cache.local_ips
    return dark.local_ip, dark.cluster_domain, dark if intercepts else None


async def _prepare(
    client: Client, plan: UninstallPlan, dark: Settings | None, report: Report
) -> Objects:
    """Adopt, and write what the dark cache of an adopted installation needs beside its DaemonSet.

    Returns:
        The objects of that cache; none when the installation is ours from the start.
    """
    if plan.there.adoption is not None:
        report.step("adopt: the objects become ours, and no pod changes")
        await adopt(client, plan.there.adoption, "")
    if dark is None:
        return []
    objects = build(dark, phase=DARK, state=DISABLING)
    for obj in objects:
        if obj["kind"] != "DaemonSet":
            await client.apply(obj, force=True)
    return objects


async def _refuse_resolvers(probes: Probes, ready: Sequence[str], local_ip: str) -> None:
    """Refuse where a fresh pod's resolv.conf names the local IP: its kubelet hands it out."""
    naming = [n for n in ready if local_ip in nameservers(await probes.resolv_conf(n))]
    refuse_clients(Clients(kubelets=tuple(naming), pods=(), unknown=()), local_ip)


def ended(
    verdicts: Sequence[Verdict],
    left_out: Mapping[str, str],
    *,
    nodes: int,
    kube_dns_ip: str,
    inferred: Mapping[str, str] | None,
    left: Mapping[str, User],
) -> Result:
    """Say how it ended.

    Args:
        verdicts: the last verdict on each node that was asked.
        left_out: nodes that could not be asked, with the reason.
        nodes: how many nodes there are in all.
        kube_dns_ip: the DNS service's address.
        inferred: nodes that could not be looked at, with the reason; None when none could.
        left: objects that were not deleted, each with who uses it.
    """
    clean = [verdict for verdict in verdicts if verdict.ok]
    text = f"disabled: {len(clean)} of {nodes} nodes proved clean, kube-dns answers at "
    text += kube_dns_ip
    unseen = sum(1 for verdict in clean if inferred is None or verdict.node in inferred)
    text += f"; rules and links are inferred on {unseen} of them" if unseen else ""
    text += f"; unproved: {with_reasons(left_out)}" if left_out else ""
    text += stays(left)
    return Result(
        word="disabled",
        text=text,
        verdicts=verdicts,
        unproved=left_out,
        whole=len(clean) == nodes and not left,
    )


def stays(left: Mapping[str, User]) -> str:
    """Say what was not deleted because it is used; empty when everything was."""
    return f"; {left_text(left)}: run disable again when it does not" if left else ""


def kept_text(nodes: Sequence[str], namespace: str) -> str:
    """Say why services and configuration stay: `nodes` still have a cache pod."""
    have, they_are = ("have", "they are") if len(nodes) > 1 else ("has", "it is")
    return (
        f"{nodes_text(len(nodes))} ({', '.join(nodes)}) still {have} a cache pod, which reaches "
        f"CoreDNS by Service {namespace}/{UPSTREAM}: services and configuration stay. Run disable "
        f"again when {they_are} ready, or deleted"
    )


async def remove_now(
    client: Client, live: Live, report: Report, *, timeout: float
) -> Mapping[str, User]:
    """Delete everything of ours that no cache needs, without a question and without a proof.

    Args:
        client: an open client.
        live: what is installed.
        report: where progress goes.
        timeout: seconds that the cache pods are given to end, at most `NOW_WAIT`.

    Returns:
        What was left because a cache that runs uses it, each with who.
    """
    objects = ours(live)
    namespace = next((obj["metadata"]["namespace"] for obj in objects), "")
    pods = CachePods(client, namespace, timeout=min(timeout, NOW_WAIT), note=report.note)
    ending = set()
    if ("ConfigMap", RECORD) in live.objects:
        # A takeover was cut off where its pods belong to no DaemonSet: nothing deletes them for us.
        orphans = [pod for pod in (await pods.read()).values() if pod.orphaned]
        for pod in orphans:
            await pods.delete(pod)
        ending |= {pod.node for pod in orphans}
    rest = []
    for obj in objects:
        if obj["kind"] != "DaemonSet" and obj["metadata"]["name"] != RECORD:
            rest.append(obj)
            continue
        report.step(f"delete {obj['kind']} {obj['metadata']['name']}")
        await client.delete(object_path(dict(obj)), uid=obj["metadata"]["uid"])
        if obj["kind"] == "DaemonSet":
            ending |= set(live.pods)
    try:
        await pods.gone(ending)
    except TimedOutError as error:
        report.note(f"{error}; going on")
    return await delete_unneeded(client, rest, report)

"""`kubectl nodedns disable`: give lookups back node by node, then delete what is ours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import NAMED, print_outcome, with_reasons
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.cluster.paths import object_path
from kubectl_nodedns.commands.adopting import (
    adopted_cache,
    find_adoption,
    settings_to_remove,
    with_labelled,
)
from kubectl_nodedns.commands.asking import ask_baseline, start_probes
from kubectl_nodedns.commands.given import access_options, check_change, probe_options, step_timeout
from kubectl_nodedns.commands.injecting import demand_injection, remove_injection
from kubectl_nodedns.commands.session import connect, hold_lease, make_probes
from kubectl_nodedns.commands.sweeping import clean_orphans, make_sweep, tell_capacity
from kubectl_nodedns.errors import Exit, NodednsError, RefusedError
from kubectl_nodedns.facts.caches import Cache, Imitation, find_caches
from kubectl_nodedns.facts.clients import Clients, nameservers, read_clients
from kubectl_nodedns.facts.dns_service import home_of, read_dns_service
from kubectl_nodedns.facts.mutating_policies import Admission, read_admission
from kubectl_nodedns.facts.nodes import Node, read_nodes
from kubectl_nodedns.facts.progress import read_progress
from kubectl_nodedns.facts.rights import demand, to_change, to_hold
from kubectl_nodedns.install.adoption import adopt
from kubectl_nodedns.install.live import MANAGED, Live, read_live, refuse_changed
from kubectl_nodedns.install.needs import left_text, read_users
from kubectl_nodedns.install.objects import (
    DARK,
    DISABLING,
    NAME,
    OPTIONS,
    UPSTREAM,
    build,
    daemonset_of,
)
from kubectl_nodedns.install.options import NO_EXTERNAL_NAME, Memory
from kubectl_nodedns.install.plan import LARGEST_BATCH, nodes_text
from kubectl_nodedns.install.removal import (
    Removal,
    commands,
    describe,
    installed,
    ours,
    remove_now,
)
from kubectl_nodedns.install.standing import going_on
from kubectl_nodedns.lookup.proof import Prover, Target
from kubectl_nodedns.readable import said

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.adoption import Adoption
    from kubectl_nodedns.install.needs import User
    from kubectl_nodedns.install.objects import Objects
    from kubectl_nodedns.install.settings import Settings
    from kubectl_nodedns.lookup.probes import Probes


GO_BACK = "enable to go back"
"""What can be done instead of going on."""


def run(arguments: argparse.Namespace) -> int:
    """Take the cache out, or say that there is nothing to do."""
    check_change(arguments)
    return run_on_loop(_disable(arguments, Talk()))


async def _disable(arguments: argparse.Namespace, talk: Talk) -> int:
    async with connect(access_options(arguments)) as client:
        talk.step(f"inspect {client.access.context or client.access.server}")
        home = home_of(arguments.dns_service)
        there = await find_caches(client, home)
        caches = there.caches
        found = live = await read_live(client, home)
        admission = await read_admission(client, MANAGED, NAME)
        adoption = await _adoption(client, arguments, caches, live)
        live = with_labelled(live, adoption)
        talk.lines(f"          {line}" for line in (adoption.lines() if adoption else ()))
        if not ours(live) and not admission.found and arguments.orphans and not caches:
            return await clean_orphans(client, arguments, live, talk)
        talk.lines(f"          {line}" for line in _imitated(there.imitations, home))
        if progress := await read_progress(client, caches):
            talk.note(str(progress))
        if not ours(live) and not admission.found:
            return _nothing(arguments, caches)
        left = await _refuse_users(client, arguments, live, adoption)
        daemonset = adoption.daemonset if adoption else live.daemonset
        nodes = _selected(await read_nodes(client), daemonset)
        ready = [node.name for node in nodes if node.ready]
        left_out = {node.name: "not ready" for node in nodes if not node.ready}
        size = _batch_size(arguments, ready)
        talk.step("plan")
        talk.lines(
            f"          {line}"
            for line in describe(live, [] if arguments.now else ready, left_out, size, left)
        )
        _say(admission, talk)
        going = [o for o in ours(live) if f"{o['kind']} {o['metadata']['name']}" not in left]
        if arguments.now:
            talk.note("the same by hand:")
            talk.lines(f"          {line}" for line in commands((*admission.found, *going)))
        else:
            await _refuse_clients(client, live, adoption, admission, ready, talk)
        if arguments.dry_run != "none":
            return await _dry_run(client, arguments, going, left_out, talk)
        if not talk.confirm(f"Go ahead on {client.access.server}?", yes=arguments.yes):
            talk.note("nothing was done")
            return Exit.OK
        await demand(client, to_hold(home))
        if admission.found:
            await demand_injection(client)
        async with hold_lease(client, home, "disable", talk.note):
            refuse_changed(found, await read_live(client, home))
            if admission.found:
                with going_on("disable", GO_BACK, talk.note):
                    await remove_injection(client, admission.found, talk)
            if arguments.now or not ours(live):
                with going_on("disable", GO_BACK, talk.note):
                    left = await remove_now(client, live, talk, timeout=step_timeout(arguments))
                text = f"disabled: deleted, not proved{_left(left)}"
                print_outcome("disabled", text, [], left_out, arguments.output)
                return Exit.PARTIAL if left else Exit.OK
            return await _remove(client, arguments, caches, live, adoption, ready, left_out, talk)


async def _adoption(
    client: Client, arguments: argparse.Namespace, caches: Sequence[Cache], live: Live
) -> Adoption | None:
    """Return the installation of somebody else that is to be taken out."""
    begun = live.daemonset is None and live.taken_over is not None
    if not begun and (live.daemonset is not None or not (arguments.adopt and caches)):
        return None
    dns = await read_dns_service(client, arguments.dns_service or "")
    return await find_adoption(client, caches, dns, asked=arguments.adopt)


def _batch_size(arguments: argparse.Namespace, ready: Sequence[str]) -> int:
    return arguments.batch_size or max(1, min(LARGEST_BATCH, len(ready) // 10))


def _say(admission: Admission, talk: Talk) -> None:
    for obj in admission.found:
        talk.note(f"{'delete':<10} {obj['kind']} {obj['metadata']['name']}")
    if admission.forbidden:
        talk.note(f"a policy that injects the cache would not be seen: {admission.forbidden}")


async def _dry_run(
    client: Client,
    arguments: argparse.Namespace,
    going: Sequence[Mapping[str, Any]],
    left_out: dict[str, str],
    talk: Talk,
) -> int:
    if arguments.dry_run == "server":
        for obj in going:
            await client.delete(object_path(dict(obj)), uid=obj["metadata"]["uid"], dry_run=True)
        talk.note("the API server would delete them (server dry run)")
    if arguments.output:
        text = f"would delete {len(going)} objects; nothing was done"
        print_outcome("planned", text, [], left_out, arguments.output)
    else:
        talk.note(f"nothing was done ({arguments.dry_run} dry run)")
    return Exit.OK


def _imitated(imitations: Sequence[Imitation], home: str) -> list[str]:
    """Say which DaemonSets bear our label and are left alone."""
    names = [f"{one.namespace}/{one.name}" for one in imitations if one.labelled]
    if not names:
        return []
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    said = f"DaemonSet {', '.join(names[:NAMED])}{more}: our label is on it, and ours is"
    return [f"left alone {said} {home}/{NAME} (--dns-service says where the DNS service is)"]


async def _refuse_users(
    client: Client, arguments: argparse.Namespace, live: Live, adoption: Adoption | None
) -> Mapping[str, User]:
    """Refuse where somebody else's DaemonSet runs on what is ours; `--now` leaves that.

    Returns:
        What is left as long as it is used, each object with who uses it.
    """
    if live.daemonset is not None or adoption is not None:
        return {}
    left = await read_users(client, ours(live))
    if not arguments.now and any(user.kind == "DaemonSet" for user in left.values()):
        raise RefusedError(
            f"our DaemonSet is gone, and a cache runs on what it needed: {left_text(left)}",
            hint="--adopt takes that cache out too; --now deletes what nobody uses, and leaves the "
            "rest",
        )
    return left


def _nothing(arguments: argparse.Namespace, caches: Sequence[Cache]) -> int:
    if caches:
        cache = caches[0]
        raise RefusedError(
            f"the cache {cache.namespace}/{cache.name} ({cache.image}) is not ours: "
            f"it is managed by {cache.owner}",
            hint="take it out the way it was installed, or with --adopt",
        )
    text = "nothing to do: no cache is installed"
    print_outcome("unchanged", text, [], {}, arguments.output)
    return Exit.OK


def _selected(nodes: Sequence[Node], daemonset: Mapping[str, Any] | None) -> list[Node]:
    """Return the Linux nodes that the DaemonSet selects."""
    selector: dict[str, str] = {}
    if daemonset is not None:
        selector = daemonset["spec"]["template"]["spec"].get("nodeSelector") or {}
    return [node for node in nodes if node.system == "linux" and node.selected(selector)]


async def _refuse_clients(
    client: Client,
    live: Live,
    adoption: Adoption | None,
    admission: Admission,
    ready: Sequence[str],
    talk: Talk,
) -> None:
    local_ip, _ = installed(live)
    if cache := _adopted(live, adoption):
        dns = await read_dns_service(client, _remembered(live).value("dns-service"))
        local_ip = next((ip for ip in cache.local_ips if ip not in dns.ips), "")
    if not local_ip:
        return
    found = await read_clients(client, local_ip, ready)
    _refuse(found, local_ip, injected=bool(admission.found))
    if found.unread:
        talk.note(f"pods, of which nobody knows whether they name {local_ip}: {said(found.unread)}")
    if found.unknown:
        talk.note(
            f"the kubelets of {len(found.unknown)} nodes cannot be asked for their clusterDNS "
            "(nodes/proxy); their probes' resolv.conf will tell"
        )


def _refuse(found: Clients, local_ip: str, *, injected: bool = False) -> None:
    who = [f"the kubelet of node {node}" for node in found.kubelets]
    who += [f"pod {pod}" for pod in found.pods]
    if who:
        more = f" and {len(who) - 5} more" if len(who) > 5 else ""  # noqa: PLR2004
        raise RefusedError(
            f"these name {local_ip} as their nameserver, and would lose DNS: "
            f"{', '.join(who[:5])}{more}",
            hint=(
                "new pods are handed it by our policy: take the label kubectl-nodedns/inject off "
                "their namespaces, then replace the pods\n"
                if injected and found.pods
                else ""
            )
            + "set clusterDNS of the kubelets back to the DNS service and restart their pods; "
            "remove dnsConfig from the others. --now goes on regardless",
        )


async def _remove(
    client: Client,
    arguments: argparse.Namespace,
    caches: Sequence[Cache],
    live: Live,
    adoption: Adoption | None,
    ready: list[str],
    left_out: dict[str, str],
    talk: Talk,
) -> int:
    dns = await read_dns_service(
        client, arguments.dns_service or _remembered(live).value("dns-service")
    )
    local_ip, domain = installed(live)
    dark: Settings | None = None
    cache = _adopted(live, adoption)
    if cache is not None:
        dark = await settings_to_remove(
            client, cache, dns, ready, domain=_remembered(live).value("cluster-domain")
        )
        local_ip, domain = dark.local_ip, dark.cluster_domain
        if dns.ip not in cache.local_ips:  # nothing is intercepted that could be given back
            dark = None
    if not local_ip and live.daemonset is None:
        talk.note("no cache and no configuration of ours is left, so there is nothing to prove")
        with going_on("disable", GO_BACK, talk.note):
            left = await remove_now(client, live, talk, timeout=step_timeout(arguments))
        text = f"disabled: the rest is deleted{_left(left)}"
        print_outcome("disabled", text, [], left_out, arguments.output)
        return Exit.PARTIAL if left else Exit.OK
    if not local_ip:
        raise NodednsError(
            "our ConfigMap is gone, so it is not known which address and domain to prove",
            hint="kubectl nodedns disable --now deletes what is left",
        )
    external = _remembered(live).value("external-name") or NO_EXTERNAL_NAME
    target = Target.of(
        local_ip=local_ip,
        kube_dns_ip=dns.beside(local_ip),
        domain=domain,
        external=None if external == NO_EXTERNAL_NAME else external,
    )
    namespace = ours(live)[0]["metadata"]["namespace"]
    await demand(client, to_change(namespace, probe_options(arguments).namespace))
    registry = _remembered(live).value("image-registry")
    async with make_probes(client, probe_options(arguments), registry) as probes:
        await start_probes(probes, ready, talk)
        await _refuse_resolvers(probes, ready, local_ip)
        await tell_capacity(client, caches, dns.ready, talk)
        memory = _remembered(live)
        if cache is not None:
            memory = replace(memory, given={**memory.given, "image": cache.image})
        sweep = await make_sweep(client, arguments, live, memory, dns, local_ip, talk)
        prover = Prover(probes, target)
        found = await ask_baseline(
            prover, ready, talk, otherwise="disable --now takes the cache out without asking"
        )
        with going_on("disable", GO_BACK, talk.note):
            objects = await _prepare(client, adoption, dark, talk)
            removal = Removal(
                client,
                live if adoption is None and dark is None else await read_live(client, namespace),
                ready,
                Prover(probes, found.target),
                talk,
                timeout=step_timeout(arguments),
                batch_size=_batch_size(arguments, ready),
                trusted=frozenset(v.node for v in found.verdicts if v.ok),
                sweep=sweep,
                dark=daemonset_of(objects) if objects else None,
            )
            verdicts = await removal.run()
    if removal.kept_for:
        _tell_kept(removal.kept_for, namespace, talk)
    clean = [verdict for verdict in verdicts if verdict.ok]
    total = len(ready) + len(left_out)
    left_out = {**left_out, **removal.lost}
    text = f"disabled: {len(clean)} of {total} nodes proved clean, kube-dns answers at "
    text += target.kube_dns_ip
    unseen = sum(1 for verdict in clean if sweep is None or verdict.node in removal.inferred)
    text += f"; rules and links are inferred on {unseen} of them" if unseen else ""
    text += f"; unproved: {with_reasons(left_out)}" if left_out else ""
    text += _left(removal.left)
    print_outcome("disabled", text, verdicts, left_out, arguments.output)
    return Exit.OK if len(clean) == total and not removal.left else Exit.PARTIAL


def _left(left: Mapping[str, User]) -> str:
    return f"; {left_text(left)}: run disable again when it does not" if left else ""


def _tell_kept(nodes: Sequence[str], namespace: str, talk: Talk) -> None:
    have, they_are = ("have", "they are") if len(nodes) > 1 else ("has", "it is")
    talk.note(
        f"{nodes_text(len(nodes))} ({', '.join(nodes)}) still {have} a cache pod, which reaches "
        f"CoreDNS by Service {namespace}/{UPSTREAM}: services and configuration stay. Run disable "
        f"again when {they_are} ready, or deleted"
    )


async def _prepare(
    client: Client, adoption: Adoption | None, dark: Settings | None, talk: Talk
) -> Objects:
    """Adopt, and write what the dark cache of an adopted installation needs beside its DaemonSet.

    Returns:
        The objects of that cache; none when the installation is ours from the start.
    """
    if adoption is not None:
        talk.step("adopt: the objects become ours, and no pod changes")
        await adopt(client, adoption, "")
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
    _refuse(Clients(kubelets=tuple(naming), pods=(), unknown=()), local_ip)


def _adopted(live: Live, adoption: Adoption | None) -> Cache | None:
    """Return the cache of somebody else, taken over by this run or by one that was stopped."""
    return adoption.cache if adoption is not None else adopted_cache(live)


def _remembered(live: Live) -> Memory:
    if live.daemonset is None:
        return Memory()
    annotations = live.daemonset["metadata"].get("annotations") or {}
    namespace = live.daemonset["metadata"]["namespace"]
    return Memory.of_text(annotations.get(OPTIONS, ""), home=namespace)

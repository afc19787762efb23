"""`kubectl nodedns enable`: inspect, plan, confirm, baseline, dark start, switch, report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_data, print_lines, print_objects, print_outcome
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.cluster.access import duration
from kubectl_nodedns.commands.given import (
    access_options,
    installation_options,
    probe_options,
    step_timeout,
)
from kubectl_nodedns.commands.session import connect, make_probes
from kubectl_nodedns.errors import Exit, NodednsError, UsageError
from kubectl_nodedns.health.preflight import ignored, notes_of, refuse_errors, weigh
from kubectl_nodedns.health.preflight_gathering import Trying, gather
from kubectl_nodedns.health.resolvers import refuse_resolvers
from kubectl_nodedns.install.diff import diff_document, diff_lines
from kubectl_nodedns.install.enabling import enable, ended
from kubectl_nodedns.install.injection import injection_to_print
from kubectl_nodedns.install.injection_policy import Resolver
from kubectl_nodedns.install.objects import build
from kubectl_nodedns.install.option_checks import check, selector_of
from kubectl_nodedns.install.options import settle
from kubectl_nodedns.install.planning import prepare, survey
from kubectl_nodedns.install.requests import CLIENT, NONE, PRINT, SERVER, EnableRequest, Wait
from kubectl_nodedns.install.settings import USUAL_ASSUMED, settings_unseen
from kubectl_nodedns.install.variants import PRINTED_ONLY
from kubectl_nodedns.names import address

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kubectl_nodedns.checks.finding import Outcome
    from kubectl_nodedns.checks.preflight_evidence import Preflight
    from kubectl_nodedns.cluster.access import AccessOptions
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.inspection import Inspection
    from kubectl_nodedns.install.live import Live
    from kubectl_nodedns.install.objects import Objects
    from kubectl_nodedns.install.planning import Ground, Prepared
    from kubectl_nodedns.install.result import Result
    from kubectl_nodedns.install.settings import Settings
    from kubectl_nodedns.lookup.probes import Probes


def run(arguments: argparse.Namespace) -> int:
    """Install the cache, change it, or say that nothing changed."""
    request = read_request(arguments)
    talk = Talk()
    if request.needs_no_cluster:
        return run_on_loop(_without_cluster(request, talk))
    try:
        return run_on_loop(_with_cluster(access_options(arguments), request, talk))
    except NodednsError as error:
        # With --diff, 1 means "there is a difference", as it does to kubectl.
        if request.diff and error.exit == Exit.FINDING:
            error.exit = Exit.API
        raise


def read_request(arguments: argparse.Namespace) -> EnableRequest:
    """Read the command line of `enable`.

    Raises:
        UsageError: an option cannot be used, or not together with another.
    """
    given = installation_options(arguments)
    timeout, probes = step_timeout(arguments), probe_options(arguments)
    ignore = ignored(arguments.ignore or ())
    kube_dns_ip = arguments.kube_dns_ip and address(arguments.kube_dns_ip, option="--kube-dns-ip")
    if kube_dns_ip and arguments.dry_run != CLIENT and arguments.inject != PRINT:
        raise UsageError("--kube-dns-ip goes with --dry-run=client; a live run reads it")
    if arguments.diff and (arguments.dry_run != NONE or arguments.yes):
        raise UsageError("--diff stands alone: it writes nothing, and --dry-run and --yes would")
    wait = None
    if arguments.wait is not None:
        wait = Wait(text=arguments.wait, limit=duration(arguments.wait, option="--wait"))
    return EnableRequest(
        timeout=timeout,
        probes=probes,
        dry_run=arguments.dry_run,
        adopt=arguments.adopt,
        batch_size=arguments.batch_size,
        yes=arguments.yes,
        output=arguments.output,
        given=given,
        whole=arguments.config is not None,
        upgrade=arguments.upgrade,
        kube_dns_ip=kube_dns_ip or "",
        force_conflicts=arguments.force_conflicts,
        inject=arguments.inject or "",
        wait=wait,
        canary=selector_of(check("node-selector", arguments.canary or "")),
        ignore=ignore,
        diff=arguments.diff,
    )


async def _without_cluster(request: EnableRequest, talk: Talk) -> int:
    memory, _ = settle(request.given, None, upgrade=False)
    settings = settings_unseen(memory, request.kube_dns_ip)
    policy_alone = request.inject == PRINT
    mark = "" if policy_alone else _unproved(PRINTED_ONLY.get(settings.mode, ""), talk)
    assumed = f"namespace {settings.namespace}, {USUAL_ASSUMED}"
    talk.note(f"no cluster was asked; assumed: {assumed}, image {settings.image}")
    objects = [] if policy_alone else build(settings, options=memory.as_text())
    if request.inject:
        objects += await injection_to_print(None, Resolver.of(settings), talk)
    print_objects(objects, request.output or "yaml", mark=mark)
    return Exit.OK


async def _with_cluster(access: AccessOptions, request: EnableRequest, talk: Talk) -> int:
    async with connect(access) as client:
        talk.step(f"inspect {client.access.context or client.access.server}")
        ground = await survey(client, request, talk)
        if request.inject == PRINT or ground.printed_only:
            return await _only_print(client, request, ground, talk)
        prepared = await prepare(client, request, ground, _Preflight(client, request, talk), talk)
        talk.step("plan")
        talk.lines(f"          {line}" for line in prepared.lines())
        if request.diff:
            return _diff(prepared, request.output)
        prepared.refuse()
        if request.dry_run != NONE:
            return await _dry_run(client, request, prepared, talk)
        prepared.refuse_unprovable()
        if prepared.unchanged and not request.yes and request.wait is None:
            talk.note(
                "no probe was started; --yes proves each node again, and kubectl nodedns check"
            )
            talk.note("tells by counters which caches nobody asks")
            return _print(ended(prepared.plan, []), request)
        if not talk.confirm(f"Go ahead on {client.access.server}?", yes=request.yes):
            talk.note("nothing was done")
            return Exit.OK
        probes = partial(make_probes, client, request.probes)
        return _print(await enable(client, request, prepared, probes, talk), request)


async def _only_print(client: Client, request: EnableRequest, ground: Ground, talk: Talk) -> int:
    """Print what is only printed: a policy, or the objects of a dataplane that was not proved."""
    mark = ""
    if request.inject == PRINT:
        objects = await injection_to_print(client, Resolver.of(ground.settings), talk)
    else:
        mark = _unproved(ground.printed_only, talk)
        objects = build(ground.settings, options=ground.memory.as_text())
    print_objects(objects, request.output or "yaml", mark=mark)
    return Exit.OK


def _print(result: Result, request: EnableRequest) -> int:
    print_outcome(
        result.word,
        result.text,
        result.verdicts,
        result.unproved,
        request.output,
        gaps=result.gaps,
    )
    return Exit.OK if result.whole else Exit.PARTIAL


def _unproved(why: str, talk: Talk) -> str:
    """Say that a dataplane's objects are printed and no more; return the mark that they bear."""
    mark = f"not proved by this plugin: {why}" if why else ""
    if mark:
        talk.note(mark)
    return mark


def _diff(prepared: Prepared, output: str | None) -> int:
    """Print what would change; the exit code tells whether anything would."""
    plan, wanted, live = prepared.plan, prepared.wanted, prepared.live
    if output:
        print_data(diff_document(plan, wanted, live), output)
    elif not plan.unchanged:
        print_lines(diff_lines(plan, wanted, live))
    return Exit.OK if plan.unchanged else Exit.FINDING


async def _dry_run(client: Client, request: EnableRequest, prepared: Prepared, talk: Talk) -> int:
    objects = prepared.objects
    if request.dry_run == SERVER:
        objects = [await client.apply(o, dry_run=True, force=prepared.force) for o in objects]
        for obj in objects:
            obj["metadata"].pop("managedFields", None)
        talk.note("the API server accepts it (server dry run); nothing was done")
    else:
        talk.note("nothing was done (client dry run)")
    if request.output:
        print_objects(objects, request.output)
    return Exit.OK


class _Preflight:
    """The preflight checks, for a plan; see `install.proof.Preflight`."""

    def __init__(self, client: Client, request: EnableRequest, talk: Talk) -> None:
        self._client = client
        self._request = request
        self._talk = talk

    async def __call__(
        self, seen: Inspection, settings: Settings, wanted: Objects, live: Live, *, image: str
    ) -> _Obstacles:
        trying = Trying(
            probe_namespace=self._request.probes.namespace,
            probe_image=image,
            pods=self._request.dry_run != CLIENT,
            force=self._request.force_conflicts,
        )
        evidence = await gather(self._client, seen, settings, wanted, live, trying)
        ignore = self._request.ignore
        return _Obstacles(evidence, weigh(evidence, ignore), ignore, self._talk)


@dataclass(frozen=True)
class _Obstacles:
    """What they came to; see `install.proof.Obstacles`."""

    evidence: Preflight
    outcome: Outcome
    ignore: frozenset[str]
    talk: Talk

    @property
    def notes(self) -> Sequence[str]:
        return notes_of(self.outcome)

    def refuse(self) -> None:
        refuse_errors(self.outcome)

    async def refuse_resolvers(self, probes: Probes, nodes: Sequence[str]) -> None:
        await refuse_resolvers(probes, self.evidence, nodes, self.ignore, self.talk)

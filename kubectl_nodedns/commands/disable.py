"""`kubectl nodedns disable`: give lookups back node by node, then delete what is ours."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.output import print_outcome
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.commands.given import (
    access_options,
    dns_service,
    probe_options,
    step_timeout,
)
from kubectl_nodedns.commands.session import connect, make_probes
from kubectl_nodedns.errors import Exit
from kubectl_nodedns.install.disabling import disable, dry_run
from kubectl_nodedns.install.orphans import clean_orphans, find_nodes
from kubectl_nodedns.install.requests import NONE, SERVER, DisableRequest
from kubectl_nodedns.install.uninstall_plan import find_installed, plan_uninstall, tell_state

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cluster.access import AccessOptions
    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.install.result import Result
    from kubectl_nodedns.install.uninstall_plan import Installed


def run(arguments: argparse.Namespace) -> int:
    """Take the cache out, or say that there is nothing to do."""
    request = read_request(arguments)
    return run_on_loop(_disable(access_options(arguments), request, Talk()))


def read_request(arguments: argparse.Namespace) -> DisableRequest:
    """Read the command line of `disable`.

    Raises:
        UsageError: an option cannot be used.
    """
    return DisableRequest(
        timeout=step_timeout(arguments),
        dns_service=dns_service(arguments),
        probes=probe_options(arguments),
        dry_run=arguments.dry_run,
        adopt=arguments.adopt,
        batch_size=arguments.batch_size,
        yes=arguments.yes,
        output=arguments.output,
        now=arguments.now,
        orphans=arguments.orphans,
    )


async def _disable(access: AccessOptions, request: DisableRequest, talk: Talk) -> int:
    async with connect(access) as client:
        talk.step(f"inspect {client.access.context or client.access.server}")
        there = await find_installed(client, request, talk)
        if there.nothing and request.orphans and not there.caches:
            return await _orphans(client, request, there, talk)
        await tell_state(client, there, talk)
        if there.nothing:
            return _print(there.refuse_foreign(), request)
        plan = await plan_uninstall(client, request, there, talk)
        if request.dry_run != NONE:
            result = await dry_run(client, plan, talk, server=request.dry_run == SERVER)
            if request.output:
                return _print(result, request)
            talk.note(f"nothing was done ({request.dry_run} dry run)")
            return Exit.OK
        if not talk.confirm(f"Go ahead on {client.access.server}?", yes=request.yes):
            talk.note("nothing was done")
            return Exit.OK
        probes = partial(make_probes, client, request.probes)
        return _print(await disable(client, request, plan, probes, talk), request)


async def _orphans(client: Client, request: DisableRequest, there: Installed, talk: Talk) -> int:
    dns, nodes = await find_nodes(client, request.dns_service, talk)
    if request.dry_run != NONE or not talk.confirm(
        f"Go ahead on {client.access.server}?", yes=request.yes
    ):
        talk.note("nothing was done")
        return Exit.OK
    return _print(
        await clean_orphans(client, request.probes, there.live, dns, nodes, talk), request
    )


def _print(result: Result, request: DisableRequest) -> int:
    print_outcome(result.word, result.text, result.verdicts, result.unproved, request.output)
    return Exit.OK if result.whole else Exit.PARTIAL

"""`kubectl nodedns lookup`: one question to every vantage point, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.cli.loop import run_on_loop
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.commands.given import access_options, probe_options
from kubectl_nodedns.commands.lookup_asking import Asking
from kubectl_nodedns.commands.lookup_from import read_pod
from kubectl_nodedns.commands.lookup_request import Request, read_request
from kubectl_nodedns.commands.session import connect, make_probes
from kubectl_nodedns.facts.progress import GO_ON, of_pods
from kubectl_nodedns.facts.way import read_way
from kubectl_nodedns.install.recalled import recalled
from kubectl_nodedns.lookup.places import choose_nodes

if TYPE_CHECKING:
    import argparse

    from kubectl_nodedns.cluster.client import Client
    from kubectl_nodedns.facts.way import Way


def run(arguments: argparse.Namespace) -> int:
    """Ask, print, and say by the exit code whether all answers are the same."""
    request = read_request(arguments)
    if request.direct:
        from kubectl_nodedns.commands.lookup_direct import ask_directly  # noqa: PLC0415 - rare

        return run_on_loop(ask_directly(arguments, request))
    return run_on_loop(_lookup(arguments, request))


async def way_of(client: Client, request: Request) -> Way:
    """Read the way of a lookup, with what is remembered where the request does not say.

    Raises:
        NodednsError: see `read_way`.
    """
    given = {"dns-service": request.dns_service, "cluster-domain": request.cluster_domain}
    known = await recalled(client, given)
    return await read_way(
        client,
        dns_service=known.get("dns-service", ""),
        domain=known.get("cluster-domain", ""),
    )


async def _lookup(arguments: argparse.Namespace, request: Request) -> int:
    talk = Talk()
    async with connect(access_options(arguments)) as client:
        way = await way_of(client, request)
        for what in way.unread:
            talk.note(f"not read: {what}")
        if way.cache and (progress := of_pods(way.cache, way.cache_pods)):
            talk.note(f"{progress}: {GO_ON}")
        pod = None
        if request.from_pod:
            namespace = request.namespace or client.access.namespace
            pod = await read_pod(client, request.from_pod, namespace)
        nodes, unfit = choose_nodes(
            way,
            given=[pod["spec"]["nodeName"]] if pod else request.nodes,
            selected=await request.selected(client),
            everywhere=request.all_nodes,
        )
        async with make_probes(client, probe_options(arguments), dns_policy="Default") as probes:
            asking = Asking(client, way, probes, request, talk, unfit=unfit)
            if pod is not None:
                await asking.explain(pod)
            return await asking.run(nodes)

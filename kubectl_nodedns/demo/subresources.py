"""What is behind a pod and a node: metrics, logs, commands, a kubelet's configuration."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from kubectl_nodedns.demo import exposition, logs
from kubectl_nodedns.demo.kinds import BY_PATH
from kubectl_nodedns.demo.kubelets import ends, environment
from kubectl_nodedns.demo.refusals import Refusal, not_found
from kubectl_nodedns.demo.routes import compressed
from kubectl_nodedns.demo.shell import Pod, Shell
from kubectl_nodedns.demo.world import DNS_IP, DOMAIN, configz

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from kubectl_nodedns.demo.kinds import Address
    from kubectl_nodedns.demo.machines import Machine, Network
    from kubectl_nodedns.demo.nodecache import NodeCache
    from kubectl_nodedns.demo.replies import Asked, Outcome
    from kubectl_nodedns.demo.store import Object
    from kubectl_nodedns.demo.verbs import Verbs

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDOUT, STATUS = b"\x01", b"\x03"
METRICS_PORTS = ("9253", "9353")
"""CoreDNS's, and the agent's own; one registry is behind both."""
COREDNS_PORT = "9153"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
UPSTREAM = "kube-dns-upstream"
_SERVICES = BY_PATH["v1", "services"]


class Subresources:
    """Handlers of subresources.

    Args:
        verbs: the objects.
        machines: the nodes.
        network: where lookups go.
        chance: makes numbers up.
        coredns: what the CoreDNS pods count, by pod.
    """

    def __init__(
        self,
        verbs: Verbs,
        machines: Mapping[str, Machine],
        network: Network,
        chance: random.Random,
        coredns: Mapping[str, NodeCache],
    ) -> None:
        self._verbs = verbs
        self._machines = machines
        self._network = network
        self._chance = chance
        self._coredns = coredns
        self.handlers = {
            ("pods", "proxy"): self.proxy,
            ("pods", "log"): self.log,
            ("pods", "exec"): self.execute,
            ("nodes", "proxy"): self.node_proxy,
        }

    async def proxy(self, request: web.Request, at: Address) -> web.StreamResponse:
        """Pass a request on to a port of a pod: node caches have metrics and a health check."""
        name, _, port = at.name.partition(":")
        pod = self._pod(at, name)
        machine = self._machines.get(pod["spec"].get("nodeName", ""))
        ip = (pod.get("status") or {}).get("podIP", "")
        if name in self._coredns and (port, at.rest) == (COREDNS_PORT, "metrics"):
            page = exposition.page(self._coredns[name], "", "10.0.0.2:53")
            return compressed(request, page.encode(), TEXT)
        if machine is None or machine.cache is None or not _is_cache(pod):
            raise _unreachable(f"{ip}:{port}")
        if port in METRICS_PORTS and at.rest == "metrics":
            page = exposition.page(machine.cache, self._upstream(), f"{machine.resolver}:53")
            return compressed(request, page.encode(), TEXT)
        if port == "8080" and at.rest == "health":
            return web.Response(text="OK")
        raise _unreachable(f"{ip}:{port}")

    async def node_proxy(self, _: web.Request, at: Address) -> web.StreamResponse:
        """Answer as a kubelet."""
        name = at.name.partition(":")[0]
        if name not in self._machines:
            raise not_found("nodes", "", name)
        if at.rest == "configz":
            return web.json_response(configz(name))
        if at.rest == "healthz":
            return web.Response(text="ok")
        return web.Response(status=404, text="404 page not found\n")

    async def log(self, request: web.Request, at: Address) -> web.StreamResponse:
        """Return the log of a pod."""
        pod = self._pod(at, at.name)
        machine = self._machines.get(pod["spec"].get("nodeName", ""))
        previous = request.query.get("previous") in ("1", "true")
        if machine and ends(pod):
            printed = logs.looked(pod, machine, request.query.get("container", ""))
            return web.Response(text="".join(f"{line}\n" for line in printed))
        lines = logs.lines(pod, machine, previous=previous)
        if lines is None:
            message = f'previous terminated container in pod "{at.name}" not found'
            raise Refusal(400, "BadRequest", message)
        if request.query.get("timestamps") in ("1", "true"):
            lines = logs.stamped(lines)
        if tail := request.query.get("tailLines"):
            lines = lines[-int(tail) :] if int(tail) else []
        return web.Response(text="".join(f"{line}\n" for line in lines))

    async def execute(self, request: web.Request, at: Address) -> web.StreamResponse:
        """Run a command in a pod, over a WebSocket."""
        pod = self._pod(at, at.name)
        running = (pod.get("status") or {}).get("phase") == "Running"
        machine = self._machines.get(pod["spec"].get("nodeName", ""))
        if machine is None or not running:
            raise Refusal(400, "BadRequest", f"pod {at.name} is not running")
        socket = web.WebSocketResponse(protocols=PROTOCOLS)
        await socket.prepare(request)

        async def out(text: str) -> None:
            await socket.send_bytes(STDOUT + text.encode())

        inside = self._inside(pod, machine)
        with contextlib.suppress(ConnectionError):  # whoever asked went away
            code = await Shell(inside, out).run(request.query.getall("command", []))
            await socket.send_bytes(STATUS + json.dumps(_ended(code)).encode())
            await socket.close()
        return socket

    def _inside(self, pod: Object, machine: Machine) -> Pod:
        """Return what a command in a pod sees."""

        def ask(server: str, asked: Asked) -> Outcome:
            return self._network.ask(machine, server, asked)

        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        servers = (pod["spec"].get("dnsConfig") or {}).get("nameservers") or []
        policy = pod["spec"].get("dnsPolicy")
        if policy == "Default" or (policy == "ClusterFirst" and pod["spec"].get("hostNetwork")):
            servers = [machine.resolver, *servers]
        elif policy != "None":
            servers = [DNS_IP, *servers]
        search = f"{namespace}.svc.{DOMAIN} svc.{DOMAIN} {DOMAIN}"
        conf = [f"search {search}", *(f"nameserver {ip}" for ip in servers), "options ndots:5"]
        return Pod(
            name=name,
            files={
                "/etc/resolv.conf": "".join(f"{line}\n" for line in conf),
                "/etc/hostname": f"{name}\n",
            },
            nameserver=servers[0] if servers else "127.0.0.1",
            ask=ask,
            environment={"HOSTNAME": name, **environment(pod)},
            chance=self._chance,
        )

    def _pod(self, at: Address, name: str) -> Object:
        resource = at.resource
        found = self._verbs.store.get(resource, at.namespace, name)
        if found is None:
            raise not_found("pods", "", name)
        return found

    def _upstream(self) -> str:
        """Return where caches forward cluster names to."""
        for service in self._verbs.store.all(_SERVICES).values():
            if service["metadata"]["name"] == UPSTREAM:
                return f"{service['spec']['clusterIP']}:53"
        return f"{DNS_IP}:53"


def _is_cache(pod: Object) -> bool:
    words = pod["spec"]["containers"][0].get("args") or ()
    return any(word.lstrip("-").startswith("localip") for word in words)


def _unreachable(where: str) -> Refusal:
    message = f"error trying to reach service: dial tcp {where}: connect: connection refused"
    return Refusal(503, "ServiceUnavailable", message)


def _ended(code: int) -> dict[str, Any]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }

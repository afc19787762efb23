"""The nodes as machines: links, packet filter rules, and where a lookup from a pod goes.

On a node, the agent's link holds the addresses that the cache listens on, and the agent's rules
exempt them from connection tracking. With both, a lookup is delivered on the node itself. Without
the rules kube-proxy translates a service's address before the link is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubectl_nodedns.demo.kinds import BY_PATH
from kubectl_nodedns.demo.names import SERVICES, Names, endpoints
from kubectl_nodedns.demo.replies import Asked, Outcome, Reply, Silence

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from kubectl_nodedns.demo.nodecache import NodeCache
    from kubectl_nodedns.demo.store import Store
    from kubectl_nodedns.demo.traffic import Profile

PODS = BY_PATH["v1", "pods"]
TIMED_OUT = Silence("timed out")
REFUSED = Silence("connection refused")
NETWORK_SECONDS = 0.00035
"""What the way to CoreDNS on another node takes."""


@dataclass
class Machine:
    """One node."""

    name: str
    """Its name."""
    ip: str
    """Its address."""
    resolver: str
    """The nameserver in its own resolv.conf."""
    profile: Profile
    """How its pods look names up."""
    link: tuple[str, ...] = ()
    """Addresses of the agent's link; they outlive an agent that is killed."""
    rules: set[str] = field(default_factory=set)
    """Addresses that are exempt from connection tracking."""
    cache: NodeCache | None = None
    """The process that listens; None while there is none."""

    def started(self, cache: NodeCache, service_ips: set[str]) -> None:
        """Put up link and rules for a cache that starts; pods' lookups go there from now on."""
        self.cache = cache
        self.link = cache.addresses
        self.rules = set(cache.addresses)
        for address in cache.addresses:
            if address in service_ips:
                cache.flow(address)

    def bypassed(self, address: str) -> None:
        """Lose the rules of one address; lookups go to the service again."""
        self.rules.discard(address)
        if self.cache is not None:
            self.cache.dry()

    def killed(self) -> None:
        """Lose the process, and nothing else."""
        self.cache = None

    def stopped(self) -> None:
        """Lose the process, which takes rules and link away."""
        self.cache, self.link, self.rules = None, (), set()


class Network:
    """Where lookups go.

    Args:
        store: the objects.
        names: what CoreDNS and the world answer.
        machines: the nodes by name.
        chance: makes times vary.
    """

    def __init__(
        self, store: Store, names: Names, machines: Mapping[str, Machine], chance: random.Random
    ) -> None:
        self._store = store
        self._names = names
        self._machines = machines
        self._chance = chance

    def ask(self, machine: Machine, server: str, asked: Asked) -> Outcome:
        """Ask a server from a pod on a machine."""
        if server in machine.link and (server in machine.rules or not self._service(server)):
            if machine.cache is None:
                return REFUSED
            return self._varied(machine.cache.answer(asked, server))
        if service := self._service(server):
            return self._varied(self._behind(service, asked, machine))
        if server == machine.resolver:
            return self._varied(self.upstream(machine, asked, cluster=False))
        if self._is_coredns(server):
            return self._varied(self._coredns(machine, asked))
        return TIMED_OUT

    def upstream(self, machine: Machine, asked: Asked, *, cluster: bool) -> Outcome:
        """Ask what a node's cache forwards to."""
        if cluster:
            return self._coredns(machine, asked)
        return self._names.outside(asked, seconds=machine.profile.resolver_seconds)

    def service_ips(self) -> set[str]:
        """Return the addresses of all services."""
        services = self._store.all(SERVICES).values()
        return {ip for s in services for ip in s["spec"].get("clusterIPs") or () if ip != "None"}

    def _service(self, ip: str) -> tuple[str, str] | None:
        for key, service in self._store.all(SERVICES).items():
            if ip in (service["spec"].get("clusterIPs") or ()):
                return key
        return None

    def _behind(self, service: tuple[str, str], asked: Asked, machine: Machine) -> Outcome:
        """Ask one of the endpoints of a service; only CoreDNS answers questions here."""
        found = endpoints(self._store, *service)
        if not found:
            return REFUSED
        if not self._is_coredns(self._chance.choice(found)):
            return TIMED_OUT
        return self._coredns(machine, asked)

    def _coredns(self, machine: Machine, asked: Asked) -> Reply:
        reply = self._names.coredns(asked, machine.profile.resolver_seconds)
        return _slower(reply, NETWORK_SECONDS)

    def _is_coredns(self, ip: str) -> bool:
        return any(
            (pod.get("status") or {}).get("podIP") == ip
            and (pod["metadata"].get("labels") or {}).get("k8s-app") == "kube-dns"
            for (namespace, _), pod in self._store.all(PODS).items()
            if namespace == "kube-system"
        )

    def _varied(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Silence):
            return outcome
        return _slower(outcome, outcome.seconds * self._chance.uniform(-0.2, 0.5))


def _slower(reply: Reply, seconds: float) -> Reply:
    return Reply(
        rcode=reply.rcode,
        answer=reply.answer,
        authority=reply.authority,
        authoritative=reply.authoritative,
        recursive=reply.recursive,
        seconds=reply.seconds + seconds,
    )

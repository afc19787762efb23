"""The resolver configurations of nodes, read in their probes once a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.lookup.resolv_conf import ResolvConf, askable, parse, usual

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.cli.talk import Talk
    from kubectl_nodedns.facts.way import Way
    from kubectl_nodedns.lookup.probes import Probes


class Confs:
    """Reads and remembers the resolv.conf of each node.

    Args:
        probes: probes with the nodes' own resolv.conf.
        way: the way of lookups through this cluster.
        talk: where it is said what cannot be read or asked.
    """

    def __init__(self, probes: Probes, way: Way, talk: Talk) -> None:
        self._probes = probes
        self._way = way
        self._talk = talk
        self._known: dict[str, ResolvConf] = {}

    async def of_node(self, node: str) -> ResolvConf:
        """Return the node's own resolv.conf; an empty one when it cannot be read."""
        if node not in self._known:
            conf = ResolvConf()
            try:
                conf = parse(await self._probes.resolv_conf(node))
            except NodednsError as error:
                self._talk.note(f"{node}: its resolv.conf cannot be read: {error}")
            self._known[node] = conf
            if bad := askable(conf.nameservers)[1]:
                self._talk.note(f"{node}: its resolver {', '.join(bad)} cannot be asked from a pod")
        return self._known[node]

    async def resolvers(self, node: str) -> Sequence[str]:
        """Return who is asked for names outside the cluster, as far as a pod can ask them."""
        if self._way.forwards:
            return self._way.forwards
        if node not in self._known and not self._probes.runs(node):
            return ()
        return askable((await self.of_node(node)).nameservers)[0]

    async def of_pods(self, node: str, namespace: str) -> ResolvConf:
        """Return what the node's kubelet gives to pods with `dnsPolicy: ClusterFirst`."""
        own = await self.of_node(node)
        return usual(namespace, self._way.domain, self._way.dns.ips, own)

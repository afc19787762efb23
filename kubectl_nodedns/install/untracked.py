"""Init containers that keep the cache's answers out of connection tracking from the first one on.

The agent exempts what comes to its addresses first and what it answers later, one iptables call
after the other: raw PREROUTING, filter INPUT, raw OUTPUT (node-cache 1.26.8, its list of rules).
For some ten milliseconds lookups reach the cache whose answers are still tracked, as connections
*from* the kube-dns IP. On the test cluster `conntrack -L` showed one to three of them for each node
that was switched at 300 lookups a second, and each can cost a lookup:

- where the pod's port still has a connection through kube-proxy (UDP: 30 to 120 s), the answer's
  source port is rewritten, for both cannot have the same reply; the stub resolver drops it;
- where the node is given back within 30 s, a lookup from that port passes for the reply of such a
  connection, is not translated, and gets nowhere.

So the rules of OUTPUT are put in before the agent starts. They are the agent's own to the letter:
it finds them there, and takes them away when it ends.
"""

from __future__ import annotations

import copy
import ipaddress
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.facts.loading import version_of

if TYPE_CHECKING:
    from collections.abc import Mapping

SINCE = (1, 22, 19)
"""Release of node-cache since which its rules have the comment, so that they are known exactly."""
COMMENT = "NodeLocal DNS Cache: skip conntrack"
PROTOCOLS = ("udp", "tcp")
_TAKEN_OVER = ("image", "imagePullPolicy", "resources", "securityContext")
_LOCK = "xtables-lock"


def untrack_answers(spec: dict[str, Any], address: str) -> None:
    """Add the init containers to the specification of a pod that will serve on `address`.

    An image whose tag tells no release, or one before `SINCE`, gets none: its agent would not know
    the rules for its own, and would leave them behind.
    """
    cache = spec["containers"][0]
    release = version_of(cache["image"])
    if release is None or release < SINCE:
        return
    spec["initContainers"] = [_container(cache, address, protocol) for protocol in PROTOCOLS]


def forget_answers(spec: dict[str, Any]) -> None:
    """Take our init containers out again: an agent in the dark would leave their rules behind.

    One that somebody added to the live template is theirs, and stays.
    """
    ours = {_name(protocol) for protocol in PROTOCOLS}
    others = [c for c in spec.pop("initContainers", None) or () if c["name"] not in ours]
    if others:
        spec["initContainers"] = others


def _name(protocol: str) -> str:
    return f"untrack-{protocol}"


def _container(cache: Mapping[str, Any], address: str, protocol: str) -> dict[str, Any]:
    program = "ip6tables" if ipaddress.ip_address(address).version == 6 else "iptables"  # noqa: PLR2004
    rule = ["-t", "raw", "-I", "OUTPUT", "-p", protocol, "-s", address, "--sport", "53"]
    rule += ["-m", "comment", "--comment", COMMENT, "-j", "NOTRACK"]
    return {
        "name": _name(protocol),
        "command": [program, "-w", *rule],
        **copy.deepcopy({key: cache[key] for key in _TAKEN_OVER if key in cache}),
        "volumeMounts": [m for m in cache["volumeMounts"] if m["name"] == _LOCK],
    }

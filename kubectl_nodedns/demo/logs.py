"""What the pods of the demo's cluster log."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from kubectl_nodedns.demo import traffic
from kubectl_nodedns.demo.clock import unix

if TYPE_CHECKING:
    from kubectl_nodedns.demo.machines import Machine
    from kubectl_nodedns.demo.store import Object

NAMES = ("api.payments.example.com.", "eu.objects.example.net.", "auth.example.org.")
"""Names that pods look up where upstream is slow."""
_OWN_TIME = re.compile(r"(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d) ")
MOST = 40
"""Errors that a log shows."""


def looked(pod: Object, machine: Machine, container: str) -> list[str]:
    """Return what a program in the node's own network printed: its rules, or its addresses."""
    found = [one for one in pod["spec"]["containers"] if one["name"] == container]
    command = " ".join(word for one in found for word in one.get("command") or ())
    if "tables-save" in command:
        return ["*raw", *(_rule(ip) for ip in sorted(machine.rules)), "COMMIT"]
    if "/proc/net/" in command:
        links = ["lo", "eth0", *(["nodelocaldns"] if machine.link else [])]
        addresses = [line for ip in machine.link for line in (f"|-- {ip}", "   /32 host LOCAL")]
        return [*(f"{link}: 0 0 0 0" for link in links), "Main:", *addresses]
    return []


def _rule(ip: str) -> str:
    return (
        f"-A PREROUTING -d {ip}/32 -p udp -m udp --dport 53 -m comment --comment "
        '"NodeLocal DNS Cache: skip conntrack" -j NOTRACK'
    )


def lines(pod: Object, machine: Machine | None, *, previous: bool) -> list[str] | None:
    """Return the lines of a pod's log; None when there is no previous container."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    if not statuses:
        return []
    state = statuses[0].get("state") or {}
    if previous:
        over = (statuses[0].get("lastState") or {}).get("terminated")
        return _cache_lines(pod, machine, over["startedAt"]) if over and machine else None
    running = state.get("running")
    if not running or machine is None or not machine.link:
        return []
    if "localip" not in " ".join(pod["spec"]["containers"][0].get("args") or ()):
        return []
    return _cache_lines(pod, machine, running["startedAt"])


def _cache_lines(pod: Object, machine: Machine, started: str) -> list[str]:
    """Return what node-cache says when it starts, and what goes wrong afterwards."""
    began = unix(started)
    image = pod["spec"]["containers"][0]["image"].rpartition(":")[2]
    cache = machine.cache
    found = [
        _at(began, f"[INFO] Starting node-cache image: {image}"),
        _at(began, "[INFO] Using Corefile /etc/Corefile"),
        _at(began, "[INFO] Updated Corefile with upstream servers"),
        _at(began, "[INFO] Added interface - nodelocaldns"),
        _at(began, "[INFO] Added iptables rules"),
    ]
    for zone in cache.zones if cache else ():
        found += [f"{zone.name}:53 on {address}" for address in machine.link]
    found.append(f"CoreDNS-{cache.version if cache else ''}")
    if machine.profile.outcomes is traffic.SLOW:
        found += _timeouts(machine, began)
    return found


def _timeouts(machine: Machine, began: float) -> list[str]:
    """Return the errors of a resolver that does not answer in time."""
    count = min(int(time.time() - began) // 3, MOST)
    return [
        _at(
            time.time() - 3 * (count - i),
            f"[ERROR] plugin/errors: 2 {NAMES[i % len(NAMES)]} A: read udp {machine.ip}:"
            f"{30000 + 7919 * i % 30000}->{machine.resolver}:53: i/o timeout",
        )
        for i in range(count)
    ]


def stamped(found: list[str]) -> list[str]:
    """Put a time before each line, as the API server does when it is asked for timestamps.

    A line that has none of its own was written right after the one before.
    """
    at = "1970-01-01T00:00:00"
    lines = []
    for line in found:
        if match := _OWN_TIME.match(line):
            at = "{}-{}-{}T{}".format(*match.groups())
        lines.append(f"{at}.000000000Z {line}")
    return lines


def _at(moment: float, text: str) -> str:
    return f"{time.strftime('%Y/%m/%d %H:%M:%S', time.gmtime(moment))} {text}"

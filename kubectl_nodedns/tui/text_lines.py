"""What the node screen's tabs say: events, logs, the Corefile, rules. Pure.

Log lines that say the same are put together: how often, when last, and the newest of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.facts.caches import local_ips_of
from kubectl_nodedns.facts.command_line import flag
from kubectl_nodedns.metrics import units
from kubectl_nodedns.tui.lookup_lines import wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kubectl_nodedns.metrics.node_row import NodeRow
    from kubectl_nodedns.tui.heading import Piece
    from kubectl_nodedns.tui.ports import Configuration, Event

_TIME = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)? ?")
_LEVEL = re.compile(r"^\[(ERROR|WARNING|INFO|FATAL|PANIC|DEBUG)\]")
_KLOG = re.compile(r"^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ([\w.-]+:\d+)\] ?")
_GO = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")
_VARYING = re.compile(
    r"""
    "[^"]*"                                              # what is quoted
    | \b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b    # UIDs
    | \b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b               # IPv4, with a port
    | \[?[0-9a-f]*:[0-9a-f:]*:[0-9a-f]*\]?(?::\d+)?      # IPv6
    | \b(?:[\w-]+\.)+[\w-]*\.(?=\s|$)                    # absolute names
    | \b0x[0-9a-f]+\b | \b\d+(?:\.\d+)?(?:ms|µs|us|s|m|h)?\b   # numbers and durations
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BAD = {"ERROR", "FATAL", "PANIC", "E", "F"}
_NOTE = {"WARNING", "W"}
Line = list["Piece"]
RULES = (
    "raw PREROUTING, OUTPUT  to it: NOTRACK, so kube-proxy does not see it",
    "raw OUTPUT              from it: NOTRACK",
    "filter INPUT, OUTPUT    to and from it: ACCEPT",
)
"""What node-cache keeps for each address (kubernetes/dns, cmd/node-cache/app/cache_app.go)."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Lines that differ in numbers, names and addresses only."""

    count: int
    """How many."""
    first: str
    """Time of the oldest, as the log has it; empty where lines have none."""
    last: str
    """Time of the newest."""
    text: str
    """The newest, without its time."""
    level: str
    """"bad" for errors, "note" for warnings, else empty."""


def group(lines: Iterable[str]) -> list[Group]:
    """Put like lines together, the group with the newest line last, as in a log."""
    found: dict[str, Group] = {}
    for line in lines:
        at, text = split(line)
        if not text:
            continue
        shape = _VARYING.sub("*", _GO.sub("", _KLOG.sub(r"\1 \2 ", text)))
        before = found.pop(shape, None)
        found[shape] = Group(
            count=before.count + 1 if before else 1,
            first=before.first if before else at,
            last=at,
            text=text,
            level=level(text),
        )
    return list(found.values())


def split(line: str) -> tuple[str, str]:
    """Return the time of day that the API server put before a line, and the line."""
    match = _TIME.match(line)
    text = (line[match.end() :] if match else line).rstrip()
    return (match[1].partition("T")[2] if match else ""), text


def level(text: str) -> str:
    """Return "bad" for an error, "note" for a warning, else nothing."""
    found = _LEVEL.match(_GO.sub("", text)) or _KLOG.match(text)
    if found is None:
        return "bad" if text.startswith("panic:") else ""
    return "bad" if found[1] in _BAD else "note" if found[1] in _NOTE else ""


def event_lines(events: Sequence[Event], *, now: float, width: int) -> list[Line]:
    """Lay out events, newest first."""
    if not events:
        return [[(" no events: Kubernetes forgets them after an hour", "quiet")]]
    lines: list[Line] = [[(" LAST    COUNT  REASON", "quiet")]]
    for event in events:
        mark, style = ("!", "note") if event.warning else (" ", "")
        age = units.age(now - event.at) if event.at else units.UNKNOWN
        head = f"{mark}{age:7} {event.count:5}  {event.reason} "
        lines.append([(head, style), (event.about, "quiet")])
        lines += [[("                " + text, "")] for text in wrap(event.message, width - 16)]
    return lines


def log_lines(lines: Sequence[str], *, grouped: bool, width: int) -> list[Line]:
    """Lay out log lines: like ones together with their number, or each by itself."""
    if not lines:
        return [[(" the log is empty", "quiet")]]
    found: list[Line] = []
    if not grouped:
        for line in lines:
            at, text = split(line)
            found.append([(f" {at:8} ", "quiet"), (_cut(text, width - 10), level(text))])
        return found
    for one in group(lines):
        span = one.last if one.first == one.last else f"{one.first}…{one.last}"
        count = f"×{one.count}" if one.count > 1 else ""
        found.append(
            [
                (f" {span:>17} {count:>5} ", "quiet"),
                (_cut(one.text, width - 25), one.level),
            ]
        )
    return found


def configuration_lines(found: Configuration, *, width: int) -> list[Line]:
    """Show the ConfigMap that the pod is configured with."""
    lines: list[Line] = [[(f" ConfigMap {found.name}", "strong")]]
    for key, text in found.files.items():
        lines += [[], [(f" {key}", "strong")]]
        for row in text.rstrip().splitlines():
            style = "quiet" if row.lstrip().startswith("#") else ""
            lines.append([(f"   {_cut(row.expandtabs(4), width - 4)}", style)])
    return lines


def rule_lines(row: NodeRow, found: Configuration, *, width: int) -> list[Line]:
    """Say which rules and which interface the agent is told to keep, and whether that fails.

    What stands in a node's packet filter cannot be read through the API server; the agent's
    arguments say what it keeps (node-cache's own defaults where they are silent), its counter of
    setup errors says whether it can, and a lookup says whether it works.
    """
    words = found.arguments
    addresses = local_ips_of(words)
    interface = flag(words, "interfacename") or "nodelocaldns"
    lines: list[Line] = [
        [(" what the agent is told to keep on the node", "strong")],
        [(f" interface  {interface} with {', '.join(addresses) or 'no address'}", "")],
    ]
    if _off(words, "setupinterface"):
        lines[-1] = [(" interface  none: -setupinterface=false", "")]
    if _off(words, "setupiptables"):
        lines.append([(" rules      none: -setupiptables=false", "")])
    else:
        lines.append([(" rules      each minute, for each of these addresses, port 53:", "")])
        lines += [[(f"   {text}", "quiet")] for text in RULES]
    if "skipteardown" in " ".join(words) and not _off(words, "skipteardown"):
        lines.append([(" at its end both stay on the node: -skipteardown", "note")])
    lines += [[], [(" whether it can", "strong")], *_setup_errors(row), []]
    lines.append([(" whether it works: t asks from a pod on this node", "strong")])
    lines += [[], [(" the rules themselves are not to be had through the API server", "quiet")]]
    lines += [[(f" {text}", "quiet")] for text in wrap(" ".join(("arguments:", *words)), width - 2)]
    return lines


def _setup_errors(row: NodeRow) -> list[Line]:
    figures = row.figures
    rate = figures.setup_errors if figures else None
    if rate is None:
        return [[(" not known: no two pages of metrics yet", "quiet")]]
    if rate > 0:
        return [[(f" ‼ setting up fails, {units.number(60 * rate)} times a minute", "bad")]]
    return [[(" no setup errors in the newest interval", "good")]]


def _off(words: Sequence[str], name: str) -> bool:
    return flag(tuple(words), name).lower() in {"false", "0", "f"}


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"

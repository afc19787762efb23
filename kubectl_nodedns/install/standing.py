"""Where each node stands in a run that changes it, and how to go on from there.

What a run says when it ends before its end rests on this, so a node is never called proved before
it is, nor switched while it is being put back.
"""

from __future__ import annotations

import contextlib
import traceback
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING

from kubectl_nodedns.errors import ApiError, NodednsError, TimedOutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SHOWN = 10
"""Nodes that are named of those that stand alike."""


class Stand(StrEnum):
    """Where a node stands; the words follow its name. The worst first."""

    SWITCHING = "being switched, not proved"
    """Its pod is or will be another; whose answers its pods get is not known."""
    GIVING_BACK = "being given back to kube-dns, not proved"
    """The same, on the way out."""
    PUTTING_BACK = "being put back, not proved"
    """It is to get what it had before."""
    DARKENED = "answered by kube-dns, its new cache proved in the dark"
    """An older cache served it, and the new one will."""
    SWITCHED = "switched and proved"
    """Its own cache serves it."""
    GIVEN_BACK = "given back to kube-dns and proved"
    """Kube-dns serves it."""
    PUT_BACK = "put back and proved"
    """It is served as it was before."""


class Standing:
    """The nodes of one run that it has touched, in the order in which it did."""

    def __init__(self) -> None:
        self._stands: dict[str, Stand] = {}

    def put(self, nodes: Iterable[str], stand: Stand) -> None:
        """Write down where `nodes` stand from now on."""
        self._stands |= dict.fromkeys(nodes, stand)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that were touched."""
        return tuple(self._stands)

    def __str__(self) -> str:
        groups = {stand: [n for n, at in self._stands.items() if at is stand] for stand in Stand}
        said = [f"{_names(nodes)}: {stand}" for stand, nodes in groups.items() if nodes]
        return "; ".join(said) or "no node was touched"


def _names(nodes: list[str]) -> str:
    more = f" and {len(nodes) - SHOWN} more" if len(nodes) > SHOWN else ""
    return ", ".join(nodes[:SHOWN]) + more


@contextlib.contextmanager
def going_on(command: str, other: str, told: Callable[[str], None]) -> Iterator[None]:
    """Say how to go on where a change ends before its end.

    Args:
        command: what runs, such as "enable".
        other: what can be done instead, in words.
        told: called with the sentence where no error of ours carries it.
    """
    again = f"run {command} again to go on, or {other}"
    try:
        yield
    except NodednsError as error:
        unsaid = f"run {command} again" not in error.hint
        if isinstance(error, (ApiError, TimedOutError)) and unsaid:
            error.hint = f"{error.hint}\n{again}".strip()
        raise
    except BaseException:
        told(again)
        raise


def in_words(error: Exception) -> tuple[str, str]:
    """Say what happened and what to do, also of an error that nobody foresaw."""
    if isinstance(error, NodednsError):
        return str(error), error.hint
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({PurePath(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"unexpected {error!r}{where}", "this is a bug of the plugin: please report that line"

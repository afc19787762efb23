"""The screen of `kubectl nodedns top --replay`: a recording, and nobody behind it to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from kubectl_nodedns.errors import NodednsError
from kubectl_nodedns.tui.app import TopApp
from kubectl_nodedns.tui.ports import Place, Ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_nodedns.facts.cache_pods import CachePod
    from kubectl_nodedns.lookup.question import Question
    from kubectl_nodedns.metrics.fleet import FleetSnapshot
    from kubectl_nodedns.metrics.replay import Player
    from kubectl_nodedns.top.top_request import TopRequest


async def show_recording(player: Player, request: TopRequest) -> None:
    """Show a recording on the terminal until the person quits."""
    facts = player.recording.facts
    nobody = Nobody()
    app = TopApp(
        ports=Ports(feed=player, asker=nobody, reader=nobody, examiner=_examine, playback=player),
        place=Place(
            context=facts.get("context", ""),
            mode=facts.get("mode", ""),
            kube_dns_ip=next(iter(player.snapshot().kube_dns_ips), ""),
            cluster_domain="",
            command=("kubectl", "nodedns", "top", "--replay", str(request.replay)),
        ),
        sort_by=request.sort_by.key,
        theme=request.theme,
        clock=lambda: player.at,
    )
    player.play()
    await app.run_to_end(mouse=request.mouse)


class Nobody:
    """Stands where a cluster would be asked: a recording has pages, and nothing else."""

    async def __call__(self, node: str, questions: Sequence[Question]) -> NoReturn:  # noqa: ARG002
        """Refuse.

        Raises:
            NodednsError: always.
        """
        _refuse()

    async def release(self, node: str) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""

    async def events(self, node: str, pod: CachePod | None) -> NoReturn:  # noqa: ARG002
        """Refuse.

        Raises:
            NodednsError: always.
        """
        _refuse()

    async def logs(self, pod: CachePod, *, previous: bool) -> NoReturn:  # noqa: ARG002
        """Refuse.

        Raises:
            NodednsError: always.
        """
        _refuse()

    async def configuration(self, pod: CachePod) -> NoReturn:  # noqa: ARG002
        """Refuse.

        Raises:
            NodednsError: always.
        """
        _refuse()

    async def points(self) -> NoReturn:
        """Refuse.

        Raises:
            NodednsError: always.
        """
        _refuse()


async def _examine(snapshot: FleetSnapshot) -> NoReturn:  # noqa: ARG001 - the protocol's
    _refuse()


def _refuse() -> NoReturn:
    raise NodednsError(
        "this is a recording: nobody is there to ask",
        hint="it holds pages of metrics, and neither lookups, events nor logs",
    )

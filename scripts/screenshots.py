"""Write the pictures of the documents: `kubectl nodedns top` as it runs on the demo's cluster.

The command is the one that people run, from its arguments to its end, against the demo's API
server; only the terminal is one in memory, in which keys are pressed and pictures are taken. The
demo is seeded, so its nodes and faults are always the same ones. Figures follow a running clock,
and differ a little from time to time. Takes four minutes.

Run: python scripts/screenshots.py [DIRECTORY]
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from kubectl_nodedns.cli.main import main as nodedns  # noqa: E402 - the path comes first
from kubectl_nodedns.commands import top  # noqa: E402
from kubectl_nodedns.commands.demo import _finished  # noqa: E402
from kubectl_nodedns.demo.cluster import Cluster, Options  # noqa: E402
from kubectl_nodedns.demo.faults import ALL  # noqa: E402
from kubectl_nodedns.tui.app import SHORT, TopApp  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textual.pilot import Pilot

DIRECTORY = ROOT / "docs" / "pictures"
PAST_SECONDS = 100
"""How long the screen is open before the first picture: plots need a past."""
PATIENCE = 120
"""Seconds that a screen may take to show what is waited for."""
_UNIQUE = re.compile(r"terminal-\d+")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture."""

    name: str
    """Its name."""
    size: tuple[int, int]
    """Columns and lines."""
    keys: tuple[str, ...] = ()
    """What is pressed before it is taken."""
    words: str = ""
    """What must stand there before it is taken; a regular expression."""
    back: int = 0
    """How often esc is pressed afterwards."""
    theme: str = "dark"
    """Short name of the theme."""


def pictures(cluster: Cluster) -> tuple[Picture, ...]:
    """Return the pictures of a small cluster with a fault of each kind."""
    slow, killed = min(cluster.faults.slow), min(cluster.faults.oom)
    return (
        Picture(name="fleet", size=(120, 30), words="node12"),
        Picture(name="fleet-80x24", size=(80, 24)),
        Picture(name="fleet-light", size=(120, 30), theme="colour-blind-light"),
        Picture(name="node", size=(160, 40), keys=chosen(slow, "enter"), words="ZONE", back=2),
        Picture(
            name="logs", size=(120, 24), keys=chosen(killed, "enter", "4"), words="INFO", back=2
        ),
        Picture(
            name="lookup",
            size=(120, 30),
            keys=chosen(slow, "t", "enter"),
            words="intercepted: the node",
            back=2,
        ),
        Picture(name="findings", size=(120, 30), keys=("f",), words="the way out", back=1),
    )


def chosen(node: str, *keys: str) -> tuple[str, ...]:
    """Choose a node by its name, and press more keys."""
    return ("slash", *f"{node}$", "enter", *keys)


async def take(pilot: Pilot[None], picture: Picture, folder: Path) -> None:
    """Take one picture, and leave the screen as it was."""
    app = pilot.app
    app.theme = SHORT[picture.theme]
    await pilot.resize_terminal(*picture.size)
    for key in picture.keys:
        await pilot.press(key)
        await pilot.pause(0.1)
    deadline = time.monotonic() + PATIENCE
    while not re.search(picture.words, text_of(app)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{picture.name}: {picture.words!r} does not show:\n{text_of(app)}")
        await pilot.pause(0.2)
    await pilot.pause(1.2)  # the next tick shows it in the new size
    svg = app.export_screenshot(title="kubectl nodedns top")
    path = folder / f"{picture.name}.svg"
    path.write_text(_UNIQUE.sub("terminal", svg), encoding="utf-8")
    print(path)
    for _ in range(picture.back):
        await pilot.press("escape")
        await pilot.pause(0.2)


def text_of(app: Any) -> str:
    """Return what stands on the screen."""
    strips = app.screen._compositor.render_strips()  # noqa: SLF001 - the text has no other door
    return "\n".join("".join(piece.text for piece in strip).rstrip() for strip in strips)


@contextlib.contextmanager
def in_memory(work: Callable[[Pilot[None]], Any]) -> Iterator[None]:
    """Let `top` open its screen in memory and hand it to `work`, instead of on a terminal."""
    run_async, interactive = TopApp.run_async, top.interactive

    async def run(self: TopApp, **_: object) -> None:
        TopApp.run_async = run_async  # type: ignore[method-assign] - the pilot calls it
        async with self.run_test(size=(120, 30), notifications=False) as pilot:
            await work(pilot)

    TopApp.run_async = run  # type: ignore[method-assign,assignment]
    top.interactive = lambda _: True
    try:
        yield
    finally:
        TopApp.run_async, top.interactive = run_async, interactive  # type: ignore[method-assign]


def show(cluster: Cluster, work: Callable[[Pilot[None]], Any]) -> None:
    """Run `top` on a cluster."""
    with tempfile.TemporaryDirectory() as home:
        kubeconfig = Path(home) / "kubeconfig"
        kubeconfig.write_text(cluster.kubeconfig(), encoding="utf-8")
        with in_memory(work):
            nodedns(["top", "--kubeconfig", str(kubeconfig)])


def small(folder: Path) -> None:
    """Take the pictures of a dozen nodes."""
    with Cluster(Options(nodes=12, faults=ALL), _finished()) as cluster:
        cluster.trouble()

        async def work(pilot: Pilot[None]) -> None:
            await asyncio.sleep(PAST_SECONDS)
            for picture in pictures(cluster):
                await take(pilot, picture, folder)

        show(cluster, work)


def large(folder: Path) -> None:
    """Take the picture of thousands of nodes: rows no longer fit."""
    with Cluster(Options(nodes=2500, faults=ALL), _finished()) as cluster:
        cluster.trouble()

        async def work(pilot: Pilot[None]) -> None:
            await asyncio.sleep(PAST_SECONDS)
            await take(pilot, Picture(name="heat-map", size=(102, 40), keys=("h", "F")), folder)

        show(cluster, work)


def main() -> None:
    """Write every picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DIRECTORY
    folder.mkdir(parents=True, exist_ok=True)
    small(folder)
    large(folder)


if __name__ == "__main__":
    main()

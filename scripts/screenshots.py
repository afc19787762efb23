"""Write the pictures of the documents: the screen of `top` as it is, on frozen fleets.

Snapshots and clock are made up, so that the pictures are the same on every machine; the program
that draws them is the real one. Run: python scripts/screenshots.py [DIRECTORY]
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.screens.pictures import PICTURES, take  # noqa: E402 - the path comes first

if TYPE_CHECKING:
    from tests.screens.pictures import Picture

DIRECTORY = ROOT / "docs" / "pictures"
_UNIQUE = re.compile(r"terminal-\d+")


async def write(picture: Picture, folder: Path) -> Path:
    """Take one picture and write it."""
    _, svg = await take(picture)
    path = folder / f"{picture.name}.svg"
    path.write_text(_UNIQUE.sub("terminal", svg), encoding="utf-8")
    return path


def main() -> None:
    """Write every picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DIRECTORY
    folder.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        print(asyncio.run(write(picture, folder)))


if __name__ == "__main__":
    main()

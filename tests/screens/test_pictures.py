"""A handful of pictures, compared as text: the same figures and the same clock on every machine.

After a change that is meant: python tests/screens/test_pictures.py writes them anew.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "pictures_as_text"
if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.screens.pictures import PICTURES, Picture, take  # noqa: E402 - the path comes first


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
async def test_a_picture_is_as_it_was(picture: Picture) -> None:
    text, svg = await take(picture)
    assert text == (FOLDER / f"{picture.name}.txt").read_text(encoding="utf-8").rstrip("\n")
    assert "<svg" in svg


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for picture in PICTURES:
        text, _ = asyncio.run(take(picture))
        (FOLDER / f"{picture.name}.txt").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Drawing that goes on, into the void, when the terminal is gone.

Textual draws in a thread that ends at the first error. Its queue then fills, and whoever draws next
waits for ever: the screen would never see that its terminal is gone, and never end.
"""

from __future__ import annotations

import contextlib
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.driver import Driver


class Lasting:
    """A stream that takes everything, also when nobody can be shown it any more."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write text where there is somebody to see it."""
        with contextlib.suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Show what was written."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def lasting(driver: type[Driver]) -> type[Driver]:
    """Return a driver of Textual's whose drawing outlives the terminal."""

    class LastingDriver(driver):  # type: ignore[valid-type, misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._file: Any = Lasting(vars(self)["_file"])

    return LastingDriver

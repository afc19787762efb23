"""Waits that block: for a person, or for a program that may wait for a person.

The event loop's own signal handlers only leave it a note, and while something blocks the loop
nobody reads it. Imports the standard library only.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end what is inside, by KeyboardInterrupt.

    Does nothing on a thread, where Python takes no signals: there the loop runs on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

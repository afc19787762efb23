"""The thread that draws outlives the terminal, so that nobody waits for it."""

from __future__ import annotations

import os
import pty

from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from kubectl_nodedns.tui.lasting import Lasting


def test_more_is_drawn_than_fits_into_the_queue_after_the_terminal_is_gone() -> None:
    master, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8") as terminal:  # noqa: PTH123 - a descriptor
        os.close(master)
        writer = WriterThread(Lasting(terminal))  # type: ignore[arg-type]
        writer.start()
        for _ in range(3 * MAX_QUEUED_WRITES):
            writer.write("x" * 10_000)
        writer.stop()
        assert not writer.is_alive()
        assert Lasting(terminal).fileno() == slave
        # What was never shown must not be written when the stream is closed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), slave)

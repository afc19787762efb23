from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_nodedns.top.wiring import record
from tests.unit.metrics.fleets import mixed

if TYPE_CHECKING:
    from kubectl_nodedns.metrics.fleet import FleetSnapshot


class Recorder:
    """Takes some frames, and has ended then."""

    def __init__(self, most: int) -> None:
        self.frames: list[FleetSnapshot] = []
        self.problem = ""
        self._most = most

    async def frame(self, snapshot: FleetSnapshot) -> None:
        self.frames.append(snapshot)
        if len(self.frames) == self._most:
            self.problem = "the recording has ended: the disk is full"


class Monitor:
    def __init__(self) -> None:
        self.troubles: dict[str, str] = {}

    def snapshot(self) -> FleetSnapshot:
        return mixed()

    def trouble(self, about: str, words: str) -> None:
        self.troubles[about] = words


async def test_frames_are_written_until_the_recording_ends_and_the_screen_says_why() -> None:
    monitor: Any = Monitor()
    recorder: Any = Recorder(3)
    await record(monitor, recorder, 0.5)
    assert len(recorder.frames) == 3
    assert monitor.troubles == {"recording": "the recording has ended: the disk is full"}

"""Takes frames at a home as playback does: each is a reading of its own."""

from collections.abc import Sequence

from device_gateway.capture.capture import Capture
from device_gateway.home import Home
from device_gateway.playback.scheduler import oximeter
from device_gateway.spool.records import Outgoing, Progress


def take_frames(
    home: Home, frames: Sequence[Capture | Outgoing], progress: Progress | None = None
) -> None:
    home.hear(oximeter(home.place), frames, progress, as_stream=False)

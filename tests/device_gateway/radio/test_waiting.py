"""Waiting ends, whatever it waits for."""

import asyncio
import time

import pytest

from device_gateway.radio.waiting import first, unless, within
from tests.device_gateway.radio.conftest import run


async def obstinate(until: float) -> None:
    """Goes on although it is told to stop, as bleak does while bluetoothd is frozen."""
    while time.monotonic() < until:
        try:
            await asyncio.sleep(until - time.monotonic())
        except asyncio.CancelledError:
            continue


def test_what_will_not_stop_is_left_to_itself() -> None:
    async def story() -> None:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await within(0.05, obstinate(began + 1.5), 0.05)
        assert time.monotonic() - began < 1

    run(story)


def test_its_result_and_its_error_come_through() -> None:
    async def seven() -> int:
        return 7

    async def fails() -> None:
        raise ValueError("as it is")

    async def story() -> None:
        assert await within(1, seven(), 1) == 7
        with pytest.raises(ValueError, match="as it is"):
            await within(1, fails(), 1)

    run(story)


def test_whoever_is_told_to_stop_stops_what_he_waits_for() -> None:
    ended = []

    async def inner() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def story() -> None:
        task = asyncio.create_task(within(60, inner(), 1))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == [True]

    run(story)


def test_unless_leaves_its_task_alone() -> None:
    async def story() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(asyncio.sleep(0.1, "done"))
        stop.set()
        assert not await unless(task, stop)
        assert await task == "done"
        assert await unless(task, asyncio.Event())

    run(story)


def test_first_returns_when_the_time_is_over() -> None:
    async def story() -> None:
        await first(asyncio.Event().wait(), timeout_s=0.02)

    run(story)

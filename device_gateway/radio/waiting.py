"""Waiting that ends. What it waits for may hang even when told to stop; the wait does not."""

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


async def within(seconds: float, doing: Coroutine[Any, Any, T], settle_s: float) -> T:
    """Return what a coroutine returns, within so many seconds.

    `asyncio.timeout` waits for as long as the coroutine takes to tidy up, and bleak's tidying asks
    a bluetoothd that may be frozen. Here it has `settle_s`, and is then left to itself.

    Raises:
        TimeoutError: it took longer.
    """
    task = asyncio.ensure_future(doing)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await end(task, settle_s)
        raise
    if not task.done():
        await end(task, settle_s)
        raise TimeoutError
    return task.result()


async def end(task: "asyncio.Task[Any]", settle_s: float) -> None:
    """Cancel a task, twice if it takes its time, and go on in any case. Raises nothing of it."""
    for _ in range(2):
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=settle_s)
    if task.done() and not task.cancelled():
        task.exception()  # seen: else asyncio says at the end that nobody did
    else:
        task.add_done_callback(_seen)


def _seen(task: "asyncio.Task[Any]") -> None:
    with suppress(asyncio.CancelledError):
        task.exception()


async def first(*waits: Awaitable[Any], timeout_s: float | None = None) -> None:
    """Return as soon as one of these is done, or the time is over. The others are dropped."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            _seen(task)


async def unless(task: "asyncio.Task[Any]", *events: asyncio.Event) -> bool:
    """Wait for a task, unless one of these happens first. Returns whether the task is done."""
    await first(asyncio.shield(task), *(event.wait() for event in events))
    return task.done()

"""What has arrived and waits for its commit: bounded, so that a slow database slows the sender."""

import time
from collections import deque
from itertools import islice
from threading import Condition
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """Hands items from one thread to another, in order, many at a time."""

    def __init__(self, holds: int) -> None:
        """Prepare an inbox that holds at most so many items."""
        self._holds = holds
        self._items: deque[Item] = deque()
        self._changed = Condition()
        self._wanted = 1  # how many items wake the taker
        self._closed = False

    def put(self, item: Item) -> None:
        """Add an item; waits while the inbox is full. Once it is closed, items are dropped."""
        with self._changed:
            while len(self._items) >= self._holds and not self._closed:
                self._changed.wait()
            if self._closed:
                return
            self._items.append(item)
            if len(self._items) == self._wanted:
                self._changed.notify_all()

    def take(self, most: int, linger_s: float, timeout_s: float) -> list[Item]:
        """Return up to `most` items: `linger_s` after the first, or at once when there are so many.

        Empty when nothing came within `timeout_s`.
        """
        with self._changed:
            self._wait_for(1, timeout_s)
            if self._items:
                self._wait_for(most, linger_s)
            taken = list(islice(self._items, most))
            for _ in taken:
                self._items.popleft()
            self._changed.notify_all()
        return taken

    def close(self) -> None:
        """Take nothing more, and let go of whoever waits for room."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def _wait_for(self, count: int, timeout_s: float) -> None:
        self._wanted = count
        end = time.monotonic() + timeout_s
        while len(self._items) < count and not self._closed:
            left = end - time.monotonic()
            if left <= 0:
                return
            self._changed.wait(left)

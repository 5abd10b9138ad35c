"""The keys of all gateways as one process holds them: derived, never stored, and soon up to date.

Another process may revoke a gateway or give it a new key. One small question a second notices,
so that what arrives costs no question of its own (12,000 gateways, 25,000 readings a second).
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from ward_service.contract.envelope import gateway_key
from ward_service.store.gateways import KeyState
from ward_service.store.unit_of_work import Store

LOOK_EVERY_S: Final = 1.0  # real seconds; a revoked gateway is refused after so long at the latest

Keys = tuple[bytes, ...]


class KeyRing:
    """Which keys open what a gateway sends. Safe to ask from several threads."""

    def __init__(
        self,
        secret: bytes,
        reading: Callable[[], AbstractContextManager[Store]],
        wall: Callable[[], datetime],
    ) -> None:
        """Prepare a ring; `reading` opens a transaction that only reads."""
        self._secret, self._reading, self._wall = secret, reading, wall
        self._look_after = 0.0
        self._mark: tuple[int, ...] = ()
        self._states: dict[str, KeyState] = {}
        self._keys: dict[tuple[str, int], tuple[bytes, bytes]] = {}

    def of(self, gateway_id: str) -> Keys:
        """Return the keys of a gateway, newest first; none if it is not known, or was revoked.

        The one before the newest counts while messages that it signed may still be on their way.

        Raises:
            StorageDownError: the database went away.
        """
        if time.monotonic() >= self._look_after:
            self._look()
        state = self._states.get(gateway_id) or self._found(gateway_id)
        if state is None:
            return ()
        which = gateway_id, state.generation
        pair = self._keys.get(which)
        if pair is None:
            pair = self._keys[which] = self._pair(*which)
        until = state.previous_until
        return pair if until is not None and self._wall() < until else pair[:1]

    def look_again(self) -> None:
        """Ask anew before the next answer: this process has changed something itself."""
        self._look_after = 0.0

    def _look(self) -> None:
        with self._reading() as store:
            mark = store.gateways.mark()
            if mark != self._mark:
                self._keys, self._states = {}, store.gateways.key_states()
                self._mark = mark
        self._look_after = time.monotonic() + LOOK_EVERY_S

    def _found(self, gateway_id: str) -> KeyState | None:
        """Look for a gateway that was added a moment ago; a made-up name costs one row."""
        with self._reading() as store:
            row = store.gateways.get(gateway_id)
            known = row is not None and row.revoked_at is None
        if known:
            self._look()
        return self._states.get(gateway_id)

    def _pair(self, gateway_id: str, generation: int) -> tuple[bytes, bytes]:
        newest, before = generation, max(1, generation - 1)
        return (
            gateway_key(self._secret, gateway_id, newest),
            gateway_key(self._secret, gateway_id, before),
        )

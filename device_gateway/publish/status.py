"""How this gateway is, for the ward: what waits, what is in force, what is wrong since when."""

from collections.abc import Iterable
from datetime import datetime
from importlib.metadata import version
from typing import Final

from device_gateway.clock_skew import ClockCheck
from device_gateway.publish.report import HomeReport
from device_gateway.spool.bounds import Fullness
from device_gateway.spool.spool import Spool
from ward_service.contract.messages import Status, Trouble
from ward_service.contract.vocabulary import TroubleCode

SOFTWARE: Final = f"homeward {version('homeward')}"
_SAID_OF: Final = {
    Fullness.NEARLY_FULL: TroubleCode.SPOOL_NEARLY_FULL,
    Fullness.FULL: TroubleCode.SPOOL_FULL,
}

_PLACES: Final = 32  # plans and devices that a `Status` has room for, and twice as many troubles

What = tuple[str, int | None, str]


class Troubles:
    """What is wrong now, each dated by when it was first found to be."""

    def __init__(self, damaged_since: datetime | None) -> None:
        """Nothing else is known to be wrong than that a spool was put aside, if one was."""
        damaged = Trouble(code=TroubleCode.SPOOL_DAMAGED, since=damaged_since)
        self._from_the_start = (damaged,) if damaged_since else ()
        self._since: dict[What, datetime] = {}

    def found(
        self, spool: Spool, clock: ClockCheck, report: HomeReport, now: datetime
    ) -> tuple[Trouble, ...]:
        """Return what is wrong at `now`.

        Raises:
            SpoolError: the spool cannot be read.
        """
        codes = [_SAID_OF[full]] if (full := spool.fullness()) in _SAID_OF else []
        if clock.wrong:
            codes.append(TroubleCode.CLOCK_WRONG)
        found = (*self._from_the_start, *(Trouble(code=code) for code in codes), *report.troubles)
        self._since = {kind(t): t.since or self._since.get(kind(t), now) for t in found}
        return tuple(t.model_copy(update={"since": self._since[kind(t)]}) for t in found)


def kind(trouble: Trouble) -> What:
    """Return what makes it the same trouble, whatever its count."""
    return trouble.code, trouble.slot, trouble.device


def kinds(troubles: Iterable[Trouble]) -> frozenset[What]:
    """Return the kinds of these: where they differ, the ward is told at once."""
    return frozenset(map(kind, troubles))


def status(
    spool: Spool,
    clock: ClockCheck,
    report: HomeReport,
    troubles: tuple[Trouble, ...],
    now: datetime,
    *,
    online: bool,
) -> Status:
    """Return the whole of it.

    Raises:
        SpoolError: the spool cannot be read.
    """
    return Status(
        online=online,
        sent_at=now,
        stream=spool.stream,
        next_seq=spool.last_seq + 1,
        spool_depth=spool.depth(),
        oldest_at=spool.oldest_at(),
        radio=report.radio,
        software=SOFTWARE,
        spool_bytes=spool.size(),
        unclaimed=len(spool.unclaimed()),
        clock_ahead_s=clock.ahead_s,
        plans={plan.slot: plan.number for plan in spool.plans()[:_PLACES]},
        devices=report.devices[:_PLACES],
        troubles=troubles[: 2 * _PLACES],
    )

"""A street of invented people, each a pure function of the seed, their house and the moment.

Nobody here exists, and nobody has a name. What they do is chosen so that a ward has something of
everything to show: most are well, some get slowly worse, one crashes, one goes silent while red,
one never reports, and one home sends nonsense. The numbers tell a story; they are no limits.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from heapq import merge
from itertools import count, dropwhile, islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo

from device_gateway.capture.capture import Capture
from device_gateway.decode import plx
from device_gateway.decode.plx import Pair, PlxFrame
from device_gateway.decode.plx_status import Measurement, Sensor
from device_gateway.decode.sfloat import Special
from device_gateway.home import Home
from device_gateway.playback.scheduler import Due, Part, oximeter
from device_gateway.spool.records import Outgoing
from ward_service.contract.demo import usual_spo2
from ward_service.contract.ids import derived_id
from ward_service.contract.messages import Device

ZONE: Final = ZoneInfo("Europe/London")
ROUNDS: Final = (time(9), time(13), time(17))  # local, when the street is asked to measure
DEVICE: Final = Device(model="simulated oximeter")
# A habit of this street, as its leaflet asks: below this per cent they measure again.
REPEATS_BELOW: Final = 95
# What the declining have come down to, in per cent, `low_after` they joined: an hour is a minute of
# a demo, and a visitor should see them get worse. They end at `LOWEST`.
DECLINED: Final = 92.0
_FIRST_LOW: Final = timedelta(hours=4.75)
_LAST_LOW: Final = timedelta(hours=8.25)
LOWEST: Final = 86.0
_NOISE: Final = 1.0  # points of SpO2 by which two looks at a quiet finger differ, up or down
_SLIPS: Final = 0.04  # share of measurements that first find no finger
_BOX_OFF_AFTER: Final = timedelta(minutes=15)  # what fell due longer before the start is not taken


class Kind(StrEnum):
    """What becomes of a person."""

    WELL = "well"
    DECLINING = "declining"
    CRASHING = "crashing"
    SILENT_WHILE_RED = "silent while red"
    NEVER_REPORTING = "never reporting"
    NONSENSE = "nonsense"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody invented: who they are never changes, whatever the clock says.

    `spo2` (per cent) and `pulse_rate` (per minute) when well; `crash_after` and `low_after` (of the
    declining, who by then have slowly come down to `DECLINED`) are counted from when they joined.
    """

    seed: int
    index: int
    kind: Kind
    joined_at: datetime
    spo2: float
    pulse_rate: int
    low_after: timedelta
    crash_after: timedelta


@dataclass(frozen=True, slots=True)
class Measured:
    """What an oximeter shows for somebody: whole per cent, whole beats, perfusion in 0.1 %."""

    spo2: int
    pulse_rate: int
    perfusion_index: float


@cache
def kinds(seed: int, people: int) -> tuple[Kind, ...]:
    """Return what becomes of each house: at least half of the street is well."""
    told = [
        Kind.CRASHING,
        Kind.SILENT_WHILE_RED,
        Kind.NONSENSE,
        Kind.NEVER_REPORTING,
        *[Kind.DECLINING] * max(1, people // 10),
    ][: people // 2]
    street = told + [Kind.WELL] * (people - len(told))
    _dice(seed, "kinds").shuffle(street)
    return tuple(street)


def person(seed: int, index: int, people: int, joined_at: datetime) -> Person:
    """Return who lives in a house of this street."""
    dice = _dice(seed, index, "person")
    return Person(
        seed=seed,
        index=index,
        kind=kinds(seed, people)[index],
        joined_at=joined_at,
        spo2=usual_spo2(seed, index),
        pulse_rate=dice.randint(62, 88),
        low_after=_low_after(seed, index, people, dice),
        crash_after=timedelta(minutes=dice.randint(20, 40)),
    )


def _low_after(seed: int, index: int, people: int, dice: random.Random) -> timedelta:
    """Return when somebody is low, if they decline: each of the street in a time of their own."""
    declining = [n for n, kind in enumerate(kinds(seed, people)) if kind is Kind.DECLINING]
    turn = declining.index(index) if index in declining else 0
    share = (turn + dice.random()) / max(1, len(declining))
    return _FIRST_LOW + share * (_LAST_LOW - _FIRST_LOW)


def measured(who: Person, moment: datetime) -> Measured:
    """Return what their oximeter shows at a moment; the same whenever it is asked."""
    dice = _dice(who.seed, who.index, "measured", moment)
    lost = _lost(who, moment - who.joined_at)
    spo2 = who.spo2 - lost + dice.uniform(-_NOISE, _NOISE)
    if who.kind is Kind.WELL:
        spo2 = max(spo2, 95.0)
    return Measured(
        spo2=round(min(spo2, 100.0)),
        pulse_rate=round(who.pulse_rate + 2.5 * lost) + dice.randint(-4, 4),
        perfusion_index=round(dice.uniform(1.5, 9.0), 1),
    )


def reports(who: Person) -> Iterator[Due]:
    """Yield everything that this home takes, in order; without end for most."""
    match who.kind:
        case Kind.NEVER_REPORTING:
            return
        case Kind.NONSENSE:
            yield from _nonsense(who)
        case Kind.SILENT_WHILE_RED:
            yield from _measurement(who, next(_moments(who)))
        case _:
            for moment in _moments(who):
                yield from _measurement(who, moment)


def parts(seed: int, homes: Sequence[Home], now: datetime) -> list[Part]:
    """Move a person into each home, to go on where a run with the same seed was left."""
    source = f"street {seed} of {len(homes)}"
    return [_part(seed, index, len(homes), source, home, now) for index, home in enumerate(homes)]


def _part(seed: int, index: int, people: int, source: str, home: Home, now: datetime) -> Part:
    before = home.spool.progress(source)
    if before is not None and before.started_at > now:
        before = None  # they joined by another clock, which ran ahead of this one: they join again
    who = person(seed, index, people, before.started_at if before else now)
    missed = sum(1 for _ in takewhile(lambda due: due.at < now - _BOX_OFF_AFTER, reports(who)))
    taken = max(before.taken if before else 0, missed)
    rest = islice(reports(who), taken, None)
    return Part(home, oximeter(home.place), source, who.joined_at, taken, rest)


def _dice(*facts: object) -> random.Random:
    """Return dice that always fall the same way for the same facts."""
    return random.Random("|".join(map(str, facts)))  # noqa: S311 - a story, not a secret


def _lost(who: Person, since_joining: timedelta) -> float:
    """Return how many points of SpO2 a person has lost by now."""
    match who.kind:
        case Kind.DECLINING:
            falls = (who.spo2 - DECLINED) * (since_joining / who.low_after)
            return min(who.spo2 - LOWEST, falls)
        case Kind.CRASHING:
            fallen = (since_joining - who.crash_after) / timedelta(minutes=10)
            return min(16.0, max(0.0, 4.0 * fallen))
        case Kind.SILENT_WHILE_RED:
            return who.spo2 - 90.0
        case _:
            return 0.0


def _moments(who: Person) -> Iterator[datetime]:
    """Yield when a person sits down to measure: a first time, when they feel worse, each round."""
    dice = _dice(who.seed, who.index, "habits")
    first = who.joined_at + timedelta(seconds=dice.randint(60, 300))
    yield first
    last = first
    if who.kind is Kind.CRASHING:
        for minutes in (8, 20, 45):
            last = who.joined_at + who.crash_after + timedelta(minutes=minutes)
            yield last
    rounds = dropwhile(lambda at: at < last + timedelta(minutes=30), _rounds(who))
    yield from merge(rounds, _uneasy(who)) if who.kind is Kind.DECLINING else rounds


def _uneasy(who: Person) -> Iterator[datetime]:
    """Yield when the declining measure between rounds: they feel that they get worse."""
    until = who.joined_at + timedelta(hours=12)
    rounds = list(takewhile(lambda at: at < until + timedelta(hours=1), _rounds(who)))
    dice = _dice(who.seed, who.index, "uneasy")
    at = who.joined_at + timedelta(minutes=dice.randint(80, 120))
    while at < until:
        if all(abs(at - asked) > timedelta(minutes=25) for asked in rounds):
            yield at
        at += timedelta(seconds=dice.randint(40 * 60, 75 * 60))


def _rounds(who: Person) -> Iterator[datetime]:
    first_day = who.joined_at.astimezone(ZONE).date()
    for days in count():
        for hour in ROUNDS:
            day = first_day + timedelta(days=days)
            # To UTC before adding minutes: local days can be 23 or 25 hours long.
            asked_at = datetime.combine(day, hour, ZONE).astimezone(UTC)
            habit = _dice(who.seed, who.index, day, hour).uniform(-15, 30)
            yield asked_at + timedelta(seconds=round(60 * habit))


def _measurement(who: Person, moment: datetime) -> Iterator[Due]:
    """Measure, first without a finger in it now and then, and again when the value is low."""
    dice = _dice(who.seed, who.index, "measurement", moment)
    if dice.random() < _SLIPS:
        yield _taken(moment, _slipped(moment))
        moment += timedelta(seconds=45)
    shown = measured(who, moment)
    yield _taken(moment, _shown(shown.spo2, shown.pulse_rate, shown.perfusion_index, moment))
    if shown.spo2 < REPEATS_BELOW:
        again = moment + timedelta(seconds=dice.randint(120, 210))
        shown = measured(who, again)
        yield _taken(again, _shown(shown.spo2, shown.pulse_rate, shown.perfusion_index, again))


def _shown(spo2: int, pulse_rate: int, perfusion_index: float, at: datetime) -> PlxFrame:
    return PlxFrame(
        normal=Pair(spo2, pulse_rate),
        measurement=Measurement.VALIDATED | Measurement.FULLY_QUALIFIED,
        sensor=Sensor(0),
        pulse_amplitude=perfusion_index,
        device_time=_device_time(at),
    )


def _slipped(at: datetime) -> PlxFrame:
    return PlxFrame(
        normal=Pair(Special.NOT_A_NUMBER, Special.NOT_A_NUMBER),
        measurement=Measurement.UNAVAILABLE,
        sensor=Sensor.UNCONNECTED_TO_USER,
        device_time=_device_time(at),
    )


def _device_time(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)  # devices are set to UTC and know no zone


def _taken(due_at: datetime, frame: PlxFrame, measured_at: datetime | None = None) -> Due:
    """Return a frame that is taken at `due_at`, by a clock that shows `measured_at`."""
    at = measured_at or due_at
    return Due(due_at, Capture(plx.SPOT_CHECK, plx.encode(plx.SPOT_CHECK, frame), at, DEVICE))


def _nonsense(who: Person) -> Iterator[Due]:
    """Yield each nonsense once, a minute apart, and then one at every round."""
    moments = _moments(who)
    first = next(moments)
    for n in range(_SORTS_OF_NONSENSE):
        yield _nonsensical(who, n, first + timedelta(minutes=n))
    for n, moment in enumerate(moments):
        yield _nonsensical(who, n % _SORTS_OF_NONSENSE, moment)


_SORTS_OF_NONSENSE: Final = 7


def _nonsensical(who: Person, sort: int, at: datetime) -> Due:
    """Return one sort of nonsense: two that no decoder would let out, and five that are frames."""
    id_ = derived_id(at, who.seed, who.index, sort)
    match sort:
        case 0:
            return Due(at, Outgoing(id_, at, b"\xff\x00 this is not JSON"))
        case 1:
            wrong = json.dumps({"reading_id": str(id_), "oxygen": "ninety-one"})
            return Due(at, Outgoing(id_, at, wrong.encode()))
        case 2:
            return _taken(at, _shown(101, 70, 4.0, at))
        case 3:
            return _taken(at, _shown(-3, 70, 4.0, at))
        case 4:  # the numbers swapped: 97 % and 74 beats, read in the wrong order
            return _taken(at, _shown(74, 97, 4.0, at))
        case 5:
            return _taken(at, _shown(97, 70, 4.0, at), at - timedelta(days=365))
        case _:
            return _taken(at, _shown(97, 70, 4.0, at), at + timedelta(days=1))

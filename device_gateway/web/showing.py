"""What the page shows of advice and readings: words, ages and places in a chart. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from device_gateway.spool import Kept
from device_gateway.web.catalogues import Language
from device_gateway.web.resident import Resident
from ward_service.contract.messages import Reading
from ward_service.contract.vocabulary import UNITS, Level, Outcome, Vital
from ward_service.domain.civil import local
from ward_service.domain.texts import text_for

# Where nothing of this pathway's own is said: CLINICAL.md 1.6, of the national diary [V2 S7].
_SAFETY_NET: Final = "safety_net"
# Told for what is an emergency whatever the numbers are.
_RED_FLAG: Final = "advice.red_flag"


@dataclass(frozen=True, slots=True)
class Words:
    """A text of the pathway: in the reader's language, and in English beside it if need be.

    `english` is empty where the reader's own language is English or has been reviewed. `net` is
    when to call 999, where the text ends with it: a paragraph of its own.
    """

    said: str
    language: str
    english: str = ""
    net: str = ""


def words_of(id_: str, resident: Resident, language: Language) -> Words:
    """Return a text of the pathway with this person's numbers, for a reader of a language.

    What nobody has translated or reviewed is shown in English, never guessed.
    """
    pathway, reference = resident.pathway, resident.pathway.reference_language
    own = pathway.texts.get(language.code, {})
    code = language.code if id_ in own else reference
    said = text_for(id_, pathway, resident.limits, code)
    english = ""
    if code != reference and code not in resident.care.reviewed:
        english = text_for(id_, pathway, resident.limits, reference)
    net = pathway.text(_SAFETY_NET, code)
    if id_ == _SAFETY_NET or not said.endswith(net):
        return Words(said, code, english)
    return Words(said.removesuffix(net).strip(), code, english, net)


_HEADINGS: Final = {
    Level.RED: "This is low. Read this now",
    Level.AMBER: "This needs another look",
    Level.GREEN: "In the range that your team expects",
    None: "We cannot tell how you are from this",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody is told about a reading: how urgent, in which words, whom to ring."""

    level: Level | None
    emergency: bool
    words: tuple[Words, ...]

    @property
    def heading(self) -> str:
        """What it comes to, in English; no heading ever says that somebody is well."""
        if self.emergency:
            return "Call 999 now, or go to A&E"
        return _HEADINGS[self.level]


def told(reading: Reading, resident: Resident, language: Language) -> Told:
    """Return what was told with a reading; with nothing else, when to ring 999."""
    advice = reading.advice
    known = resident.pathway.texts[resident.pathway.reference_language]
    ids = [id_ for id_ in advice.text_ids if id_ in known] if advice else []
    level = advice.level if advice else None
    said = tuple(words_of(id_, resident, language) for id_ in ids or [_SAFETY_NET])
    return Told(level, _RED_FLAG in ids, said)


@dataclass(frozen=True, slots=True)
class Became:
    """What has become of a reading: moments in the reader's own time, None where it has not yet."""

    saved_at: datetime
    received_at: datetime | None
    seen_at: datetime | None
    refused: bool


def became(kept: Kept, zone: str, saved_at: datetime) -> Became:
    """Return what has become of a reading, in civil time of its person."""
    return Became(
        local(saved_at, zone),
        kept.receipted_at and local(kept.receipted_at, zone),
        kept.seen_at and local(kept.seen_at, zone),
        kept.outcome is Outcome.QUARANTINED,
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One reading of the history."""

    at: datetime
    age: timedelta
    spo2: str
    others: str
    level: Level | None
    became: Became


def history(kept: Sequence[Kept], zone: str, now: datetime) -> list[Row]:
    """Return the readings that the home remembers, the newest first."""
    return list(reversed([_row(one, zone, now) for one in kept]))


def _row(kept: Kept, zone: str, now: datetime) -> Row:
    reading = Reading.model_validate_json(kept.payload)
    values = {o.vital: o.value for o in reading.observations}
    spo2 = values.pop(Vital.SPO2, None)
    return Row(
        at=local(kept.measured_at, zone),
        age=max(now - kept.measured_at, timedelta(0)),
        spo2="" if spo2 is None else f"{spo2:g} %",
        others=", ".join(UNITS[vital].say(value) for vital, value in values.items()),
        level=reading.advice.level if reading.advice else None,
        became=became(kept, zone, kept.measured_at),
    )


_CHART_FROM: Final = 85.0  # per cent: what most lines lie above


@dataclass(frozen=True, slots=True)
class Dot:
    """A value in the chart: its place in per cent of width and height, and what it is."""

    x: float
    y: float
    words: str
    level: Level | None


@dataclass(frozen=True, slots=True)
class Chart:
    """The oxygen values from left to right; the chart goes from `lowest` to 100 per cent."""

    lowest: float
    dots: tuple[Dot, ...]


def chart(kept: Sequence[Kept], zone: str, since: datetime, now: datetime) -> Chart:
    """Return the oxygen values between two moments; y grows downwards.

    A line that fills the whole height for one point of difference frightens for nothing.
    """
    values = list(_oxygen(kept))
    lowest = min([_CHART_FROM, *(value for _, value, _ in values)])
    span = (now - since) / timedelta(seconds=1)
    dots = tuple(
        Dot(
            x=round(100 * ((at - since) / timedelta(seconds=1)) / span, 1),
            y=round(100 * (100 - value) / (100 - lowest), 1),
            words=f"{value:g} %, {local(at, zone):%d %b %H:%M}",
            level=level,
        )
        for at, value, level in values
    )
    return Chart(lowest, dots)


def _oxygen(kept: Sequence[Kept]) -> Iterator[tuple[datetime, float, Level | None]]:
    for one in kept:
        reading = Reading.model_validate_json(one.payload)
        for observation in reading.observations:
            if observation.vital is Vital.SPO2 and 0 <= observation.value <= 100:
                level = reading.advice.level if reading.advice else None
                yield one.measured_at, observation.value, level


def age_in(language: Language, age: timedelta) -> str:
    """Return an age in words: no number without it."""
    minutes = int(age.total_seconds() // 60)
    if minutes < 1:
        return language.say("just now")
    if minutes < 60:
        return language.say("{n} minutes ago", n=minutes)
    if minutes < 48 * 60:
        return language.say("{n} hours ago", n=minutes // 60)
    return language.say("{n} days ago", n=minutes // (24 * 60))


def state_words(kept: Kept, zone: str, language: Language) -> dict[str, str]:
    """Return what has become of a reading in words, for a screen that stays open."""
    now = became(kept, zone, kept.measured_at)
    received, seen = now.received_at, now.seen_at
    return {
        "received": language.say("Received by your team at {at}", at=f"{received:%H:%M}")
        if received and not now.refused
        else "",
        "seen": language.say("Seen by a clinician at {at}", at=f"{seen:%H:%M}") if seen else "",
    }

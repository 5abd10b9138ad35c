"""What the page shows of advice and readings: words, ages and places in a chart. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from device_gateway.spool.records import Kept
from device_gateway.web import vital_prompts
from device_gateway.web.resident import Resident
from device_gateway.web.time_words import day_and_time_in, time_in
from device_gateway.web.translations import Language, is_easy, languages, to_say
from ward_service.contract.languages import nearest
from ward_service.contract.messages import Reading
from ward_service.contract.vocabulary import Level, Outcome, Vital
from ward_service.domain.civil_time import local
from ward_service.domain.texts import text_for

# Where nothing of this pathway's own is said: the national diary [NHS-DIARY-VIDEO];
# see docs/reference/clinical.md#technique.
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

    @property
    def easy(self) -> bool:
        """Whether these are easier words: the full ones stand folded, and the page stays easy."""
        return is_easy(self.language)


def words_of(id_: str, resident: Resident, speaks: str) -> Words:
    """Return a text of the pathway with this person's numbers, for who speaks a language.

    What nobody has translated or reviewed is shown in English, never guessed.
    """
    pathway, reference = resident.pathway, resident.pathway.reference_language
    spoken = pathway.spoken(speaks)
    code = spoken if spoken and id_ in pathway.texts[spoken] else reference
    said = text_for(id_, pathway, resident.limits, code)
    english = ""
    if code != reference and code not in resident.care.reviewed:
        english = text_for(id_, pathway, resident.limits, reference)
    net = pathway.text(_SAFETY_NET, code)
    if id_ == _SAFETY_NET or not said.endswith(net):
        return Words(said, code, english)
    return Words(said.removesuffix(net).strip(), code, english, net)


# Where a ward has no number of its own for an interpreter: 111 can fetch one.
_INTERPRETER: Final = "111"
_UNCHECKED: Final = to_say(
    "Nobody has checked this translation. Ring {number} and say the name of your language."
)
_LACKING: Final = to_say(
    "Not all of this page is in your language. Ring {number} and say the name of your language."
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a page cannot be relied on in the reader's language, in English; the number to ring."""

    english: str
    number: str


def interpreter_of(resident: Resident | None) -> str:
    """Return the number at which an interpreter can be had."""
    return (resident.care.interpreter if resident else "") or _INTERPRETER


def doubt(speaks: str, resident: Resident | None) -> Doubt | None:
    """Return what to say about the words of a page, to who speaks a language; None: nothing.

    Easier words are in English anyway, and the full ones stand folded beside them.
    """
    if is_easy(speaks):
        return None
    number, page = interpreter_of(resident), nearest(speaks, languages())
    lacking, checked = page is None, page is None or bool(languages()[page].reviewer)
    if resident is not None:
        spoken = resident.pathway.spoken(speaks)
        lacking = lacking or spoken is None
        known = (resident.pathway.reference_language, *resident.care.reviewed)
        checked = checked and spoken in known
    if lacking:
        return Doubt(_LACKING, number)
    return None if checked else Doubt(_UNCHECKED, number)


_HEADINGS: Final = {
    Level.RED: to_say("This is low. Read this now"),
    Level.AMBER: to_say("This needs another look"),
    Level.GREEN: to_say("In the range that your team expects"),
    None: to_say("We cannot tell how you are from this"),
}
_EMERGENCY: Final = to_say("Call 999 now, or go to A&E")


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
            return _EMERGENCY
        return _HEADINGS[self.level]


def told(reading: Reading, resident: Resident, speaks: str) -> Told:
    """Return what was told with a reading; with nothing else, when to ring 999."""
    advice = reading.advice
    known = resident.pathway.texts[resident.pathway.reference_language]
    ids = [id_ for id_ in advice.text_ids if id_ in known] if advice else []
    return told_of(advice.level if advice else None, ids or [_SAFETY_NET], resident, speaks)


def told_of(level: Level | None, ids: Sequence[str], resident: Resident, speaks: str) -> Told:
    """Return what is told by these texts of the pathway."""
    said = tuple(words_of(id_, resident, speaks) for id_ in ids)
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


def history(kept: Sequence[Kept], zone: str, now: datetime, language: Language) -> list[Row]:
    """Return the readings that the home remembers, the newest first."""
    return list(reversed([_row(one, zone, now, language) for one in kept]))


def _row(kept: Kept, zone: str, now: datetime, language: Language) -> Row:
    reading = Reading.model_validate_json(kept.payload)
    values = {o.vital: o.value for o in reading.observations}
    spo2 = values.pop(Vital.SPO2, None)
    return Row(
        at=local(kept.measured_at, zone),
        age=now - kept.measured_at,
        spo2="" if spo2 is None else f"{spo2:g} %",
        others=", ".join(vital_prompts.said(v, value, language) for v, value in values.items()),
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


def chart(
    kept: Sequence[Kept], zone: str, since: datetime, now: datetime, language: Language
) -> Chart:
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
            words=f"{value:g} %, {day_and_time_in(language, local(at, zone))}",
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


def state_words(kept: Kept, zone: str, language: Language) -> dict[str, str]:
    """Return what has become of a reading in words, for a screen that stays open."""
    now = became(kept, zone, kept.measured_at)
    received, seen = now.received_at, now.seen_at
    return {
        "received": language.say("Received by your team at {at}", at=time_in(language, received))
        if received and not now.refused
        else "",
        "seen": language.say("Seen by a clinician at {at}", at=time_in(language, seen))
        if seen
        else "",
    }


def blocks(text: str) -> list[str | tuple[str, ...]]:
    """Return a text as paragraphs, one a line, and lists of the lines that begin with a dash."""
    found: list[str | tuple[str, ...]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if not line.startswith("- "):
            found.append(line)
        elif found and isinstance(found[-1], tuple):
            found[-1] = (*found[-1], line[2:])
        else:
            found.append((line[2:],))
    return found

"""What stands in a printed diary: this person's own bands in numbers and words, and what to write.

Pure: the words are the pathway version's, the numbers the person's own limits. How it is drawn is
`diary/pdf.py`. Source: docs/reference/clinical.md#technique, #patient-facing.
"""

from dataclasses import dataclass
from datetime import time
from typing import Final

from ward_service.contract.plan import Service
from ward_service.contract.typed_numbers import CALLED
from ward_service.contract.vocabulary import Level, Spo2Target, Vital
from ward_service.domain.limits import Limits, bands_name, personal_bands
from ward_service.domain.pathway import Pathway
from ward_service.domain.state import EpisodeState
from ward_service.domain.texts import SAFETY_NET, text_for
from ward_service.entry.form import TECHNIQUE, Own, asked_questions, asked_vitals, has_red
from ward_service.errors import WardError

WEEK: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class BothLanguages:
    """Words in the person's language, where the pathway has them, and ours beside them."""

    ours: str
    own: str | None = None


@dataclass(frozen=True, slots=True)
class LevelAdvice:
    """One level: its numbers in this person's bands, by vital, and what to do."""

    level: Level
    numbers: tuple[str, ...]
    advice: BothLanguages


@dataclass(frozen=True, slots=True)
class PaperQuestion:
    """A question to answer on paper: a letter for each answer; none takes free words."""

    said: BothLanguages
    letter: str
    answers: tuple[tuple[str, BothLanguages], ...]
    red_flags: bool


@dataclass(frozen=True, slots=True)
class Pack:
    """Everything that is printed. The outside page has name, reference, phone and hours only."""

    name: str
    reference: str
    pathway: str
    limits: int
    signed: str
    language: str | None
    phone: str
    hours: str
    technique: BothLanguages
    times: tuple[time, ...]
    days: int
    zones: tuple[LevelAdvice, ...]
    emergency: BothLanguages
    vitals: tuple[tuple[Vital, str], ...]
    asks: tuple[PaperQuestion, ...]


def pack_of(
    state: EpisodeState,
    pathway: Pathway,
    language: str | None,
    *,
    name: str,
    reference: str,
    signed: str,
    phone: str,
) -> Pack:
    """Return the diary of a stay under its pathway version, with this person's own numbers.

    `signed` says who signed the version; empty: nobody.

    Raises:
        WardError: a number that its words need is set by nobody.
    """
    own = Own(pathway, language)
    try:
        zones = tuple(
            LevelAdvice(
                level,
                _numbers(level, state.limits, pathway),
                _advice(f"advice.{level}", own, state.limits, pathway, language),
            )
            for level in (Level.GREEN, Level.AMBER, Level.RED)
        )
    except KeyError as error:
        raise WardError(
            "Nothing was printed: a number of this person's limits is set by nobody. Set it first."
        ) from error
    return Pack(
        name=name,
        reference=reference,
        pathway=pathway.name,
        limits=state.limits.number,
        signed=signed,
        language=language if own.theirs(SAFETY_NET) else None,
        phone=phone,
        hours=hours(pathway.service),
        technique=BothLanguages(own.ours(TECHNIQUE), own.theirs(TECHNIQUE)),
        times=pathway.schedule.times,
        days=pathway.duration.days,
        zones=zones,
        emergency=BothLanguages(own.ours(SAFETY_NET), own.theirs(SAFETY_NET)),
        vitals=tuple((vital, CALLED[vital]) for vital in asked_vitals(pathway)),
        asks=tuple(_asks(own, pathway)),
    )


def hours(service: Service) -> str:
    """Say when the team is there: `every day, 08:00 to 20:00`."""
    days = [WEEK[day] for day in sorted(service.days)]
    said = "every day" if len(days) == len(WEEK) else ", ".join(days)
    return f"{said}, {service.opens:%H:%M} to {service.closes:%H:%M}"


def _advice(
    id_: str, own: Own, limits: Limits, pathway: Pathway, language: str | None
) -> BothLanguages:
    """Return a text with the person's numbers, without the safety net: that has its own box."""
    theirs = None
    if own.theirs(id_) is not None:
        theirs = _bare(text_for(id_, pathway, limits, language), own.theirs(SAFETY_NET) or "")
    return BothLanguages(_bare(text_for(id_, pathway, limits), own.ours(SAFETY_NET)), theirs)


def _bare(text: str, net: str) -> str:
    return " ".join(text.split()).removesuffix(net).strip()


def _numbers(level: Level, limits: Limits, pathway: Pathway) -> tuple[str, ...]:
    """Say which values of each vital have a level, by this person's own bands."""
    said = []
    for vital, rule in pathway.vitals.items():
        both = vital is Vital.SPO2 and limits.target is Spo2Target.RANGE_88_92
        kinds: tuple[tuple[bool, str], ...] = ((limits.home_oxygen is not False, ""),)
        if both and limits.home_oxygen is not False:
            kinds = ((False, ", without oxygen"), (True, ", while you use oxygen"))
        for on_oxygen, when in kinds:
            bands_rule = rule.bands.get(bands_name(vital, limits, on_oxygen))
            if bands_rule is None:
                continue
            bands = personal_bands(bands_rule, limits)
            if bands is None:
                raise KeyError(vital)
            ranges = [_range(low, high) for low, high, at in bands.edges() if at is level]
            unit = " %" if vital is Vital.SPO2 else ""
            if ranges:
                said.append(f"{CALLED[vital]} {' or '.join(r.format(unit) for r in ranges)}{when}")
    return tuple(said)


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "at any number"
    if low is None:
        return f"{high:g}{{0}} or lower"
    if high is None:
        return f"{low:g}{{0}} or higher"
    return f"{low:g}{{0}}" if low == high else f"{low:g} to {high:g}{{0}}"


def _asks(own: Own, pathway: Pathway) -> list[PaperQuestion]:
    """Return the questions with a letter for each answer; letters do not repeat on the page."""
    return [
        PaperQuestion(
            BothLanguages(own.ours(question.said), own.theirs(question.said)),
            chr(ord("A") + n),
            tuple(
                (
                    f"{chr(ord('A') + n)}{number}",
                    BothLanguages(
                        own.ours(f"answer.{id_}.{code}"), own.theirs(f"answer.{id_}.{code}")
                    ),
                )
                for number, code in enumerate(question.answers)
            ),
            has_red(question),
        )
        for n, (id_, question) in enumerate(asked_questions(pathway))
    ]

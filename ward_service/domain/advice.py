"""What to tell the patient now: which of the pathway's texts, when to measure again, whom to call.

Pure, and the same at home, with no network, as at the ward. A red flag outranks any number; what is
unknown, old or doubtful is never green; whatever is told ends with when to call 999.
Source: docs/reference/clinical.md#what-the-evidence-forces, #spo2-bands, #red-flags,
#patient-facing; docs/understand/design.md#alert.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ward_service.contract.vocabulary import AlertClass, Context, Level, Mode, Vital
from ward_service.domain.bands import WORRY, worse
from ward_service.domain.civil_time import in_service
from ward_service.domain.finding import Finding
from ward_service.domain.pathway import Guide
from ward_service.domain.state import Judged
from ward_service.domain.texts import SAFETY_NET

GREEN, AMBER, RED = "advice.green", "advice.amber", "advice.red"
UNKNOWN, RED_FLAG, SWAP = "advice.unknown", "advice.red_flag", "swap.ask"
EXERTION_STOP: Final = "advice.exertion_stop"  # an older version has no such text
REPEAT: Final = {Level.RED: "repeat.red", Level.AMBER: "repeat.amber"}
CONFIRMED: Final = {Level.RED: RED, Level.AMBER: AMBER}
CALL_ME: Final = "call_me"  # the rule of a patient's wish to be called


class Whom(StrEnum):
    """Whom the patient is to call."""

    EMERGENCY = "999"
    NHS_111 = "111"
    WARD = "ward"


@dataclass(frozen=True, slots=True)
class Advice:
    """What is told: texts in their order. `level` None: nothing can be said of the reading.

    `retake_after` is how long until the next measurement, where one is asked for; `call` whom to
    call now, None while nobody has to be.
    """

    level: Level | None
    text_ids: tuple[str, ...]
    retake_after: timedelta | None = None
    call: Whom | None = None


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A worry about one vital, measured at `at`, that no later value of it took away."""

    vital: Vital
    level: Level
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What this person's earlier readings leave behind, as the home knows them.

    `reds` are when values were red, apart by the minimum gap, as long as a second one needs no
    repeat. `worrying_since`: no reading in range has come since this worrying one. `told_999_at`
    is when they were last told to call 999. `outstanding` are worries about vitals that were not
    measured again in range, worst first.
    """

    reds: tuple[datetime, ...] = ()
    worrying_since: datetime | None = None
    told_999_at: datetime | None = None
    outstanding: tuple[Outstanding, ...] = ()


def texts_needed(pathway: Guide) -> tuple[str, ...]:
    """Return the names of the texts without which nobody can be advised."""
    always = (GREEN, AMBER, RED, UNKNOWN, RED_FLAG, SWAP, *REPEAT.values(), SAFETY_NET)
    return (*always, pathway.service.out_of_hours)


def advise(judged: Judged, standing: Standing, pathway: Guide, mode: Mode, now: datetime) -> Advice:
    """Say what to tell the patient about a reading, now.

    A reading that came late tells nothing about now: a worrying one asks for a measurement, a good
    one reassures nobody. Who acts on their own (`self_escalate`) is told at once whom to ring; in
    `monitored` use a first amber waits for its repeat.
    """
    findings = [f for f in judged.assessment.findings if f.rule != CALL_ME]
    symptoms = [f for f in findings if f.alert_class is AlertClass.SYMPTOM]
    numbers = [f for f in findings if f.alert_class is not AlertClass.SYMPTOM]
    level = _level(findings, judged)
    swapped = (SWAP,) if "looks_swapped" in judged.doubts else ()
    if _worst(symptoms) is Level.RED:
        return _red((RED_FLAG, *swapped), pathway, now)
    left = _left(standing, judged, pathway)
    if left and level is not None and worse(left[0].level, level):
        return _as_before(left, swapped, judged, standing, pathway, now)
    if level is Level.RED:
        if _settled(numbers, judged, standing, pathway):
            return _red((*_stop(numbers, judged, pathway), RED, *swapped), pathway, now)
        gap = pathway.confirmation.minimum_gap
        repeat = (*swapped, REPEAT[level], *_out_of_hours(pathway, now))
        return Advice(level, repeat, gap, _wished(judged, pathway, now))
    if level is Level.AMBER:
        within = pathway.confirmation.repeat_within[level]
        if _worst(symptoms) is level or _settled(numbers, judged, standing, pathway):
            return Advice(level, (*swapped, AMBER), within, _reachable(pathway, now))
        alone = _reachable(pathway, now) if mode is Mode.SELF_ESCALATE else None
        call = alone or _wished(judged, pathway, now)
        return Advice(level, (*swapped, REPEAT[level]), within, call)
    call = _wished(judged, pathway, now)
    if level is Level.GREEN:
        before, within = standing.told_999_at, pathway.confirmation.second_red_within
        if before is not None and now <= before + within:
            call = _reachable(pathway, now)  # who was red enough for 999 is not well by one number
        return Advice(level, (GREEN,), call=call)
    return _unknown(judged, swapped, call, pathway)


def after(standing: Standing, judged: Judged, advice: Advice, pathway: Guide) -> Standing:
    """Return what is left behind once a reading was judged and its advice told."""
    at, rule = judged.judged_at, pathway.confirmation
    numbers = [
        f
        for f in judged.assessment.concerns
        if f.alert_class is not AlertClass.SYMPTOM and f.rule != CALL_ME
    ]
    reds = standing.reds
    if _worst(numbers) is Level.RED and all(abs(at - red) >= rule.minimum_gap for red in reds):
        reds = tuple(sorted((*reds, at)))
    newest = max((at, *reds))
    reds = tuple(red for red in reds if newest - red <= rule.second_red_within)
    since, current = standing.worrying_since, not (judged.late or judged.time_doubtful)
    if numbers:
        since = since or at
    elif judged.assessment.reassuring and current:
        since = None
    told = at if advice.call is Whom.EMERGENCY else standing.told_999_at
    left = _left(standing, judged, pathway)
    if judged.reading.context is Context.REST:
        new = {vital: f.level for f in reversed(numbers) for vital in f.about}
        kept = {one.vital: one for one in left}
        for vital, level in new.items():
            if vital not in kept or not worse(kept[vital].level, level):
                kept[vital] = Outstanding(vital, level, at)
        left = _worst_first(kept.values())
    return Standing(reds, since, told, left)


def still(advice: Advice, told_at: datetime, pathway: Guide, now: datetime) -> Advice:
    """Return what of an advice holds now: a repeat that does not come confirms (it fails safe)."""
    level = advice.level
    repeat = REPEAT.get(level) if level else None
    if level is None or repeat not in advice.text_ids:
        return advice
    if now <= told_at + pathway.confirmation.repeat_within[level]:
        return advice
    if level is Level.RED:
        return _red((RED,), pathway, now)
    return replace(advice, text_ids=(CONFIRMED[level],), call=_reachable(pathway, now))


def _level(findings: Sequence[Finding], judged: Judged) -> Level | None:
    """Return how worrying the reading is to be called; green only when it tells of now."""
    level = _worst(findings)
    if level is not Level.GREEN:
        return level
    believed = judged.assessment.reassuring and not judged.time_doubtful
    return level if believed and not judged.late else None


def _worst(findings: Sequence[Finding]) -> Level | None:
    return findings[0].level if findings else None  # the worst comes first


def _settled(
    numbers: Sequence[Finding], judged: Judged, standing: Standing, pathway: Guide
) -> bool:
    """Whether no repeat can tell more: a finding that needs none, or an earlier one of its kind."""
    if judged.late:
        return False
    level, rule, at = _worst(numbers), pathway.confirmation, judged.judged_at
    if any(f.level is level and not f.confirm for f in numbers):
        return True
    if level is Level.RED:
        return any(
            rule.minimum_gap <= abs(at - red) <= rule.second_red_within for red in standing.reds
        )
    since = standing.worrying_since
    return since is not None and abs(at - since) >= rule.minimum_gap


def _left(standing: Standing, judged: Judged, pathway: Guide) -> tuple[Outstanding, ...]:
    """Return the worries that a reading leaves, worst first; after a day nobody waits for them.

    A repeat takes the place of its own vital alone, believed and at rest, as at the ward.
    """
    within, at = pathway.confirmation.second_red_within, judged.judged_at
    at_rest = judged.reading.context is Context.REST
    again: set[Vital] = set()
    if at_rest and not (judged.late or judged.time_doubtful):
        worried = {vital for f in judged.assessment.concerns for vital in f.about}
        again = (worried - judged.assessment.doubted) | judged.assessment.in_range
    return _worst_first(
        one for one in standing.outstanding if one.vital not in again and at - one.at <= within
    )


def _worst_first(worries: Iterable[Outstanding]) -> tuple[Outstanding, ...]:
    return tuple(sorted(worries, key=lambda one: (-WORRY[one.level], one.at, one.vital)))


def _as_before(
    left: Sequence[Outstanding],
    swapped: tuple[str, ...],
    judged: Judged,
    standing: Standing,
    pathway: Guide,
    now: datetime,
) -> Advice:
    """Return what is told while an earlier worry was not measured again: that it still holds."""
    worst, rule = left[0], pathway.confirmation
    over = judged.judged_at - worst.at > rule.repeat_within[worst.level]
    if worst.level is Level.RED:
        before = standing.told_999_at
        if over or (before is not None and before >= worst.at):
            return _red((RED, *swapped), pathway, now)
        repeat = (*swapped, REPEAT[worst.level], *_out_of_hours(pathway, now))
        return Advice(worst.level, repeat, rule.minimum_gap, _wished(judged, pathway, now))
    text, call = (AMBER, _reachable(pathway, now)) if over else (REPEAT[worst.level], None)
    call = call or _wished(judged, pathway, now)
    return Advice(worst.level, (*swapped, text), rule.repeat_within[worst.level], call)


def _stop(numbers: Sequence[Finding], judged: Judged, pathway: Guide) -> tuple[str, ...]:
    """Return the text that ends an exertion test, where oxygen fell too low in it."""
    low = any(f.level is Level.RED and f.vital is Vital.SPO2 for f in numbers)
    exerted = judged.reading.context is Context.EXERTION
    known = EXERTION_STOP in pathway.texts[pathway.reference_language]
    return (EXERTION_STOP,) if low and exerted and known else ()


def _red(text_ids: tuple[str, ...], pathway: Guide, now: datetime) -> Advice:
    told = (*text_ids, *_out_of_hours(pathway, now))
    return Advice(Level.RED, told, call=Whom.EMERGENCY)


def _unknown(judged: Judged, swapped: tuple[str, ...], call: Whom | None, pathway: Guide) -> Advice:
    """Return what is told when nothing can be said of the reading, or the pathway says nothing."""
    again = pathway.confirmation.repeat_within[Level.RED]
    if judged.late:
        return Advice(None, (SAFETY_NET,), call=call)
    if swapped:
        return Advice(None, swapped, again, call)
    reading = judged.reading
    if judged.doubts or not (reading.values or reading.answers or call):
        return Advice(None, (UNKNOWN,), again, call)
    return Advice(None, (SAFETY_NET,), call=call)


def _out_of_hours(pathway: Guide, now: datetime) -> tuple[str, ...]:
    return () if in_service(now, pathway.service) else (pathway.service.out_of_hours,)


def _reachable(pathway: Guide, now: datetime) -> Whom:
    return Whom.WARD if in_service(now, pathway.service) else Whom.NHS_111


def _wished(judged: Judged, pathway: Guide, now: datetime) -> Whom | None:
    """Return whom somebody can ring who wants to be called: they need not wait for it."""
    return _reachable(pathway, now) if judged.reading.call_me else None

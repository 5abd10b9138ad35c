"""Which screens a reading has, in order, on this person's pathway: one thing on each. Pure.

What may be an emergency is asked first, before anybody looks for the oximeter. Then rest and how to
measure, what the oximeter shows, what else can be measured, the other questions, and free words.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ward_service.contract.rules import Question
from ward_service.contract.vocabulary import Level, Vital
from ward_service.domain.pathway import Guide

# What stands side by side on an oximeter, in its order; and what else people can measure and type.
OXIMETER: Final = (Vital.SPO2, Vital.PULSE_RATE)
IF_YOU_CAN: Final = (
    Vital.TEMPERATURE,
    Vital.RESPIRATORY_RATE,
    Vital.SYSTOLIC_BP,
    Vital.DIASTOLIC_BP,
    Vital.SUPPLEMENTAL_OXYGEN,
    Vital.WEIGHT,
)


class Kind(StrEnum):
    """What a screen is: a question, how to measure, numbers to type, or the last one."""

    QUESTION = "question"
    MEASURE = "measure"
    NUMBERS = "numbers"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Screen:
    """One screen. `name` stands in its address. `needed`: each of its numbers must be there."""

    name: str
    kind: Kind
    question: str = ""
    vitals: tuple[Vital, ...] = ()
    needed: bool = False
    red_flags: bool = False


def screens(pathway: Guide) -> tuple[Screen, ...]:
    """Return the screens of a reading in their order. The last one sends it."""
    asked = {id_: question for id_, question in pathway.questions.items() if question.answers}
    flags = [id_ for id_, question in asked.items() if _has_red(question)]
    oximeter = tuple(vital for vital in OXIMETER if vital in pathway.vitals)
    others = tuple(vital for vital in IF_YOU_CAN if vital in pathway.vitals)
    return (
        *(Screen(f"ask-{id_}", Kind.QUESTION, id_, red_flags=True) for id_ in flags),
        *([Screen("measure", Kind.MEASURE)] if oximeter else []),
        *([Screen("oximeter", Kind.NUMBERS, vitals=oximeter, needed=True)] if oximeter else []),
        *([Screen("others", Kind.NUMBERS, vitals=others)] if others else []),
        *(Screen(f"ask-{id_}", Kind.QUESTION, id_) for id_ in asked if id_ not in flags),
        Screen("last", Kind.LAST),
    )


def free_questions(pathway: Guide) -> tuple[str, ...]:
    """Return the questions that take free words, which trigger nothing."""
    return tuple(id_ for id_, question in pathway.questions.items() if not question.answers)


def none_of(question: Question) -> tuple[str, ...]:
    """Return the answers that say nothing worrying: one tap is enough for them."""
    return tuple(code for code, level in question.answers.items() if level is None)


def _has_red(question: Question) -> bool:
    return Level.RED in question.answers.values()

"""A reading that is being typed, screen by screen, until it is sent. Pure.

Nothing that was typed is lost by going back, and nothing is asked twice. What the answers and
numbers mean is not decided here: the plan's rules judge the reading once it is whole.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from device_gateway.web.screens import Screen
from ward_service.contract.messages import Answer, Observation, Reading
from ward_service.contract.vocabulary import Source, Vital
from ward_service.domain.pathway import Guide

LONGEST_WORDS = 2_000  # characters, as the wire has it


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed so far. `measured_at` is when the first number was."""

    reading_id: UUID
    began_at: datetime
    measured_at: datetime | None = None
    values: Mapping[Vital, float] = field(default_factory=dict)
    sure: frozenset[Vital] = frozenset()  # unlikely numbers that were asked about, and stand
    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    call_me: bool = False
    done: tuple[str, ...] = ()  # screens that were answered or passed over, by name

    def with_values(self, values: Mapping[Vital, float], now: datetime) -> Self:
        """Return it with numbers typed just now."""
        measured_at = self.measured_at or (now if values else None)
        return replace(self, values={**self.values, **values}, measured_at=measured_at)

    def without(self, vitals: tuple[Vital, ...]) -> Self:
        """Return it without numbers that were taken back."""
        left = {vital: value for vital, value in self.values.items() if vital not in vitals}
        return replace(self, values=left)

    def with_answer(self, question: str, codes: tuple[str, ...]) -> Self:
        """Return it with a question answered; the latest answer stands."""
        return replace(self, answers={**self.answers, question: codes})

    def passed(self, screen: Screen) -> Self:
        """Return it with a screen behind it."""
        names = tuple(name for name in self.done if name != screen.name)
        return replace(self, done=(*names, screen.name))

    def has_red_flag(self, pathway: Guide) -> bool:
        """Say whether something was answered that is an emergency whatever the numbers are."""
        return any(
            pathway.questions[question].answers.get(code) == "red"
            for question, codes in self.answers.items()
            if question in pathway.questions
            for code in codes
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return {
            "began_at": self.began_at.isoformat(),
            "measured_at": self.measured_at and self.measured_at.isoformat(),
            "values": dict(self.values),
            "sure": sorted(self.sure),
            "answers": {question: list(codes) for question, codes in self.answers.items()},
            "words": dict(self.words),
            "call_me": self.call_me,
            "done": list(self.done),
        }

    @classmethod
    def from_json(cls, id_: UUID, said: Mapping[str, Any]) -> Self:
        """Return what `as_json` gave."""
        measured_at = said["measured_at"]
        return cls(
            reading_id=id_,
            began_at=datetime.fromisoformat(said["began_at"]),
            measured_at=datetime.fromisoformat(measured_at) if measured_at else None,
            values={Vital(vital): value for vital, value in said["values"].items()},
            sure=frozenset(Vital(vital) for vital in said["sure"]),
            answers={question: tuple(codes) for question, codes in said["answers"].items()},
            words=dict(said["words"]),
            call_me=bool(said["call_me"]),
            done=tuple(said["done"]),
        )


def reading_of(draft: Draft, source: Source, now: datetime) -> Reading:
    """Return the reading that a draft has become; without a number it is measured now."""
    return Reading(
        reading_id=draft.reading_id,
        measured_at=draft.measured_at or now,
        source=source,
        observations=tuple(Observation(vital=v, value=x) for v, x in draft.values.items()),
        answers=tuple(_answers(draft)),
        call_me=draft.call_me,
    )


def _answers(draft: Draft) -> Iterator[Answer]:
    for question, codes in draft.answers.items():
        yield from (Answer(question=question, answer=code) for code in codes)
    for question, words in draft.words.items():
        if words.strip():
            yield Answer(question=question, answer=words.strip()[:LONGEST_WORDS])

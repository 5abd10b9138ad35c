"""What one screen of a reading was answered with. Pure: a draft and a form in, a draft out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from device_gateway.web.draft import LONGEST_WORDS, Draft
from device_gateway.web.screens import Kind, Screen, free_questions, none_of
from device_gateway.web.typed_numbers import Looked, look_at
from ward_service.domain.pathway import Guide

Form = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a screen has become: the draft, and what is still to be asked or put right on it.

    `unanswered`: nothing was chosen where something must be.
    """

    draft: Draft
    looked: Looked | None = None
    unanswered: bool = False

    @property
    def done(self) -> bool:
        """Whether the next screen can come."""
        return not self.unanswered and (self.looked is None or self.looked.settled)


def take(draft: Draft, screen: Screen, form: Form, pathway: Guide, now: datetime) -> Taken:
    """Take what was sent from a screen; what the pathway does not know is left out."""
    match screen.kind:
        case Kind.QUESTION:
            return _answer(draft, screen, form, pathway)
        case Kind.NUMBERS:
            return _numbers(draft, screen, form, pathway, now)
        case Kind.LAST:
            return Taken(_last(draft, form, pathway).passed(screen))
        case Kind.MEASURE:
            return Taken(draft.passed(screen))


def _answer(draft: Draft, screen: Screen, form: Form, pathway: Guide) -> Taken:
    question = pathway.questions[screen.question]
    chosen = [code for code in form.get("answer", []) if code in question.answers]
    if not question.several:
        chosen = chosen[-1:]
    # "None of these" beside something else: the something stands.
    nothing = none_of(question)
    if question.several and any(code not in nothing for code in chosen):
        chosen = [code for code in chosen if code not in nothing]
    if not chosen:
        return Taken(draft, unanswered=True)
    return Taken(draft.with_answer(screen.question, tuple(chosen)).passed(screen))


def _numbers(draft: Draft, screen: Screen, form: Form, pathway: Guide, now: datetime) -> Taken:
    if "skip" in form:
        return Taken(draft.without(screen.vitals).passed(screen))
    typed = {vital: (form.get(vital) or [""])[-1] for vital in screen.vitals}
    sure = frozenset(screen.vitals) if "sure" in form else frozenset()
    if not screen.needed:
        typed = {vital: text for vital, text in typed.items() if text.strip()}
    looked = look_at(typed, pathway, sure)
    if not looked.settled:
        return Taken(draft, looked)
    kept = draft.without(screen.vitals).with_values(looked.values, now)
    return Taken(replace(kept, sure=draft.sure | sure).passed(screen), looked)


def _last(draft: Draft, form: Form, pathway: Guide) -> Draft:
    words = {
        question: (form.get(f"words-{question}") or [""])[-1][:LONGEST_WORDS]
        for question in free_questions(pathway)
    }
    return replace(draft, words=words, call_me="call_me" in form)

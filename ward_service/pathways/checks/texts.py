"""Texts: all that are used exist, say a person's own numbers, and end with when to call 999.

A language is whole or is not there: it has every text that is said to people at home, with the
placeholders and the telephone numbers of the language of reference. Staff are called in that one.
"""

import re
from collections.abc import Iterator
from typing import Final

from ward_service.contract.vocabulary import PATIENT, Context, Level
from ward_service.domain.advice import EXERTION_STOP
from ward_service.domain.escalation import OWNER_REMINDER
from ward_service.domain.silence import REMINDERS
from ward_service.domain.sms_length import LONGEST, parts_of
from ward_service.domain.texts import PLACEHOLDER, SAFETY_NET, low_side
from ward_service.pathways.checks.findings import conditions
from ward_service.pathways.checks.ladders import all_calls
from ward_service.pathways.file import ValueIsFile, Written
from ward_service.pathways.translate import bands_rule

# Texts that the ward and the homes use by these names, whatever a pathway is about.
FOR_PATIENTS: Final = (
    "advice.green",
    "advice.amber",
    "advice.red",
    "advice.unknown",
    "advice.red_flag",
    "remind.first",
    "remind.second",
    "repeat.red",
    "repeat.amber",
    "swap.ask",
)
FOR_STAFF: Final = (
    "call.red",
    "call.amber",
    "call.overdue",
    "call.technical",
    "call.owner_reminder",
)
ALWAYS: Final = (*FOR_PATIENTS, SAFETY_NET, "technique", *FOR_STAFF)

LONGEST_NUMBER: Final = 6  # characters: `100.25`; an hour has five
REFERENCE: Final = " Reference: 3F2A9C."  # what goes with a call to staff


def wrong_texts(written: Written) -> Iterator[str]:
    """Yield what is wrong with the texts, in any language."""
    reference = written.texts.get(written.reference_language)
    if reference is None:
        yield f"texts: there is no language {written.reference_language}."
        return
    yield from _wrong_languages(written)
    used = used_texts(written)
    for id_, by in used.items():
        if id_ not in reference:
            why = f", which {by} uses" if by else ""
            yield f"texts.{written.reference_language}: there is no text {id_}{why}."
    known, patients = placeholders(written), texts_for_patients(written)
    by_sms = texts_by_sms(written)
    at_home = used.keys() - texts_for_staff(written)
    for language, texts in written.texts.items():
        wanted = used if language == written.reference_language else at_home
        if missing := [id_ for id_ in reference if id_ in wanted and id_ not in texts]:
            yield f"texts.{language}: it lacks {', '.join(missing)}."
        for id_, text in texts.items():
            field = f"texts.{language}.{id_}"
            if id_ not in used:
                yield f"{field}: nothing uses it."
            elif id_ not in wanted:
                yield f"{field}: staff are called in {written.reference_language}."
            yield from _wrong_braces(field, text, known if id_ != SAFETY_NET else set())
            if id_ in by_sms and len(_filled(id_, written, language)) > LONGEST:
                yield f"{field}: it may go by text message, and has over {LONGEST} characters."
            if id_ in patients and not text.rstrip().endswith(f"{{{SAFETY_NET}}}"):
                yield f"{field}: what a patient is told ends with {{{SAFETY_NET}}}."
            if _said(text) != _said(reference.get(id_, text)):
                yield f"{field}: its placeholders are not those of {written.reference_language}."
            if _phones(text) != _phones(reference.get(id_, text)):
                yield f"{field}: it does not say the numbers to ring that the reference says."


def _wrong_languages(written: Written) -> Iterator[str]:
    for language in written.texts:
        if language not in written.languages:
            yield f"languages: say who translated {language}, when, and who has reviewed it."
    for language in written.languages:
        if language not in written.texts:
            yield f"languages.{language}: there are no texts in it."


def used_texts(written: Written) -> dict[str, str]:
    """Return every text that is used, with the field that uses it (empty: the ward's own code)."""
    used = dict.fromkeys(ALWAYS, "")
    used.setdefault(written.service.out_of_hours, "service.out_of_hours")
    for name, question in written.questions.items():
        used.setdefault(question.said, f"questions.{name}.said")
        for code in question.answers.value if question.answers else ():
            used[f"answer.{name}.{code}"] = f"questions.{name}.answers"
    for field, call in all_calls(written):
        used.setdefault(call.text, field)
    if field := _stops_exertion(written):
        used.setdefault(EXERTION_STOP, field)
    return used


def _stops_exertion(written: Written) -> str:
    """Return the first finding that is red after exertion; the patient must be told to stop."""
    for field, fact in conditions(written):
        red = written.findings[field.split(".")[1]].level is Level.RED
        if red and isinstance(fact, ValueIsFile) and fact.context is Context.EXERTION:
            return field
    return ""


def texts_for_patients(written: Written) -> set[str]:
    """Return the texts that tell a patient what to do."""
    called = {call.text for _, call in all_calls(written) if call.to == PATIENT}
    stop = {EXERTION_STOP} if _stops_exertion(written) else set()
    return {*FOR_PATIENTS, written.service.out_of_hours, *called, *stop}


def texts_for_staff(written: Written) -> set[str]:
    """Return the texts that only staff are called with."""
    called = {call.text for _, call in all_calls(written) if call.to != PATIENT}
    return {*FOR_STAFF, *called} - texts_for_patients(written)


def texts_by_sms(written: Written) -> list[str]:
    """Return the texts that may go out as text messages: reminders and calls, in their order."""
    called = [call.text for _, call in all_calls(written)]
    return list(dict.fromkeys([*REMINDERS, *called, OWNER_REMINDER]))


def sms_costs(written: Written) -> list[str]:
    """Say, a line for each language, which texts are paid for as several text messages."""
    lines = []
    for language in written.texts:
        parts = {id_: parts_of(_filled(id_, written, language)) for id_ in texts_by_sms(written)}
        several = ", ".join(f"{id_} as {count}" for id_, count in parts.items() if count > 1)
        if several:
            lines.append(f"texts.{language}: by SMS these are paid for as several: {several}.")
    return lines


def _filled(id_: str, written: Written, language: str) -> str:
    """Return a text at its longest: what stands in its braces filled, and what goes with it."""
    texts, patients = written.texts[language], texts_for_patients(written)

    def say(found: re.Match[str]) -> str:
        if found[1] == SAFETY_NET:
            return texts.get(SAFETY_NET, "")
        return "0" * LONGEST_NUMBER

    text = PLACEHOLDER.sub(say, texts.get(id_, ""))
    return text if id_ in patients else text + REFERENCE


def placeholders(written: Written) -> set[str]:
    """Return what may stand in braces: what everybody on this pathway has, whatever their bands."""
    known = {SAFETY_NET, "opens", "closes", *written.parameters}
    for vital, rule in written.vitals.items():
        sides = [set(low_side(bands_rule(bands, 0))) for bands in rule.bands.values()]
        known |= {f"{vital}_{level}_max" for level in (set.intersection(*sides) if sides else ())}
    return known


def in_a_text(written: Written, name: str) -> bool:
    """Say whether a text has this placeholder."""
    return any(name in _said(text) for texts in written.texts.values() for text in texts.values())


def _said(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


def _phones(text: str) -> set[int]:
    """Return the numbers of three digits and more, in whatever digits they are written."""
    return {int(number) for number in re.findall(r"\d{3,}", text)}


def _wrong_braces(field: str, text: str, known: set[str]) -> Iterator[str]:
    for name in sorted(_said(text) - known):
        yield f"{field}: {{{name}}} is no number that everybody here has."
    if set("{}") & set(PLACEHOLDER.sub("", text)):
        yield f"{field}: it has a brace that belongs to no placeholder."

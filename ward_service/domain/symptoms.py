"""Answers in, findings out. A red flag outranks any number; free words trigger nothing.

Source: a normal SpO2 does not exclude an emergency [DURHAM-SATS],
docs/reference/clinical.md#red-flags.
"""

from collections.abc import Iterable

from ward_service.contract.vocabulary import AlertClass, Level
from ward_service.domain.finding import Finding
from ward_service.domain.pathway import Guide


def judge_answers(
    answers: Iterable[tuple[str, str]], call_me: bool, pathway: Guide
) -> tuple[list[Finding], list[str]]:
    """Return findings, and what could not be understood (words without the answer itself).

    An answer that the pathway does not know is no harmless one: it is for a person to look at.
    """
    findings: list[Finding] = []
    doubts: list[str] = []
    texts = pathway.texts[pathway.reference_language]
    for id_, answer in answers:
        question = pathway.questions.get(id_)
        if question is None:
            doubts.append("question_unknown")
        elif not question.answers:
            continue  # free words
        elif answer not in question.answers:
            doubts.append(f"answer_unknown_{id_}")
        elif (level := question.answers[answer]) is not None:
            words = f"says: {texts[f'answer.{id_}.{answer}']}"
            findings.append(_symptom(level, words, f"question.{id_}.{answer}"))
    if call_me:
        findings.append(_symptom(pathway.asks_for_call, "asks to be called", "call_me"))
    return findings, doubts


def _symptom(level: Level, words: str, rule: str) -> Finding:
    return Finding(level, words, rule=rule, alert_class=AlertClass.SYMPTOM, confirm=False)

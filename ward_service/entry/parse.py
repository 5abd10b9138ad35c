"""What staff typed, made into a reading, or into what is wrong with it and what must be asked.

The numbers are read by `contract/typed.py`; what is believable is the pathway's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ward_service.contract.entry import DiaryPage, GivenAnswer
from ward_service.contract.http.problem import RowWords
from ward_service.contract.ids import derived_id
from ward_service.contract.messages import Answer, Observation, Reading, read_payload
from ward_service.contract.rules import Question
from ward_service.contract.typed_numbers import question_about, read_back, read_number
from ward_service.contract.vocabulary import Source, Vital
from ward_service.domain.civil_time import local, moment
from ward_service.domain.from_wire import as_input
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.judge import judge
from ward_service.domain.pathway import Pathway
from ward_service.domain.state import EpisodeState, Judged
from ward_service.store.tables.readings import ReadingRow

SAID_OF = {
    Source.BLE: "the device at home",
    Source.PATIENT: "the patient's page",
    Source.CARER: "a carer",
    Source.SMS: "a text message",
    Source.STAFF_PHONE: "a phone call",
    Source.PAPER: "paper",
}


@dataclass(frozen=True, slots=True)
class ParsedNumbers:
    """What was typed, as it was read. With `problems` it is nothing yet; `questions` are to ask."""

    values: Mapping[Vital, float]
    answers: tuple[Answer, ...]
    problems: tuple[str, ...]
    questions: tuple[str, ...]

    @property
    def read_back(self) -> str:
        """The sentence that is read back before anything is kept."""
        return read_back(self.values)

    def as_reading(
        self, id_: UUID, measured_at: datetime, source: Source, *, call_me: bool = False
    ) -> Reading:
        """Return the reading that this is, told or written at a moment."""
        return Reading(
            reading_id=id_,
            measured_at=measured_at,
            source=source,
            observations=tuple(Observation(vital=v, value=x) for v, x in self.values.items()),
            answers=self.answers,
            call_me=call_me,
        )


def read_entry(
    typed: Mapping[Vital, str], answers: Sequence[GivenAnswer], pathway: Pathway
) -> ParsedNumbers:
    """Read what was typed and chosen under a pathway."""
    values: dict[Vital, float] = {}
    problems: list[str] = []
    questions: list[str] = []
    for vital in (v for v in Vital if v in typed):
        read = read_number(typed[vital], vital)
        if read.problem:
            problems.append(read.problem)
        elif read.value is not None:
            values[vital] = read.value
            rule = pathway.vitals.get(vital)
            asked = question_about(vital, read.value, rule.believable) if rule else ""
            questions += [asked] if asked else []
    problems += _wrong_answers(answers, pathway)
    questions += _swapped(values, pathway)
    given = tuple(Answer(question=a.question, answer=a.answer) for a in answers)
    return ParsedNumbers(values, given, tuple(problems), tuple(questions))


def _swapped(values: Mapping[Vital, float], pathway: Pathway) -> list[str]:
    """Ask about two numbers that look as if each stood in the other's place; never swap them."""
    spo2, pulse, swap = values.get(Vital.SPO2), values.get(Vital.PULSE_RATE), pathway.swap
    if swap is None or spo2 is None or pulse is None:
        return []
    if spo2 > swap.spo2_at_most or pulse < swap.pulse_at_least:
        return []
    words = f"Oxygen {spo2:g} and pulse {pulse:g}: did you swap the two numbers? "
    return [words + "Oxygen is marked SpO2 or %, and pulse PR or with a heart."]


def _wrong_answers(answers: Sequence[GivenAnswer], pathway: Pathway) -> list[str]:
    wrong = []
    texts = pathway.texts[pathway.reference_language]
    for id_ in dict.fromkeys(answer.question for answer in answers):
        question = pathway.questions.get(id_)
        if question is None:
            wrong.append(f"{pathway.name} has no question {id_}.")
            continue
        given = [answer.answer for answer in answers if answer.question == id_]
        said = texts[question.said]
        if question.answers and any(answer not in question.answers for answer in given):
            wrong.append(f"{said} There is no such answer.")
        elif len(given) > 1 and not question.several:
            wrong.append(f"{said} Choose one answer.")
        elif len(given) > 1 and _rules_out_others(given, question):
            wrong.append(f"{said} None of these, and one of these, cannot both be.")
    return wrong


def _rules_out_others(given: Sequence[str], question: Question) -> bool:
    """Whether somebody says both something worrying and, with `none`, that nothing is."""
    return "none" in given and question.answers.get("none") is None


def answered(reading: Reading, pathway: Pathway) -> tuple[str, ...]:
    """Return the answers in words, to be read back with the numbers."""
    texts = pathway.texts[pathway.reference_language]
    said = []
    for given in reading.answers:
        question = pathway.questions[given.question]
        answer = f"answer.{given.question}.{given.answer}"
        said.append(f"{texts[question.said]} {texts[answer] if question.answers else given.answer}")
    return tuple(said)


def read_pages(
    rows: Sequence[DiaryPage], episode_id: UUID, state: EpisodeState, pathway: Pathway
) -> tuple[list[Reading], list[RowWords]]:
    """Read the rows of a diary; return the readings, and what is wrong or to ask, row by row.

    A row's time is that of the person's own clock.
    """
    pages, words = [], []
    for n, row in enumerate(rows, 1):
        entry = read_entry(row.values, row.answers, pathway)
        words += [RowWords(row=n, words=problem) for problem in entry.problems]
        if not row.sure:
            words += [RowWords(row=n, words=asked, question=True) for asked in entry.questions]
        if not (entry.values or entry.answers or entry.problems):
            words.append(RowWords(row=n, words="Nothing stands in this row. Leave it out."))
        at = moment(row.day, row.at, state.zone)
        facts = (*sorted(entry.values.items()), *((a.question, a.answer) for a in entry.answers))
        id_ = derived_id(at, episode_id, *facts)
        pages.append(entry.as_reading(id_, at, Source.PAPER))
    return pages, words


def wrong_times(
    pages: Sequence[Reading], state: EpisodeState, pathway: Pathway, now: datetime
) -> list[RowWords]:
    """Return which rows have a time that cannot be, in words."""
    words = []
    for n, page in enumerate(pages, 1):
        at, said = page.measured_at, f"{local(page.measured_at, state.zone):%d %b %Y %H:%M}"
        if at > now + pathway.clock_tolerance:
            words.append(RowWords(row=n, words=f"{said} lies in the future."))
        elif at < state.admitted_at - pathway.before_stay:
            words.append(RowWords(row=n, words=f"{said} lies before this stay began."))
        elif state.ended_at is not None and at >= state.ended_at:
            words.append(RowWords(row=n, words=f"{said} lies after this stay had ended."))
    return words


def same_times(rows: Sequence[DiaryPage], pages: Sequence[Reading]) -> list[RowWords]:
    """Return which rows say the same as one above, and which only have its time."""
    words: list[RowWords] = []
    for n, page in enumerate(pages):
        twin = next((m for m in range(n) if pages[m].measured_at == page.measured_at), None)
        if twin is None:
            continue
        if pages[twin].reading_id == page.reading_id:
            words.append(RowWords(row=n + 1, words=f"This is row {twin + 1} again. Leave it out."))
        elif not rows[n].sure:
            asked = f"It has the time of row {twin + 1}. Is the time right?"
            words.append(RowWords(row=n + 1, words=asked, question=True))
    return words


def kept_before(
    rows: Sequence[DiaryPage], pages: Sequence[Reading], kept: Iterable[ReadingRow]
) -> list[RowWords]:
    """Ask about rows whose numbers came for that minute by another way: never silently twice."""
    known = [row for row in kept if row.source is not Source.PAPER]
    return [
        RowWords(row=n, words=asked, question=True)
        for n, (row, page) in enumerate(zip(rows, pages, strict=True), 1)
        if not row.sure
        for asked in said_before(page, known)
    ]


def said_before(reading: Reading, kept: Iterable[ReadingRow]) -> list[str]:
    """Ask whether a reading is one that came by another way already."""
    twin = next((row for row in kept if same_reading(reading, row)), None)
    if twin is None:
        return []
    return [
        f"The same numbers of that minute are kept already, from {SAID_OF[twin.source]}. "
        "Is this a measurement of its own? If not, leave it out."
    ]


def same_reading(page: Reading, kept: ReadingRow) -> bool:
    """Say whether what was typed is, minute and numbers, what is kept already."""
    if _minute(page.measured_at) != _minute(kept.measured_at) or not page.observations:
        return False
    read = as_input(read_payload(kept.payload), kept.slot)
    if not isinstance(read, ReadingArrived):
        return False
    shared = {o.vital: o.value for o in page.observations if o.vital in read.values}
    return bool(shared) and all(read.values[vital] == value for vital, value in shared.items())


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def judged_as(reading: Reading, state: EpisodeState, pathway: Pathway, now: datetime) -> Judged:
    """Judge what was typed as the fold will, or did: by what is known without it."""
    id_ = reading.reading_id
    rest = state.last_rest
    known = replace(
        state,
        history=tuple(past for past in state.history if past.reading_id != id_),
        last_rest=None if rest is not None and rest.reading_id == id_ else rest,
    )
    taken = as_input(reading, None)
    assert isinstance(taken, ReadingArrived)  # noqa: S101 - nobody types a trace
    return judge(taken, known, now, pathway)

"""What staff type for somebody: a reading told by phone, a paper diary.

Numbers cross as they were typed; the ward reads them (`contract/typed.py`), so that every screen
explains them in the same words.
"""

from datetime import date, time
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ward_service.contract.http.alerts import AlertView, FindingView
from ward_service.contract.http.base import View
from ward_service.contract.vocabulary import Level, Source, Speaker, Vital

AsTyped = Annotated[str, Field(max_length=100)]
QuestionId = Annotated[str, Field(min_length=1, max_length=100)]


class ChoiceView(View):
    """One of the values that a vital can have: what is sent, and what it is called."""

    typed: str
    said: str


class AskedVital(View):
    """A number to ask for. Outside `low` to `high` it is asked about; `needed` fills due times."""

    vital: Vital
    called: str
    unit: str
    low: float
    high: float
    needed: bool
    choices: tuple[ChoiceView, ...] = ()


class AskedAnswer(View):
    """One answer that can be given. `own` is it in the person's language, if the pathway has it."""

    code: str
    said: str
    own: str | None = None
    level: Level | None = None


class AskedQuestion(View):
    """A question to ask. Without `answers` it takes free words, which trigger nothing."""

    id: str
    said: str
    own: str | None = None
    several: bool = False
    red_flags: bool = False
    answers: tuple[AskedAnswer, ...] = ()


class FormView(View):
    """What is asked of one person: red flags first, free words last, by their pathway version.

    `language` is the person's, as far as it is known; `own` words are in it. `times` are the
    agreed times, civil, in `zone`.
    """

    episode_id: UUID
    pathway: str
    signed: bool
    language: str | None
    technique: str
    technique_own: str | None = None
    zone: str
    times: tuple[time, ...]
    vitals: tuple[AskedVital, ...]
    questions: tuple[AskedQuestion, ...]


class GivenAnswer(BaseModel):
    """One answer, by the code of the form; free words as they were said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: QuestionId
    answer: Annotated[str, Field(min_length=1, max_length=2_000)]


class PhoneReading(BaseModel):
    """What somebody told by phone. Without `measured_at` it was measured just now.

    `read_back` is the sentence of the check that was read to the person and that they confirmed:
    what is kept must be what was read back.
    """

    model_config = ConfigDict(extra="forbid")

    spoke: Speaker
    measured_at: AwareDatetime | None = None
    values: dict[Vital, AsTyped] = Field(default={}, max_length=32)
    answers: tuple[GivenAnswer, ...] = Field(default=(), max_length=64)
    call_me: bool = False
    read_back: str = Field(default="", max_length=1_000)


class SaidView(View):
    """One text to say to the person: in their language, if the pathway has it, and in ours."""

    words: str
    own: str | None = None


class ScriptView(View):
    """What to say now, in this order. `call` is 999, 111 or ward, None while nobody has to call.

    `level` is what the person is told, None when the reading says nothing of now; `text_ids` name
    the texts that are read out.
    """

    level: Level | None
    first: str
    said: tuple[SaidView, ...]
    text_ids: tuple[str, ...]
    call: str | None = None


class CheckView(View):
    """What a reading would mean. Nothing is kept yet.

    `problems` must be put right, `questions` be asked; then `read_back` is read to the person.
    """

    read_back: str
    answered: tuple[str, ...]
    problems: tuple[str, ...]
    questions: tuple[str, ...]
    level: Level | None
    findings: tuple[FindingView, ...]


class EnteredView(View):
    """A reading that is kept, what it means, and the script for the caller.

    `alerts` are those that it opened or joined, as they now stand.
    """

    reading_id: UUID
    measured_at: AwareDatetime
    level: Level | None
    findings: tuple[FindingView, ...]
    doubts: tuple[str, ...]
    script: ScriptView
    alerts: tuple[AlertView, ...]


class DiaryPage(BaseModel):
    """One row of a paper diary: a day and a time on the person's own clock, and what stands there.

    `sure`: somebody looked again, and it does say so, or it is a measurement of its own.
    """

    model_config = ConfigDict(extra="forbid")

    day: date
    at: time
    values: dict[Vital, AsTyped] = Field(default={}, max_length=32)
    answers: tuple[GivenAnswer, ...] = Field(default=(), max_length=64)
    sure: bool = False


class DiaryGiven(BaseModel):
    """A paper diary, or a part of it. All rows are kept, or none."""

    model_config = ConfigDict(extra="forbid")

    rows: tuple[DiaryPage, ...] = Field(min_length=1, max_length=200)


class PageView(View):
    """A row as it is kept."""

    reading_id: UUID
    measured_at: AwareDatetime
    source: Source
    level: Level | None
    findings: tuple[FindingView, ...]


class DiaryView(View):
    """What became of a diary, by measurement; `alerts` are those that it opened or joined."""

    rows: tuple[PageView, ...]
    alerts: tuple[AlertView, ...]

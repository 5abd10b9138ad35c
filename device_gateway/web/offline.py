"""What a phone holds so that its form works with no network, and what it sends once there is one.

The phone judges by what stands here and by nothing else: this person's bands, worked out by the
rules, and the words for each thing that can be told. It tells what one reading tells; what several
facts mean together, the box and the ward say when it arrives. No name is in it, and no reading.
Source: docs/understand/design.md#promise-9; docs/reference/screens.md#offline-form.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from hashlib import sha256
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from device_gateway.web.draft import LONGEST_WORDS
from device_gateway.web.resident import Resident
from device_gateway.web.screens import none_of
from device_gateway.web.typed_numbers import look_at
from ward_service.contract.messages import Answer, Name, Observation, Reading
from ward_service.contract.rules import ValueIs, VitalRule
from ward_service.contract.vocabulary import Context, Level, Source, Vital
from ward_service.domain.advice import AMBER, GREEN, RED, RED_FLAG, REPEAT, SWAP, UNKNOWN
from ward_service.domain.bands import Bands
from ward_service.domain.limits import bands_name, personal_bands
from ward_service.domain.pathway import Guide
from ward_service.domain.texts import SAFETY_NET

_FEW: Final = Field(max_length=32)
_TYPED: Final = Decimal("0.01")  # the finest step in which a number can be typed


@dataclass(frozen=True, slots=True)
class Outcome:
    """Something that the phone can tell: a level, and the texts in their order."""

    level: Level | None
    text_ids: tuple[str, ...]

    @property
    def key(self) -> str:
        """By which the phone finds its words."""
        return " ".join(self.text_ids)


# All that one reading can come to (`domain.advice`). Not among them: that the ward is closed, for
# those words speak of somebody on call, and while a reading waits on a phone nobody is told.
OUTCOMES: Final = (
    *(
        Outcome(level, ids)
        for level, text in (
            (Level.RED, RED_FLAG),
            (Level.RED, RED),
        )
        for ids in ((text,), (text, SWAP))
    ),
    *(
        Outcome(level, ids)
        for level, text in (
            (Level.RED, REPEAT[Level.RED]),
            (Level.AMBER, AMBER),
            (Level.AMBER, REPEAT[Level.AMBER]),
        )
        for ids in ((text,), (SWAP, text))
    ),
    Outcome(Level.GREEN, (GREEN,)),
    Outcome(None, (UNKNOWN,)),
    Outcome(None, (SWAP,)),
    Outcome(None, (SAFETY_NET,)),
)


def whose(resident: Resident) -> str:
    """Return a mark of one stay at one place: what was typed for it is not taken for another."""
    place = resident.place
    said = f"{place.gateway}|{place.slot}|{resident.care.since.isoformat()}"
    return sha256(said.encode()).hexdigest()[:16]


def sheet(resident: Resident, who: str, plan_at: str) -> dict[str, Any]:
    """Return what the phone judges by. Every number in it is this person's plan's.

    `plan_at` says in words when it was fetched. `more`: a reading here is judged by more than its
    bands (a score, a finding), so that the phone can call none good.
    """
    pathway, limits = resident.pathway, resident.limits
    swap, rule = pathway.swap, pathway.confirmation
    return {
        "for": whose(resident),
        "who": who,
        "plan_at": plan_at,
        "vitals": {vital: _vital(vital, it, resident) for vital, it in pathway.vitals.items()},
        "home_oxygen": limits.home_oxygen,
        "fills": pathway.fills,
        "more": _is_judged_by_more(pathway),
        "swap": swap and {"spo2": swap.spo2_at_most, "pulse": swap.pulse_at_least},
        "questions": {
            id_: {"answers": dict(it.answers), "none": list(none_of(it)), "several": it.several}
            for id_, it in pathway.questions.items()
        },
        "repeat": {
            "gap_s": rule.minimum_gap.total_seconds(),
            "second_red_s": rule.second_red_within.total_seconds(),
        },
        "outcomes": {outcome.key: outcome.level for outcome in OUTCOMES},
    }


def _is_judged_by_more(pathway: Guide) -> bool:
    """Say whether a value in range can still be worrying: by a score, or by a finding at rest."""
    facts = (fact for rule in pathway.reading_rules for fact in rule.conditions)
    at_rest = any(isinstance(fact, ValueIs) and fact.context is Context.REST for fact in facts)
    return pathway.news2 is not None or at_rest


def _vital(vital: Vital, rule: VitalRule, resident: Resident) -> dict[str, Any]:
    """Return what is believed of a vital, and where its level changes, on air and on oxygen."""

    def on(oxygen: bool) -> list[tuple[float | None, Level]] | None:
        ruled = rule.bands.get(bands_name(vital, resident.limits, oxygen))
        bands = personal_bands(ruled, resident.limits) if ruled else None
        return None if bands is None else steps(bands)

    return {
        "believable": rule.believable,
        "judged": bool(rule.bands),
        "on_air": on(False),
        "on_oxygen": on(True),
    }


def steps(bands: Bands) -> list[tuple[float | None, Level]]:
    """Return, for numbers with two decimals at most, up to where each level goes.

    Rounding to what the source prints is done here, by the rules, and not by a phone.
    """
    found: list[tuple[float | None, Level]] = []
    printed = Decimal(1).scaleb(-bands.digits)
    for top, level in zip(bands.tops, bands.levels, strict=False):
        middle = Decimal(str(top)).quantize(printed, ROUND_FLOOR) + printed / 2
        below = (middle - _TYPED / 2).quantize(_TYPED, ROUND_FLOOR)
        mine = bands.place(float(middle)).level is level
        found.append((float(middle if mine else below), level))
    return [*found, (None, bands.levels[-1])]


class Posted(BaseModel):
    """A reading as a phone sends it: what was typed, and both moments by the phone's own clock."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    reading_id: UUID
    for_: Annotated[str, Field(alias="for", max_length=64)]
    who: Literal["patient", "carer"]
    measured_at: AwareDatetime
    now: AwareDatetime
    values: Annotated[dict[Vital, Annotated[str, Field(max_length=100)]], _FEW] = {}
    answers: Annotated[dict[Name, Annotated[tuple[str, ...], Field(max_length=32)]], _FEW] = {}
    words: Annotated[dict[Name, str], _FEW] = {}
    call_me: bool = False


class UnreadableError(Exception):
    """What was typed cannot be read as numbers. `wrong` says which, without what was typed."""

    def __init__(self, wrong: Mapping[Vital, str]) -> None:
        """Remember which, and why."""
        super().__init__("not numbers")
        self.wrong = dict(wrong)


def reading_of(posted: Posted, pathway: Guide, now: datetime) -> Reading:
    """Return the reading that a phone sent, its moments put right by how wrong its clock is now.

    The phone asked about what is unlikely, and what then stood is kept as it is. An answer that the
    plan no longer knows is kept too: it is for a person to look at.

    Raises:
        UnreadableError: what was typed for a vital is no number.
    """
    typed = {vital: text for vital, text in posted.values.items() if text.strip()}
    looked = look_at(typed, pathway, sure=frozenset(typed))
    if looked.wrong:
        raise UnreadableError({vital: looked.explained[vital] for vital in looked.wrong})
    source = Source.CARER if posted.who == "carer" else Source.PATIENT
    return Reading(
        reading_id=posted.reading_id,
        measured_at=posted.measured_at + (now - posted.now),
        source=source,
        observations=tuple(Observation(vital=v, value=x) for v, x in looked.values.items()),
        answers=tuple(_answers(posted, pathway)),
        call_me=posted.call_me,
    )


def _answers(posted: Posted, pathway: Guide) -> Iterator[Answer]:
    for id_, codes in posted.answers.items():
        question = pathway.questions.get(id_)
        nothing = none_of(question) if question and question.several else ()
        said = [code for code in codes if code not in nothing] or codes
        yield from (Answer(question=id_, answer=code) for code in said)
    for id_, words in posted.words.items():
        if words.strip():
            yield Answer(question=id_, answer=words.strip()[:LONGEST_WORDS])

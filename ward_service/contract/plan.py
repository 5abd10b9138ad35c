"""The care plan: what a home holds for one slot, to advise with no network. Nobody's name in it.

What surrounds the rules may gain fields, and an older home ignores them. The rules may not
(`rules.py`): such a plan is refused whole, and the older one stays in force.
Source: docs/understand/design.md#promise-9, #topics.
"""

from dataclasses import dataclass
from datetime import time, timedelta
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat

from ward_service.contract.messages import FromWard, Name
from ward_service.contract.rules import STRICT, Code, Rules
from ward_service.contract.vocabulary import Mode, Spo2Target

MAX_PLAN: Final = 49_152  # bytes; leaves a quarter of what the wire carries for what plans gain

PathwayName = Annotated[str, Field(pattern=r"^[a-z0-9-]+@[1-9][0-9]*$", max_length=80)]


class PersonalLimits(BaseModel):
    """This person's own numbers; `number` rises with every change.

    `domain/limits.py` has what they do. The ward's database keeps them in another shape.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    parameters: dict[Code, FiniteFloat | None]
    target: Spo2Target = Spo2Target.STANDARD
    baseline_spo2: FiniteFloat | None = None
    home_oxygen: bool | None = None


@dataclass(frozen=True, kw_only=True)
class _OfOnePerson:
    """What comes first on the wire: whose rules these are."""

    limits: PersonalLimits


@dataclass(frozen=True, kw_only=True)
class HomeRules(Rules, _OfOnePerson):
    """All that a reading at home is judged by: the rules, and this person's own numbers."""

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Schedule:
    """When readings are agreed, in civil time of the person's zone.

    A good reading fills a due time from `window` before it on; the due time is missed `window`
    after it. A person is overdue `overdue_after` past a due time, but at once at the first due
    time if they never reported (docs/understand/design.md#promise-3).
    """

    times: tuple[time, ...]
    window: timedelta
    overdue_after: timedelta


@dataclass(frozen=True, slots=True)
class Service:
    """When the team is there, in civil time of its zone; days are 0 (Monday) to 6, in order.

    `out_of_hours` names the words that a patient gets while the team is away.
    """

    zone: Name
    days: tuple[Annotated[int, Field(ge=0, le=6)], ...]
    opens: time
    closes: time
    out_of_hours: Name


class Care(FromWard):
    """How whoever has this slot now is cared for.

    `since` is when the stay began: what was measured long before is somebody else's. A screen
    says `use`, and that no clinical lead has signed, while `signed` is false. `texts` are by
    language and name: those of the person's `language`, as far as there are any, and all of the
    `reference_language`; `reviewed` are the languages whose texts somebody has reviewed.
    `ward_number` and `interpreter` are the ward's own telephone numbers, empty where it has none.
    """

    pathway: PathwayName
    title: str
    use: Literal["demo", "shadow", "live"]
    signed: bool
    since: AwareDatetime
    mode: Mode
    zone: Name
    schedule: Schedule
    service: Service
    rules: HomeRules
    language: Name
    reference_language: Name
    texts: dict[Name, dict[Name, str]]
    reviewed: tuple[Name, ...] = ()
    ward_number: Annotated[str, Field(max_length=40)] = ""
    interpreter: Annotated[str, Field(max_length=40)] = ""


class Door(FromWard):
    """How a page at home recognises who may come in: a slow hash of code and year of birth.

    `id` begins the code and is no secret. `algorithm` is `scrypt`, whose parameters are n, r and
    p; `salt` and `hash` are base64.
    """

    id: Annotated[str, Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{4}$")]
    who: Literal["patient", "carer"]
    algorithm: Name
    parameters: dict[str, int]
    salt: Name
    hash: Name


class Plan(FromWard):
    """What a home holds for one slot. `number` only rises; the highest is in force.

    `ended`: nobody is cared for here now, and there is no `care`. `doors` are open to a page.
    """

    number: Annotated[int, Field(ge=1)]
    ended: bool = False
    care: Care | None = None
    doors: Annotated[tuple[Door, ...], Field(max_length=16)] = ()

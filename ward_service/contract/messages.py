"""What a home and the ward may say to each other over MQTT, version 1. Shape only: no beliefs.

A message names a place (gateway, slot), never a person: only the ward knows who lives there.
Source: docs/understand/design.md#wire-contract.
"""

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from ward_service.contract.vocabulary import (
    Context,
    Level,
    Outcome,
    Quality,
    Source,
    TroubleCode,
    Vital,
)

BASE_TOPIC: Final = "homeward/v1"
BASE_PATTERN: Final = r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$"  # no wildcard fits in it
MAX_PAYLOAD: Final = 65_536  # bytes; docs/understand/design.md#wire-contract
CONTENT_TYPE: Final = "application/json"

What = Literal["readings", "status", "receipts", "plans"]
GATEWAY_ID: Final = r"^[a-z0-9-]{3,40}$"  # no topic wildcard fits in it
GatewayId = Annotated[str, Field(pattern=GATEWAY_ID)]
Slot = Annotated[int, Field(ge=1, le=999)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


def topic(gateway_id: str, what: What, slot: int | None = None, base: str = BASE_TOPIC) -> str:
    """Return the topic of a gateway: `homeward/v1/{gateway}/{what}`, plans with their slot."""
    place = f"{base}/{gateway_id}/{what}"
    return place if slot is None else f"{place}/{slot}"


def gateway_of(topic_name: str) -> str:
    """Return the gateway that a topic belongs to: its last level but one, or but two for plans."""
    levels = topic_name.split("/")
    return levels[-3] if levels[-2] == "plans" else levels[-2]


class FromHome(BaseModel):
    """The ward is always the newer of the two: a field that it does not know is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FromWard(BaseModel):
    """An older home must understand a newer ward: what it does not know, it ignores."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Observation(FromHome):
    """One value of one vital, in its unit (`vocabulary.UNITS`). What was not measured is absent."""

    vital: Vital
    value: FiniteFloat


class Answer(FromHome):
    """One answer to one question of the pathway, both by their id."""

    question: Name
    answer: Annotated[str, Field(max_length=2_000)]


class Device(FromHome):
    """What measured. `battery` is per cent."""

    model: Annotated[str, Field(max_length=100)] = ""
    serial: Annotated[str, Field(max_length=100)] = ""
    firmware: Annotated[str, Field(max_length=100)] = ""
    battery: Annotated[float, Field(ge=0, le=100)] | None = None


class AdviceGiven(FromHome):
    """What was told at home: the texts in order, by which plan, and how worrying it was called.

    Without a plan (`plan_number` None) the texts are the gateway's own: the plain safety net.
    """

    plan_number: int | None
    level: Level | None
    text_ids: Annotated[tuple[Name, ...], Field(min_length=1, max_length=8)]


class Reading(FromHome):
    """What one device, or one person, reported at one moment.

    `reading_id` is made once, where the reading was taken; a redelivery carries the same one.
    `source_key` names a record that a device stored, so that sending its history again changes
    nothing. `paired_with` is the rest reading of an exertion reading.
    """

    reading_id: UUID
    measured_at: AwareDatetime
    source: Source
    context: Context = Context.REST
    paired_with: UUID | None = None
    observations: Annotated[tuple[Observation, ...], Field(max_length=32)] = ()
    answers: Annotated[tuple[Answer, ...], Field(max_length=64)] = ()
    device: Device | None = None
    quality: Annotated[tuple[Quality, ...], Field(max_length=16)] = ()
    source_key: Annotated[str, Field(max_length=128)] | None = None
    advice: AdviceGiven | None = None
    call_me: bool = False


class Trace(FromHome):
    """A minute of continuous samples: one array per vital, null where the sensor saw nothing.

    `summary_of`: how many samples there were, where a nearly full spool kept fewer of them: then
    each SpO2 is the lowest of its interval, every other value the middle one. `advice`: what the
    patient was told of these samples, where the home had a plan to judge them by.
    """

    reading_id: UUID
    started_at: AwareDatetime
    interval_s: Annotated[float, Field(gt=0, le=60)]
    samples: dict[Vital, Annotated[tuple[FiniteFloat | None, ...], Field(max_length=600)]]
    source: Source = Source.BLE
    context: Context = Context.REST
    device: Device | None = None
    quality: tuple[Quality, ...] = ()
    source_key: Annotated[str, Field(max_length=128)] | None = None
    summary_of: Annotated[int, Field(ge=1)] | None = None
    advice: AdviceGiven | None = None


class Trouble(FromHome):
    """Something that is wrong at home since a moment. Without a slot it concerns everybody there.

    `device` is a model, never a serial number; `count` how often, or how many.
    """

    code: TroubleCode
    slot: Slot | None = None
    since: AwareDatetime | None = None
    device: Annotated[str, Field(max_length=100)] = ""
    count: Annotated[int, Field(ge=0)] | None = None


class DeviceStatus(FromHome):
    """A device of this home: `seen_at` is its last advert or frame, `frame_at` its last frame."""

    model: Annotated[str, Field(max_length=100)] = ""
    family: Annotated[str, Field(max_length=30)] = ""
    slots: Annotated[tuple[Slot, ...], Field(max_length=16)] = ()
    seen_at: AwareDatetime | None = None
    frame_at: AwareDatetime | None = None
    battery: Annotated[float, Field(ge=0, le=100)] | None = None


class Status(FromHome):
    """How a gateway is. Retained; the last will is `online=False` with nothing else.

    `clock_ahead_s` is how far the home's clock is ahead of the ward's, as far as receipts tell.
    `plans` are the numbers of the plans in force at home, by slot. `unclaimed` counts readings of
    which nobody at home has said whose they are.
    """

    online: bool
    sent_at: AwareDatetime | None = None
    stream: str | None = None
    next_seq: int | None = None
    spool_depth: int | None = None
    oldest_at: AwareDatetime | None = None
    radio: Annotated[str, Field(max_length=100)] | None = None
    software: Annotated[str, Field(max_length=100)] | None = None
    spool_bytes: Annotated[int, Field(ge=0)] | None = None
    unclaimed: Annotated[int, Field(ge=0)] | None = None
    clock_ahead_s: FiniteFloat | None = None
    plans: Annotated[dict[Slot, int], Field(max_length=32)] = {}
    devices: Annotated[tuple[DeviceStatus, ...], Field(max_length=32)] = ()
    troubles: Annotated[tuple[Trouble, ...], Field(max_length=64)] = ()


class Receipt(FromWard):
    """The ward's promise, sent after its commit: only now may the gateway forget the reading."""

    reading_id: UUID
    outcome: Outcome
    reason: str = ""
    seen_at: AwareDatetime | None = None


class Receipts(FromWard):
    """Receipts of one batch for one gateway."""

    receipts: tuple[Receipt, ...]


def read_payload(payload: bytes | str) -> Reading | Trace:
    """Return the reading, or the trace, that a payload holds.

    Raises:
        ValidationError: it holds neither.
    """
    try:
        return Reading.model_validate_json(payload)
    except ValidationError as error:
        if ("samples",) not in {detail["loc"] for detail in error.errors(include_input=False)}:
            raise
    return Trace.model_validate_json(payload)

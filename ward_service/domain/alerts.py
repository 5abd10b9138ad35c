"""An alert in play, the moves that its life allows, and the ledger entry that each move leaves.

Source: docs/understand/design.md#alert. Nothing here reads a clock: `at` is when it was true (a
deadline, a receipt), `noticed_at` when the ward worked it out, so that downtime changes no alert.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from ward_service.contract.vocabulary import AlertClass, AlertOutcome, AlertState, Level, Vital
from ward_service.domain.bands import worse
from ward_service.domain.finding import Finding
from ward_service.domain.replace import replace

WARD: Final = "ward"  # who acted, when no person did


class AlertEvent(StrEnum):
    """What moves an alert from one state to another, in the words of its diagram."""

    REPEAT_ASKED = "a repeat can still tell"
    OPENED = "nothing to repeat, late, silence, technical, or a second red in a day"
    CONFIRMED = "the repeat worries too, or none came in time"
    NO_REPEAT_NEEDED = "a finding that needs no repeat, a late reading, or a second red"
    WITHDRAWN = "a believed repeat in range"
    ACKNOWLEDGED = "somebody takes it"
    WORSENED = "worse news"
    RAN_OUT = "the acknowledgement ran out"
    RESOLVED = "a person, with an outcome"
    SILENCE_ENDED = "what was missing came, or a pause began"
    STAY_ENDED = "the stay ended"


# THE LIFE OF AN ALERT: in which state (None: before it begins) what leads to which. Nothing else
# moves one. `tools/hazards.py` draws its diagram from this table.
LIFE: Final[dict[tuple[AlertState | None, AlertEvent], AlertState]] = {
    (None, AlertEvent.REPEAT_ASKED): AlertState.PROVISIONAL,
    (None, AlertEvent.OPENED): AlertState.OPEN,
    (AlertState.PROVISIONAL, AlertEvent.CONFIRMED): AlertState.OPEN,
    (AlertState.PROVISIONAL, AlertEvent.NO_REPEAT_NEEDED): AlertState.OPEN,
    (AlertState.PROVISIONAL, AlertEvent.ACKNOWLEDGED): AlertState.ACKNOWLEDGED,
    (AlertState.PROVISIONAL, AlertEvent.STAY_ENDED): AlertState.RESOLVED,
    (AlertState.PROVISIONAL, AlertEvent.WITHDRAWN): AlertState.WITHDRAWN,
    (AlertState.OPEN, AlertEvent.ACKNOWLEDGED): AlertState.ACKNOWLEDGED,
    (AlertState.OPEN, AlertEvent.RESOLVED): AlertState.RESOLVED,
    (AlertState.OPEN, AlertEvent.SILENCE_ENDED): AlertState.RESOLVED,
    (AlertState.OPEN, AlertEvent.STAY_ENDED): AlertState.RESOLVED,
    (AlertState.ACKNOWLEDGED, AlertEvent.WORSENED): AlertState.OPEN,
    (AlertState.ACKNOWLEDGED, AlertEvent.RAN_OUT): AlertState.OPEN,
    (AlertState.ACKNOWLEDGED, AlertEvent.RESOLVED): AlertState.RESOLVED,
    (AlertState.ACKNOWLEDGED, AlertEvent.SILENCE_ENDED): AlertState.RESOLVED,
    (AlertState.ACKNOWLEDGED, AlertEvent.STAY_ENDED): AlertState.RESOLVED,
}
# Where each event leads: to one state, wherever it comes from.
LEADS_TO: Final = {event: to for (_, event), to in LIFE.items()}


class NotAllowedError(Exception):
    """A person asked for what the life of an alert does not allow; the text says why."""


class SeenOldError(NotAllowedError):
    """The alert has moved since this person saw it: they must look again first."""


class NoteNeededError(NotAllowedError):
    """A red was to be resolved without saying what was done."""


@dataclass(frozen=True, slots=True)
class AlertFinding:
    """A finding as it joined an alert: the reading that showed it and when it was measured."""

    finding: Finding
    at: datetime
    reading_id: UUID | None


@dataclass(frozen=True, slots=True)
class VitalInPlay:
    """One vital on which an alert stands; `vital` None is a reason that no repeat can take away.

    `worst` is the most worrying value so far: the lowest, or the highest of a vital that is
    dangerous upwards. `asked_at` is when the reading that asks for its repeat was measured, `slot`
    where. `settled`: it needs no repeat; `repeated`: a repeat said the same.
    """

    vital: Vital | None
    level: Level
    worst: float | None = None
    asked_at: datetime | None = None
    slot: int | None = None
    settled: bool = False
    repeated: bool = False

    @property
    def confirmed(self) -> bool:
        """Whether it waits for no repeat."""
        return self.settled or self.repeated


@dataclass(frozen=True)  # without slots: see changed.py
class AlertInPlay:
    """An alert that is neither withdrawn nor resolved, and quotes the version that it opened under.

    `asked_at` is when the reading that asks for a repeat was measured, `slot` where; `confirm_by`
    is when no repeat confirms. `lowest` is the lowest value of the judged vital so far. `review`:
    a later believable reading in range was already known when this one opened. `limits` numbers
    the person's own limits at that moment. `vitals` are what it stands on, each with its own
    level; an alert that an older program opened has none of them (`stands_on` works them out).

    The ladder: `round` counts how often it began, `step` is the next one to take, due at `step_at`
    (None when it stands still). `respond_by` is when somebody should have acknowledged,
    `contact_by` when somebody should have spoken with the patient, `shift_ends_at` when the owner
    goes home, and `resume_at` when the ladder goes on after the owner was reminded.
    """

    id: UUID
    alert_class: AlertClass
    level: Level
    state: AlertState
    opened_at: datetime
    noticed_at: datetime
    pathway: str
    findings: tuple[AlertFinding, ...]
    version: int = 1
    asked_at: datetime | None = None
    slot: int | None = None
    confirm_by: datetime | None = None
    lowest: float | None = None
    late: bool = False
    review: bool = False
    limits: int = 1
    round: int = 0
    step: int = 0
    step_at: datetime | None = None
    respond_by: datetime | None = None
    owner: str | None = None
    acknowledged_at: datetime | None = None
    contact_by: datetime | None = None
    contacted_at: datetime | None = None
    shift_ends_at: datetime | None = None
    resume_at: datetime | None = None
    resolved_at: datetime | None = None
    outcome: AlertOutcome | None = None
    response_needed: bool | None = None
    response_completed: bool | None = None
    management_changed: bool | None = None
    vitals: tuple[VitalInPlay, ...] = ()

    @property
    def stands_on(self) -> tuple[VitalInPlay, ...]:
        """What the alert stands on: every worry that ever joined, where an older program kept none.

        The cautious reading: more must then be measured again before it is withdrawn.
        """
        if self.vitals:
            return self.vitals
        worst: dict[Vital | None, Level] = {}
        for found in self.findings:
            level = found.finding.level
            if level is not Level.GREEN:
                for vital in found.finding.about or (None,):
                    before = worst.get(vital, level)
                    worst[vital] = level if worse(level, before) else before
        return tuple(
            VitalInPlay(vital, level, None, self.asked_at, self.slot, settled=vital is None)
            for vital, level in worst.items()
        )

    @property
    def in_play(self) -> bool:
        """Whether a person may still have to act on it."""
        return self.state is not AlertState.RESOLVED and self.state is not AlertState.WITHDRAWN

    def moved(self, event: AlertEvent) -> Self:
        """Return this alert in the state that an event leads to, as `LIFE` says.

        Raises:
            NotAllowedError: the life of an alert does not lead there from here.
        """
        to = LIFE.get((self.state, event))
        if to is None:
            leads = LEADS_TO[event]
            raise NotAllowedError(f"An alert that is {self.state} cannot become {leads}.")
        moved = replace(self, state=to, version=self.version + 1)
        if to is not AlertState.PROVISIONAL:
            moved = replace(moved, confirm_by=None)
        if to is not AlertState.OPEN:
            moved = replace(moved, step_at=None, respond_by=None)
        if to is not AlertState.ACKNOWLEDGED:
            moved = replace(moved, contact_by=None, shift_ends_at=None, resume_at=None)
        return moved

    def joined(self, found: AlertFinding, level: Level) -> Self:
        """Return this alert with one more finding and the level that it now has."""
        return replace(
            self, findings=(*self.findings, found), level=level, version=self.version + 1
        )

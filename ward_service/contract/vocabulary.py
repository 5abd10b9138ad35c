"""The words that every folder shares: vitals with their unit, levels, states and sources.

Source of units and codes: docs/understand/design.md#vitals (UCUM and LOINC).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Vital(StrEnum):
    """A sign that is measured. One unit each, for ever: see `UNITS`."""

    SPO2 = "spo2"
    PULSE_RATE = "pulse_rate"
    TEMPERATURE = "temperature"
    RESPIRATORY_RATE = "respiratory_rate"
    SYSTOLIC_BP = "systolic_bp"
    DIASTOLIC_BP = "diastolic_bp"
    CONSCIOUSNESS = "consciousness"
    SUPPLEMENTAL_OXYGEN = "supplemental_oxygen"
    PERFUSION_INDEX = "perfusion_index"
    WEIGHT = "weight"


@dataclass(frozen=True, slots=True)
class Unit:
    """How a vital is written (`ucum`), coded (`loinc`) and said (`said.format(value)`)."""

    ucum: str
    loinc: str | None
    label: str
    said: str

    def say(self, value: float) -> str:
        """Return a value with its name and unit: `SpO2 91 %`; no trailing `.0`."""
        return self.said.format(f"{value:g}")


UNITS: Final[dict[Vital, Unit]] = {
    Vital.SPO2: Unit("%", "59408-5", "SpO2", "SpO2 {} %"),
    Vital.PULSE_RATE: Unit("/min", "8867-4", "Pulse", "pulse {} /min"),
    Vital.TEMPERATURE: Unit("Cel", "8310-5", "Temperature", "temperature {} °C"),
    Vital.RESPIRATORY_RATE: Unit("/min", "9279-1", "Breathing rate", "breathing rate {} /min"),
    Vital.SYSTOLIC_BP: Unit("mm[Hg]", "8480-6", "Systolic", "systolic {} mmHg"),
    Vital.DIASTOLIC_BP: Unit("mm[Hg]", "8462-4", "Diastolic", "diastolic {} mmHg"),
    Vital.CONSCIOUSNESS: Unit("{ACVPU}", None, "Consciousness", "consciousness {}"),
    Vital.SUPPLEMENTAL_OXYGEN: Unit("L/min", "3151-8", "Oxygen given", "oxygen given {} L/min"),
    Vital.PERFUSION_INDEX: Unit("%", "61006-3", "Perfusion index", "perfusion index {} %"),
    Vital.WEIGHT: Unit("kg", "29463-7", "Weight", "weight {} kg"),
}


# What the value of `consciousness` stands for, by its place: 0 alert, 1 new confusion, 2 voice,
# 3 pain, 4 unresponsive.
ACVPU: Final = "ACVPU"


class Level(StrEnum):
    """How worrying; `overdue` and `technical` stand beside the three clinical levels."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"
    OVERDUE = "overdue"
    TECHNICAL = "technical"


class AlertClass(StrEnum):
    """What an alert is about. One open alert per episode and class; more findings join it."""

    PHYSIOLOGICAL = "physiological"
    SYMPTOM = "symptom"
    MISSING = "missing"
    TECHNICAL = "technical"


class AlertState(StrEnum):
    """The life of an alert (docs/understand/design.md#alert).

    Withdrawn and resolved are its two ends.
    """

    PROVISIONAL = "provisional"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"


class Source(StrEnum):
    """Who or what reported a reading."""

    BLE = "ble"
    PATIENT = "patient"
    CARER = "carer"
    SMS = "sms"
    STAFF_PHONE = "staff_phone"
    PAPER = "paper"


class Speaker(StrEnum):
    """Who told a member of staff a reading, by phone."""

    PATIENT = "patient"
    CARER = "carer"


class Context(StrEnum):
    """Whether a reading was taken at rest or after exertion; a silent device means rest."""

    REST = "rest"
    EXERTION = "exertion"


class Quality(StrEnum):
    """What a device, or the home, says against a reading. None of these makes it vanish."""

    POOR_SIGNAL = "poor_signal"
    LOW_PERFUSION = "low_perfusion"
    NO_FINGER = "no_finger"
    QUESTIONABLE = "questionable"
    EARLY_ESTIMATE = "early_estimate"
    STORED = "stored"
    CLOCK_NOT_SET = "clock_not_set"


class Outcome(StrEnum):
    """What became of a reading at the ward."""

    KEPT = "kept"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"


class TroubleCode(StrEnum):
    """What is wrong at home, as the home itself can tell. The ward says it in a nurse's words."""

    RADIO_OFF = "radio_off"
    DEVICE_FAILING = "device_failing"
    POSSIBLY_MISSED = "possibly_missed"
    BATTERY_LOW = "battery_low"
    SPOOL_NEARLY_FULL = "spool_nearly_full"
    SPOOL_FULL = "spool_full"
    SPOOL_DAMAGED = "spool_damaged"
    UNCLAIMED = "unclaimed"
    CLOCK_WRONG = "clock_wrong"
    PLAN_NOT_UNDERSTOOD = "plan_not_understood"


class Mode(StrEnum):
    """Who acts first: the ward watches and calls, or the patient acts on what the plan says."""

    MONITORED = "monitored"
    SELF_ESCALATE = "self_escalate"


class Spo2Target(StrEnum):
    """Which bands a person's SpO2 is judged by.

    Source: docs/reference/clinical.md#low-usual-spo2.
    """

    STANDARD = "standard"
    BASELINE = "baseline"
    RANGE_88_92 = "88_92"


class Channel(StrEnum):
    """A way to reach somebody. `screen` is the ward list itself; `phone` is a person who rings."""

    SCREEN = "screen"
    EMAIL = "email"
    SMS = "sms"
    WEBHOOK = "webhook"
    PHONE = "phone"


class PauseReason(StrEnum):
    """Why nothing is expected for a while."""

    IN_HOSPITAL = "in_hospital"
    TRAVELLING = "travelling"
    OTHER = "other"


class TaskKind(StrEnum):
    """What a person at the ward is to do, besides the alerts."""

    CHECK_IN = "check_in"
    DISCHARGE_REVIEW = "discharge_review"


class AlertOutcome(StrEnum):
    """How an alert ended. Source: docs/reference/clinical.md#extract-fields.

    The last two are ours: a discharge ends what is in play, and a reading that came ends a missing
    alert, which is all that software ever ends.
    """

    NO_ACTION = "no_action"
    ADVICE = "advice"
    SCHEDULE_CHANGE = "schedule_change"
    THRESHOLD_CHANGE = "threshold_change"
    FACE_TO_FACE = "face_to_face"
    NHS_111 = "111"
    ED = "ed"
    NHS_999 = "999"
    ADMISSION = "admission"
    EPISODE_ENDED = "episode_ended"
    READING_RECEIVED = "reading_received"


class EndReason(StrEnum):
    """How a stay ended (offboarding). Source: docs/reference/clinical.md#discharge."""

    RECOVERED_END_OF_PERIOD = "recovered_end_of_period"
    RECOVERED_EARLY = "recovered_early"
    ADMITTED_FROM_PATHWAY = "admitted_from_pathway"
    ED_NOT_ADMITTED_THEN_LEFT = "ed_not_admitted_then_left"
    DIED = "died"
    WITHDREW = "withdrew"
    UNCONTACTABLE = "uncontactable"
    MOVED_AREA = "moved_area"
    TRANSFERRED_OTHER_PATHWAY = "transferred_other_pathway"
    INELIGIBLE_AFTER_ONBOARDING = "ineligible_after_onboarding"
    OTHER = "other"


# To whom a call may go besides the roles of a pathway's ladder.
PATIENT: Final = "patient"
OWNER: Final = "owner"

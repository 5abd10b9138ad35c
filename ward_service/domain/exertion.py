"""Whether somebody may be asked to exert themselves: only after a good reading at rest.

Source: CEBM, rapid exercise tests, 2020 [CEBM-EXERTION-2020]: not below 96 % at rest, unless
supervised. docs/reference/clinical.md#exertion.
"""

from dataclasses import dataclass
from datetime import datetime

from ward_service.contract.vocabulary import Vital
from ward_service.domain.judge import Known
from ward_service.domain.limits import Limits
from ward_service.domain.pathway import Guide


@dataclass(frozen=True, slots=True)
class ExertionPrompt:
    """Whether to ask for a reading after exertion, and why (not), in words."""

    allowed: bool
    words: str


def exertion_prompt(known: Known, pathway: Guide, now: datetime) -> ExertionPrompt:
    """Say whether this person may be asked now. Whatever is not known forbids it.

    Who fell too low is not asked again within the time in which a second red needs no repeat.
    The reading at rest must be of the same occasion, fully believed, and at the limit or above.
    """
    limit = _limit(known.limits, pathway)
    if limit is None:
        return ExertionPrompt(False, "nobody on this pathway is asked to exert themselves")
    stopped, within = known.exertion_stopped_at, pathway.confirmation.second_red_within
    if stopped is not None and now <= stopped + within:
        return ExertionPrompt(False, "SpO2 fell too low with exertion: the test is stopped")
    rest = known.last_rest
    spo2 = rest.values.get(Vital.SPO2) if rest is not None else None
    if rest is None or spo2 is None or now - rest.at > pathway.history_spacing:
        return ExertionPrompt(False, "first a reading at rest that can be believed")
    if spo2 < limit:
        return ExertionPrompt(False, f"SpO2 {spo2:g} % at rest is below {limit:g} %")
    return ExertionPrompt(True, f"SpO2 {spo2:g} % at rest is {limit:g} % or more")


def _limit(limits: Limits, pathway: Guide) -> float | None:
    return limits.get(pathway.exertion_rest_min) if pathway.exertion_rest_min else None

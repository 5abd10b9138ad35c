"""One reason why a reading worries, or reassures: what rules return and alerts are made of."""

from dataclasses import dataclass

from ward_service.contract.vocabulary import AlertClass, Level, Vital


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason. `value` is what was measured, None where the reason is no number.

    `rule` names the rule of the pathway that found it. `confirm`: a repeat can still tell.
    """

    level: Level
    words: str
    vital: Vital | None = None
    value: float | None = None
    doubtful: bool = False
    rule: str = ""
    alert_class: AlertClass = AlertClass.PHYSIOLOGICAL
    confirm: bool = True

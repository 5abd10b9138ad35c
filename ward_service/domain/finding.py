"""One reason why a reading worries, or reassures: what rules return and alerts are made of."""

from dataclasses import dataclass

from ward_service.contract.vocabulary import AlertClass, Level, Vital


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason. `value` is what was measured, None where the reason is no number.

    `rule` names the rule of the pathway that found it. `confirm`: a repeat can still tell.
    `vitals` are those that it rests on, where they are several (NEWS2).
    """

    level: Level
    words: str
    vital: Vital | None = None
    value: float | None = None
    doubtful: bool = False
    rule: str = ""
    alert_class: AlertClass = AlertClass.PHYSIOLOGICAL
    confirm: bool = True
    vitals: tuple[Vital, ...] = ()

    @property
    def about(self) -> tuple[Vital, ...]:
        """The vitals that must be measured again before anything better is known; may be none."""
        return self.vitals or (() if self.vital is None else (self.vital,))

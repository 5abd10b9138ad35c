"""An adviser that judges by the ward's own rules, and remembers whom it told what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from device_gateway.advise.interface import Rules
from device_gateway.capture.stream_rules import is_red
from device_gateway.spool.spool import Spool
from tests.factories import COH
from ward_service.contract.messages import AdviceGiven, Reading
from ward_service.contract.vocabulary import Level
from ward_service.domain.limits import limits_at_admission

COH_RULES: Rules = (COH, limits_at_admission(COH))


@dataclass
class ByTheRules:
    """Red or green, by the rules of the slot. `advises=adviser.over` gives it to a home."""

    plans: Mapping[int, Rules] = field(default_factory=lambda: {1: COH_RULES, 2: COH_RULES})
    told: list[tuple[int, Reading, datetime]] = field(default_factory=list)

    def over(self, _: Spool) -> "ByTheRules":
        return self

    def rules(self, slot: int) -> Rules | None:
        return self.plans.get(slot)

    def advised(self, reading: Reading, slot: int, now: datetime) -> Reading:
        rules = self.rules(slot)
        if rules is None:
            return reading
        level = Level.RED if is_red(reading, rules) else Level.GREEN
        advice = AdviceGiven(plan_number=1, level=level, text_ids=(f"advice.{level}",))
        told = reading.model_copy(update={"advice": advice})
        self.told.append((slot, told, now))
        return told

    @property
    def levels(self) -> list[Level | None]:
        return [told.advice.level for _, told, _ in self.told if told.advice]

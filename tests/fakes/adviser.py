"""An adviser that judges by the ward's own rules, and remembers whom it told what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self, TypeVar

from device_gateway.advise.adviser import Adviser, Rules
from device_gateway.capture.stream_rules import is_red
from device_gateway.spool.spool import Spool
from tests.factories import COH
from ward_service.contract.messages import AdviceGiven, Reading, Trace
from ward_service.contract.vocabulary import Level
from ward_service.domain.limits import limits_at_admission

Message = TypeVar("Message", Reading, Trace)
COH_RULES: Rules = (COH, limits_at_admission(COH))


class ByTheRules(Adviser):
    """Red or green, by the rules of the slot. `over` takes up a home's spool."""

    def __init__(self, plans: Mapping[int, Rules] | None = None) -> None:
        self.rules_of_slot = {1: COH_RULES, 2: COH_RULES} if plans is None else plans
        self.advised_on: list[tuple[int, Reading, datetime]] = []

    def over(self, spool: Spool) -> Self:
        super().__init__(spool)
        return self

    def rules(self, slot: int) -> Rules | None:
        return self.rules_of_slot.get(slot)

    def advised(self, reading: Message, slot: int, now: datetime) -> Message:
        rules = self.rules(slot)
        if rules is None:
            return reading
        level = Level.RED if is_red(reading, rules) else Level.GREEN
        advice = AdviceGiven(plan_number=1, level=level, text_ids=(f"advice.{level}",))
        told = reading.model_copy(update={"advice": advice})
        assert isinstance(told, Reading)
        self.advised_on.append((slot, told, now))
        return told

    @property
    def levels(self) -> list[Level | None]:
        return [told.advice.level for _, told, _ in self.advised_on if told.advice]

"""Say whose limits a person was judged by at a moment, and who set them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ward_service.contract.http.explanation import LimitOriginView
from ward_service.contract.rules import Edge
from ward_service.domain.inputs import LimitsChanged
from ward_service.domain.limits import Limits
from ward_service.domain.pathway import Pathway

USUAL_SPO2 = "usual_spo2"


@dataclass(frozen=True, slots=True)
class LimitsChange:
    """The limits from one moment on, and who set what. The first of a stay is its admission.

    `input_no` is its place among what the stay took in; `named` are the numbers that it set.
    """

    limits: Limits
    at: datetime
    by: str
    input_no: int = 0
    named: frozenset[str] = frozenset()
    reason: str = ""


def limits_history(
    admitted: LimitsChange, acts: Iterable[tuple[datetime, int, LimitsChanged]]
) -> tuple[LimitsChange, ...]:
    """Return a person's limits over time, oldest first, from what was changed: (at, place, act)."""
    history = [admitted]
    for at, input_no, act in sorted(acts, key=lambda done: done[1]):
        before = history[-1].limits
        limits = before.changed(act.parameters, act.target, act.baseline_spo2, act.home_oxygen)
        named = {*act.parameters} | ({USUAL_SPO2} if act.baseline_spo2 is not None else set())
        history.append(LimitsChange(limits, at, act.by, input_no, frozenset(named), act.reason))
    return tuple(history)


def in_force(
    history: tuple[LimitsChange, ...], at: datetime, input_no: int | None
) -> tuple[LimitsChange, ...]:
    """Return the history up to what was in force for an input, or else at a deadline.

    Deadlines are worked through before an act of the same moment.
    """
    if input_no is not None:
        later = [change.input_no >= input_no for change in history]
    else:
        later = [change.at >= at for change in history]
    count = next((n for n, is_later in enumerate(later) if n and is_later), len(history))
    return history[:count]


def origins(
    edges: Iterable[Edge], history: tuple[LimitsChange, ...], pathway: Pathway
) -> tuple[LimitOriginView, ...]:
    """Say of each number behind these edges what it was, and whose: the pathway's or the person's.

    `history` ends with the limits in force.
    """
    edges = tuple(edges)
    names = [name for edge in edges for name in (edge.parameter, edge.not_below) if name]
    found = [_origin(name, history, pathway) for name in dict.fromkeys(names)]
    if any(edge.below_baseline for edge in edges):
        found.append(_usual_spo2(history))
    return tuple(found)


def _origin(name: str, history: tuple[LimitsChange, ...], pathway: Pathway) -> LimitOriginView:
    parameter, value = pathway.parameters[name], history[-1].limits.get(name)
    setter = _setter(name, history)
    own = value != parameter.default or bool(setter.named)
    return LimitOriginView(
        name=name,
        means=parameter.means,
        value=value,
        usual=parameter.default,
        own=own,
        set_by=setter.by if own else "",
        set_at=setter.at if own else None,
        reason=setter.reason if own else "",
    )


def _usual_spo2(history: tuple[LimitsChange, ...]) -> LimitOriginView:
    setter = _setter(USUAL_SPO2, history)
    return LimitOriginView(
        name=USUAL_SPO2,
        means="the resting SpO2 that is usual for this person",
        value=history[-1].limits.baseline_spo2,
        own=True,
        set_by=setter.by,
        set_at=setter.at,
        reason=setter.reason,
    )


def _setter(name: str, history: tuple[LimitsChange, ...]) -> LimitsChange:
    """Return the latest change that set a number; the admission where none did."""
    return next((change for change in reversed(history) if name in change.named), history[0])

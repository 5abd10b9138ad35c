"""Say whom the ladder of an alert called, whom it calls next, and what follows. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from ward_service.contract.http.explanation import RungView
from ward_service.contract.vocabulary import AlertState, Level
from ward_service.domain.civil_time import in_service
from ward_service.domain.pathway import Ladder
from ward_service.explain.basis import step_key
from ward_service.explain.record import AlertRecord, Timer
from ward_service.explain.views import citation_view
from ward_service.pathways.citation import Citations
from ward_service.pathways.sourced import say_length


@dataclass(frozen=True, slots=True)
class LadderStory:
    """The steps that were taken or stopped, the one that waits, and what follows, in words."""

    rungs: tuple[RungView, ...]
    next_rung: RungView | None
    words: str


def tell_ladder(record: AlertRecord, citations: Citations) -> LadderStory:
    """Tell who was called about an alert and when, who is next, and what stops the calls."""
    levels = _levels(record)
    rungs, next_rung = [], None
    for timer in sorted(record.timers, key=lambda timer: (timer.round, timer.step)):
        level = levels.get(timer.round, record.alert.level)
        rung = _rung(timer, level, record, citations)
        if timer.taken_at is None and timer.stopped_at is None:
            next_rung = rung
        else:
            rungs.append(rung)
    return LadderStory(tuple(rungs), next_rung, _follows(record, next_rung))


def _levels(record: AlertRecord) -> dict[int, Level]:
    """Return the level at which each round of the ladder began."""
    levels, level = {}, record.alert.level
    for line in record.ledger:
        level = Level(line.change.get("level", level))
        if "round" in line.change:
            levels[int(line.change["round"])] = level
    return levels


def _rung(timer: Timer, level: Level, record: AlertRecord, citations: Citations) -> RungView:
    ladder = record.file.pathway.ladders[record.mode][level]
    number = min(timer.step, len(ladder.steps) - 1)
    return RungView(
        round=timer.round,
        number=timer.step + 1,
        whom=_called(timer, record) or _whom(timer, number, ladder, record),
        due_at=timer.due_at,
        taken_at=timer.taken_at,
        stopped_at=timer.stopped_at,
        citation=citation_view(citations.cite(step_key(record.mode, level, number))),
    )


def _called(timer: Timer, record: AlertRecord) -> str:
    """Return whom a step called, as the ledger has it; "" for a step that was not taken."""
    if timer.taken_at is None:
        return ""
    said = f"step {timer.step + 1}: "
    lines: Iterator[str] = (
        line.words.removeprefix(said)
        for line in record.ledger
        if line.what == "called" and line.at == timer.due_at and line.words.startswith(said)
    )
    return next(lines, "")


def _whom(timer: Timer, number: int, ladder: Ladder, record: AlertRecord) -> str:
    """Return whom a step is to call, by the hours of the service at its moment."""
    step, service = ladder.steps[number], record.file.pathway.service
    calls = step.in_hours if in_service(timer.due_at, service) else step.out_of_hours
    return ", ".join(call.to.replace("_", " ") for call in calls) or "nobody"


def _follows(record: AlertRecord, next_rung: RungView | None) -> str:
    alert = record.alert
    if alert.review:
        return "It is for review only: nobody is called about it."
    if alert.state is AlertState.ACKNOWLEDGED:
        return (
            f"{alert.owner} has it, so the ladder stands still. It goes on if nobody records a "
            "contact with the patient in time."
        )
    if not alert.in_play:
        return "The alert has ended: nobody is called any more."
    if next_rung is None:
        return "No step of the ladder waits."
    ladder = record.file.pathway.ladders[record.mode][alert.level]
    following = range(min(next_rung.number, len(ladder.steps)), len(ladder.steps))
    said = [
        f"step {n + 1} follows {say_length(ladder.steps[n].after - ladder.steps[n - 1].after)} "
        "later; "
        for n in following
    ]
    again = say_length(ladder.repeat_every)
    return f"{''.join(said)}the last step comes again every {again} until somebody answers."

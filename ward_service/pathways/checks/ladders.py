"""Ladders: every mode has them, each ends at a person, and a red is never held."""

from collections.abc import Iterator

from ward_service.contract.vocabulary import PATIENT, Level
from ward_service.pathways.file import CallFile, LadderFile, StepFile, Written


def wrong_ladders(written: Written) -> Iterator[str]:
    """Yield what is wrong with who is called."""
    for mode in written.modes:
        if mode not in written.ladders:
            yield f"ladders.{mode}: this mode has no ladders."
    for mode in written.ladders:
        if mode not in written.modes:
            yield f"ladders.{mode}: {mode} is not among the modes."
    for field, level, ladder in all_ladders(written):
        yield from _wrong_ladder(field, level, ladder, written)
    for field, call in all_calls(written):
        if call.to != PATIENT and call.to not in written.roles:
            yield f"{field}: {call.to} is neither a role nor the patient."


def all_ladders(written: Written) -> Iterator[tuple[str, Level, LadderFile]]:
    """Yield (field, level, ladder) for every mode and level."""
    for mode, ladders in written.ladders.items():
        for name in type(ladders).model_fields:
            yield f"ladders.{mode}.{name}", Level(name), getattr(ladders, name)


def all_calls(written: Written) -> Iterator[tuple[str, CallFile]]:
    """Yield (field, call) for every call of every step."""
    for field, _, ladder in all_ladders(written):
        for n, step in enumerate(ladder.steps):
            for call in (*step.in_hours, *called_out_of_hours(step)):
                yield f"{field}.steps.{n}", call


def called_out_of_hours(step: StepFile) -> tuple[CallFile, ...]:
    """Return the calls of a step out of hours; none when it is held until opening."""
    return () if isinstance(step.out_of_hours, str) else step.out_of_hours


def _wrong_ladder(field: str, level: Level, ladder: LadderFile, written: Written) -> Iterator[str]:
    first, last = ladder.steps[0], ladder.steps[-1]
    held = [n for n, step in enumerate(ladder.steps) if not called_out_of_hours(step)]
    if not _a_person(last.in_hours, written):
        yield f"{field}: the last step must call a person of the ward in hours."
    if called_out_of_hours(last) and not _a_person(called_out_of_hours(last), written):
        yield f"{field}: the last step must call a person on call out of hours, or be held."
    if level is not Level.RED:
        return
    for n in held:
        yield f"{field}.steps.{n}: a red is never held until opening."
    calls = called_out_of_hours(first)
    patient = any(call.to == PATIENT for call in calls)
    if first.after.value or (0 not in held and not (patient and _a_person(calls, written))):
        yield f"{field}: out of hours a red goes at once to the patient and to a person on call."


def _a_person(calls: tuple[CallFile, ...], written: Written) -> bool:
    return any(call.to in written.roles for call in calls)

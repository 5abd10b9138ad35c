"""The script for whoever is on the phone: what to say to this person now, in their numbers.

The same advice as at home (`domain/advice.py`), by what this ward knows of their last readings.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import zip_longest
from typing import Final

from ward_service.contract.entry import SaidView, ScriptView
from ward_service.contract.messages import Reading, read_payload
from ward_service.contract.vocabulary import Level
from ward_service.domain.advice import Advice, Standing, Whom, advise, after
from ward_service.domain.continuous import as_reading
from ward_service.domain.from_wire import as_input
from ward_service.domain.inputs import TraceArrived
from ward_service.domain.judge import judge
from ward_service.domain.pathway import Pathway
from ward_service.domain.state import EpisodeState, Judged
from ward_service.domain.texts import SAFETY_NET, texts_for
from ward_service.entry.parse import judged_as
from ward_service.store.stays import state_of
from ward_service.store.tables.readings import ReadingRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.store.unit_of_work import Store

CALL: Final = {
    Whom.EMERGENCY: "Tell them to call 999 now.",
    Whom.NHS_111: "Tell them to ring 111 now.",
    Whom.WARD: "They speak with the ward now: you are whom they would ring.",
}


def standing_of(earlier: Iterable[ReadingRow], state: EpisodeState, pathway: Pathway) -> Standing:
    """Return what earlier readings leave behind, in order of receipt, as at their home."""
    standing = Standing()
    for row in earlier:
        taken = as_input(read_payload(row.payload), row.slot)
        if isinstance(taken, TraceArrived):
            taken = as_reading(taken, state.limits, pathway)
        judged = judge(taken, state, row.received_at, pathway)
        advice = advise(judged, standing, pathway, state.mode, row.received_at)
        standing = after(standing, judged, advice, pathway)
    return standing


def script_of(
    kept: ReadingRow, row: EpisodeRow, pathway: Pathway, store: Store, now: datetime
) -> ScriptView:
    """Return what to say now about a reading that is kept, by whatever door it came."""
    state = state_of(row)
    reading = read_payload(kept.payload)
    assert isinstance(reading, Reading)  # noqa: S101 - nobody is on the phone about a trace
    since = kept.judged_at - pathway.confirmation.second_red_within
    earlier = store.readings.before(kept.episode_id, kept.received_no, since)
    judged = judged_as(reading, state, pathway, kept.received_at)
    standing = standing_of(earlier, state, pathway)
    return script(judged, standing, state, pathway, row.language, now)


def script(
    judged: Judged,
    standing: Standing,
    state: EpisodeState,
    pathway: Pathway,
    language: str | None,
    now: datetime,
) -> ScriptView:
    """Return what to say to the person about a reading, now."""
    advice = advise(judged, standing, pathway, state.mode, now)
    ids = advice.text_ids
    ours = texts_for(ids, pathway, state.limits)
    own: tuple[str, ...] = ()
    spoken = pathway.spoken(language)
    theirs = pathway.texts[spoken] if spoken and spoken != pathway.reference_language else {}
    if all(id_ in theirs for id_ in (*ids, SAFETY_NET)):  # half of it in ours would mislead
        own = texts_for(ids, pathway, state.limits, language)
    said = tuple(SaidView(words=w, own=o) for w, o in zip_longest(ours, own[: len(ours)]))
    return ScriptView(
        level=advice.level,
        first=_first(advice),
        said=said,
        text_ids=ids,
        call=str(advice.call) if advice.call is not None else None,
    )


def _first(advice: Advice) -> str:
    """Return the first words for the caller: how worrying it is, and whom the person is to call."""
    level = {Level.RED: "RED.", Level.AMBER: "AMBER.", Level.GREEN: "GREEN."}
    said = [level[advice.level]] if advice.level else ["This reading does not tell how they are."]
    if advice.call is not None:
        said.append(CALL[advice.call])
    if advice.retake_after is not None:
        minutes = advice.retake_after.total_seconds() / 60
        again = "now" if minutes <= 1 else f"within {minutes:g} minutes"
        said.append(f"They are to measure again {again}: stay on the line, or ring back.")
    return " ".join(said)

"""The telephone and paper over HTTP: what to ask, what it would mean, keep it, what to say."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response, status

from ward_service.api.deps import ActorDep, NowDep, SignedIn, StoreDep, WardDep
from ward_service.api.views import alert_view, finding_views
from ward_service.contract.entry import (
    CheckView,
    DiaryGiven,
    DiaryView,
    EnteredView,
    FormView,
    PageView,
    PhoneReading,
)
from ward_service.contract.http.alerts import AlertView, FindingView
from ward_service.contract.ids import derived_id
from ward_service.contract.messages import Reading
from ward_service.contract.vocabulary import Source
from ward_service.diary.printout import diary_of
from ward_service.domain.pathway import Pathway
from ward_service.domain.state import EpisodeState
from ward_service.entry import record
from ward_service.entry.form import form_of
from ward_service.entry.parse import (
    ParsedNumbers,
    answered,
    judged_as,
    kept_before,
    read_entry,
    read_pages,
    said_before,
    same_times,
    wrong_times,
)
from ward_service.entry.script import script_of
from ward_service.errors import ConflictError, NoNumberError, NotFoundError, RowsRefusedError
from ward_service.store.alerts import findings_of
from ward_service.store.stays import state_of
from ward_service.store.tables.stays import EpisodeRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward, signed_versions

router = APIRouter(prefix="/episodes/{episode_id}", tags=["entry"], dependencies=[SignedIn])


@router.get("/form")
def get_form(episode_id: UUID, ward: WardDep, store: StoreDep) -> FormView:
    """Return what to ask this person: by phone, and on paper. 404 if there is no such stay."""
    row, state, pathway = _stay(episode_id, ward, store)
    signed = pathway.name in signed_versions(store)
    return form_of(episode_id, state, pathway, row.language, signed=signed)


@router.get("/diary", response_class=Response)
def get_diary(episode_id: UUID, ward: WardDep, language: str | None = None) -> Response:
    """Return the printable diary of this person, as a PDF. 400 if its words need another font."""
    made = diary_of(ward, episode_id, language)
    return Response(made, media_type="application/pdf", headers={"Cache-Control": "no-store"})


@router.post("/readings/check")
def check(
    episode_id: UUID, told: PhoneReading, ward: WardDep, store: StoreDep, now: NowDep
) -> CheckView:
    """Say what a reading would mean, what to ask about it, and what to read back. Keeps nothing."""
    _, state, pathway = _stay(episode_id, ward, store)
    entry = read_entry(told.values, told.answers, pathway)
    if entry.problems:
        return CheckView(
            read_back="",
            answered=(),
            problems=entry.problems,
            questions=entry.questions,
            level=None,
            findings=(),
        )
    reading = _reading(told, entry, derived_id(now, episode_id), now)
    twin = said_before(reading, store.readings.of_minutes(episode_id, [reading.measured_at]))
    judged = judged_as(reading, state, pathway, now)
    return CheckView(
        read_back=entry.read_back,
        answered=answered(reading, pathway),
        problems=(),
        questions=(*entry.questions, *twin),
        level=judged.assessment.level,
        findings=tuple(
            FindingView(level=f.level, words=f.words, at=judged.judged_at, doubtful=f.doubtful)
            for f in judged.assessment.concerns
        ),
    )


@router.post("/readings", status_code=status.HTTP_201_CREATED)
def enter(episode_id: UUID, told: PhoneReading, actor: ActorDep) -> EnteredView:
    """Keep a reading that was read back; return its meaning and the script for the caller.

    Sent again with its key it changes nothing, and the answer is the same. 409 if what was read
    back is not what is sent, or the stay had ended; 422 if a number is none.
    """
    ward, now = actor.ward, actor.now
    with ward.unit_of_work(read_only=True) as store:
        _, _, pathway = _stay(episode_id, ward, store)
    entry = read_entry(told.values, told.answers, pathway)
    if entry.problems:
        raise NoNumberError(f"Nothing was kept. {' '.join(entry.problems)}")
    if told.read_back != entry.read_back:
        raise ConflictError(
            "Nothing was kept: read the numbers back to the person first, as they are now."
        )
    id_ = derived_id(told.measured_at or now, episode_id, actor.by, actor.key)
    reading = _reading(told, entry, id_, now)
    kept = record.record_reading(ward, episode_id, reading, actor.by, actor.key, now, told.spoke)
    with ward.unit_of_work(read_only=True) as store:
        return _entered(episode_id, kept, ward, store, now)


@router.post("/diary", status_code=status.HTTP_201_CREATED)
def enter_diary(episode_id: UUID, given: DiaryGiven, actor: ActorDep) -> DiaryView:
    """Keep a paper diary, all of it or nothing; 422 says row by row what is wrong, or to ask."""
    ward, now = actor.ward, actor.now
    with ward.unit_of_work(read_only=True) as store:
        _, state, pathway = _stay(episode_id, ward, store)
        pages, words = read_pages(given.rows, episode_id, state, pathway)
        words += wrong_times(pages, state, pathway, now)
        words += same_times(given.rows, pages)
        kept = store.readings.of_minutes(episode_id, [page.measured_at for page in pages])
        words += kept_before(given.rows, pages, kept)
    if words:
        raise RowsRefusedError(sorted(words, key=lambda said: (said.row, said.question)))
    ids = record.record_diary(ward, episode_id, pages, actor.by, now)
    with ward.unit_of_work(read_only=True) as store:
        rows = sorted(store.readings.get_many(ids).values(), key=lambda row: row.measured_at)
        return DiaryView(
            rows=tuple(
                PageView(
                    reading_id=row.reading_id,
                    measured_at=row.measured_at,
                    source=row.source,
                    level=row.level,
                    findings=finding_views(row),
                )
                for row in rows
            ),
            alerts=_alerts_of(episode_id, set(ids), store),
        )


def _stay(episode_id: UUID, ward: Ward, store: Store) -> tuple[EpisodeRow, EpisodeState, Pathway]:
    found = store.stays.get([episode_id], lock=False)
    if not found:
        raise NotFoundError("There is no such stay.")
    [row] = found.values()
    return row, state_of(row), ward.pathways[row.pathway]


def _reading(told: PhoneReading, entry: ParsedNumbers, id_: UUID, now: datetime) -> Reading:
    at = told.measured_at or now
    return entry.as_reading(id_, at, Source.STAFF_PHONE, call_me=told.call_me)


def _entered(
    episode_id: UUID, reading_id: UUID, ward: Ward, store: Store, now: datetime
) -> EnteredView:
    """Return what is kept, and the script: the same for an answer that was lost and asked again."""
    row, _, pathway = _stay(episode_id, ward, store)
    kept = store.readings.get_many([reading_id])[reading_id]
    return EnteredView(
        reading_id=reading_id,
        measured_at=kept.measured_at,
        level=kept.level,
        findings=finding_views(kept),
        doubts=tuple(kept.doubts or ()),
        script=script_of(kept, row, pathway, store, now),
        alerts=_alerts_of(episode_id, {reading_id}, store),
    )


def _alerts_of(
    episode_id: UUID, reading_ids: Collection[UUID], store: Store
) -> tuple[AlertView, ...]:
    """Return the alerts that these readings opened or joined, as they now stand."""
    return tuple(
        alert_view(alert)
        for alert in store.alerts.of_stay(episode_id)
        if any(found.reading_id in reading_ids for found in findings_of(alert))
    )

"""The ward list over HTTP: the order is the rules', the words too."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request

from ward_service.api.deps import SignedIn, WardDep
from ward_service.api.health import health
from ward_service.api.views import alert_view, spo2_bands
from ward_service.contract.http.board import (
    BoardVersionView,
    BoardView,
    PatientLine,
    Place,
    PointView,
)
from ward_service.contract.http.readings import ObservationView
from ward_service.contract.vocabulary import Vital
from ward_service.domain.bands import WORRY
from ward_service.domain.pathway import Pathway
from ward_service.domain.triage import Standing, stand, urgency
from ward_service.notify.phone import words_by_stay
from ward_service.store.board import SpO2Point
from ward_service.store.stays import state_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.readings import ReadingRow
from ward_service.store.tables.stays import EpisodeRow, PatientRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward, signed_versions

router = APIRouter(prefix="/triage", tags=["triage"], dependencies=[SignedIn])

# The sparkline: the longest stay of docs/reference/clinical.md#schedule
SHOWN: Final = timedelta(days=14)
POINTS: Final = 120  # at most, of which the lowest of each stretch is kept
LASTS: Final = timedelta(minutes=1)  # ward time after which ages in words are made anew


@dataclass(slots=True)
class BoardCache:
    """The latest board, made once for everybody who asks for the same version of it."""

    lock: Lock = field(default_factory=Lock)
    board: BoardView | None = None


@router.get("")
def get_board(request: Request, ward: WardDep) -> BoardView:
    """Return everybody on the ward, in the order in which they need somebody."""
    cache: BoardCache = request.app.state.board
    now = ward.clock.now()
    with cache.lock, ward.unit_of_work(read_only=True) as store:
        version, board = store.board.version(), cache.board
        if board is None or board.version != version or now - board.as_of > LASTS:
            board = cache.board = _board(ward, store, version, now)
        return board.model_copy(update={"as_of": now, "health": health(ward, store)})


@router.get("/version")
def get_version(ward: WardDep) -> BoardVersionView:
    """Return a number that changes when anything on the list does."""
    with ward.unit_of_work(read_only=True) as store:
        version, well = store.board.version(), health(ward, store)
    return BoardVersionView(version=version, as_of=ward.clock.now(), health=well)


@dataclass(frozen=True, slots=True)
class _Sources:
    """What the lines of a board are made of, asked once for all stays."""

    ward: Ward
    now: datetime
    signed: Container[str]
    alerts: Mapping[UUID, Sequence[AlertRow]]
    latest: Mapping[UUID, ReadingRow]
    points: Mapping[UUID, list[SpO2Point]]
    to_ring: Mapping[UUID, Sequence[str]]

    @classmethod
    def ask(cls, ward: Ward, store: Store, ids: Sequence[UUID], now: datetime) -> "_Sources":
        points: dict[UUID, list[SpO2Point]] = {}
        for point in store.board.spo2_points(ids, now - SHOWN):
            points.setdefault(point.episode_id, []).append(point)
        return cls(
            ward=ward,
            now=now,
            signed=signed_versions(store),
            alerts=store.alerts.in_play(ids),
            latest=store.board.latest_readings(ids),
            points=points,
            to_ring=words_by_stay(store, now),
        )


def _board(ward: Ward, store: Store, version: int, now: datetime) -> BoardView:
    staying = store.board.staying()
    sources = _Sources.ask(ward, store, [episode.id for episode, _ in staying], now)
    ordered = sorted(
        (urgency(standing, episode.id), episode, patient, standing)
        for episode, patient in staying
        for standing in [stand(state_of(episode), now)]
    )
    lines = [
        _line(sources, episode, patient, standing) for _, episode, patient, standing in ordered
    ]
    counts = {place: sum(line.place is place for line in lines) for place in Place}
    return BoardView(
        as_of=now,
        version=version,
        use=ward.settings.use,
        unsigned=any(not line.signed for line in lines) or not lines,
        health=health(ward, store),
        counts=counts,
        patients=tuple(lines),
    )


def _line(
    sources: _Sources, episode: EpisodeRow, patient: PatientRow, standing: Standing
) -> PatientLine:
    now, state = sources.now, state_of(episode)
    pathway = sources.ward.pathways[episode.pathway]
    latest = sources.latest.get(episode.id)
    alerts = (alert_view(row) for row in sources.alerts.get(episode.id, ()))
    views = sorted(alerts, key=lambda view: -WORRY.get(view.level, -1))
    return PatientLine(
        episode_id=episode.id,
        version=episode.version,
        place=standing.place,
        reason=standing.reason,
        family_name=patient.family_name,
        given_name=patient.given_name,
        birth_date=patient.birth_date,
        age=_age(patient, now),
        sex=episode.sex,
        nhs_number=patient.nhs_number,
        phone=patient.phone,
        pathway=episode.pathway,
        admitted_at=episode.admitted_at,
        day_of_stay=(now - episode.admitted_at).days,
        level=standing.level,
        overdue_since=state.overdue_since,
        never_reported=state.never_reported,
        last_reading_at=state.last_measured_at,
        last_received_at=state.last_received_at,
        waiting_since=standing.waiting_since,
        past_deadline=standing.past_deadline,
        paused_until=state.paused_until,
        signed=episode.pathway in sources.signed,
        to_ring=tuple(sources.to_ring.get(episode.id, ())),
        why=tuple(dict.fromkeys(f.words for view in views for f in view.findings[:2])),
        alerts=tuple(views),
        latest=_latest(latest, pathway, now) if latest else (),
        spo2=_thinned(sources.points.get(episode.id, [])),
        spo2_bands=spo2_bands(pathway, state.limits),
    )


def _age(patient: PatientRow, now: datetime) -> int:
    born, today = patient.birth_date, now.date()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _latest(row: ReadingRow, pathway: Pathway, now: datetime) -> tuple[ObservationView, ...]:
    values = {Vital.SPO2: row.spo2, Vital.PULSE_RATE: row.pulse_rate}
    return tuple(
        ObservationView(
            vital=vital,
            value=value,
            level=row.level if vital is pathway.fills else None,
            measured_at=row.judged_at,
            received_at=row.received_at,
            source=row.source,
            doubtful=row.doubtful,
            time_doubtful=row.time_doubtful,
            late=row.late,
            stale=now - row.judged_at > pathway.stale_after,
        )
        for vital, value in values.items()
        if value is not None
    )


def _thinned(points: list[SpO2Point]) -> tuple[PointView, ...]:
    """Keep the lowest value of each stretch and the very last one: a dip must not be lost."""
    size = -(-len(points) // POINTS) or 1
    stretches = [points[i : i + size] for i in range(0, len(points), size)]
    kept = [min(stretch, key=lambda point: point.spo2) for stretch in stretches]
    if points and kept[-1] is not points[-1]:
        kept.append(points[-1])
    return tuple(
        PointView(measured_at=p.judged_at, value=p.spo2, doubtful=p.doubtful) for p in kept
    )

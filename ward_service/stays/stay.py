"""A stay while a transaction works on it: loaded and locked, folded by the rules, saved whole."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ward_service.contract.vocabulary import PATIENT, Vital
from ward_service.domain.alerts import WARD
from ward_service.domain.episode import step
from ward_service.domain.inputs import HomeTrouble, Input, TimePassed
from ward_service.domain.pathway import Pathway
from ward_service.domain.plan import in_the_plan
from ward_service.domain.state import EpisodeState, Judged, Step
from ward_service.store.stays import state_of
from ward_service.store.tables.homes import HomeTroubleRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.store.unit_of_work import Store
from ward_service.ward import Ward

# A request that waited for the database may come to a stay that was looked at after it came.
WAITED_AT_MOST = timedelta(seconds=60)
NO_GATEWAY = ""  # of what was typed at the ward


@dataclass(slots=True)
class Stay:
    """A stay while a transaction works on it: loaded once, folded many times, saved once.

    What it takes in is counted, and its time does not run backwards, so that a replay can take
    everything in the same order again.
    """

    row: EpisodeRow
    pathway: Pathway
    state: EpisodeState
    absence_until: datetime
    steps: list[Step] = field(default_factory=list)

    inputs: int = 0
    looked_at: datetime | None = None
    planned: tuple[object, ...] = ()

    def __post_init__(self) -> None:
        self.inputs, self.looked_at = self.row.inputs, self.row.looked_at
        self.planned = in_the_plan(self.state)

    def moment(self, now: datetime) -> datetime:
        """Return when an input is taken in that came at `now`: not before the one before it."""
        before = self.looked_at
        return before if before and now < before <= now + WAITED_AT_MOST else now

    def fold(self, input_: Input, now: datetime) -> Step:
        """Let the rules take an input in; return what they made of it."""
        now = self.moment(now)
        done = step(
            self.row.id,
            self.state,
            input_,
            now,
            self.pathway,
            absence_until=self.absence_until,
        )
        self.state, self.looked_at = done.state, now
        self.inputs += not isinstance(input_, TimePassed)
        self.steps.append(done)
        return done

    def save(self, store: Store, now: datetime) -> None:
        """Write state, alerts, ledger, ladders, calls and tasks together."""
        store.stays.save(self.row, self.state)
        if in_the_plan(self.state) != self.planned:
            store.plans.want_of_stay(self.row.id, ended=self.state.ended_at is not None)
        self.row.inputs, self.row.looked_at = self.inputs, self.looked_at
        changed = {id_: alert for done in self.steps for id_, alert in done.changed.items()}
        alerts = list(changed.values())
        entries = [entry for done in self.steps for entry in done.entries]
        if entries:
            store.alerts.save(self.row.id, alerts, entries)
            store.calls.save_timers(
                alerts, [taken for done in self.steps for taken in done.taken], now
            )
            store.calls.stop_of_alerts(alerts, now)
        store.calls.add(self.row.id, [m for done in self.steps for m in done.messages], now)
        store.tasks.add(self.row.id, [task for done in self.steps for task in done.tasks])
        if self.state.ended_at is not None and self.row.ended_at is None:
            store.stays.end(self.row, self.state.ended_at, self.state.end_reason)
            store.codes.shut_of_stay(self.row.id, now, WARD)
            store.calls.stop_of_stay(self.row.id, now, "the stay has ended")
        elif self.state.in_hospital:
            store.calls.stop_of_stay(self.row.id, now, "in hospital", to=PATIENT)
        elif self.state.paused_until is not None:
            # What an alert says to the patient is no reminder: a red is never muted.
            store.calls.stop_of_stay(self.row.id, now, "paused", to=PATIENT, reminders_only=True)

    def reading_row(self, judged: Judged, received_at: datetime) -> dict[str, Any]:
        """Return a reading as the store keeps it, with what was made of it; not yet its origin."""
        values = judged.reading.values
        findings = [
            {"level": str(f.level), "words": f.words, "doubtful": f.doubtful, "rule": f.rule}
            for f in judged.assessment.concerns
        ]
        return {
            "reading_id": judged.reading.reading_id,
            "gateway_id": NO_GATEWAY,
            "slot": None,
            "episode_id": self.row.id,
            "input_no": self.inputs,
            "source_key": None,
            "stream": None,
            "seq": None,
            "measured_at": judged.reading.measured_at,
            "judged_at": judged.judged_at,
            "received_at": received_at,
            "source": judged.reading.source,
            "context": judged.reading.context,
            "spo2": values.get(Vital.SPO2),
            "pulse_rate": values.get(Vital.PULSE_RATE),
            "payload": "",
            "level": judged.assessment.level,
            "findings": findings or None,
            "doubts": list(judged.doubts) or None,
            "fills": judged.assessment.reassuring and not judged.time_doubtful,
            "doubtful": bool(judged.doubts),
            "time_doubtful": judged.time_doubtful,
            "late": judged.late,
            "news2": asdict(judged.assessment.news2) if judged.assessment.news2 else None,
            "pathway": self.pathway.name,
            "entered_by": None,
            "spoke": None,
        }


def load_stays(ward: Ward, store: Store, ids: set[UUID], now: datetime) -> dict[UUID, Stay]:
    """Return stays to work on, locked for this transaction."""
    if not ids:
        return {}
    absence_until = store.runtime.absence_until(now)
    rows = store.stays.get(ids, lock=True)
    return {
        id_: Stay(row, ward.pathways[row.pathway], state_of(row), absence_until)
        for id_, row in rows.items()
    }


def tell(store: Store, stay: Stay, gateway_id: str, trouble: HomeTrouble, now: datetime) -> None:
    """Tell people what is wrong at the home of a stay. It is kept, so that replay tells it again.

    The stay must be saved afterwards.
    """
    at = stay.moment(now)
    stay.fold(trouble, now)
    store.homes.add_trouble(
        HomeTroubleRow(
            episode_id=stay.row.id,
            input_no=stay.inputs,
            gateway_id=gateway_id,
            at=at,
            about=trouble.about,
            words=trouble.words,
        )
    )

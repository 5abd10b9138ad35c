"""The same values by another door give the same assessment, the same alert and the same advice."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.factories import NOON, Home, a_home, a_ward, minutes
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Answer, Observation, Reading
from ward_service.contract.vocabulary import AlertClass, Source, Vital
from ward_service.entry.record import record_diary, record_reading
from ward_service.entry.script import script_of
from ward_service.pipeline import take_batch
from ward_service.store.alerts import findings_of
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import AlertRow
from ward_service.store.tables.readings import ReadingRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.ward import Ward

Answers = Sequence[tuple[str, str]]
MEASURED: list[tuple[Mapping[Vital, float], Answers]] = [
    ({Vital.SPO2: 97, Vital.PULSE_RATE: 72}, ()),
    ({Vital.SPO2: 93, Vital.TEMPERATURE: 37.2}, ()),
    ({Vital.SPO2: 91}, ()),
    ({Vital.SPO2: 92.5}, ()),
    ({Vital.SPO2: 45}, ()),
    ({Vital.SPO2: 72, Vital.PULSE_RATE: 97}, ()),
    ({Vital.SPO2: 98}, (("red_flags", "blue_lips"),)),
    ({Vital.SPO2: 97}, (("red_flags", "none"), ("feeling", "worse"))),
    ({Vital.PULSE_RATE: 72}, ()),
    ({}, (("feeling", "same"),)),
]


def a_reading_of(values: Mapping[Vital, float], answers: Answers, source: Source) -> Reading:
    return Reading(
        reading_id=new_id(NOON),
        measured_at=NOON,
        source=source,
        observations=tuple(Observation(vital=v, value=x) for v, x in values.items()),
        answers=tuple(Answer(question=q, answer=a) for q, a in answers),
    )


def by_message(source: Source) -> Callable[[Ward, Home, Any, Reading], None]:
    def comes(ward: Ward, home: Home, of: Any, reading: Reading) -> None:
        given = reading.model_copy(update={"source": source})
        take_batch(ward, [home.sends(given)], NOON + minutes(1))

    return comes


def by_phone(ward: Ward, home: Home, of: Any, reading: Reading) -> None:
    given = reading.model_copy(update={"source": Source.STAFF_PHONE})
    record_reading(ward, of, given, "nurse-3", "one-call", NOON + minutes(1))


def on_paper(ward: Ward, home: Home, of: Any, reading: Reading) -> None:
    given = reading.model_copy(update={"source": Source.PAPER})
    record_diary(ward, of, [given], "nurse-3", NOON + minutes(1))


DOORS: dict[Source, Callable[[Ward, Home, Any, Reading], None]] = {
    Source.PATIENT: by_message(Source.PATIENT),
    Source.STAFF_PHONE: by_phone,
    Source.PAPER: on_paper,
}


@pytest.fixture
def wards(tmp_path: Path) -> Iterator[list[Ward]]:
    made = [a_ward(tmp_path / "one"), a_ward(tmp_path / "other")]
    yield made
    for ward in made:
        engine_of(ward.sessions).dispose()


def what_came_of(
    ward: Ward, door: Callable[[Ward, Home, Any, Reading], None], reading: Reading
) -> dict[str, Any]:
    """Let a reading in by a door; return its assessment, its alerts and what to say."""
    home = a_home(ward)
    with ward.sessions() as session:
        of = session.scalars(select(EpisodeRow.id)).one()
    door(ward, home, of, reading)
    with ward.unit_of_work(read_only=True) as store:
        [row] = store.stays.get([of], lock=False).values()
        [kept] = store.readings.before(of, None, NOON - minutes(60))
        assert isinstance(kept, ReadingRow)
        alerts = [a for a in store.alerts.of_stay(of) if a.alert_class is not AlertClass.MISSING]
        return {
            "assessment": (kept.level, kept.findings, kept.doubts, kept.fills, kept.late),
            "alerts": sorted(map(_as_told, alerts)),
            "advice": script_of(kept, row, ward.pathways[row.pathway], store, NOON + minutes(1)),
        }


def _as_told(alert: AlertRow) -> tuple[Any, ...]:
    words = tuple((f.finding.words, f.at) for f in findings_of(alert))
    return alert.alert_class, alert.level, alert.state, alert.review, alert.respond_by, words


@pytest.mark.parametrize("source", DOORS)
@pytest.mark.parametrize(("values", "answers"), MEASURED, ids=str)
def test_a_typed_reading_is_what_the_same_values_over_bluetooth_are(
    wards: list[Ward], values: Mapping[Vital, float], answers: Answers, source: Source
) -> None:
    reading = a_reading_of(values, answers, source)
    by_bluetooth = what_came_of(wards[0], by_message(Source.BLE), reading)
    by_another = what_came_of(wards[1], DOORS[source], reading)
    assert by_another == by_bluetooth
    assert by_bluetooth["advice"].said  # nobody is left without a word

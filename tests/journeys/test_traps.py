"""The eight traps that comparable systems fall into, through MQTT and HTTP, on a ward's own clock.

Source: docs/reference/traps.md#eight-traps. Home Assistant clears a red when it goes quiet,
Nightscout says "All Clear" ten minutes after the last red reading, and an acknowledgement is a
boolean without a name.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import missing
from tests.factories import a_reading
from tests.journeys.house import House
from tests.journeys.short_windows import (
    DOCTOR,
    NURSE,
    Ward,
    eventually,
    moment,
    said,
    seconds,
)
from tests.services import Broker, has_mosquitto

# 20 seconds before the first agreed time, on a Tuesday in winter: London is at UTC.
BEGAN = datetime(2026, 11, 24, 12, 59, 40, tzinfo=UTC)
HOMES = [f"home-{n:02d}" for n in range(1, 12)]
(SILENT_RED, NEVER, LATE, REVIEW, OWNED, BURST, TWICE, CHANGED, SHARED, OTHER, AFTERWARDS) = HOMES
LOWER = {"red_max": 90.0}
RESOLVED: dict[str, Any] = {
    "outcome": "advice",
    "response_needed": True,
    "response_completed": True,
    "management_changed": False,
    "note": "Spoke to them; seen today.",
}


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    """One ward for all traps, each with a home and a person of its own."""
    if not has_mosquitto():
        missing("Mosquitto", "install it, for example: apt-get install mosquitto")
    folder = tmp_path_factory.mktemp("traps")
    broker = Broker(folder / "broker")
    broker.start()
    house = House(folder, broker)
    opened = Ward.open(house, BEGAN, HOMES)
    opened.admit(*(home for home in HOMES if home != AFTERWARDS))
    # T1 begins before everything else: this person must have been silent for a while.
    opened.sends(SILENT_RED, a_reading(91, at=opened.now()))
    yield opened
    opened.close()
    house.end()
    broker.kill()


def becomes(ward: Ward, home: str, state: str, wait: float = 15) -> Any:
    """Wait until the latest physiological alert of somebody is in a state, and return it."""

    def found() -> Any:
        alerts = ward.alerts(home)
        return alerts[0] if alerts and alerts[0]["state"] == state else None

    return eventually(found, wait)


def what(alert: Any) -> list[str]:
    return [entry["what"] for entry in alert["ledger"]]


def called(alert: Any) -> list[str]:
    return [entry["words"] for entry in alert["ledger"] if entry["what"] == "called"]


def test_t5_of_a_burst_every_reading_is_kept_once_and_there_is_one_alert(ward: Ward) -> None:
    began = ward.now()
    burst = [a_reading(91, at=began - seconds(n / 100)) for n in range(250)]
    ward.sends(BURST, *burst)
    eventually(lambda: all(ward.wire.receipts(r.reading_id) for r in burst))
    ward.sends(BURST, *burst)
    eventually(lambda: all(len(ward.wire.receipts(r.reading_id)) == 2 for r in burst))
    assert {tuple(ward.wire.receipts(r.reading_id)) for r in burst} == {("kept", "duplicate")}
    page = ward.readings(BURST)
    assert page["total"] == len(burst)
    assert {r["reading_id"] for r in page["readings"]} == {str(r.reading_id) for r in burst}
    [alert] = ward.alerts(BURST)
    assert alert["level"] == "red", said(alert)
    assert what(alert).count("opened") == 1


def test_t6_the_same_reading_delivered_twice_is_one_reading(ward: Ward) -> None:
    at = ward.now()
    reading = a_reading(96, at=at, source_key="cuff-1/record-7")
    again = a_reading(96, at=at, source_key="cuff-1/record-7")  # its memory, sent once more
    ward.sends(TWICE, reading)
    ward.sends(TWICE, reading)
    ward.sends(TWICE, again)
    eventually(lambda: ward.wire.receipts(again.reading_id))
    assert ward.wire.receipts(reading.reading_id) == ["kept", "duplicate"]
    assert ward.wire.receipts(again.reading_id) == ["duplicate"]
    assert ward.readings(TWICE)["total"] == 1


def test_t3_a_late_red_opens_is_said_to_be_late_and_climbs(ward: Ward) -> None:
    measured = ward.now() - seconds(30)
    ward.sends(LATE, a_reading(91, at=measured))
    alert = becomes(ward, LATE, "open")
    assert (alert["level"], alert["late"], alert["review"]) == ("red", True, False)
    assert moment(alert["findings"][0]["at"]) == measured
    assert moment(alert["opened_at"]) > measured + seconds(29)
    assert ward.line(LATE)["place"].startswith("red")
    assert called(alert)[0] == "step 1: ward nurse"
    [reading] = ward.readings(LATE)["readings"]
    assert reading["late"]
    assert moment(reading["received_at"]) - moment(reading["measured_at"]) > seconds(29)


def test_t3_a_late_red_before_a_reading_in_range_opens_for_review_and_calls_nobody(
    ward: Ward,
) -> None:
    now = ward.now()
    ward.sends(REVIEW, a_reading(97, at=now))
    ward.sends(REVIEW, a_reading(91, at=now - seconds(30)))
    alert = becomes(ward, REVIEW, "open")
    assert (alert["level"], alert["late"], alert["review"]) == ("red", True, True)
    assert (alert["next_call_at"], alert["steps"], alert["calls"]) == (None, [], [])
    # It is on the list all the same, as a red: a person looks at it.
    assert ward.line(REVIEW)["place"].startswith("red")


def test_t8_of_two_who_acknowledge_one_owns_it_and_both_are_written_down(ward: Ward) -> None:
    ward.sends(SHARED, a_reading(91, at=ward.now()))
    seen = becomes(ward, SHARED, "open")
    mine = ward.act(seen, "acknowledge", NURSE)
    assert (mine["state"], mine["owner"]) == ("acknowledged", NURSE)
    refused = ward.act(seen, "acknowledge", DOCTOR, 412)
    assert "nurse has this alert already" in refused["detail"]
    assert refused["alert"]["owner"] == NURSE
    [alert] = ward.alerts(SHARED)
    tail = [(e["by"], e["what"]) for e in alert["ledger"]][-2:]
    assert tail == [(NURSE, "acknowledged"), (DOCTOR, "came second")]
    assert alert["owner"] == NURSE
    taken = ward.act(alert, "acknowledge", DOCTOR, take_over=True)
    assert taken["owner"] == DOCTOR
    last = ward.alerts(SHARED)[0]["ledger"][-1]
    assert (last["by"], last["what"], last["words"]) == (DOCTOR, "taken over", "from nurse")


def test_t7_each_alert_quotes_the_limits_and_the_version_that_it_opened_under(ward: Ward) -> None:
    ward.sends(CHANGED, a_reading(91, at=ward.now()))
    first = becomes(ward, CHANGED, "open")
    ward.act(first, "resolve", **RESOLVED)
    edit = {"reason": "usual SpO2 is 91", "parameters": {"red_max": 88, "amber_max": 90}}
    path = f"/episodes/{ward.stays[CHANGED]}/limits"
    assert ward.ask("POST", path, json=edit)["number"] == 2
    harmless = a_reading(91, at=ward.now())
    ward.sends(CHANGED, harmless)
    eventually(lambda: ward.wire.receipts(harmless.reading_id))
    assert len(ward.alerts(CHANGED)) == 1
    ward.sends(CHANGED, a_reading(88, at=ward.now()))
    second = eventually(lambda: ward.alerts(CHANGED)[0] if len(ward.alerts(CHANGED)) == 2 else None)
    before = ward.alerts(CHANGED)[1]
    assert (before["id"], before["pathway"], before["limits"]) == (
        first["id"],
        "covid-oximetry-at-home@101",
        1,
    )
    assert before["findings"][0]["words"] == "SpO2 91 % <= 92 %"
    assert (second["pathway"], second["limits"]) == ("covid-oximetry-at-home@101", 2)
    assert second["findings"][0]["words"] == "SpO2 88 % <= 88 %"
    ledger = ward.ask("GET", f"/episodes/{ward.stays[CHANGED]}/ledger")
    [entry] = [e for e in ledger if e["what"] == "limits changed"]
    assert entry["words"].startswith("red_max 92 -> 88, amber_max 94 -> 90; usual SpO2 is 91")
    assert entry["by"] == NURSE


def test_t1_a_red_that_goes_silent_stays_red_becomes_overdue_and_climbs(ward: Ward) -> None:
    line = eventually(
        lambda: found if (found := ward.line(SILENT_RED))["overdue_since"] else None, 60
    )
    assert (line["place"], line["level"]) == ("red_and_overdue", "red")
    assert line["last_reading_at"] is not None
    # From the plan: five seconds after an agreed time that no reading filled.
    assert moment(line["overdue_since"]).second == 5
    chased = eventually(lambda: ward.alerts(SILENT_RED, "missing"))
    assert chased[0]["level"] == "overdue"
    [alert] = ward.alerts(SILENT_RED)
    assert (alert["state"], alert["owner"]) == ("open", None)
    assert "confirmed" in what(alert)
    assert called(alert)[:3] == [
        "step 1: ward nurse",
        "step 2: ward doctor",
        "step 3: ward doctor",
    ]
    taken = [step for step in alert["steps"] if step["taken_at"]]
    opened = moment(alert["opened_at"])
    after = [(moment(step["due_at"]) - opened).total_seconds() for step in taken]
    assert after[:3] == [0, 3, 7], after
    assert [call["to"] for call in alert["calls"]][:2] == ["ward_nurse", "ward_doctor"]
    assert alert["next_call_at"] is not None
    climbed = len(taken)
    eventually(lambda: len(called(ward.alerts(SILENT_RED)[0])) > climbed)
    assert ward.line(SILENT_RED)["place"] == "red_and_overdue"


def test_t2_who_never_reports_is_overdue_from_the_first_due_time_and_chased(ward: Ward) -> None:
    due = ward.first_due[NEVER]
    line = eventually(lambda: found if (found := ward.line(NEVER))["overdue_since"] else None, 60)
    assert (line["place"], line["never_reported"], line["level"]) == ("never_reported", True, None)
    assert moment(line["overdue_since"]) == due
    [alert] = eventually(lambda: ward.alerts(NEVER, "missing"))
    assert moment(alert["opened_at"]) == due + seconds(3)
    assert alert["findings"][0]["words"].startswith("never reported; the first reading was due")
    assert called(alert) == ["step 1: ward nurse"]
    assert [call["to"] for call in alert["calls"]] == ["ward_nurse"]
    # What goes to the patient is about no alert: it stands in the outbox alone.
    to_patients = ward.house.ask("SELECT text_id, due_at FROM message WHERE alert_id IS NULL")
    assert "remind.first" in [text for text, _ in to_patients]


def test_t4_a_kill_while_acknowledged_forgets_neither_owner_nor_deadlines_nor_ladder(
    ward: Ward,
) -> None:
    ward.sends(OWNED, a_reading(91, at=ward.now()))
    acknowledged = ward.act(becomes(ward, OWNED, "open"), "acknowledge")
    before = ward.alerts(OWNED)[0]
    ward.comes_back_with(102, LOWER)  # and who is here stays on version 101
    after = ward.alerts(OWNED)[0]
    assert (after["state"], after["owner"]) == ("acknowledged", NURSE)
    assert after["contact_by"] == before["contact_by"]
    assert moment(after["contact_by"]) == moment(acknowledged["acknowledged_at"]) + seconds(12)
    assert after["steps"] == before["steps"]
    assert after["ledger"][: len(before["ledger"])] == before["ledger"]
    # Nobody spoke with the patient: the owner is reminded, and the ladder begins anew.
    resumed = becomes(ward, OWNED, "open")
    tail = what(resumed)
    begin = tail.index("owner reminded")
    assert tail[begin : begin + 3] == ["owner reminded", "ladder resumed", "called"]
    owned = [step for step in resumed["steps"] if step["round"] == 2]
    assert moment(owned[0]["due_at"]) == moment(before["contact_by"]) + seconds(3)
    assert f"owner:{NURSE}" in [call["to"] for call in resumed["calls"]]


def test_t7_a_new_version_in_mid_stay_is_for_who_comes_next(ward: Ward) -> None:
    if ward.version == 101:  # the restart of T4 brings it too
        ward.comes_back_with(102, LOWER)
    ward.admit(AFTERWARDS)
    for home in (OTHER, AFTERWARDS):
        ward.sends(home, a_reading(91, at=ward.now()))
    old = becomes(ward, OTHER, "open")
    new = becomes(ward, AFTERWARDS, "provisional")
    assert (old["pathway"], old["level"]) == ("covid-oximetry-at-home@101", "red")
    assert (new["pathway"], new["level"]) == ("covid-oximetry-at-home@102", "amber")
    assert new["findings"][0]["words"] == "SpO2 91 % <= 94 %"

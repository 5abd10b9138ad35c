"""Real oximetry, the whole way: sixteen oximeters, every sample a reading, once.

What the ward should say is computed here from the CSV files, by other code than the gateway's.
"""

import re
from decimal import Decimal
from pathlib import Path
from time import sleep

import pytest

from tests.factories import NOON
from tests.journeys.house import House
from ward_service.contract.clock import real_clock

OXIMETERS = (1, 2, 4, 5)  # the third was not connected
SUBJECTS = (100001, 100002, 100003, 100004)
SAMPLE = re.compile(r"^ ?\d\d:\d\d:\d\d,")


def spo2_by_home(folder: Path) -> list[list[Decimal]]:
    """Return the SpO2 of each oximeter, in the order in which homes are given out."""
    found = []
    for subject in SUBJECTS:
        lines = (folder / f"uw_raw/{subject}.csv").read_text(encoding="utf-8-sig").splitlines()
        cells = [line.split(",") for line in lines if SAMPLE.match(line)]
        found += [[Decimal(row[oximeter]) for row in cells] for oximeter in OXIMETERS]
    return found


def first_red_words(values: list[Decimal]) -> str:
    """Say the first value that counts as 92 or less: half-way up belongs to the worse side."""
    value = next(v for v in values if v <= Decimal("92.5"))
    shown = format(value.normalize(), "f")
    if value == value.to_integral_value():
        return f"SpO2 {shown} % <= 92 %"
    counts_as = int(value) if value % 1 <= Decimal("0.5") else int(value) + 1
    return f"SpO2 {shown} % (counts as {counts_as} %) <= 92 %"


HOMES = [f"home-{n:02d}" for n in range(1, 17)]


@pytest.mark.recordings
@pytest.mark.parametrize("harm", ["none", "ward killed", "broker stopped"])
def test_every_sample_is_a_reading_once_and_every_first_red_is_said(
    house: House, recordings: Path, harm: str
) -> None:
    expected = spo2_by_home(recordings)
    assert sum(map(len, expected)) == 17_172
    house.admit(HOMES, real_clock().now())
    house.start_ward()
    house.start_homes("replay", str(recordings), "--fast")
    if harm != "none":
        house.wait_for(3_000, 60)
    if harm == "ward killed":
        house.kill_ward()
        sleep(1)
        house.start_ward()
    if harm == "broker stopped":
        house.broker.kill()
        house.broker.wipe()
        sleep(2)
        house.broker.start()
    house.homes_finish(90)
    assert house.counts() == {home: len(v) for home, v in zip(HOMES, expected, strict=True)}
    assert house.ask("SELECT count(DISTINCT reading_id) FROM reading") == [(17_172,)]
    assert house.ask("SELECT count(*) FROM quarantine") == [(0,)]
    # After an outage the newest goes before what had to wait: the first red is the first that came.
    came: dict[str, list[Decimal]] = {home: [] for home in HOMES}
    for home, spo2 in house.ask("SELECT gateway_id, spo2 FROM reading ORDER BY received_no"):
        came[home].append(Decimal(str(spo2)))
    assert [sorted(values) for values in came.values()] == [sorted(v) for v in expected]
    if harm != "broker stopped":
        came = dict(zip(HOMES, expected, strict=True))
    assert house.first_reds() == {home: first_red_words(v) for home, v in came.items()}
    alerts = "SELECT count(*) FROM alert WHERE alert_class = 'physiological'"
    assert house.ask(alerts) == [(16,)]


def test_a_recording_that_stays_above_the_band_has_no_alert(house: House, tmp_path: Path) -> None:
    lines = ["measured_at,spo2,pulse_rate"]
    lines += [f"{NOON:%Y-%m-%d}T12:{n // 60:02d}:{n % 60:02d}Z,{95 + n % 5},72" for n in range(600)]
    path = tmp_path / "well.csv"
    path.write_text("\n".join(lines) + "\n")
    house.admit(["home-01"], real_clock().now())
    house.start_ward()
    house.start_homes("replay", str(path), "--fast")
    house.homes_finish(60)
    assert house.counts() == {"home-01": 600}
    assert house.ask("SELECT count(*) FROM alert WHERE alert_class = 'physiological'") == [(0,)]

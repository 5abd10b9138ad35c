"""The ward watches real homes over a real broker: online, killed, retained, and what never came."""

from collections.abc import Callable
from datetime import timedelta
from time import monotonic, sleep
from typing import Any

from tests.factories import NOON, a_reading
from tests.factories import Home as Sender
from tests.journeys.house import House
from tests.journeys.test_bad_input import Wire, asked
from ward_service.contract.clock import VARIABLE, demo_clock, real_clock
from ward_service.contract.messages import Status


def until(true: Callable[[], bool], what: str) -> None:
    end = monotonic() + 40
    while not true():
        assert monotonic() < end, what
        sleep(0.1)


def the_home(house: House) -> Any:
    [home] = asked(house, "/gateways")["homes"]
    return home


def test_a_home_that_dies_is_offline_and_a_restart_of_the_ward_makes_no_news_of_it(
    house: House,
) -> None:
    began = real_clock().now()
    lines = [f"{(began + timedelta(seconds=n)).isoformat()},97,70" for n in range(600)]
    recording = house.folder / "day.csv"
    recording.write_text("\n".join(["measured_at,spo2,pulse_rate", *lines]) + "\n")
    house.admit(["home-01"], began - timedelta(minutes=10))
    house.start_ward()
    assert the_home(house)["online"] is None
    house.start_homes("replay", str(recording))
    until(lambda: the_home(house)["online"] is True, "it came online")
    online = the_home(house)
    assert online["software"].startswith("homeward ")
    assert online["told_at"] is not None
    house.kill_homes()
    until(lambda: the_home(house)["online"] is False, "its last will was heard")
    offline = the_home(house)
    assert offline["software"] == online["software"]  # a will says nothing of it
    house.kill_ward()
    house.start_ward()  # the broker gives the retained will again
    sleep(3)
    again = the_home(house)
    assert (again["online"], again["since"]) == (False, offline["since"])
    house.start_homes("replay", str(recording))
    until(lambda: the_home(house)["online"] is True, "it came back")


def test_what_never_came_is_told_and_a_forged_status_is_only_counted(house: House) -> None:
    clock = demo_clock(real_clock().wall(), NOON, 300.0)  # a quarter of an hour in three seconds
    house.more[VARIABLE] = clock.word()
    house.admit(["home-01"], NOON - timedelta(minutes=10))
    house.start_ward()
    sender, wire = Sender("home-01", house.keys["home-01"]), Wire(house)
    forged = sender.says(Status(online=False, sent_at=NOON), NOON, key=b"x" * 32)
    wire.send(forged, retain=True)
    sent = [sender.sends(a_reading(97, at=clock.now())) for _ in range(3)]
    wire.send(sent[0])
    wire.send(sent[2])
    until(lambda: the_home(house)["missing"] == 1, "its number is missing")
    words = "SELECT words FROM home_trouble"
    until(lambda: bool(house.ask(words)), "people were told")
    [[told]] = house.ask(words)
    assert told.startswith("1 reading was made at home and has not come since ")
    [line] = asked(house, "/triage")["patients"]
    assert told in [f["words"] for alert in line["alerts"] for f in alert["findings"]]
    wire.send(sent[1])
    until(lambda: the_home(house)["missing"] == 0, "it came after all")
    wire.close()
    assert asked(house, "/data-quality")["statuses_ignored"] == 1
    assert the_home(house)["online"] is None

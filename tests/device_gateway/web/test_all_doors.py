"""What is typed on the page is judged, alerted and advised like the same values over Bluetooth."""

from collections.abc import Mapping

import pytest

from tests.device_gateway.web.conftest import House, comes_in
from tests.ward_service.test_entry_routes import by_message, wards, what_came_of
from ward_service.contract.messages import Reading
from ward_service.contract.vocabulary import Source
from ward_service.ward import Ward

__all__ = ["wards"]  # a fixture

TYPED: list[tuple[Mapping[str, str], str, str]] = [
    ({"spo2": "97", "pulse_rate": "72"}, "none", "same"),
    ({"spo2": "93%", "pulse_rate": "80", "temperature": "37,2"}, "none", "same"),
    ({"spo2": "91", "pulse_rate": "104"}, "none", "worse"),
    ({"spo2": "92.5", "pulse_rate": "90"}, "none", "better"),
    ({"spo2": "45", "pulse_rate": "130"}, "none", "same"),
    ({"spo2": "72", "pulse_rate": "97"}, "none", "same"),
    ({"spo2": "98", "pulse_rate": "70"}, "blue_lips", "same"),
    ({}, "none", "worse"),
]


def types(house: House, typed: Mapping[str, str], flags: str, feeling: str) -> Reading:
    """Go through every screen, and say of an unlikely number that it is so."""
    client = house.client
    comes_in(client)
    path = client.post("/reading").url.path
    while not path.startswith("/sent/"):
        screen = path.rpartition("/")[2]
        given: dict[str, str] = {}
        if screen.startswith("ask-"):
            given["answer"] = {"ask-red_flags": flags, "ask-feeling": feeling}.get(screen, "none")
        elif screen in ("oximeter", "others"):
            names = ("spo2", "pulse_rate") if screen == "oximeter" else ("temperature",)
            given = {name: typed[name] for name in names if name in typed}
            given["sure" if given else "skip"] = "yes"
        path = client.post(path, data=given).url.path
    [reading] = house.readings()
    return reading


@pytest.mark.parametrize(("typed", "flags", "feeling"), TYPED, ids=str)
def test_the_page_is_a_door_like_any_other(
    house: House, wards: list[Ward], typed: Mapping[str, str], flags: str, feeling: str
) -> None:
    reading = types(house, typed, flags, feeling)
    assert reading.source is Source.PATIENT
    by_page = what_came_of(wards[0], by_message(Source.PATIENT), reading)
    same = reading.model_copy(update={"advice": None})
    by_bluetooth = what_came_of(wards[1], by_message(Source.BLE), same)
    assert by_page == by_bluetooth
    assert reading.advice is not None
    assert reading.advice.level == by_page["assessment"][0]  # home and ward call it the same

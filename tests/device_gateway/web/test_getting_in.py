"""A code and a year of birth let one device in, for as long as the ward says; a guesser fails."""

import time
from datetime import timedelta
from statistics import median

import pytest

from device_gateway.web.visits import Budget
from tests.device_gateway.web.conftest import (
    CARERS_CODE,
    CODE,
    DOORS,
    YEAR,
    House,
    a_reading_typed,
    comes_in,
)
from ward_service.contract.page_code import cleaned

WRONG = "do not fit together"
TOO_MANY = "too many tries"


def tries(house: House, code: str = CODE, year: int = YEAR - 1, times: int = 1) -> str:
    shown = ""
    for _ in range(times):
        shown = house.client.post("/in", data={"code": code, "year": str(year)}).text
    return shown


@pytest.mark.parametrize("typed", ["K7QM4XW9TR", "k7qm-4xw-9tr", " K7QM 4XW 9TR "])
def test_a_code_is_read_as_people_type_it(house: House, typed: str) -> None:
    assert "Take a reading now" in comes_in(house.client, typed)


def test_letters_that_look_like_digits_are_taken_for_them() -> None:
    assert cleaned("oil0-1") == "01101"


def test_the_link_of_the_letter_has_the_code_in_its_field_and_asks_for_the_year(
    house: House,
) -> None:
    shown = house.client.get(f"/k/{CODE}").text
    assert f'value="{CODE}"' in shown
    assert "autofocus" in shown


def test_nobody_is_in_without_coming_in(house: House) -> None:
    for path in ("/", "/readings", "/help", "/sent/01a210b8-4a3a-7099-b051-1da30f56e7bd"):
        assert house.client.get(path).url.path == "/in"
    assert house.client.post("/reading").url.path == "/in"


@pytest.mark.parametrize(
    ("code", "year"),
    [(CODE, YEAR + 1), ("K7QM4XW9TS", YEAR), ("ZZZZ4XW9TR", YEAR), (CODE[:9], YEAR), ("", YEAR)],
)
def test_a_wrong_code_and_a_wrong_year_are_told_in_the_same_words(
    house: House, code: str, year: int
) -> None:
    answer = house.client.post("/in", data={"code": code, "year": str(year)})
    assert (answer.status_code, WRONG in answer.text) == (403, True)
    assert house.client.get("/").url.path == "/in"


def test_after_five_wrong_tries_a_door_rests_even_for_the_right_code(house: House) -> None:
    assert WRONG in tries(house, times=5)
    assert TOO_MANY in tries(house, year=YEAR)
    house.hand.at += timedelta(minutes=14)
    assert TOO_MANY in tries(house, year=YEAR)
    house.hand.at += timedelta(minutes=2)
    assert "Take a reading now" in comes_in(house.client)


def test_other_doors_stay_open_while_one_rests(house: House) -> None:
    tries(house, times=5)
    assert "Take a reading now" in comes_in(house.visitor(), CARERS_CODE)


def test_after_twenty_wrong_tries_only_a_new_letter_helps(house: House) -> None:
    for _ in range(4):
        tries(house, times=5)
        house.hand.at += timedelta(hours=2)
    house.hand.at += timedelta(days=30)
    assert TOO_MANY in tries(house, year=YEAR)


def test_whoever_tries_many_doors_from_one_place_is_stopped(house: House) -> None:
    budget = Budget()
    for n in range(budget.from_one):
        assert WRONG in tries(house, code=f"{n:04d}4XW9TR")
    assert TOO_MANY in tries(house, code="99994XW9TR")
    house.hand.at += timedelta(minutes=61)
    assert "Take a reading now" in comes_in(house.client)


def test_the_right_code_forgives_ones_own_wrong_tries(house: House) -> None:
    for _ in range(6):
        tries(house, times=4)
        comes_in(house.client)


def test_a_door_that_is_not_there_takes_as_long_as_one_that_is(house: House) -> None:
    """Ratios in one run, of medians: no clock time is asserted."""
    costly = {"n": 2**14, "r": 8, "p": 1}
    house.plan(tuple(door.model_copy(update={"parameters": costly}) for door in DOORS))

    def takes(code: str) -> float:
        spent = []
        for _ in range(5):
            began = time.perf_counter()
            tries(house, code=code)
            spent.append(time.perf_counter() - began)
            house.hand.at += timedelta(hours=2)
        return median(spent)

    ratio = takes("ZZZZ4XW9TR") / takes("K7QM4XW9TS")
    assert 0.2 < ratio < 5  # without the work for nobody's door it is a hundredth


def test_a_device_is_remembered_and_can_be_forgotten(house: House) -> None:
    comes_in(house.client)
    house.hand.at += timedelta(days=60)
    assert house.client.get("/").url.path == "/"
    assert house.client.post("/out").url.path == "/in"
    assert house.client.get("/").url.path == "/in"


def test_a_door_that_the_ward_shut_lets_nobody_stay(house: House) -> None:
    carer = house.visitor()
    comes_in(house.client)
    comes_in(carer, CARERS_CODE)
    house.plan(DOORS[:1])
    assert carer.get("/").url.path == "/in"
    assert house.client.get("/").url.path == "/"
    house.ends()
    assert house.client.get("/").url.path == "/in"
    assert WRONG in tries(house, year=YEAR)


def test_a_form_of_another_site_does_nothing(house: House) -> None:
    comes_in(house.client)
    headers = {"origin": "https://elsewhere.example"}
    path = house.client.post("/reading").url.path
    house.client.post(path, data={"answer": "blue_lips"}, headers=headers)
    assert house.readings() == []
    assert house.client.post("/out", headers=headers).status_code == 404
    assert house.client.get("/").url.path == "/"  # and nobody is thrown out


def test_no_address_title_log_or_cache_holds_what_was_typed(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    comes_in(house.client)
    answer = house.client.get("/")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    a_reading_typed(house.client, "91", "104", **{"words-other": "my neighbour Pat helps"})
    for secret in (CODE, "K7QM-4XW", str(YEAR), "neighbour", "104"):
        assert secret not in caplog.text
    book = (house.folder / "page.db").read_bytes() + (house.folder / "page.db-wal").read_bytes()
    assert CODE.encode() not in book
    assert b"Pat helps" not in b"".join(
        row[3].encode() for row in house.book._rows("select * from draft", ())
    )


def test_the_cookie_is_for_this_page_alone(house: House) -> None:
    answer = house.client.post(
        "/in", data={"code": CODE, "year": str(YEAR)}, follow_redirects=False
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "secure" in cookie
    assert "samesite=lax" in cookie

"""A page over one real home with a plan, and somebody who comes in."""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import cast

import pytest
from starlette.testclient import TestClient

from device_gateway.config.homes_file import Broker
from device_gateway.home import Home, open_home
from device_gateway.web.app import create_app
from device_gateway.web.home_residents import OfHomes
from device_gateway.web.visits import Book
from tests.device_gateway.conftest import a_place
from tests.factories import COH, NOON
from tests.ward_service.domain.test_plan import a_stay
from ward_service.contract.clock import Clock
from ward_service.contract.messages import Reading
from ward_service.contract.page_code import slow_hash
from ward_service.contract.plan import Door, Plan
from ward_service.domain.pathway import Pathway
from ward_service.domain.plan import care_of, written

CODE, CARERS_CODE, YEAR = "K7QM4XW9TR", "C4RE4XW9TR", 1948
NOWHERE = Broker(host="127.0.0.1", port=9)


def a_door(code: str = CODE, who: str = "patient", year: int = YEAR) -> Door:
    """A door as the ward makes one, with a hash that costs little."""
    door = Door.model_validate(
        {
            "id": code[:4],
            "who": who,
            "algorithm": "scrypt",
            "parameters": {"n": 2**4, "r": 8, "p": 1},
            "salt": b64encode(b"not random here!").decode(),
            "hash": "AAAA",
        }
    )
    made = slow_hash(
        code, year, algorithm=door.algorithm, parameters=door.parameters, salt=door.salt
    )
    return door.model_copy(update={"hash": b64encode(made).decode()})


DOORS = (a_door(), a_door(CARERS_CODE, "carer"))


def a_plan(number: int, doors: tuple[Door, ...], pathway: Pathway = COH, **care: object) -> bytes:
    return plan_of(number, doors, pathway, NOON - timedelta(days=2), **care)


def plan_of(
    number: int, doors: tuple[Door, ...], pathway: Pathway, since: datetime, **care: object
) -> bytes:
    state = replace(a_stay(pathway, None), admitted_at=since)
    told = care_of(state, pathway, language="en", use="demo", signed=False)
    return written(Plan(number=number, care=told.model_copy(update=care), doors=doors))


@dataclass
class Hand:
    """A clock that a test moves."""

    at: datetime

    def now(self) -> datetime:
        return self.at


@dataclass
class House:
    """One home, its page, and the clock on its wall."""

    folder: Path
    hand: Hand
    home: Home
    book: Book
    client: TestClient
    number: int = 1

    def visitor(self) -> TestClient:
        """Somebody else, on a device of their own."""
        return a_client(self.client.app)

    def plan(self, doors: tuple[Door, ...] = DOORS, **care: object) -> None:
        self.number += 1
        self.home.adviser.take_plan(1, a_plan(self.number, doors, COH, **care), self.hand.at)

    def ends(self) -> None:
        self.number += 1
        ended = written(Plan(number=self.number, ended=True))
        self.home.adviser.take_plan(1, ended, self.hand.at)

    def readings(self) -> list[Reading]:
        return [Reading.model_validate_json(held.payload) for held in self.home.spool.after(0, 99)]


def a_client(app: object) -> TestClient:
    client = TestClient(app, base_url="https://page.example", follow_redirects=True)  # type: ignore[arg-type]
    client.headers["origin"] = "https://page.example"
    return client


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr("device_gateway.web.home_residents._DOORS_FOR_S", 0.0)
    hand = Hand(NOON)
    clock = cast(Clock, hand)
    home = open_home(a_place(1), NOWHERE, tmp_path, clock, Event())
    home.adviser.take_plan(1, a_plan(1, DOORS), NOON)
    book = Book(tmp_path / "page.db")
    client = a_client(create_app(OfHomes([home]), book, clock))
    yield House(tmp_path, hand, home, book, client)
    book.close()
    home.spool.close()


def comes_in(client: TestClient, code: str = CODE, year: int = YEAR) -> str:
    answer = client.post("/in", data={"code": code, "year": str(year)})
    assert answer.status_code == 200, answer.text
    return answer.text


def a_reading_typed(
    client: TestClient,
    spo2: str = "97",
    pulse: str = "72",
    flags: str = "none",
    feeling: str = "same",
    symptoms: str = "none",
    **last: str,
) -> str:
    """Go through every screen as a person does; return the last one."""
    answer = client.post("/reading")
    assert answer.url.path.endswith("/ask-red_flags"), answer.text
    answer = client.post(answer.url.path, data={"answer": flags})
    if answer.url.path.startswith("/sent/"):
        return str(answer.text)
    answer = client.post(answer.url.path)  # rested, and the number stands still
    answer = client.post(answer.url.path, data={"spo2": spo2, "pulse_rate": pulse})
    assert answer.url.path.endswith("/others"), answer.text
    answer = client.post(answer.url.path, data={"skip": "yes"})
    answer = client.post(answer.url.path, data={"answer": feeling})
    answer = client.post(answer.url.path, data={"answer": symptoms})
    assert answer.url.path.endswith("/last"), answer.text
    answer = client.post(answer.url.path, data=last)
    assert answer.url.path.startswith("/sent/"), answer.text
    return str(answer.text)

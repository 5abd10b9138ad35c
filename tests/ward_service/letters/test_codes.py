"""Doors: made once, shown once, kept nowhere, in the plan while they are open, and then not."""

import logging
import os
import re
import stat
import subprocess
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from pypdf import PdfReader
from sqlalchemy import select, text

from device_gateway.web.sign_in import NotLetInError, Place, come_in
from device_gateway.web.visits import Book, Refused
from tests.factories import COH, NOON, Home, a_home, a_ward
from tests.services import WARD
from tests.ward_service.homes.test_plans import FakeWire
from ward_service.api.app import create_app
from ward_service.bootstrap import add_account
from ward_service.contract.clock import demo_clock, real_clock
from ward_service.contract.letters import LetterWords
from ward_service.contract.page_code import PARAMETERS, characters, cleaned, grouped, slow_hash
from ward_service.contract.plan import Plan
from ward_service.contract.vocabulary import EndReason
from ward_service.domain.episode import Person, begin
from ward_service.domain.inputs import Ended
from ward_service.domain.limits import limits_at_admission
from ward_service.domain.plan import care_of
from ward_service.errors import ConflictError, NotFoundError
from ward_service.homes.plans import PlanSender
from ward_service.letters import codes
from ward_service.letters.codes import MOST_OPEN, open_door, revoke_door
from ward_service.letters.pdf import draw
from ward_service.letters.words import ENGLISH, letter_of
from ward_service.logs import set_up
from ward_service.stays.acts import act_on_stay
from ward_service.store.connect import engine_of
from ward_service.store.tables.alerts import LedgerRow
from ward_service.store.tables.homes import DoorRow
from ward_service.store.tables.stays import EpisodeRow
from ward_service.ward import Ward

PASSWORD = "correct horse battery"
BORN = 1950  # everybody's, in tests/factories.py
PAGE = "https://page.example"


@pytest.fixture
def ward(tmp_path: Path, database_url: str) -> Iterator[Ward]:
    opened = a_ward(tmp_path / "ward", database_url)
    opened.clock = demo_clock(real_clock().wall(), NOON, 1.0)
    add_account(opened, "nurse", "Nurse", PASSWORD)
    yield opened
    engine_of(opened.sessions).dispose()


@pytest.fixture
def home(ward: Ward) -> Home:
    return a_home(ward)


@pytest.fixture
def stay(ward: Ward, home: Home) -> UUID:
    return the_stay(ward)


def the_stay(ward: Ward) -> UUID:
    with ward.sessions() as session:
        rows = session.scalars(select(EpisodeRow).order_by(EpisodeRow.admitted_at.desc()))
        return rows.all()[0].id


@pytest.fixture
def plans(ward: Ward, stay: UUID) -> "Plans":
    return Plans(ward)


class Plans:
    """What the broker is given, as ingest gives it once a second."""

    def __init__(self, ward: Ward) -> None:
        self.post, self.wire = PlanSender(ward), FakeWire()
        self.beat()

    def beat(self) -> list[Plan]:
        self.post.deliver(self.wire, NOON)
        self.post.deliver(self.wire, NOON)
        return self.wire.plans()


def ledger(ward: Ward) -> list[tuple[str, str, str]]:
    with ward.sessions() as session:
        rows = session.scalars(select(LedgerRow).order_by(LedgerRow.id))
        return [(row.what, row.by, row.words) for row in rows]


def lets_in(plan: Plan, folder: Path, code: str, year: int | str) -> bool:
    """Whether the very page at home lets somebody in, by a plan that it was sent."""
    book = Book(folder / f"{code[-3:]}.db")
    known = {door.id: (door, Place("home-01", 1)) for door in plan.doors}
    try:
        come_in(code, str(year), "127.0.0.1", known, book, NOON)
    except NotLetInError as error:
        if error.why is not Refused.WRONG:
            raise
        return False
    finally:
        book.close()
    return True


# The code


def test_a_code_is_read_as_it_was_meant_and_printed_in_groups() -> None:
    assert grouped("K7QM4XW9TR") == "K7QM-4XW-9TR"
    assert cleaned(" k7qm-4xw 9tr") == "K7QM4XW9TR"
    assert cleaned("OIL0") == "0110"
    assert characters(0b11111_00000_00001, 3) == "Z01"
    assert characters((1 << 40) - 1, 4) == "ZZZZ"


def test_the_hash_is_of_code_and_year_and_bounded() -> None:
    made = slow_hash("K7QM4XW9TR", 1948, algorithm="scrypt", parameters=PARAMETERS, salt="AAAA")
    same = slow_hash("k7qm-4xw-9tr", 1948, algorithm="scrypt", parameters=PARAMETERS, salt="AAAA")
    assert made == same
    other = slow_hash("K7QM4XW9TR", 1949, algorithm="scrypt", parameters=PARAMETERS, salt="AAAA")
    assert made != other
    with pytest.raises(ValueError, match="cost too much"):
        slow_hash("K", 1, algorithm="scrypt", parameters={"n": 2**18, "r": 8, "p": 1}, salt="AAAA")
    with pytest.raises(ValueError, match="no such algorithm"):
        slow_hash("K", 1, algorithm="md5", parameters=PARAMETERS, salt="AAAA")


# Doors and plans


def test_a_door_goes_home_and_opens_with_code_and_year_and_nothing_else(
    ward: Ward, stay: UUID, plans: Plans, tmp_path: Path
) -> None:
    door, code = open_door(ward, stay, "patient", "nurse", "key-0001", NOON)
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{10}", code)
    assert code[:4] == door
    [plan] = plans.beat()
    [only] = plan.doors
    assert (only.id, only.who, only.parameters) == (door, "patient", {"n": 2**15, "r": 8, "p": 1})
    assert len(b64decode(only.salt)) == 16
    assert lets_in(plan, tmp_path, code, BORN)
    assert not lets_in(plan, tmp_path, code, BORN + 1)
    wrong = door + ("000000" if code[4:] != "000000" else "111111")
    assert not lets_in(plan, tmp_path, wrong, BORN)
    assert plans.beat() == []  # once


def test_a_revoked_door_leaves_the_plan_and_the_other_stays(
    ward: Ward, stay: UUID, plans: Plans
) -> None:
    first, _ = open_door(ward, stay, "patient", "nurse", "key-0001", NOON)
    second, _ = open_door(ward, stay, "carer", "nurse", "key-0002", NOON)
    [plan] = plans.beat()
    assert [door.id for door in plan.doors] == [first, second]
    revoke_door(ward, stay, first, "other", NOON)
    revoke_door(ward, stay, first, "again", NOON)
    [plan] = plans.beat()
    assert [(door.id, door.who) for door in plan.doors] == [(second, "carer")]
    assert ledger(ward)[-3:] == [
        ("door_opened", "nurse", f"a letter with a code for the patient was made (door {first})"),
        ("door_opened", "nurse", f"a letter with a code for the carer was made (door {second})"),
        (
            "door_revoked",
            "other",
            f"the code for the patient opens nothing any more (door {first})",
        ),
    ]


def test_an_ended_stay_has_no_door_and_gets_none(ward: Ward, stay: UUID, plans: Plans) -> None:
    open_door(ward, stay, "patient", "nurse", "key-0001", NOON)
    act_on_stay(ward, stay, Ended("nurse", EndReason.WITHDREW, "well", "yes", True), "end", NOON)
    plan = plans.beat()[-1]
    assert plan.ended
    assert plan.doors == ()
    with ward.sessions() as session:
        [row] = session.scalars(select(DoorRow))
        assert (row.revoked_at, row.revoked_by) == (NOON, "ward")
    with pytest.raises(ConflictError, match="ended"):
        open_door(ward, stay, "patient", "nurse", "key-0002", NOON)


def test_the_next_person_of_a_place_has_no_door_of_the_one_before(
    ward: Ward, stay: UUID, plans: Plans
) -> None:
    from tests.factories import an_admission
    from ward_service.stays.admission import admit

    open_door(ward, stay, "patient", "nurse", "key-0001", NOON)
    act_on_stay(ward, stay, Ended("nurse", EndReason.WITHDREW, "well", "yes", True), "end", NOON)
    admit(ward, an_admission("home-01"), NOON + timedelta(hours=1))
    assert plans.beat()[-1].doors == ()


def test_two_stays_never_have_an_open_door_of_one_name(
    ward: Ward, stay: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    door, _ = open_door(ward, stay, "patient", "nurse", "key-0001", NOON)
    a_home(ward, "home-02", NOON)
    names = iter([door, door, "0001"])

    def drawn(bits: int, length: int) -> str:
        return next(names) if length == 4 else characters(bits, length)

    monkeypatch.setattr(codes, "characters", drawn)
    other, _ = open_door(ward, the_stay(ward), "patient", "nurse", "key-0002", NOON)
    assert other == "0001"


def test_there_is_an_end_to_the_doors_of_one_stay(
    ward: Ward, stay: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "slow_hash", lambda *_, **__: b"quick")  # its cost is not tried here
    for n in range(MOST_OPEN):
        open_door(ward, stay, "carer", "nurse", f"key-{n:04d}", NOON)
    with pytest.raises(ConflictError, match="Revoke one first"):
        open_door(ward, stay, "carer", "nurse", "key-more", NOON)


def test_a_door_of_another_stay_is_not_to_be_shut_from_here(ward: Ward, stay: UUID) -> None:
    door, _ = open_door(ward, stay, "patient", "nurse", "key-0001", NOON)
    a_home(ward, "home-02", NOON)
    with pytest.raises(NotFoundError):
        revoke_door(ward, the_stay(ward), door, "nurse", NOON)


# Over HTTP


@pytest.fixture
def client(ward: Ward) -> TestClient:
    return TestClient(create_app(ward), raise_server_exceptions=False)


def signed_in(client: TestClient) -> dict[str, str]:
    given = {"username": "nurse", "password": PASSWORD}
    token = client.post("/session", json=given).json()["token"]
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": "a-letter-1"}


def make(client: TestClient, headers: dict[str, str], stay: UUID, **given: Any) -> Any:
    body = {"who": "patient", "page_url": PAGE} | given
    return client.post(f"/episodes/{stay}/letters", headers=headers, json=body)


def test_a_letter_says_its_code_once_and_the_list_never_does(
    client: TestClient, stay: UUID, plans: Plans, tmp_path: Path
) -> None:
    headers = signed_in(client)
    answer = make(client, headers, stay)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    letter = answer.json()
    assert letter["link"] == f"{PAGE}/k/{letter['code']}"
    assert re.fullmatch(r"\w{4}-\w{3}-\w{3}", letter["code"])
    assert b64decode(letter["pdf"]).startswith(b"%PDF")
    assert any("Nobody watches this page all the time" in w["english"] for w in letter["words"])
    assert lets_in(plans.beat()[-1], tmp_path, letter["code"], BORN)
    again = make(client, headers, stay)
    assert again.status_code == 409
    assert letter["door"] in again.json()["detail"]
    listed = client.get(f"/episodes/{stay}/doors", headers=headers)
    [door] = listed.json()
    assert (door["door"], door["who"], door["made_by"]) == (letter["door"], "patient", "nurse")
    assert not any(secret in listed.text for secret in (letter["code"], letter["code"][5:], "hash"))


def test_a_door_is_shut_over_http_and_stays_shut(client: TestClient, stay: UUID) -> None:
    headers = signed_in(client)
    door = make(client, headers, stay).json()["door"]
    url = f"/episodes/{stay}/doors/{door}"
    assert client.delete(url, headers=headers).status_code == 204
    assert client.delete(url, headers=headers).status_code == 204
    [shut] = client.get(f"/episodes/{stay}/doors", headers=headers).json()
    assert shut["revoked_by"] == "nurse"
    assert client.delete(f"/episodes/{stay}/doors/0000", headers=headers).status_code == 404


@pytest.mark.parametrize(
    "page", ["javascript:alert(1)", "https://page.example/?next=", "https://a@b.example", "page"]
)
def test_a_page_that_is_no_address_is_refused_and_nothing_is_made(
    client: TestClient, stay: UUID, page: str
) -> None:
    headers = signed_in(client)
    assert make(client, headers, stay, page_url=page).status_code == 422
    assert client.get(f"/episodes/{stay}/doors", headers=headers).json() == []


def test_without_a_page_nothing_is_made(client: TestClient, stay: UUID) -> None:
    answer = make(client, signed_in(client), stay, page_url=None)
    assert answer.status_code == 400
    assert "HOMEWARD_PAGE_URL" in answer.json()["detail"]


# What stays behind


def test_no_code_and_no_year_stays_in_log_database_or_ledger(
    ward: Ward,
    client: TestClient,
    stay: UUID,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    set_up()
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        letter = make(client, signed_in(client), stay).json()
    finally:
        logging.getLogger().setLevel(logging.WARNING)
    secret = cleaned(letter["code"])[4:]
    said = capfd.readouterr()
    kept = b"".join(file.read_bytes() for file in (tmp_path / "ward").rglob("*") if file.is_file())
    with ward.sessions() as session:
        rows = [list(row) for row in session.execute(text("SELECT * FROM door"))]
        rows += [list(row) for row in session.execute(text("SELECT * FROM ledger"))]
    for form in (secret, secret[:3] + "-" + secret[3:]):
        assert form not in said.err + said.out
        assert form.encode() not in kept
        assert form not in repr(rows)
    assert str(BORN) not in repr([row for row in rows if "scrypt" in row])
    assert "door.opened" in said.err


# At the command line


@pytest.fixture
def run(ward: Ward, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command as an operator does, on this ward."""
    settings = {
        "HOMEWARD_DATA_DIR": str(tmp_path / "ward"),
        "HOMEWARD_DATABASE_URL": ward.settings.database_url,
        "HOMEWARD_USE": "demo",
        "HOMEWARD_PAGE_URL": "",
    }

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(WARD), *command],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_operator_makes_lists_and_revokes_a_letter_and_no_terminal_says_its_code(
    stay: UUID, plans: Plans, tmp_path: Path, run: Callable[..., Any]
) -> None:
    file = tmp_path / "letter.pdf"
    command = ["letter", str(stay), "--carer", "--out", str(file)]
    refused = run(*command)
    assert refused.returncode == 1
    assert "HOMEWARD_PAGE_URL" in refused.stderr
    done = run(*command, "--page", PAGE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    paper = PdfReader(file).pages
    assert len(paper) == 1
    words = paper[0].extract_text()
    found = re.search(r"\b(\w{4})-(\w{3})-(\w{3})\b", words)
    assert found
    door, code = found[1], "".join(found.groups())
    assert lets_in(plans.beat()[-1], tmp_path, code, BORN)
    assert code[4:] not in (done.stdout + done.stderr).replace("-", "")
    for said in ("999", "111", "Nobody watches this page all the time", "somebody who helps", PAGE):
        assert said in words
    for never in ("1950", "Invented", "Pat ", "covid", "oximet", "07700"):
        assert never.lower() not in words.lower()
    listed = run("door", "list", str(stay))
    assert f"{door}  carer" in listed.stdout
    assert "open" in listed.stdout
    revoked = run("door", "revoke", str(stay), door)
    assert revoked.returncode == 0, revoked.stderr
    assert plans.beat()[-1].doors == ()
    assert run("door", "revoke", str(stay), "0000").returncode == 1


def test_a_letter_that_cannot_be_written_leaves_no_open_door(
    ward: Ward, stay: UUID, tmp_path: Path, run: Callable[..., Any]
) -> None:
    nowhere = str(tmp_path / "there is no such folder" / "letter.pdf")
    done = run("letter", str(stay), "--out", nowhere, "--page", PAGE)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    with ward.unit_of_work(read_only=True) as store:
        assert store.codes.open_of_stay(stay) == []


# The letter


def test_a_letter_is_in_the_persons_language_with_english_beside_it_and_scans_to_its_link() -> None:
    own = {"letter.title": "Twoja strona", "letter.year": "Rok urodzenia: {page}"}
    pathway = replace(COH, texts={**COH.texts, "pl": own})
    letter = letter_of(
        pathway,
        "pl",
        who="patient",
        code="K7QM4XW9TR",
        page_url=f"{PAGE}/",
        reference="AB12CD",
        phone="01632 960 123",
        interpreter="",
        signed=True,
    )
    assert letter.language == "pl"
    assert letter.title == LetterWords(english=ENGLISH["title"], own="Twoja strona")
    assert letter.link == f"{PAGE}/k/K7QM-4XW-9TR"
    words = PdfReader(BytesIO(draw(letter))).pages[0].extract_text()
    assert "Twoja strona" in words
    assert ENGLISH["title"] in words
    assert f"Rok urodzenia: {PAGE}" in words
    assert "Interpreter" not in words
    assert "UNSIGNED" not in words
    assert draw(letter) == draw(letter)


def test_the_words_of_a_letter_stay_at_the_ward() -> None:
    pathway = replace(COH, texts={"en": {**COH.texts["en"], "letter.title": "Words of a letter"}})
    state = begin(NOON, pathway, Person(limits=limits_at_admission(pathway)))
    care = care_of(state, pathway, language="en", use="demo", signed=False)
    assert not [id_ for id_ in care.texts["en"] if id_.startswith("letter.")]

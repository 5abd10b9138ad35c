"""What a phone judges by with no network is what the rules judge by; what it sends is kept once."""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from html import unescape
from typing import Any, cast

import pytest
from playwright.sync_api import Page

from device_gateway.spool.file import SpoolFullError
from device_gateway.web.app import HEADERS
from device_gateway.web.offline import OUTCOMES, sheet, steps, whose
from device_gateway.web.pages import HERE
from device_gateway.web.presenter import told_of
from device_gateway.web.resident import Resident
from device_gateway.web.sign_in import Place
from tests.conftest import missing
from tests.device_gateway.web.conftest import CARERS_CODE, DOORS, House, comes_in, plan_of
from tests.factories import COH, NOON
from tests.journeys.browser import a_browser, chromium
from tests.ward_service.domain.test_plan import own
from tests.ward_service.domain.test_rules_coverage import PATHWAYS
from ward_service.contract.ids import new_id
from ward_service.contract.messages import Answer, Observation, Reading
from ward_service.contract.typed_numbers import read_number
from ward_service.contract.vocabulary import Level, Mode, Source, Spo2Target, Vital
from ward_service.domain.advice import Standing, advise, after
from ward_service.domain.bands import WORRY, Bands
from ward_service.domain.from_wire import as_input
from ward_service.domain.inputs import ReadingArrived
from ward_service.domain.judge import judge
from ward_service.domain.limits import Limits, personal_bands
from ward_service.domain.pathway import Pathway
from ward_service.domain.plan import known_at_home, read_plan, rules_of


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A browser with the phone's own judge in it."""
    if chromium() is None:
        missing("Chromium", "install it, for example: apt-get install chromium")
    with a_browser() as browser:
        opened = browser.new_page()
        opened.add_script_tag(path=HERE / "static" / "judge.js")
        yield opened
        opened.close()


def a_resident(pathway: Pathway = COH, limits: Limits | None = None) -> Resident:
    care = read_plan(plan_of(1, DOORS, pathway, NOON - timedelta(days=2))).care
    assert care is not None
    plan = read_plan(plan_of(1, DOORS, pathway, NOON - timedelta(days=2)))
    ruled, own_limits = rules_of(plan)
    return Resident(Place("home-01", 1), care, ruled, limits or own_limits)


Said = tuple[dict[str, float], dict[str, list[str]], bool]


def judged_by_the_rules(
    resident: Resident, said: list[tuple[datetime, Said]]
) -> tuple[Level | None, tuple[str, ...]]:
    """What the home tells of the last of these readings, in service hours."""
    standing, advice = Standing(), None
    known = known_at_home(resident.care, resident.limits)
    for at, (values, answers, call_me) in said:
        reading = Reading(
            reading_id=new_id(at),
            measured_at=at,
            source=Source.PATIENT,
            observations=tuple(Observation(vital=Vital(v), value=x) for v, x in values.items()),
            answers=tuple(
                Answer(question=q, answer=a) for q, codes in answers.items() for a in codes
            ),
            call_me=call_me,
        )
        arrived = as_input(reading, 1)
        assert isinstance(arrived, ReadingArrived)
        judged = judge(arrived, known, at, resident.pathway)
        advice = advise(judged, standing, resident.pathway, Mode.MONITORED, at)
        standing = after(standing, judged, advice, resident.pathway)
    assert advice is not None
    return advice.level, advice.text_ids


def judged_by_the_phone(
    page: Page, resident: Resident, said: list[tuple[datetime, Said]]
) -> tuple[Level | None, tuple[str, ...]]:
    told = page.evaluate(
        """([sheet, said]) => {
          const earlier = [];
          let told;
          for (const [measured_at, [values, answers, call_me]] of said) {
            const one = {values, answers, words: {}, call_me};
            told = judge(sheet, one, earlier, Date.parse(measured_at));
            earlier.push({measured_at, judged: told});
          }
          return told;
        }""",
        [sheet(resident, "patient", "today"), [(at.isoformat(), it) for at, it in said]],
    )
    return told["level"] and Level(told["level"]), tuple(told["key"].split(" "))


NONE = {"red_flags": ["none"], "feeling": ["same"], "amber_symptoms": ["none"]}
FLAG = {"red_flags": ["collapse", "blue_lips"]}
WORSE = NONE | {"feeling": ["worse"]}
ONE: list[Said] = [
    *(({"spo2": x, "pulse_rate": 72.0}, NONE, False) for x in
      (100, 97, 95, 94.51, 94.5, 94.49, 94, 93, 92.51, 92.5, 92.49, 92, 91, 81, 80, 50, 49.99,
       3, 0)),
    *(({"spo2": x, "pulse_rate": y}, NONE, False) for x, y in
      ((80, 90), (80, 89.99), (72, 97), (72, 101), (81, 95), (45, 95), (97, 24.9), (97, 250),
       (97, 251), (91, 300), (93, 300), (97, 25))),
    *(({"spo2": x}, FLAG, False) for x in (99.0, 93.0, 90.0)),
    ({"spo2": 70.0, "pulse_rate": 98.0}, FLAG, False),
    *(({"spo2": x}, WORSE, False) for x in (99.0, 94.0, 92.0)),
    ({}, FLAG, False),
    ({}, NONE, False),
    ({}, WORSE, False),
    ({}, {}, False),
    ({}, {}, True),
    ({"spo2": 97.0}, {}, True),
    ({"spo2": 97.0}, {}, False),
    ({"pulse_rate": 72.0}, NONE, False),
    ({"temperature": 37.2}, NONE, False),
    ({"spo2": 97.0, "temperature": 99.0}, NONE, False),
    ({"spo2": 97.0, "weight": 70.0}, NONE, False),
    ({"spo2": 97.0}, {"red_flags": ["something_new"]}, False),
    ({"spo2": 97.0}, {"a_new_question": ["yes"]}, False),
    ({"spo2": 91.0}, {"a_new_question": ["yes"]}, False),
]  # fmt: skip


@pytest.mark.parametrize("said", ONE, ids=str)
def test_the_phone_tells_of_one_reading_what_the_rules_tell(page: Page, said: Said) -> None:
    resident = a_resident()
    told = judged_by_the_phone(page, resident, [(NOON, said)])
    assert told == judged_by_the_rules(resident, [(NOON, said)])
    assert told in [(one.level, one.text_ids) for one in OUTCOMES]  # so that there are words for it


@pytest.mark.parametrize("gap_s", [30, 59, 60, 600, 3_601, 86_399, 86_401])
@pytest.mark.parametrize("first", [97.0, 94.0, 91.0])
@pytest.mark.parametrize("second", [97.0, 94.0, 91.0])
def test_what_waits_on_the_phone_confirms_as_at_home(
    page: Page, first: float, second: float, gap_s: int
) -> None:
    """In service hours, both; what the phone has already sent it does not remember."""
    resident = a_resident()
    said = [
        (NOON, ({"spo2": first}, NONE, False)),
        (NOON + timedelta(seconds=gap_s), ({"spo2": second}, NONE, False)),
    ]
    assert judged_by_the_phone(page, resident, cast(Any, said)) == judged_by_the_rules(
        resident, cast(Any, said)
    )


@pytest.mark.parametrize("litres", [None, 0.0, 2.0])
@pytest.mark.parametrize("home_oxygen", [None, True, False])
@pytest.mark.parametrize("spo2", [83.0, 84.0, 86.0, 87.0, 88.0, 90.0, 92.0, 93.0, 96.0, 97.0])
def test_who_lives_between_88_and_92_is_judged_by_their_own_bands(
    page: Page, spo2: float, home_oxygen: bool | None, litres: float | None
) -> None:
    pathway = PATHWAYS["copd-88-92"]
    resident = a_resident(pathway, own(pathway, Spo2Target.RANGE_88_92, home_oxygen))
    values = {"spo2": spo2} | ({} if litres is None else {"supplemental_oxygen": litres})
    said: Said = (values, {}, False)
    told = judged_by_the_phone(page, resident, [(NOON, said)])
    rules = judged_by_the_rules(resident, [(NOON, said)])
    # A fall inside the range is found by the box: the phone then calls nothing good, and no more.
    fell = spo2 == 88 and rules[0] is Level.AMBER  # every edge of the bands lies elsewhere
    if fell or rules[0] is Level.GREEN:
        assert told[0] is None
    else:
        assert told == rules


@pytest.mark.parametrize("name", PATHWAYS)
def test_on_no_pathway_does_the_phone_call_good_what_the_rules_do_not(
    page: Page, name: str
) -> None:
    resident = a_resident(PATHWAYS[name])
    for spo2 in (99.0, 95.0, 93.0, 91.0, 88.0, 84.0, 70.0):
        for pulse in (38.0, 72.0, 115.0, 140.0):
            for temperature in (34.0, 37.0, 39.4):
                values = {"spo2": spo2, "pulse_rate": pulse, "temperature": temperature}
                said: Said = (values, {}, False)
                told, _ = judged_by_the_phone(page, resident, [(NOON, said)])
                rules, _ = judged_by_the_rules(resident, [(NOON, said)])
                if told is Level.GREEN:
                    assert rules is Level.GREEN, values
                if told is not None:
                    assert rules is not None
                    assert WORRY[told] <= WORRY[rules], (
                        values
                    )  # and it frightens nobody for nothing


@pytest.mark.parametrize("name", PATHWAYS)
def test_the_steps_of_a_phone_are_the_bands_for_every_number_that_can_be_typed(name: str) -> None:
    pathway = PATHWAYS[name]
    for target in Spo2Target:
        limits = own(pathway, target)
        for vital, rule in pathway.vitals.items():
            for ruled in rule.bands.values():
                bands = personal_bands(ruled, limits)
                if bands is None:
                    continue
                low, high = (int(edge * 100) for edge in (bands.tops[0] - 2, bands.tops[-1] + 2))
                for hundredths in range(low, high + 1):
                    value = hundredths / 100
                    assert _step(bands, value) is bands.place(value).level, (vital, target, value)


@pytest.mark.parametrize("digits", [0, 1, 2])
@pytest.mark.parametrize("tops", [(92.0, 94.0), (92.3, 94.7), (35.05, 38.0)])
def test_steps_hold_for_edges_that_a_person_reckons(tops: tuple[float, ...], digits: int) -> None:
    bands = Bands(tops, (Level.RED, Level.GREEN, Level.AMBER), digits)
    for hundredths in range(int(tops[0] * 100) - 150, int(tops[1] * 100) + 150):
        value = hundredths / 100
        assert _step(bands, value) is bands.place(value).level, value


def _step(bands: Bands, value: float) -> Level:
    return next(level for top, level in steps(bands) if top is None or value <= top)


@pytest.mark.parametrize(
    "text",
    ["97", "97%", " 97 % ", "97,5", "٩٧", "۹۷", "৯৭", "97.50", "72 bpm", "37,2 °C", "1048", "104",
     "ninety", "97 72", "-5", "97.123", "1e2", "0x61", "<90", "", "Infinity", "98.6 F",
     "\uff19\uff17", "\u096f\u096d"],
)  # fmt: skip
def test_what_the_phone_can_read_the_server_reads_as_the_same_number(page: Page, text: str) -> None:
    for vital in (Vital.SPO2, Vital.PULSE_RATE, Vital.TEMPERATURE):
        read = page.evaluate("([text, vital]) => readNumber(text, vital)", [text, vital])
        if read is not None:
            assert read_number(text, vital).value == read
    if text in ("97", "97%", "٩٧", "97,5"):
        assert page.evaluate("([text]) => readNumber(text, 'spo2')", [text]) is not None


# --- the form -------------------------------------------------------------------------------------


def test_the_form_has_the_words_of_this_person_for_each_thing_that_can_be_told(
    house: House,
) -> None:
    comes_in(house.client)
    shown = house.client.get("/offline").text
    resident = a_resident()
    for one in OUTCOMES:
        told = told_of(one.level, one.text_ids, resident, "en")
        found = re.search(rf'<template data-outcome="{one.key}">(.*?)</template>', shown, re.DOTALL)
        assert found, one.key
        text = unescape(found[1])
        assert told.heading in text
        for words in told.words:
            assert words.said in text
            assert words.net in text
    assert "If it is still 92 % or lower" in shown
    assert "Somebody on call" not in shown  # nobody is told, while it waits on a phone


def test_the_form_asks_for_red_flags_first_and_holds_no_name_and_no_reading(house: House) -> None:
    comes_in(house.client)
    house.client.post(
        "/api/readings", json=a_posted(house, values={"spo2": "91", "pulse_rate": "113"})
    )
    shown = house.client.get("/offline").text
    names = re.findall(r'data-name="([^"]+)"', shown)
    assert names[0] == "ask-red_flags"
    assert names[-1] == "last"
    assert not re.search(r"home-01|\b113\b|1948|K7QM", shown)


def test_nobody_who_is_not_in_has_a_form(house: House) -> None:
    assert house.client.get("/offline").url.path == "/in"


# Digits, bytes of an id, and codes of HTTP; 100 is what no per cent exceeds (contract/typed.py).
NO_CLINICAL_ONES = {
    "10",
    "16",
    "30",
    "32",
    "36",
    "100",
    "400",
    "401",
    "403",
    "422",
    "502",
    "503",
    "504",
}


def test_there_is_no_clinical_number_in_what_the_phone_runs() -> None:
    for name in ("judge.js", "offline.js", "outbox.js", "sw.js", "page.js"):
        code = re.sub(r"//.*", "", (HERE / "static" / name).read_text())
        numbers = set(re.findall(r"(?<![\w.\[{,#x])\b(\d{2,3})\b(?![\w\]}])", code))
        assert numbers <= NO_CLINICAL_ONES, name


def test_the_worker_keeps_only_files_that_are_there_and_has_no_inline_script(house: House) -> None:
    worker = house.client.get("/sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    files = re.findall(r'"(/static/[^"]+)"', worker.text)
    assert len(files) == len(set(files)) > 5
    for file in files:
        assert house.client.get(file).status_code == 200
    comes_in(house.client)
    shown = house.client.get("/offline").text
    assert "script-src 'self'" in HEADERS["Content-Security-Policy"]
    for script in re.findall(r"<script([^>]*)>", shown):
        assert "src=" in script or 'type="application/json"' in script


def test_answers_are_compressed(house: House) -> None:
    comes_in(house.client)
    answer = house.client.get("/offline")
    assert answer.headers["content-encoding"] == "gzip"


# --- what a phone sends ---------------------------------------------------------------------------


def a_posted(house: House, **given: Any) -> dict[str, Any]:
    now = house.hand.at
    posted: dict[str, Any] = {
        "reading_id": str(new_id(now)),
        "for": whose_of(house),
        "who": "patient",
        "measured_at": now.isoformat(),
        "now": now.isoformat(),
        "values": {"spo2": "97%", "pulse_rate": " ٧٢ "},
        "answers": {"red_flags": ["none"], "feeling": ["same"]},
        "words": {"other": " slept badly "},
        "call_me": False,
    }
    return posted | given


def whose_of(house: House) -> str:
    plan = house.home.adviser.plan(1)
    assert plan is not None
    assert plan.care is not None
    pathway, limits = rules_of(plan)
    return whose(Resident(Place("home-01", 1), plan.care, pathway, limits))


def test_a_reading_that_waited_is_kept_once_with_the_time_it_was_measured(house: House) -> None:
    comes_in(house.client)
    measured = house.hand.at
    posted = a_posted(house)
    house.hand.at += timedelta(hours=3)
    posted["now"] = house.hand.at.isoformat()
    first = house.client.post("/api/readings", json=posted)
    assert (first.status_code, first.json()["kept"]) == (201, posted["reading_id"])
    posted["now"] = (house.hand.at - timedelta(seconds=2)).isoformat()  # a slower way
    again = house.client.post("/api/readings", json=posted)
    assert again.status_code == 200
    assert again.json() == first.json()
    [reading] = house.readings()
    assert reading.measured_at == measured
    assert {o.vital: o.value for o in reading.observations} == {
        Vital.SPO2: 97,
        Vital.PULSE_RATE: 72,
    }
    assert Answer(question="other", answer="slept badly") in reading.answers
    assert reading.advice is not None
    assert reading.advice.level is None  # late: it reassures nobody
    assert house.client.get(f"/sent/{posted['reading_id']}").status_code == 200


@pytest.mark.parametrize("off", [timedelta(hours=-7), timedelta(minutes=40), timedelta(days=400)])
def test_a_phone_whose_clock_is_wrong_says_how_long_ago_it_was(
    house: House, off: timedelta
) -> None:
    comes_in(house.client)
    posted = a_posted(
        house,
        measured_at=(house.hand.at + off - timedelta(minutes=50)).isoformat(),
        now=(house.hand.at + off).isoformat(),
    )
    assert house.client.post("/api/readings", json=posted).status_code == 201
    assert house.readings()[0].measured_at == house.hand.at - timedelta(minutes=50)


def test_eight_at_once_are_one_reading(house: House) -> None:
    comes_in(house.client)
    posted = a_posted(house)
    cookies = dict(house.client.cookies)

    def send(n: int) -> int:
        visitor = house.visitor()
        visitor.cookies.update(cookies)
        now = (house.hand.at - timedelta(milliseconds=n)).isoformat()
        return visitor.post("/api/readings", json=posted | {"now": now}).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(send, range(8)))
    assert set(codes) <= {200, 201}
    assert len(house.readings()) == 1


def test_what_was_unlikely_and_stood_is_kept_as_it_is(house: House) -> None:
    comes_in(house.client)
    posted = a_posted(house, values={"spo2": "45", "pulse_rate": "130"})
    told = house.client.post("/api/readings", json=posted).json()["told"]
    assert told["level"] == "red"
    assert house.readings()[0].observations[0].value == 45
    swapped = a_posted(house, values={"spo2": "72", "pulse_rate": "97"})
    assert "swap.ask" in house.client.post("/api/readings", json=swapped).json()["told"]["text_ids"]


def test_an_answer_that_the_plan_does_not_know_any_more_is_kept_for_a_person(house: House) -> None:
    comes_in(house.client)
    posted = a_posted(house, answers={"red_flags": ["none", "of_an_older_plan"]})
    told = house.client.post("/api/readings", json=posted).json()["told"]
    assert told["level"] is None  # not green
    assert [a.answer for a in house.readings()[0].answers][:1] == ["of_an_older_plan"]


def test_who_typed_it_is_kept_though_another_letter_sends_it(house: House) -> None:
    comes_in(house.client, CARERS_CODE)
    house.client.post("/api/readings", json=a_posted(house, who="carer"))
    house.client.post("/api/readings", json=a_posted(house))
    assert [reading.source for reading in house.readings()] == [Source.CARER, Source.PATIENT]


def test_nobody_sends_without_being_in_and_the_phone_is_told_so(house: House) -> None:
    answer = house.client.post("/api/readings", json=a_posted(house))
    assert answer.status_code == 401
    assert house.readings() == []


def test_what_was_typed_for_another_stay_is_not_taken(house: House) -> None:
    comes_in(house.client)
    posted = a_posted(house)
    another = plan_of(9, DOORS, COH, house.hand.at - timedelta(hours=1))  # who has the place now
    assert house.home.adviser.take_plan(1, another, house.hand.at)
    assert house.client.post("/api/readings", json=posted).status_code == 403
    assert house.readings() == []


@pytest.mark.parametrize(
    "given",
    [
        {"values": {"spo2": "ninety"}},
        {"values": {"happiness": "9"}},
        {"reading_id": "7"},
        {"measured_at": "yesterday"},
        {"measured_at": "2026-11-24T12:00:00"},
        {"now": "0001-01-01T00:00:00Z", "measured_at": "9999-12-31T00:00:00Z"},
        {"who": "doctor"},
        {"answers": {"": ["x"]}},
        {"answers": {f"q{n}": ["x"] * 32 for n in range(9)}},
        {"words": {"other": "x" * 20_000}},
    ],
    ids=lambda given: str(given)[:40],
)
def test_what_cannot_be_read_is_said_and_not_repeated(
    house: House, given: Mapping[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    comes_in(house.client)
    answer = house.client.post("/api/readings", json=a_posted(house, **given))
    assert answer.status_code == 422, answer.text
    assert "ninety" not in answer.text + caplog.text
    assert house.readings() == []
    answer = house.client.post("/api/readings", content=b"not json")
    assert answer.status_code == 422


def test_no_room_is_said_and_the_phone_keeps_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    comes_in(house.client)
    posted = a_posted(house)

    def full(*_: object) -> list[int]:
        raise SpoolFullError("full")

    monkeypatch.setattr(house.home.spool, "add", full)
    answer = house.client.post("/api/readings", json=posted)
    assert answer.status_code == 507
    assert "kept" not in answer.json()
    monkeypatch.undo()
    assert house.client.post("/api/readings", json=posted).status_code == 201
    assert len(house.readings()) == 1


def test_another_site_sends_nothing(house: House) -> None:
    comes_in(house.client)
    headers = {"origin": "https://elsewhere.example"}
    answer = house.client.post("/api/readings", json=a_posted(house), headers=headers)
    assert answer.status_code == 404
    assert house.readings() == []


# --- whoever is out in the middle -----------------------------------------------------------------


def test_what_is_half_typed_waits_for_whoever_comes_in_again_by_the_same_door(
    house: House,
) -> None:
    comes_in(house.client)
    path = house.client.post("/reading").url.path
    path = house.client.post(path, data={"answer": "none"}).url.path
    house.client.cookies.clear()
    asked = house.client.post(path)
    assert asked.url.path == "/in"
    assert f'name="back" value="{path}"' in asked.text
    carer = house.visitor()
    comes_in(carer, CARERS_CODE)
    assert carer.get(path).url.path == "/"  # by another door it is not there
    answer = house.client.post("/in", data={"code": "K7QM4XW9TR", "year": "1948", "back": path})
    assert answer.url.path == path
    assert house.client.post(path).url.path.endswith("/oximeter")


def test_what_was_half_typed_is_gone_with_the_door_that_the_ward_shut(house: House) -> None:
    comes_in(house.client)
    path = house.client.post("/reading").url.path
    house.plan(DOORS[1:])
    assert house.client.post(path, data={"answer": "none"}).url.path == "/in"
    house.plan()
    comes_in(house.client)
    assert house.client.get(path).url.path == "/"


@pytest.mark.parametrize(
    "back", ["https://elsewhere.example", "//elsewhere.example", "/out", "/in"]
)
def test_nobody_is_sent_elsewhere_after_coming_in(house: House, back: str) -> None:
    shown = house.client.get("/in", params={"back": back}).text
    assert 'name="back"' not in shown
    answer = house.client.post("/in", data={"code": "K7QM4XW9TR", "year": "1948", "back": back})
    assert answer.url.path == "/"

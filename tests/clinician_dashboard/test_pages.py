"""Each page, drawn by Streamlit itself: empty, filled, the ward away, signed out."""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

import clinician_dashboard
from clinician_dashboard.ward_api.ward_api import (
    RefusedError,
    SignedOutError,
    WardApi,
    WardAwayError,
)
from tests.clinician_dashboard.test_entry import a_check, a_form, an_entered
from tests.clinician_dashboard.test_explanation import a_reason, an_explanation
from tests.clinician_dashboard.test_homes import a_home_of
from tests.clinician_dashboard.test_stay import a_task, some_limits
from tests.clinician_dashboard.test_view_models import a_board, a_line, a_pathway, an_alert
from tests.factories import NOON, minutes
from ward_service.contract.entry import CheckView, DiaryView, EnteredView, FormView, PhoneReading
from ward_service.contract.http.alerts import AlertView
from ward_service.contract.http.board import BoardVersionView, BoardView, Place
from ward_service.contract.http.explanation import ExplanationView
from ward_service.contract.http.homes import HomesView, HomeView
from ward_service.contract.http.problem import RowWords
from ward_service.contract.http.readings import DataQualityView, ReadingsPage, ReadingView
from ward_service.contract.http.session import ClinicianView
from ward_service.contract.http.stays import LimitsView, TaskView
from ward_service.contract.ids import new_id
from ward_service.contract.letters import DoorView, LetterView
from ward_service.contract.vocabulary import (
    AlertState,
    EndReason,
    Level,
    PauseReason,
    Source,
    Spo2Target,
    Vital,
)

EVERY_PAGE = ["ward_list.py", "patient.py", "tasks.py", "homes.py", "data_quality.py"]
ON_ALERTS = ("acknowledge", "take_over", "contact", "resolve")
PAGES = Path(clinician_dashboard.__file__).parent / "pages"


@pytest.fixture(scope="module", autouse=True)
def _installed_once() -> Iterator[None]:
    """Streamlit would read the metadata of every installed package again for each page."""
    found = manifest_scanner.scan_component_manifests()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", lambda: found)
        yield


class FakeWard(WardApi):
    """A ward that answers from memory; breaks when told to."""

    board_now: BoardView = a_board()
    breaks_with: Exception | None = None
    refuses_with: Exception | None = None
    to_do: tuple[TaskView, ...] = ()
    its_homes: tuple[HomeView, ...] = ()
    its_doors: tuple[DoorView, ...] = ()
    its_readings: tuple[ReadingView, ...] = ()
    done: list[tuple[Any, ...]] = []
    why: ExplanationView = an_explanation()

    def __init__(self, _: str = "") -> None:
        if FakeWard.breaks_with:
            raise FakeWard.breaks_with

    def me(self) -> ClinicianView:
        return ClinicianView(username="nurse-3", name="Nurse 3")

    def board(self) -> BoardView:
        return FakeWard.board_now

    def board_version(self) -> BoardVersionView:
        board = FakeWard.board_now
        return BoardVersionView(version=board.version, as_of=board.as_of, health=board.health)

    def pathways(self) -> Any:
        return (a_pathway(),)

    def alerts(self, episode_id: Any) -> Any:
        return FakeWard.board_now.patients[0].alerts

    def alert(self, alert_id: Any) -> Any:
        return next(a for a in FakeWard.board_now.patients[0].alerts if a.id == alert_id)

    def explanation(self, alert_id: Any) -> ExplanationView:
        self._did("explanation", alert_id)
        return FakeWard.why

    def acknowledge(self, alert_id: Any, version: int, who: str) -> Any:
        return self._did("acknowledge", alert_id, version, who)

    def take_over(self, alert_id: Any, version: int, who: str) -> Any:
        return self._did("take_over", alert_id, version, who)

    def contact(self, alert_id: Any, sight: str, who: str, given: Any) -> Any:
        return self._did("contact", alert_id, sight, who, given)

    def resolve(self, alert_id: Any, version: int, who: str, given: Any) -> Any:
        return self._did("resolve", alert_id, version, who, given)

    def limits(self, episode_id: Any) -> LimitsView:
        return some_limits()

    def tasks(self) -> Any:
        return FakeWard.to_do

    def pause(self, *what: Any) -> None:
        self._did("pause", *what)

    def unpause(self, *what: Any) -> None:
        self._did("unpause", *what)

    def end(self, *what: Any) -> None:
        self._did("end", *what)

    def change_limits(self, *what: Any) -> None:
        self._did("limits", *what)

    def finish_task(self, *what: Any) -> None:
        self._did("task", *what)

    def form(self, episode_id: Any) -> FormView:
        return a_form(episode_id)

    def check_reading(self, episode_id: Any, told: PhoneReading) -> CheckView:
        return a_check(told)

    def enter_reading(self, *what: Any) -> EnteredView:
        self._did("phone", *what)
        return an_entered()

    def enter_diary(self, *what: Any) -> DiaryView:
        self._did("diary", *what)
        return DiaryView(rows=(), alerts=())

    def _did(self, *what: Any) -> Any:
        FakeWard.done.append(what)
        if FakeWard.refuses_with:
            raise FakeWard.refuses_with
        return self.alert(what[1]) if what[0] in ON_ALERTS else None

    def latest_readings(self, episode_id: Any, count: int) -> ReadingsPage:
        its = FakeWard.its_readings
        return ReadingsPage(readings=its, total=len(its), next_after=None)

    def doors(self, episode_id: Any) -> Any:
        return FakeWard.its_doors

    def make_letter(self, *what: Any) -> LetterView:
        self._did("letter", *what)
        return a_letter()

    def revoke_door(self, *what: Any) -> None:
        self._did("revoke", *what)

    def looked(self, *what: Any) -> None:
        self._did("looked", *what)

    def homes(self) -> HomesView:
        return HomesView(as_of=FakeWard.board_now.as_of, homes=FakeWard.its_homes)

    def data_quality(self) -> DataQualityView:
        return DataQualityView(
            readings=4,
            doubtful=1,
            time_doubtful=0,
            late=0,
            quarantined=1,
            quarantined_by_reason={"not JSON": 1},
            doubts={"looks_swapped": 1},
            latest=(),
        )


@pytest.fixture(autouse=True)
def fake_ward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clinician_dashboard.session.WardApi", FakeWard)
    monkeypatch.setattr(FakeWard, "board_now", a_board())
    monkeypatch.setattr(FakeWard, "breaks_with", None)
    monkeypatch.setattr(FakeWard, "refuses_with", None)
    monkeypatch.setattr(FakeWard, "done", [])
    monkeypatch.setattr(FakeWard, "to_do", ())
    monkeypatch.setattr(FakeWard, "its_homes", ())
    monkeypatch.setattr(FakeWard, "its_doors", ())
    monkeypatch.setattr(FakeWard, "its_readings", ())


def drawn(page: str) -> AppTest:
    app = AppTest.from_file(PAGES / page, default_timeout=30).run()
    assert not app.exception, app.exception
    return app


def components(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(node.proto.json) for node in app.get("bidi_component")]


def opened_with(monkeypatch: pytest.MonkeyPatch, *alerts: AlertView, **more: Any) -> AppTest:
    """The patient's page of somebody with these alerts."""
    line = a_line(place=Place.RED, alerts=alerts, waiting_since=NOON, **more)
    monkeypatch.setattr(FakeWard, "board_now", a_board(line))
    app = AppTest.from_file(PAGES / "patient.py", default_timeout=30)
    app.session_state["episode"] = str(line.episode_id)
    app.run()
    assert not app.exception
    return app


def test_the_patients_page_finds_its_patient_again_after_a_reload(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = a_line(family_name="Ash")
    monkeypatch.setattr(FakeWard, "board_now", a_board(line))
    app = AppTest.from_file(PAGES / "patient.py", default_timeout=30)
    app.session_state["episode"] = str(line.episode_id)
    app.run()
    assert dict(app.query_params) == {"stay": str(line.episode_id)}  # an id, and no identity
    reloaded = AppTest.from_file(PAGES / "patient.py", default_timeout=30)
    reloaded.query_params["stay"] = str(line.episode_id)
    reloaded.run()
    assert reloaded.markdown[0].value == "# ASH, Pat"
    nobody = AppTest.from_file(PAGES / "patient.py", default_timeout=30)
    nobody.query_params["stay"] = "<b>nobody</b>"
    assert nobody.run().info[0].value == "Open a patient on the ward list first."


def the(widgets: Any, label: str) -> Any:
    [found] = [widget for widget in widgets if widget.label == label]
    return found


def test_why_an_alert_rang_is_one_click_away_and_asked_for_only_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alert = an_alert()
    app = opened_with(monkeypatch, alert)
    assert FakeWard.done == []
    assert "What confirmed it" not in str(app.markdown)
    the(app.toggle, "Why did this ring?").set_value(True).run()
    assert not app.exception
    assert FakeWard.done == [("explanation", alert.id)]
    assert "**What confirmed it**" in [markdown.value for markdown in app.markdown]
    said = [text.value for text in app.text]
    assert "• NEXT, 12:15: step 2, ward doctor" in said
    assert any(line.startswith("covid-oximetry-at-home.yaml:49") for line in said)
    the(app.toggle, "Why did this ring?").set_value(False).run()
    assert "**What confirmed it**" not in [markdown.value for markdown in app.markdown]


def test_what_people_typed_shows_itself_where_an_alert_is_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeWard, "why", an_explanation(findings=(a_reason(words="**<b>x"),)))
    app = opened_with(monkeypatch, an_alert())
    the(app.toggle, "Why did this ring?").set_value(True).run()
    assert any(r"\*\*\<b\>x" in markdown.value for markdown in app.markdown)


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_a_page_of_a_ward_that_is_away_says_so_and_shows_no_traceback(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeWard, "breaks_with", WardAwayError("away"))
    assert "The ward does not answer" in drawn(page).error[0].value


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_a_page_of_nobody_shows_nothing(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeWard, "breaks_with", SignedOutError("out"))
    app = drawn(page)
    assert app.warning[0].value == "You are signed out."
    assert components(app) == []


@pytest.mark.parametrize("names", [[], ["Ash", "Birch"]])
def test_the_list_draws_what_it_is_given(names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    board = a_board(*(a_line(family_name=name) for name in names))
    monkeypatch.setattr(FakeWard, "board_now", board)
    status, table = components(drawn("ward_list.py"))
    assert [row["name"] for row in table["rows"]] == [f"{name.upper()}, Pat" for name in names]
    assert status["use"] == "DEMO USE: UNSIGNED pathway, not for care"


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_every_screen_says_that_the_rules_are_unsigned(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = a_line()
    monkeypatch.setattr(FakeWard, "board_now", a_board(line))
    app = AppTest.from_file(PAGES / page, default_timeout=30)
    app.session_state["episode"] = str(line.episode_id)
    app.run()
    assert components(app)[0]["use"] == "DEMO USE: UNSIGNED pathway, not for care"


def test_a_patient_says_that_the_stay_is_unsigned_and_paused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = opened_with(monkeypatch, paused_until=NOON + minutes(60))
    assert "covid-oximetry-at-home@1: UNSIGNED, not for care" in app.text[0].value
    assert app.markdown[1].value == "**PAUSED until 13:00: nothing is expected**"


def test_when_the_ward_goes_away_the_last_list_stays_and_is_said_to_be_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeWard, "board_now", a_board(a_line(family_name="Ash")))
    app = drawn("ward_list.py")
    before, _ = components(app)
    monkeypatch.setattr(FakeWard, "breaks_with", WardAwayError("away"))
    status, table = components(app.run())
    assert status["trouble"] == (
        "The ward does not answer. What stands below is from 12:00: do not rely on it."
    )
    assert status["heard"] == before["heard"]  # from which the browser counts by its own clock
    assert [row["name"] for row in table["rows"]] == ["ASH, Pat"]


def test_a_patient_is_drawn_with_the_alert_and_a_way_to_close_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = opened_with(monkeypatch, an_alert())
    said = [text.value for text in app.text]
    assert any("RED (physiological)" in bold.value for bold in app.markdown)
    assert "• SpO2 91 % <= 92 %, 12:00" in said
    assert '"minutes": "%H:%M"' in app.get("vega_lite_chart")[0].proto.spec
    assert not app.radio
    the(app.toggle, "Record what was done and close").set_value(True).run()
    assert (app.radio[0].label, app.radio[0].value) == ("Outcome", None)


def test_a_contact_is_written_down_only_when_it_was_said_whether_somebody_was_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = opened_with(monkeypatch, an_alert())
    the(app.toggle, "Record a contact with the patient").set_value(True).run()
    assert the(app.radio, "Did you speak with the patient?").value is None
    the(app.button, "Record this contact").click().run()
    assert "Say whether you spoke with the patient" in app.error[0].value
    assert FakeWard.done == []
    the(app.radio, "Did you speak with the patient?").set_value(False)
    the(app.button, "Record this contact").click().run()
    [(_, _, _, who, given)] = FakeWard.done
    assert (who, given.channel, given.reached) == ("nurse-3", "phone", False)
    assert not the(app.toggle, "Record a contact with the patient").value


@pytest.mark.parametrize(
    ("owner", "label", "deed"),
    [
        (None, "Take", "acknowledge"),
        ("nurse-3", "Keep it for the next shift", "acknowledge"),
        ("nurse-4", "Take over from nurse-4", "take_over"),
    ],
)
def test_an_alert_is_taken_kept_or_taken_over_as_it_was_seen(
    owner: str | None, label: str, deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = AlertState.ACKNOWLEDGED if owner else AlertState.OPEN
    alert = an_alert(state=state, owner=owner, acknowledged_at=NOON)
    app = opened_with(monkeypatch, alert)
    button = the(app.button, label)
    worse = alert.model_copy(update={"version": 4})
    line = FakeWard.board_now.patients[0].model_copy(update={"alerts": (worse,)})
    monkeypatch.setattr(FakeWard, "board_now", a_board(line))
    button.click().run()
    assert FakeWard.done == [(deed, alert.id, 3, "nurse-3")]


def test_what_has_become_worse_is_not_closed_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    alert = an_alert()
    app = opened_with(monkeypatch, alert)
    the(app.toggle, "Record what was done and close").set_value(True).run()
    worse = alert.model_copy(update={"version": 4})
    line = FakeWard.board_now.patients[0].model_copy(update={"alerts": (worse,)})
    monkeypatch.setattr(FakeWard, "board_now", a_board(line))
    the(app.radio, "Outcome").set_value("advice")
    monkeypatch.setattr(FakeWard, "refuses_with", RefusedError("It has changed. Look again."))
    the(app.button, "Close this alert").click().run()
    assert app.error[0].value == "It has changed. Look again. Nothing was changed."
    monkeypatch.setattr(FakeWard, "refuses_with", None)
    the(app.button, "Close this alert").click().run()
    assert [version for _, _, version, *_ in FakeWard.done] == [3, 4]


def test_what_is_past_its_time_is_said_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened_with(
        monkeypatch, an_alert(respond_by=NOON - minutes(5), next_call_at=NOON + minutes(15))
    )
    assert app.error[0].value == r"PAST ITS TIME\: somebody takes this alert by 11\:55, 5 min ago"
    assert "→ somebody is called next at 12:15" in [text.value for text in app.text]


def test_nobody_opened_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeWard, "board_now", a_board(a_line()))
    assert "Open a patient on the ward list first" in drawn("patient.py").info[0].value


def test_data_quality_is_counted_in_words() -> None:
    said = [text.value for text in drawn("data_quality.py").text]
    assert "4 readings are kept" in said
    assert "once: the two numbers look swapped" in said


def test_forms_about_the_stay_are_closed_and_nothing_in_them_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = opened_with(monkeypatch, paused_until=NOON + minutes(60))
    assert len(app.toggle) == 7
    assert not app.radio
    for toggle in app.toggle:
        toggle.set_value(True)
    app.run()
    assert {radio.value for radio in app.radio} == {None}
    numbers = [number for number in app.number_input if number.label != "How many rows"]
    assert {number.value for number in numbers} == {None}
    for button in ("Pause", "Change the limits"):
        the(app.button, button).click().run()
        assert "Nothing was changed" in app.error[0].value
    assert FakeWard.done == []


def test_a_pause_has_a_reason_and_an_end_by_the_clock_on_the_wall(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = opened_with(monkeypatch)
    the(app.toggle, "Pause: expect no readings for a while").set_value(True).run()
    the(app.radio, "Why").set_value(PauseReason.IN_HOSPITAL)
    app.date_input[0].set_value(date(2026, 7, 1))
    app.time_input[0].set_value(time(9, 0))
    the(app.button, "Pause").click().run()
    [(_, _, _, who, given)] = FakeWard.done
    assert (who, given.reason) == ("nurse-3", "in_hospital")
    assert given.until.isoformat() == "2026-07-01T09:00:00+01:00"


def test_a_pause_is_ended_and_readings_are_expected_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened_with(monkeypatch, paused_until=NOON + minutes(60))
    the(app.toggle, "End the pause now").set_value(True).run()
    the(app.button, "Expect readings again").click().run()
    assert [what for what, *_ in FakeWard.done] == ["unpause"]


def test_what_the_ward_wants_said_before_an_end_is_shown_and_what_was_written_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = opened_with(monkeypatch)
    the(app.toggle, "End this stay").set_value(True).run()
    the(app.radio, "How it ended").set_value(EndReason.WITHDREW)
    app.text_area[0].set_value("Does not want it any more.")
    monkeypatch.setattr(
        FakeWard, "refuses_with", RefusedError("Before the stay ends, say: device_returned.")
    )
    end = next(button for button in app.button if button.label.startswith("End the stay of"))
    end.click().run()
    assert app.error[0].value == (
        "Before the stay ends, say: device_returned. Nothing was changed."
    )
    assert app.text_area[0].value == "Does not want it any more."
    monkeypatch.setattr(FakeWard, "refuses_with", None)
    the(app.radio, "Was the device returned?").set_value("yes")
    next(b for b in app.button if b.label.startswith("End the stay of")).click().run()
    given = FakeWard.done[-1][-1]
    assert (given.reason, given.device_returned, given.gp_informed) == ("withdrew", "yes", None)
    assert "Open a patient on the ward list first" in app.info[0].value


def test_only_the_limits_that_were_written_are_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened_with(monkeypatch)
    the(app.toggle, "Change this person's own limits").set_value(True).run()
    app.number_input[0].set_value(88.0)
    the(app.radio, "Judged by").set_value(Spo2Target.RANGE_88_92)
    the(app.text_input, "Second person who confirms it (needed for 88 to 92 %)").set_value("Dr A")
    app.text_area[0].set_value("COPD, agreed at the clinic.")
    the(app.button, "Change the limits").click().run()
    given = FakeWard.done[0][-1]
    assert given.parameters == {"red_max": 88.0}
    assert (given.target, given.confirmed_by) == ("88_92", "Dr A")
    assert (given.usual_spo2, given.home_oxygen) == (None, None)


def test_no_home_is_said() -> None:
    assert drawn("homes.py").info[0].value == "No home is known yet."


def test_a_home_in_trouble_says_who_lives_there_and_a_hostile_name_is_only_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line = a_line(family_name="Ash", given_name="<b>Pat</b>")
    home = a_home_of(line, online=False, quiet=True, since=NOON - minutes(65))
    monkeypatch.setattr(FakeWard, "board_now", a_board(line))
    monkeypatch.setattr(FakeWard, "its_homes", (home,))
    app = drawn("homes.py")
    said = [text.value for text in app.text]
    assert "home-01 · 1: ASH, <b>Pat</b>\n  • OFFLINE since 10:55, 1 h 5 min" in said
    assert app.dataframe[0].value["who lives there"][0] == "1: ASH, <b>Pat</b>"


def test_homes_that_are_all_well_are_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    line = a_line()
    monkeypatch.setattr(FakeWard, "board_now", a_board(line))
    monkeypatch.setattr(FakeWard, "its_homes", (a_home_of(line),))
    assert "nothing is wrong there" in drawn("homes.py").info[0].value


def test_nothing_to_do_is_said() -> None:
    assert "Nothing is to do" in drawn("tasks.py").info[0].value


def test_a_task_is_chosen_by_whose_it_is_and_done_with_a_note(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line, other = a_line(), a_line(family_name="Other")
    tasks = (a_task(line.episode_id), a_task(other.episode_id))
    monkeypatch.setattr(FakeWard, "board_now", a_board(line, other))
    monkeypatch.setattr(FakeWard, "to_do", tasks)
    app = drawn("tasks.py")
    assert app.selectbox[0].value is None
    app.selectbox[0].set_value(f"{other.episode_id} check_in 2").run()
    assert any("OTHER, Pat" in text.value for text in app.text)
    app.text_area[0].set_value("Well, sleeps better.")
    the(app.button, "This is done").click().run()
    [(_, task, who, given)] = FakeWard.done
    assert (task, who, given.note) == (tasks[1], "nurse-3", "Well, sleeps better.")
    assert app.selectbox[0].value is None


def test_two_tries_to_reach_somebody_are_two_acts_though_they_read_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = opened_with(monkeypatch, an_alert())
    for _ in range(2):
        the(app.toggle, "Record a contact with the patient").set_value(True).run()
        the(app.radio, "Did you speak with the patient?").set_value(False)
        the(app.button, "Record this contact").click().run()
    first, second = FakeWard.done
    assert first[2] != second[2]
    assert first[-1] == second[-1]


# By phone and from paper


def on_the_phone(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    app = opened_with(monkeypatch)
    the(app.toggle, "Take a reading by phone").set_value(True).run()
    the(app.radio, "Who speaks?").set_value("carer")
    return app


def test_who_speaks_is_never_taken_for_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened_with(monkeypatch)
    the(app.toggle, "Take a reading by phone").set_value(True).run()
    assert the(app.radio, "Who speaks?").value is None
    the(app.text_input, "Oxygen (%)").set_value("97")
    the(app.button, "Check this reading").click().run()
    assert "Say who speaks" in app.error[0].value


def test_red_flags_are_asked_first_and_999_is_said_beside_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = on_the_phone(monkeypatch)
    order = [(e.type, getattr(e, "label", "")) for e in app.main if hasattr(e, "label")]
    labels = [label for _, label in order]
    assert labels.index("Any of these now?") < labels.index("Oxygen (%)")
    assert labels.index("Oxygen (%)") < labels.index("Compared with yesterday?")
    assert labels.index("Compared with yesterday?") < labels.index("Anything else?")
    assert any("tell them to call 999 now" in said.value for said in app.markdown)


def test_nothing_is_kept_before_it_was_read_back_and_then_the_script_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = on_the_phone(monkeypatch)
    the(app.text_input, "Oxygen (%)").set_value("91%")
    the(app.button, "Check this reading").click().run()
    assert any(said.value == "### Oxygen 91 per cent." for said in app.markdown)
    keep = the(app.button, "Keep this reading")
    assert (keep.disabled, FakeWard.done) == (True, [])
    the(app.checkbox, "I read it back, and they say that it is right").check().run()
    the(app.button, "Keep this reading").click().run()
    [(_, _, _, who, told)] = FakeWard.done
    assert (who, told.spoke, told.values, told.read_back) == (
        "nurse-3",
        "carer",
        {"spo2": "91%"},
        "Oxygen 91 per cent.",
    )
    assert not the(app.toggle, "Take a reading by phone").value
    assert any(e.value == "## RED. Tell them to call 999 now." for e in app.error)
    the(app.button, "I have said it").click().run()
    assert not app.error


def test_a_problem_must_be_put_right_before_anything_can_be_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = on_the_phone(monkeypatch)
    the(app.text_input, "Oxygen (%)").set_value("104")
    the(app.button, "Check this reading").click().run()
    assert "cannot be 104" in app.error[0].value
    assert not [button for button in app.button if button.label == "Keep this reading"]


def test_the_same_reading_sent_again_after_a_lost_answer_is_the_same_act(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = on_the_phone(monkeypatch)
    the(app.text_input, "Oxygen (%)").set_value("91")
    the(app.button, "Check this reading").click().run()
    the(app.checkbox, "I read it back, and they say that it is right").check().run()
    monkeypatch.setattr(FakeWard, "refuses_with", WardAwayError("away"))
    the(app.button, "Keep this reading").click().run()
    assert "NOT known to be done" in app.error[0].value
    monkeypatch.setattr(FakeWard, "refuses_with", None)
    the(app.button, "Keep this reading").click().run()
    first, second = FakeWard.done
    assert first == second  # the same sight, person and words: the same key


def test_a_diary_says_row_by_row_what_is_wrong_and_keeps_what_was_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = opened_with(monkeypatch)
    the(app.toggle, "Enter a paper diary").set_value(True).run()
    the(app.text_input, "Day").set_value("24/11")
    the(app.text_input, "Time").set_value("half past")
    the(app.text_input, "Oxygen").set_value("97")
    the(app.button, "Keep this diary").click().run()
    assert "Row 1: type the time as 09:00." in [text.value for text in app.text]
    assert (the(app.text_input, "Day").value, FakeWard.done) == ("24/11", [])
    the(app.text_input, "Time").set_value("9.30")
    the(app.text_input, "Answers, by letter").set_value("a1 b0")
    rows = (RowWords(row=1, words="Did you swap them?", question=True),)
    monkeypatch.setattr(FakeWard, "refuses_with", RefusedError("No.", None, rows))
    the(app.button, "Keep this diary").click().run()
    assert any("Row 1: Did you swap them? If it is right" in text.value for text in app.text)
    monkeypatch.setattr(FakeWard, "refuses_with", None)
    the(app.checkbox, "Looked again, row 1").check()
    the(app.button, "Keep this diary").click().run()
    *_, given = FakeWard.done[-1]
    [row] = given.rows
    assert (row.day, row.at, row.sure) == (date(2026, 11, 24), time(9, 30), True)
    assert [(a.question, a.answer) for a in row.answers] == [
        ("red_flags", "blue_lips"),
        ("feeling", "same"),
    ]
    assert not the(app.toggle, "Enter a paper diary").value


# Letters and codes


def a_letter() -> LetterView:
    return LetterView(
        door="K7QM",
        who="patient",
        code="K7QM-4XW-9TR",
        link="https://page.example/k/K7QM-4XW-9TR",
        reference="AB12CD",
        language="en",
        words=(),
        pdf=b64encode(b"%PDF-"),
    )


def a_door(**more: Any) -> DoorView:
    whole: dict[str, Any] = {
        "door": "K7QM",
        "who": "patient",
        "made_at": NOON,
        "made_by": "nurse-3",
        "revoked_at": None,
        "revoked_by": None,
    }
    return DoorView(**whole | more)


def whole_text(app: AppTest) -> str:
    return " ".join(str(node.value) for kind in (app.text, app.code, app.markdown) for node in kind)


def test_a_code_is_shown_once_and_then_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened_with(monkeypatch)
    assert "No letter was made" in whole_text(app)
    the(app.toggle, "Make a letter with a code").set_value(True).run()
    the(app.button, "Make the letter").click().run()
    assert app.error[0].value == "Say for whom it is. Nothing was made."
    the(app.radio, "For whom").set_value("patient")
    the(app.button, "Make the letter").click().run()
    assert [what[0] for what in FakeWard.done] == ["letter"]
    assert app.code[0].value == "K7QM-4XW-9TR"
    the(app.button, "I have it: show the code no more").click().run()
    assert "4XW" not in whole_text(app)
    app.run()
    assert not app.code


def test_a_code_of_one_person_is_never_on_the_page_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = opened_with(monkeypatch)
    app.session_state[f"writing-letter-shown-{new_id(NOON)}"] = a_letter()
    app.run()
    assert "4XW" not in whole_text(app)


def test_a_code_is_revoked_by_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    shut = a_door(door="AAAA", who="carer", revoked_at=NOON, revoked_by="nurse-4")
    monkeypatch.setattr(FakeWard, "its_doors", (a_door(), shut))
    app = opened_with(monkeypatch)
    the(app.toggle, "Revoke a code").set_value(True).run()
    choice = the(app.radio, "Which code")
    assert choice.options == ["K7QM… (the patient)"]
    choice.set_value("K7QM")
    the(app.button, "Revoke it").click().run()
    [did] = FakeWard.done
    assert (did[0], did[2]) == ("revoke", "K7QM")


def test_readings_are_seen_once_when_somebody_opens_the_page_by_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading = ReadingView(
        reading_id=new_id(NOON),
        measured_at=NOON,
        received_at=NOON,
        source=Source.BLE,
        values={Vital.SPO2: 97},
        level=Level.GREEN,
        findings=(),
        doubts=(),
        late=False,
        time_doubtful=False,
        pathway="covid-oximetry-at-home@1",
    )
    monkeypatch.setattr(FakeWard, "its_readings", (reading,))
    app = opened_with(monkeypatch)  # a reload, or a page that is drawn anew by itself
    assert FakeWard.done == []
    episode = app.session_state["episode"]
    app.session_state["opened-by-hand"] = episode
    app.run()
    app.run()
    [did] = FakeWard.done
    assert (did[0], str(did[1]), did[2]) == ("looked", episode, [reading.reading_id])

"""The only module that speaks HTTP: the ward's API, as the clinician who is signed in.

One client without credentials serves all sessions; the token goes with each call. A client with a
token of its own in a shared cache would sign everybody in as the first clinician.
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx2 as httpx
from pydantic import BaseModel, TypeAdapter

from ward_service.contract.entry import (
    CheckView,
    DiaryGiven,
    DiaryView,
    EnteredView,
    FormView,
    PhoneReading,
)
from ward_service.contract.http.alerts import AlertView, ContactNote, Resolution, Taking
from ward_service.contract.http.board import BoardVersionView, BoardView
from ward_service.contract.http.explanation import ExplanationView
from ward_service.contract.http.homes import HomesView
from ward_service.contract.http.pathways import PathwayView
from ward_service.contract.http.problem import Problem, RowWords
from ward_service.contract.http.readings import DataQualityView, ReadingsPage
from ward_service.contract.http.session import ClinicianView, SessionView
from ward_service.contract.http.stays import (
    EndNote,
    LimitsEdit,
    LimitsView,
    PauseNote,
    TaskDone,
    TaskView,
)
from ward_service.contract.letters import DoorView, LetterRequest, LetterView, ReadingsSeen

COOKIE: Final = "ward_session"
TIMEOUT_S: Final = 10.0
BACKGROUND: Final = {"X-Homeward-Background": "1"}  # a poll does not keep a session alive

Answer = TypeVar("Answer", bound=BaseModel)
_ALERTS: Final = TypeAdapter(tuple[AlertView, ...])
_PATHWAYS: Final = TypeAdapter(tuple[PathwayView, ...])
_DOORS: Final = TypeAdapter(tuple[DoorView, ...])
_TASKS: Final = TypeAdapter(tuple[TaskView, ...])


class WardAwayError(Exception):
    """The ward does not answer. What is on the screen may be old."""


class SignedOutError(Exception):
    """Nobody is signed in, or the session has ended."""


class RefusedError(Exception):
    """The ward refused; the text is safe to show. `alert` is what it has become meanwhile.

    `rows` say it row by row of a paper diary.
    """

    def __init__(
        self, words: str, alert: AlertView | None = None, rows: tuple[RowWords, ...] = ()
    ) -> None:
        super().__init__(words)
        self.alert = alert
        self.rows = rows


class WardApi:
    """The ward as one clinician sees it.

    Every method raises WardAwayError, SignedOutError or RefusedError, and nothing else.
    """

    def __init__(self, token: str, client: httpx.Client | None = None) -> None:
        self._token = token
        self._client = client or _client()

    def sign_in(self, username: str, password: str) -> SessionView:
        """Begin a session."""
        given = {"username": username, "password": password}
        return self._ask("POST", "/session", SessionView, json=given)

    def sign_out(self) -> None:
        """End the session, everywhere."""
        self._send("DELETE", "/session")

    def me(self) -> ClinicianView:
        """Return who is signed in."""
        return self._ask("GET", "/session", ClinicianView, headers=BACKGROUND)

    def board(self) -> BoardView:
        """Return the ward list."""
        return self._ask("GET", "/triage", BoardView, headers=BACKGROUND)

    def board_version(self) -> BoardVersionView:
        """Return whether the ward list has changed."""
        return self._ask("GET", "/triage/version", BoardVersionView, headers=BACKGROUND)

    def alerts(self, episode_id: UUID) -> tuple[AlertView, ...]:
        """Return every alert of a stay, newest first."""
        answer = self._send("GET", f"/episodes/{episode_id}/alerts")
        return _ALERTS.validate_json(answer.content)

    def alert(self, alert_id: UUID) -> AlertView:
        """Return one alert with its ladder and its calls."""
        return self._ask("GET", f"/alerts/{alert_id}", AlertView)

    def explanation(self, alert_id: UUID) -> ExplanationView:
        """Return why an alert rang."""
        return self._ask("GET", f"/alerts/{alert_id}/explanation", ExplanationView)

    def latest_readings(self, episode_id: UUID, count: int) -> ReadingsPage:
        """Return the readings of a stay that were received last, and how many there are."""
        url = f"/episodes/{episode_id}/readings"
        return self._ask("GET", url, ReadingsPage, params={"last": count})

    def data_quality(self) -> DataQualityView:
        """Return what was kept, doubted and quarantined, counted."""
        return self._ask("GET", "/data-quality", DataQualityView)

    def homes(self) -> HomesView:
        """Return how every home is, the one that most needs somebody to look first."""
        return self._ask("GET", "/gateways", HomesView, headers=BACKGROUND)

    def limits(self, episode_id: UUID) -> LimitsView:
        """Return what a person is judged by."""
        return self._ask("GET", f"/episodes/{episode_id}/limits", LimitsView)

    def pathways(self) -> tuple[PathwayView, ...]:
        """Return which pathway versions run here, and who signed them."""
        answer = self._send("GET", "/pathways", headers=BACKGROUND)
        return _PATHWAYS.validate_json(answer.content)

    def tasks(self) -> tuple[TaskView, ...]:
        """Return what is to do besides the alerts, longest due first."""
        return _TASKS.validate_json(self._send("GET", "/tasks").content)

    def acknowledge(self, alert_id: UUID, version: int, who: str) -> AlertView:
        """Take an alert, as it was seen; one that is mine already is kept for another shift."""
        return self._act("acknowledge", alert_id, version, who, None)

    def take_over(self, alert_id: UUID, version: int, who: str) -> AlertView:
        """Take an alert, as it was seen, from whoever has it."""
        taking = Taking(take_over=True).model_dump(mode="json")
        return self._act("acknowledge", alert_id, version, who, taking)

    def contact(self, alert_id: UUID, sight: str, who: str, given: ContactNote) -> AlertView:
        """Write down that somebody spoke with the patient, or tried to."""
        body = given.model_dump_json()
        headers = _once("contact", alert_id, sight, who, body)
        url = f"/alerts/{alert_id}/contact"
        return self._ask("POST", url, AlertView, headers=headers, content=body)

    def pause(self, episode_id: UUID, sight: str, who: str, given: PauseNote) -> None:
        """Expect nothing from somebody for a while."""
        self._on_stay("pause", episode_id, sight, who, given)

    def unpause(self, episode_id: UUID, sight: str, who: str) -> None:
        """Expect readings again."""
        self._on_stay("unpause", episode_id, sight, who, None)

    def end(self, episode_id: UUID, sight: str, who: str, given: EndNote) -> None:
        """End a stay."""
        self._on_stay("end", episode_id, sight, who, given)

    def change_limits(self, episode_id: UUID, sight: str, who: str, given: LimitsEdit) -> None:
        """Change the numbers by which a person is judged."""
        self._on_stay("limits", episode_id, sight, who, given)

    def form(self, episode_id: UUID) -> FormView:
        """Return what is asked of somebody, by phone and on paper."""
        return self._ask("GET", f"/episodes/{episode_id}/form", FormView)

    def check_reading(self, episode_id: UUID, told: PhoneReading) -> CheckView:
        """Return what a reading would mean. Nothing is kept."""
        url, body = f"/episodes/{episode_id}/readings/check", told.model_dump(mode="json")
        return self._ask("POST", url, CheckView, json=body)

    def enter_reading(
        self, episode_id: UUID, sight: str, who: str, told: PhoneReading
    ) -> EnteredView:
        """Keep a reading that was read back; return what to say now."""
        url, body = f"/episodes/{episode_id}/readings", told.model_dump_json()
        headers = _once("phone", episode_id, sight, who, body)
        return self._ask("POST", url, EnteredView, headers=headers, content=body)

    def enter_diary(self, episode_id: UUID, sight: str, who: str, diary: DiaryGiven) -> DiaryView:
        """Keep a paper diary, all of it or nothing."""
        url, body = f"/episodes/{episode_id}/diary", diary.model_dump_json()
        headers = _once("diary", episode_id, sight, who, body)
        return self._ask("POST", url, DiaryView, headers=headers, content=body)

    def doors(self, episode_id: UUID) -> tuple[DoorView, ...]:
        """Return which codes were made for somebody's page, the newest first."""
        answer = self._send("GET", f"/episodes/{episode_id}/doors", headers=BACKGROUND)
        return _DOORS.validate_json(answer.content)

    def make_letter(
        self, episode_id: UUID, sight: str, who: str, given: LetterRequest
    ) -> LetterView:
        """Make a letter; its code is in this answer and nowhere else."""
        body = given.model_dump_json()
        headers = _once("letter", episode_id, sight, who, body)
        url = f"/episodes/{episode_id}/letters"
        return self._ask("POST", url, LetterView, headers=headers, content=body)

    def revoke_door(self, episode_id: UUID, door: str) -> None:
        """Shut a door. Shut again it stays shut."""
        self._send("DELETE", f"/episodes/{episode_id}/doors/{door}")

    def looked(self, episode_id: UUID, readings: Sequence[UUID]) -> None:
        """Say that whoever is signed in has opened this patient's page with these readings."""
        given = ReadingsSeen(readings=tuple(readings)).model_dump(mode="json")
        self._send("POST", f"/episodes/{episode_id}/seen", json=given)

    def finish_task(self, task: TaskView, who: str, given: TaskDone) -> None:
        """Note that a task is done. It can be done once, so its name is its key."""
        url = f"/tasks/{task.episode_id}/{task.kind}/{task.number}/done"
        headers = {"Idempotency-Key": f"done:{task.episode_id}:{task.kind}:{task.number}:{who}"}
        self._send("POST", url, headers=headers, json=given.model_dump(mode="json"))

    def resolve(self, alert_id: UUID, version: int, who: str, given: Resolution) -> AlertView:
        """End an alert with its outcome."""
        return self._act("resolve", alert_id, version, who, given.model_dump(mode="json"))

    def _act(
        self, deed: str, alert_id: UUID, version: int, who: str, body: dict[str, Any] | None
    ) -> AlertView:
        # The same person, the same sight, the same intention: the same act, however often clicked.
        intention = "take_over" if body and body.get("take_over") else deed
        headers = {
            "If-Match": f'"{version}"',
            "Idempotency-Key": f"{intention}:{alert_id}:{version}:{who}",
        }
        return self._ask(
            "POST", f"/alerts/{alert_id}/{deed}", AlertView, headers=headers, json=body
        )

    def _on_stay(
        self, deed: str, episode_id: UUID, sight: str, who: str, given: BaseModel | None
    ) -> None:
        body = given.model_dump_json() if given else ""
        headers = _once(deed, episode_id, sight, who, body)
        self._send("POST", f"/episodes/{episode_id}/{deed}", headers=headers, content=body)

    def _ask(self, method: str, url: str, kind: type[Answer], **given: Any) -> Answer:
        return kind.model_validate_json(self._send(method, url, **given).content)

    def _send(self, method: str, url: str, **given: Any) -> httpx.Response:
        mine = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        headers = mine | given.pop("headers", {})
        try:
            answer = self._client.request(method, url, headers=headers, **given)
        except httpx.HTTPError as error:
            raise WardAwayError("The ward does not answer.") from error
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise SignedOutError(_problem(answer).detail)
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise WardAwayError(_problem(answer).detail)
        if answer.is_error:
            problem = _problem(answer)
            raise RefusedError(problem.detail, problem.alert, problem.rows)
        return answer


def _once(deed: str, of: UUID, sight: str, who: str, body: str) -> dict[str, str]:
    """Return the headers of an act that has no version to match.

    `sight` is the moment at which the form was opened. What was written is part of the key: after
    a cut line "not reached" must never stand for the "reached" that was sent next.
    """
    said = sha256(body.encode()).hexdigest()[:16]
    key = f"{deed}:{of}:{sight}:{said}:{who}"
    return {"Idempotency-Key": key, "Content-Type": "application/json"}


def _problem(answer: httpx.Response) -> Problem:
    try:
        return Problem.model_validate_json(answer.content)
    except ValueError:
        words = "The ward gave an answer that this screen does not understand."
        return Problem(title="", detail=words, status=answer.status_code)


@lru_cache
def _client() -> httpx.Client:
    base = os.environ.get("HOMEWARD_API_URL", "http://127.0.0.1:8000")
    return httpx.Client(base_url=base, timeout=TIMEOUT_S)

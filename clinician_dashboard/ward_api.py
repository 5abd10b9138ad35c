"""The only module that speaks HTTP: the ward's API, as the clinician who is signed in.

One client without credentials serves all sessions; the token goes with each call. A client with a
token of its own in a shared cache would sign everybody in as the first clinician.
"""

import os
from functools import lru_cache
from typing import Any, Final, TypeVar
from uuid import UUID

import httpx2 as httpx
from pydantic import BaseModel, TypeAdapter

from ward_service.contract.api import (
    AlertView,
    BoardVersionView,
    BoardView,
    ClinicianView,
    DataQualityView,
    Problem,
    ReadingsPage,
    Resolution,
    SessionView,
)

COOKIE: Final = "ward_session"
TIMEOUT_S: Final = 10.0
BACKGROUND: Final = {"X-Homeward-Background": "1"}  # a poll does not keep a session alive

Answer = TypeVar("Answer", bound=BaseModel)
_ALERTS: Final = TypeAdapter(tuple[AlertView, ...])


class WardAwayError(Exception):
    """The ward does not answer. What is on the screen may be old."""


class SignedOutError(Exception):
    """Nobody is signed in, or the session has ended."""


class RefusedError(Exception):
    """The ward refused; the text is safe to show. `alert` is what it has become meanwhile."""

    def __init__(self, words: str, alert: AlertView | None = None) -> None:
        super().__init__(words)
        self.alert = alert


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

    def latest_readings(self, episode_id: UUID, count: int) -> ReadingsPage:
        """Return the readings of a stay that were received last, and how many there are."""
        url = f"/episodes/{episode_id}/readings"
        return self._ask("GET", url, ReadingsPage, params={"last": count})

    def data_quality(self) -> DataQualityView:
        """Return what was kept, doubted and quarantined, counted."""
        return self._ask("GET", "/data-quality", DataQualityView)

    def acknowledge(self, alert_id: UUID, version: int, who: str) -> AlertView:
        """Take an alert, as it was seen."""
        return self._act("acknowledge", alert_id, version, who, None)

    def resolve(self, alert_id: UUID, version: int, who: str, given: Resolution) -> AlertView:
        """End an alert with its outcome."""
        return self._act("resolve", alert_id, version, who, given.model_dump(mode="json"))

    def _act(
        self, deed: str, alert_id: UUID, version: int, who: str, body: dict[str, Any] | None
    ) -> AlertView:
        # The same person, the same sight, the same intention: the same act, however often clicked.
        headers = {
            "If-Match": f'"{version}"',
            "Idempotency-Key": f"{deed}:{alert_id}:{version}:{who}",
        }
        return self._ask(
            "POST", f"/alerts/{alert_id}/{deed}", AlertView, headers=headers, json=body
        )

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
            raise RefusedError(problem.detail, problem.alert)
        return answer


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

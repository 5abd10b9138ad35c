"""A replay as somebody asks for one: a file, a text or the id of a version, and two days."""

import os
from datetime import date, datetime, time
from pathlib import Path
from threading import Lock
from typing import Final

from ward_service.contract.http.pathways import ReplayRequest, ReplayView
from ward_service.domain.civil_time import moment
from ward_service.errors import ConflictError, NotFoundError, WardError
from ward_service.pathways.load import load, read
from ward_service.replay.run import Asked, replay
from ward_service.ward import Ward

AT_MOST: Final = 150_000  # readings that one request replays: about half a minute of one core
_ONE_AT_A_TIME = Lock()


def ask_file(ward: Ward, pathway: str, since: date, to: date, now: datetime) -> ReplayView:
    """Replay a file, or a version that ran here, with all the processors of this machine.

    Raises:
        WardError: the candidate is not whole, or there is nothing to replay.
    """
    path = Path(pathway)
    text = load(path).text if path.is_file() else _text_of(ward, pathway)
    asked = _asked(text, path.name, since, to, now)
    return replay(ward.settings.database, asked, processes=os.cpu_count() or 1)


def ask(ward: Ward, given: ReplayRequest, now: datetime) -> ReplayView:
    """Replay what a request asks for: little, one at a time, in a process beside the ward's.

    Raises:
        WardError: the candidate is not whole, or there is nothing, or too much, to replay.
        ConflictError: another replay is under way.
    """
    if bool(given.text) == bool(given.pathway):
        raise WardError("Give the text of a pathway, or the id of one. Nothing was replayed.")
    text = given.text or _text_of(ward, given.pathway)
    asked = _asked(text, given.pathway or "the text", given.from_, given.to, now)
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise ConflictError("Another replay is under way. Try again in a minute.")
    try:
        return replay(ward.settings.database, asked, processes=1, at_most_readings=AT_MOST)
    finally:
        _ONE_AT_A_TIME.release()


def _text_of(ward: Ward, name: str) -> str:
    """Return the text of a version: `id@version`, or `id` for the one in use."""
    current = ward.current.get(name)
    wanted = current.name if current else name
    with ward.unit_of_work(read_only=True) as store:
        for row in store.pathways.all():
            if f"{row.id}@{row.version}" == wanted:
                return row.text
    raise NotFoundError(f"There is no file and no pathway version called {name}.")


def _asked(text: str, name: str, since: date, to: date, now: datetime) -> Asked:
    """Return what is asked; days begin at midnight where the service is, and end by now."""
    zone = read(text, name).pathway.service.zone
    begins, ends = moment(since, time(), zone), moment(to, time(), zone)
    return Asked(text, name, begins, min(ends, now))

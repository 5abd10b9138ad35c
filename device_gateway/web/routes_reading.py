"""Routes for a reading: one thing a screen, and what became of it."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, RedirectResponse

from device_gateway.home import NotKeptError
from device_gateway.web import presenter
from device_gateway.web.deps import BookDep, FormDep, HereDep, PagesDep, ResidentsDep
from device_gateway.web.draft import Draft, reading_of
from device_gateway.web.form_step import take
from device_gateway.web.pages import Here, Pages
from device_gateway.web.resident import Residents
from device_gateway.web.screens import Kind, Screen, screens
from device_gateway.web.visits import Book
from ward_service.contract.ids import new_id
from ward_service.contract.vocabulary import Source

LOOKS_BACK: Final = timedelta(days=14)

router = APIRouter()


@router.get("/")
def show_home(here: HereDep, residents: ResidentsDep, pages: PagesDep) -> Response:
    """Show where a reading begins, and the latest one."""
    kept = residents.kept(here.place, here.now - LOOKS_BACK)
    return pages.home(here, presenter.history(kept, here.zone, here.now, here.language))


@router.post("/reading")
def begin(here: HereDep, book: BookDep) -> Response:
    """Begin a reading."""
    draft = Draft(new_id(here.now), here.now)
    book.save_draft(draft.reading_id, here.visit, draft.as_json(), here.now)
    return _redirect_to(draft.reading_id, screens(here.resident.pathway)[0])


@router.get("/reading/{id_}/{name}")
def show_screen(
    id_: UUID, name: str, here: HereDep, residents: ResidentsDep, book: BookDep, pages: PagesDep
) -> Response:
    """Show one screen of a reading."""
    found = _find(id_, name, here, residents, book)
    return found if isinstance(found, Response) else pages.screen(here, *found)


@router.post("/reading/{id_}/{name}")
def take_screen(
    id_: UUID,
    name: str,
    here: HereDep,
    form: FormDep,
    residents: ResidentsDep,
    book: BookDep,
    pages: PagesDep,
) -> Response:
    """Take what was typed on one screen: go on, ask again, or send the reading."""
    found = _find(id_, name, here, residents, book)
    if isinstance(found, Response):
        return found
    draft, screen = found
    taken = take(draft, screen, form, here.resident.pathway, here.now)
    book.save_draft(id_, here.visit, taken.draft.as_json(), here.now)
    if not taken.done:
        return pages.screen(here, draft, screen, form, taken)
    flagged = screen.red_flags and taken.draft.has_red_flag(here.resident.pathway)
    if screen.kind is Kind.LAST or flagged:
        return _send(taken.draft, here, residents, book, pages)
    return _redirect_to(id_, _next_screen(here, screen))


@router.get("/sent/{id_}")
def show_sent(id_: UUID, here: HereDep, residents: ResidentsDep, pages: PagesDep) -> Response:
    """Show what became of a reading."""
    kept = residents.kept_one(here.place, id_)
    return pages.sent(here, kept) if kept else pages.nothing(here.language, here)


@router.get("/sent/{id_}/state")
def describe_state(id_: UUID, here: HereDep, residents: ResidentsDep) -> Response:
    """Return what became of a reading, for a page that stays open."""
    kept = residents.kept_one(here.place, id_)
    if kept is None:
        return JSONResponse({}, 404)
    return JSONResponse(presenter.state_words(kept, here.zone, here.language))


@router.get("/readings")
def show_readings(here: HereDep, residents: ResidentsDep, pages: PagesDep) -> Response:
    """Show the readings of the last days, in rows and as a chart."""
    since = here.now - LOOKS_BACK
    kept = residents.kept(here.place, since)
    rows = presenter.history(kept, here.zone, here.now, here.language)
    chart = presenter.chart(kept, here.zone, since, here.now, here.language)
    return pages.readings(here, rows, chart)


def _find(
    id_: UUID, name: str, here: Here, residents: Residents, book: Book
) -> tuple[Draft, Screen] | Response:
    """Return what is being typed and the screen asked for, or where to go instead."""
    saved = book.draft(id_, here.visit, here.now)
    if saved is None:
        sent = residents.kept_one(here.place, id_)
        return RedirectResponse(f"/sent/{id_}" if sent else "/", 303)
    known = {screen.name: screen for screen in screens(here.resident.pathway)}
    screen = known.get(name)
    return (Draft.from_json(id_, saved), screen) if screen else RedirectResponse("/", 303)


def _send(draft: Draft, here: Here, residents: Residents, book: Book, pages: Pages) -> Response:
    source = Source.CARER if here.visit.who == "carer" else Source.PATIENT
    try:
        residents.send(reading_of(draft, source, here.now), here.place, here.now)
    except NotKeptError as error:
        return pages.not_kept(here, error.told)
    book.drop_draft(draft.reading_id, here.now)
    return RedirectResponse(f"/sent/{draft.reading_id}", 303)


def _redirect_to(id_: UUID, screen: Screen) -> Response:
    return RedirectResponse(f"/reading/{id_}/{screen.name}", 303)


def _next_screen(here: Here, screen: Screen) -> Screen:
    known = screens(here.resident.pathway)
    return known[known.index(screen) + 1]

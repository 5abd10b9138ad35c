"""What a route may ask for: the residents, the visits, who is in, the form, the time."""

import re
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import Depends, Request, Response

from device_gateway.web.form_step import Form
from device_gateway.web.pages import Here, Pages
from device_gateway.web.resident import Residents
from device_gateway.web.sign_in import Place
from device_gateway.web.translations import ENGLISH, Language, language_of
from device_gateway.web.visits import Book

VISIT, LANGUAGE = "visit", "language"  # cookies
# How long a browser keeps them; whether they still open anything, the plan says each time.
REMEMBERED_S: Final = 180 * 24 * 60 * 60
LONGEST_FORM: Final = 16_384  # bytes
_HALF_TYPED: Final = re.compile(r"/reading/[0-9a-f-]{36}/[a-z0-9_-]{1,100}")


class NotInError(Exception):
    """No visit is open: the first screen is shown."""


def get_residents(request: Request) -> Residents:
    """Return the people whom this page serves."""
    residents: Residents = request.app.state.residents
    return residents


def get_book(request: Request) -> Book:
    """Return the visits and drafts of this page."""
    book: Book = request.app.state.book
    return book


def get_pages(request: Request) -> Pages:
    """Return what makes the screens."""
    pages: Pages = request.app.state.pages
    return pages


def get_now(request: Request) -> datetime:
    """Ask the clock, once for this request."""
    now: datetime = request.app.state.clock.now()
    return now


ResidentsDep = Annotated[Residents, Depends(get_residents)]
BookDep = Annotated[Book, Depends(get_book)]
PagesDep = Annotated[Pages, Depends(get_pages)]
NowDep = Annotated[datetime, Depends(get_now)]


def get_language(request: Request) -> Language:
    """Return the language that was chosen on this device, else English."""
    return language_of(request.cookies.get(LANGUAGE) or ENGLISH)


LanguageDep = Annotated[Language, Depends(get_language)]


async def read_form(request: Request) -> Form:
    """Return the fields of a form; none of a form that is huge."""
    body = await request.body()
    if len(body) > LONGEST_FORM:
        return {}
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)


FormDep = Annotated[Form, Depends(read_form)]


def find_here(request: Request, residents: ResidentsDep, book: BookDep, now: NowDep) -> Here:
    """Return who is in.

    Raises:
        NotInError: no visit is open, or the ward has shut the door that they came in by.
    """
    visit = book.visit(request.cookies.get(VISIT, ""))
    if visit is None:
        raise NotInError
    place = Place(visit.gateway, visit.slot)
    _, leads_to = residents.doors().get(visit.door, (None, None))
    resident = residents.at(place)
    if leads_to != place or resident is None:
        book.end(visit)
        raise NotInError
    wanted = request.cookies.get(LANGUAGE) or resident.care.language
    return Here(visit, resident, wanted, language_of(wanted), now)


HereDep = Annotated[Here, Depends(find_here)]


def resume_path(path: str) -> str:
    """Return the address of a form that is half typed; empty for any other address."""
    return path if _HALF_TYPED.fullmatch(path) else ""


def first_value(form: Form, name: str) -> str:
    """Return the value of a field that is sent once; the last if it came several times."""
    return (form.get(name) or [""])[-1]


def set_cookie(request: Request, answer: Response, name: str, value: str) -> None:
    """Let this browser keep a value for as long as it is remembered."""
    secure = request.url.scheme == "https"
    answer.set_cookie(
        name, value, max_age=REMEMBERED_S, httponly=True, samesite="lax", secure=secure
    )

"""Routes for coming in, leaving, the language and the help."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from device_gateway.web.deps import (
    LANGUAGE,
    VISIT,
    BookDep,
    FormDep,
    HereDep,
    LanguageDep,
    NowDep,
    PagesDep,
    ResidentsDep,
    first_value,
    resume_path,
    set_cookie,
)
from device_gateway.web.sign_in import NotLetInError, come_in
from device_gateway.web.translations import languages
from ward_service.contract.page_code import cleaned

LONGEST_SHOWN: Final = 20  # characters of a code that is shown again

router = APIRouter()


@router.get("/in")
def ask_for_code(pages: PagesDep, language: LanguageDep, back: str = "") -> Response:
    """Show where a code is typed."""
    return pages.door(language, back=resume_path(back))


@router.get("/k/{code}")
def ask_for_year(code: str, pages: PagesDep, language: LanguageDep) -> Response:
    """Show the same with the code of a letter filled in."""
    return pages.door(language, cleaned(code)[:LONGEST_SHOWN])


@router.post("/in")
def let_in(
    request: Request,
    form: FormDep,
    residents: ResidentsDep,
    book: BookDep,
    pages: PagesDep,
    language: LanguageDep,
    now: NowDep,
) -> Response:
    """Let a person in by code and year of birth."""
    code, year = first_value(form, "code"), first_value(form, "year").strip()
    back = resume_path(first_value(form, "back"))
    source = request.client.host if request.client else ""
    try:
        door, place = come_in(code, year, source, residents.doors(), book, now)
    except NotLetInError as error:
        shown = cleaned(code)[:LONGEST_SHOWN]
        return pages.door(language, shown, error.why, back)
    answer = RedirectResponse(back or "/", 303)
    token = book.let_in(place.gateway, place.slot, door.id, door.who, now)
    set_cookie(request, answer, VISIT, token)
    return answer


@router.post("/out")
def leave(here: HereDep, book: BookDep) -> Response:
    """End this visit."""
    book.end(here.visit)
    answer = RedirectResponse("/in", 303)
    answer.delete_cookie(VISIT)
    return answer


@router.post("/language")
def choose_language(request: Request, form: FormDep) -> Response:
    """Remember a language, and go back to the screen where it was chosen."""
    code, back = first_value(form, "code"), first_value(form, "back")
    answer = RedirectResponse(back if back.startswith("/") and back[1:2] != "/" else "/", 303)
    if code in languages():
        set_cookie(request, answer, LANGUAGE, code)
    return answer


@router.get("/help")
def show_help(here: HereDep, pages: PagesDep) -> Response:
    """Show whom to ring, and how to measure."""
    return pages.help(here)

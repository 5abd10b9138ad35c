"""The patient's page: who comes in, one thing a screen, and what became of the reading.

Every screen works without JavaScript: a form, and a redirect to the next. No address holds anything
that was typed, and no answer is kept by a browser or a proxy. Where a browser lets it, a phone
keeps one form, `/offline`, and what was typed in it until `/api/readings` has taken it.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from fastapi import Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from pydantic import ValidationError
from starlette.middleware.gzip import GZipMiddleware

from device_gateway.home import NotKeptError
from device_gateway.web import offline, presenter
from device_gateway.web.draft import Draft, reading_of
from device_gateway.web.form_step import Form, take
from device_gateway.web.pages import HERE, Here, Pages
from device_gateway.web.resident import Residents
from device_gateway.web.screens import Kind, Screen, screens
from device_gateway.web.sign_in import NotLetInError, Place, come_in
from device_gateway.web.translations import ENGLISH, Language, language_of, languages
from device_gateway.web.visits import Book
from ward_service.contract.clock import Clock
from ward_service.contract.ids import new_id
from ward_service.contract.page_code import cleaned
from ward_service.contract.vocabulary import Source

VISIT, LANGUAGE = "visit", "language"  # cookies
# How long a browser keeps them; whether they still open anything, the plan says each time.
REMEMBERED_S: Final = 180 * 24 * 60 * 60
LONGEST_FORM: Final = 16_384  # bytes
LONGEST_SHOWN: Final = 20  # characters of a code that is shown again
SHORTEST_GZIP: Final = 500  # bytes
GOES_ON: Final = re.compile(r"/reading/[0-9a-f-]{36}/[a-z0-9_-]{1,100}")  # a form half typed
LOOKS_BACK: Final = timedelta(days=14)
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class NotInError(Exception):
    """Nobody is in: the first screen is shown."""


def create_app(residents: Residents, book: Book, clock: Clock) -> FastAPI:
    """Return the page over these residents."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    pages = Pages()

    async def read_form(request: Request) -> Form:
        """Return the fields of a form; of one that is huge, none."""
        body = await request.body()
        if len(body) > LONGEST_FORM:
            return {}
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)

    def who_is_here(request: Request) -> Here:
        """Return who is in.

        Raises:
            NotInError: nobody, or the ward has shut the door that they came in by.
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
        return Here(visit, resident, wanted, language_of(wanted), clock.now())

    Form_ = Annotated[Form, Depends(read_form)]  # noqa: N806 - a type
    Here_ = Annotated[Here, Depends(who_is_here)]  # noqa: N806 - a type

    @app.middleware("http")
    async def with_headers(
        request: Request, ask: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        answer: Response
        if request.method == "POST" and not _same_site(request):
            answer = pages.nothing(_language(request))  # another site wants something done
        else:
            answer = await ask(request)
        answer.headers.update(HEADERS)
        static = request.url.path.startswith("/static/")
        answer.headers["Cache-Control"] = "max-age=3600" if static else "no-store"
        return answer

    # No answer that repeats what somebody else may have chosen has a secret in it, so the length of
    # a compressed one gives nothing away (BREACH): what lets a device in is a cookie alone.
    app.add_middleware(GZipMiddleware, minimum_size=SHORTEST_GZIP)

    @app.exception_handler(NotInError)
    def show_the_door(request: Request, _: Exception) -> Response:
        path = request.url.path
        if path.startswith("/api/"):
            return JSONResponse({"why": "nobody is in"}, 401)
        goes_on = GOES_ON.fullmatch(path)
        return RedirectResponse(f"/in?back={path}" if goes_on else "/in", 303)

    @app.exception_handler(404)
    @app.exception_handler(422)
    def nothing_there(request: Request, _: Exception) -> Response:
        return pages.nothing(_language(request))

    # --- getting in ---------------------------------------------------------------------------

    @app.get("/in")
    def ask_for_code(request: Request, back: str = "") -> Response:
        return pages.door(_language(request), back=_goes_on(back))

    @app.get("/k/{code}")
    def ask_for_year(code: str, request: Request) -> Response:
        return pages.door(_language(request), cleaned(code)[:LONGEST_SHOWN])

    @app.post("/in")
    def come(request: Request, form: Form_) -> Response:
        code, year = _one(form, "code"), _one(form, "year").strip()
        back = _goes_on(_one(form, "back"))
        source = request.client.host if request.client else ""
        now = clock.now()
        try:
            door, place = come_in(code, year, source, residents.doors(), book, now)
        except NotLetInError as error:
            shown = cleaned(code)[:LONGEST_SHOWN]
            return pages.door(_language(request), shown, error.why, back)
        answer = RedirectResponse(back or "/", 303)
        token = book.let_in(place.gateway, place.slot, door.id, door.who, now)
        _set_cookie(request, answer, VISIT, token)
        return answer

    @app.post("/out")
    def go(here: Here_) -> Response:
        book.end(here.visit)
        answer = RedirectResponse("/in", 303)
        answer.delete_cookie(VISIT)
        return answer

    @app.post("/language")
    def choose_language(request: Request, form: Form_) -> Response:
        code, back = _one(form, "code"), _one(form, "back")
        answer = RedirectResponse(back if back.startswith("/") and back[1:2] != "/" else "/", 303)
        if code in languages():
            _set_cookie(request, answer, LANGUAGE, code)
        return answer

    # --- one thing a screen -------------------------------------------------------------------

    @app.get("/")
    def home(here: Here_) -> Response:
        kept = residents.kept(here.place, here.now - LOOKS_BACK)
        return pages.home(here, presenter.history(kept, here.zone, here.now, here.language))

    @app.post("/reading")
    def begin(here: Here_) -> Response:
        draft = Draft(new_id(here.now), here.now)
        book.save_draft(draft.reading_id, here.visit, draft.as_json(), here.now)
        return _to(draft.reading_id, screens(here.resident.pathway)[0])

    @app.get("/reading/{id_}/{name}")
    def show_screen(id_: UUID, name: str, here: Here_) -> Response:
        found = _find(id_, name, here)
        return found if isinstance(found, Response) else pages.screen(here, *found)

    @app.post("/reading/{id_}/{name}")
    def take_screen(id_: UUID, name: str, here: Here_, form: Form_) -> Response:
        found = _find(id_, name, here)
        if isinstance(found, Response):
            return found
        draft, screen = found
        taken = take(draft, screen, form, here.resident.pathway, here.now)
        book.save_draft(id_, here.visit, taken.draft.as_json(), here.now)
        if not taken.done:
            return pages.screen(here, draft, screen, form, taken)
        flagged = screen.red_flags and taken.draft.has_red_flag(here.resident.pathway)
        if screen.kind is Kind.LAST or flagged:
            return _send(taken.draft, here)
        return _to(id_, _after(here, screen))

    def _find(id_: UUID, name: str, here: Here) -> tuple[Draft, Screen] | Response:
        """Return what is being typed and the screen asked for, or where to go instead."""
        said = book.draft(id_, here.visit, here.now)
        if said is None:
            sent = residents.kept_one(here.place, id_)
            return RedirectResponse(f"/sent/{id_}" if sent else "/", 303)
        known = {screen.name: screen for screen in screens(here.resident.pathway)}
        screen = known.get(name)
        return (Draft.from_json(id_, said), screen) if screen else RedirectResponse("/", 303)

    def _send(draft: Draft, here: Here) -> Response:
        source = Source.CARER if here.visit.who == "carer" else Source.PATIENT
        try:
            residents.send(reading_of(draft, source, here.now), here.place, here.now)
        except NotKeptError as error:
            return pages.not_kept(here, error.told)
        book.drop_draft(draft.reading_id, here.now)
        return RedirectResponse(f"/sent/{draft.reading_id}", 303)

    # --- what became of it --------------------------------------------------------------------

    @app.get("/sent/{id_}")
    def sent(id_: UUID, here: Here_) -> Response:
        kept = residents.kept_one(here.place, id_)
        return pages.sent(here, kept) if kept else pages.nothing(here.language, here)

    @app.get("/sent/{id_}/state")
    def state(id_: UUID, here: Here_) -> Response:
        """Return what became of a reading, for a page that stays open."""
        kept = residents.kept_one(here.place, id_)
        if kept is None:
            return JSONResponse({}, 404)
        return JSONResponse(presenter.state_words(kept, here.zone, here.language))

    @app.get("/readings")
    def readings(here: Here_) -> Response:
        since = _since(here)
        kept = residents.kept(here.place, since)
        rows = presenter.history(kept, here.zone, here.now, here.language)
        chart = presenter.chart(kept, here.zone, since, here.now, here.language)
        return pages.readings(here, rows, chart)

    @app.get("/help")
    def show_help(here: Here_) -> Response:
        return pages.help(here)

    # --- a phone with no network --------------------------------------------------------------

    @app.get("/alive")
    def alive(request: Request) -> Response:
        """Say that the page can be reached, and whether whoever asks is in."""
        try:
            who_is_here(request)
        except NotInError:
            return JSONResponse({"in": False})
        return JSONResponse({"in": True})

    @app.get("/sw.js")
    def worker() -> Response:
        return Response(pages.worker(), media_type="text/javascript")

    @app.get("/offline")
    def form_for_a_phone(here: Here_) -> Response:
        return pages.offline(here)

    @app.post("/api/readings")
    async def take_posted(request: Request) -> Response:
        """Take a reading that waited on a phone, once however often it is sent.

        201: it is kept, 200: it was; only then may the phone forget it. 401: nobody is in; 403: it
        is of another stay; 422: it cannot be read; 507: there is no room. It is then still only on
        the phone.
        """
        body = await request.body()
        return await run_in_threadpool(posted, request, body)

    def posted(request: Request, body: bytes) -> Response:
        here = who_is_here(request)
        if len(body) > LONGEST_FORM:
            return JSONResponse({"why": "too long"}, 422)
        try:
            said = offline.Posted.model_validate_json(body)
            if said.for_ != offline.whose(here.resident):
                return JSONResponse({"why": "another stay"}, 403)
            known = residents.kept_one(here.place, said.reading_id) is not None
            reading = offline.reading_of(said, here.resident.pathway, here.now)
        except (ValidationError, OverflowError):
            return JSONResponse({"why": "not a reading"}, 422)
        except offline.UnreadableError as unreadable:
            return JSONResponse({"why": "not numbers", "wrong": unreadable.wrong}, 422)
        try:
            told = residents.send(reading, here.place, here.now)
        except NotKeptError:
            return JSONResponse({"why": "no room"}, 507)
        advice = told.advice.model_dump(mode="json") if told.advice else None
        return JSONResponse({"kept": str(told.reading_id), "told": advice}, 200 if known else 201)

    return app


def _language(request: Request) -> Language:
    return language_of(request.cookies.get(LANGUAGE) or ENGLISH)


def _since(here: Here) -> datetime:
    return here.now - LOOKS_BACK


def _to(id_: UUID, screen: Screen) -> Response:
    return RedirectResponse(f"/reading/{id_}/{screen.name}", 303)


def _after(here: Here, screen: Screen) -> Screen:
    known = screens(here.resident.pathway)
    return known[known.index(screen) + 1]


def _goes_on(back: str) -> str:
    """Return where a form that is half typed goes on; nothing else is gone back to."""
    return back if GOES_ON.fullmatch(back) else ""


def _one(form: Form, name: str) -> str:
    return (form.get(name) or [""])[-1]


def _set_cookie(request: Request, answer: Response, name: str, value: str) -> None:
    secure = request.url.scheme == "https"
    answer.set_cookie(
        name, value, max_age=REMEMBERED_S, httponly=True, samesite="lax", secure=secure
    )


def _same_site(request: Request) -> bool:
    """Say whether a form came from this page: a browser says where it was."""
    origin = request.headers.get("origin")
    if origin in (None, "null"):
        return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    return urlsplit(origin or "").netloc == request.headers.get("host", "")

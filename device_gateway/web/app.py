"""Assembles the patient's page: headers, refusals and routes.

Every screen works without JavaScript: a form, and a redirect to the next. No address holds anything
that was typed, and no browser or proxy keeps an answer. Where a browser lets it, a phone keeps one
form, `/offline`, and what was typed in it until `/api/readings` has taken it.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware

from device_gateway.web import routes_offline, routes_reading, routes_visit
from device_gateway.web.deps import NotInError, get_language, get_pages, resume_path
from device_gateway.web.pages import HERE, Pages
from device_gateway.web.resident import Residents
from device_gateway.web.visits import Book
from ward_service.contract.clock import Clock

SHORTEST_GZIP: Final = 500  # bytes
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


def create_app(residents: Residents, book: Book, clock: Clock) -> FastAPI:
    """Return the page over these residents."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.residents, app.state.book, app.state.clock = residents, book, clock
    app.state.pages = Pages()
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.middleware("http")(_add_headers)
    # No answer that repeats a stranger's text holds a secret, so the length of a compressed
    # answer gives nothing away (BREACH): only a cookie lets a device in.
    app.add_middleware(GZipMiddleware, minimum_size=SHORTEST_GZIP)
    app.add_exception_handler(NotInError, _show_the_door)
    app.add_exception_handler(404, _show_nothing)
    app.add_exception_handler(422, _show_nothing)
    for routes in (routes_visit, routes_reading, routes_offline):
        app.include_router(routes.router)
    return app


async def _add_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    answer: Response
    if request.method == "POST" and not _is_same_site(request):
        answer = _show_nothing(request, None)  # another site wants something done
    else:
        answer = await call_next(request)
    answer.headers.update(HEADERS)
    static = request.url.path.startswith("/static/")
    answer.headers["Cache-Control"] = "max-age=3600" if static else "no-store"
    return answer


def _show_the_door(request: Request, _: Exception) -> Response:
    path = request.url.path
    if path.startswith("/api/"):
        return JSONResponse({"why": "nobody is in"}, 401)
    back = resume_path(path)
    return RedirectResponse(f"/in?back={back}" if back else "/in", 303)


def _show_nothing(request: Request, _: Exception | None) -> Response:
    return get_pages(request).nothing(get_language(request))


def _is_same_site(request: Request) -> bool:
    """Say whether a form came from this page: a browser says where it was."""
    origin = request.headers.get("origin")
    if origin in (None, "null"):
        return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    return urlsplit(origin or "").netloc == request.headers.get("host", "")

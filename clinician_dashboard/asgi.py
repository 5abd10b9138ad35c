"""The dashboard's HTTP side: nobody unknown starts a page, and nothing is fetched from outside.

The ward owns the session. This process keeps no secret: it passes the cookie on as a bearer token.
Source: docs/reference/screens.md#gate, #session.
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from html import escape
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import anyio.to_thread
import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from clinician_dashboard.ward_api.ward_api import (
    COOKIE,
    RefusedError,
    SignedOutError,
    WardApi,
    WardAwayError,
)

HERE: Final = Path(__file__).parent
ALIVE_FOR_S: Final = 5.0  # how long an answer about a session is believed
LONGEST_BODY: Final = 4_096  # bytes of a sign-in form
# The hash is Streamlit 1.67's one script in its page.
CSP: Final = (
    "default-src 'self'; "
    "script-src 'self' 'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
OPEN: Final = ("/sign-in", "/_stcore/health")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Gate:
    """Lets pages and their WebSockets through for those who are signed in; adds safe headers."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._known: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        send = partial(_with_headers, send)
        if scope["path"] in OPEN or await self._alive(token_of(scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4401})
        else:
            await RedirectResponse("/sign-in", 303)(scope, receive, send)

    async def _alive(self, token: str) -> bool:
        """Ask the ward whether a session lives; while it is away, believe its last answer."""
        if not token:
            return False
        now = time.monotonic()
        if self._known.get(token, 0.0) > now:
            return True
        try:
            await anyio.to_thread.run_sync(WardApi(token).me)
        except (SignedOutError, RefusedError):
            self._known.pop(token, None)
            return False
        except WardAwayError:
            return token in self._known
        self._known = {t: until for t, until in self._known.items() if until > now - 3600}
        self._known[token] = now + ALIVE_FOR_S
        return True


async def _with_headers(send: Send, message: MutableMapping[str, Any]) -> None:
    if message["type"] == "http.response.start":
        message["headers"] = [*message.get("headers", ()), *HEADERS]
    await send(message)


def token_of(scope: Scope) -> str:
    """Return the session's token from a request's cookies, or ""."""
    cookies = SimpleCookie()
    for name, value in scope.get("headers", ()):
        if name == b"cookie":
            cookies.load(value.decode("latin-1"))
    return cookies[COOKIE].value if COOKIE in cookies else ""


async def sign_in_page(request: Request) -> Response:  # noqa: ARG001
    """Show the form."""
    return _page("")


async def sign_in(request: Request) -> Response:
    """Begin a session at the ward and hand its token to this browser alone."""
    if not _same_site(request):
        return _page("This form was sent from another site, so nothing was done. Try again.", 403)
    body = await request.body()
    if len(body) > LONGEST_BODY:
        return _page("That was too long.", 413)
    given = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    ask = partial(WardApi("").sign_in, given.get("username", ""), given.get("password", ""))
    try:
        session = await anyio.to_thread.run_sync(ask)
    except (SignedOutError, RefusedError) as error:
        return _page(str(error), 401, given.get("username", ""))
    except WardAwayError:
        words = "The ward does not answer, so nobody can sign in now. Try again soon."
        return _page(words, 503, given.get("username", ""))
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        COOKIE, session.token, httponly=True, samesite="lax", path="/", secure=_over_https(request)
    )
    return answer


async def sign_out(request: Request) -> Response:
    """End the session at the ward; whoever held its token is out."""
    if _same_site(request):
        try:
            await anyio.to_thread.run_sync(WardApi(token_of(request.scope)).sign_out)
        except (SignedOutError, WardAwayError, RefusedError):
            return _page("This browser has forgotten you. The ward could not be told.", 200)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


def _same_site(request: Request) -> bool:
    origin = request.headers.get("origin") or request.headers.get("referer") or ""
    return not origin or urlsplit(origin).netloc == request.headers.get("host", "")


def _over_https(request: Request) -> bool:
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))


def _page(words: str, status: int = 200, username: str = "") -> HTMLResponse:
    """Return the form with a notice; a name that was typed is not typed again."""
    html = (HERE / "assets" / "sign_in.html").read_text(encoding="utf-8")
    notice = f'<p class="wrong" role="alert">{escape(words)}</p>' if words else ""
    headers = {"Cache-Control": "no-store"}
    html = html.replace("<!-- notice -->", notice).replace("<!-- username -->", escape(username))
    return HTMLResponse(html, status, headers=headers)


app = st.App(
    HERE / "app.py",
    middleware=[Middleware(Gate)],
    routes=[
        Route("/sign-in", sign_in_page, methods=["GET"]),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["GET"]),
    ],
)

"""Routes for a phone with no network: the form that it keeps, and what waited on it."""

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from device_gateway.home import NotKeptError
from device_gateway.web import offline
from device_gateway.web.deps import (
    LONGEST_FORM,
    BookDep,
    HereDep,
    NotInError,
    NowDep,
    PagesDep,
    ResidentsDep,
    find_here,
)
from device_gateway.web.pages import Here
from device_gateway.web.resident import Residents

router = APIRouter()


@router.get("/alive")
def report_alive(request: Request, residents: ResidentsDep, book: BookDep, now: NowDep) -> Response:
    """Say that the page can be reached, and whether this device is let in."""
    try:
        find_here(request, residents, book, now)
    except NotInError:
        return JSONResponse({"in": False})
    return JSONResponse({"in": True})


@router.get("/sw.js")
def serve_worker(pages: PagesDep) -> Response:
    """Return the program that keeps the form on a phone."""
    return Response(pages.worker(), media_type="text/javascript")


@router.get("/offline")
def serve_form(here: HereDep, pages: PagesDep) -> Response:
    """Return the form that a phone keeps."""
    return pages.offline(here)


@router.post("/api/readings")
async def take_posted(request: Request, here: HereDep, residents: ResidentsDep) -> Response:
    """Take a reading that waited on a phone, once however often it is sent.

    201: it is kept, 200: it was; only then may the phone forget it. 401: nobody is in; 403: it
    is of another stay; 422: it cannot be read; 507: there is no room. It is then still only on
    the phone.
    """
    body = await request.body()
    return await run_in_threadpool(_keep_posted, body, here, residents)


def _keep_posted(body: bytes, here: Here, residents: Residents) -> Response:
    if len(body) > LONGEST_FORM:
        return JSONResponse({"why": "too long"}, 422)
    try:
        posted = offline.Posted.model_validate_json(body)
        if posted.for_ != offline.whose(here.resident):
            return JSONResponse({"why": "another stay"}, 403)
        known = residents.kept_one(here.place, posted.reading_id) is not None
        reading = offline.reading_of(posted, here.resident.pathway, here.now)
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

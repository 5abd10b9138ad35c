"""Assemble the ward's HTTP door. Refusals become problem+json (RFC 9457), safe to show."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from ward_service.api import (
    alerts,
    board,
    data_quality,
    enrolments,
    entry,
    episodes,
    gateways,
    health,
    letters,
    pathways,
    replays,
    sessions,
    tasks,
)
from ward_service.api.board import BoardCache
from ward_service.api.views import alert_view
from ward_service.contract.http.alerts import AlertView
from ward_service.contract.http.problem import Problem, RowWords
from ward_service.errors import OutdatedError, RowsRefusedError, StorageDownError, WardError
from ward_service.logs import log
from ward_service.ward import Ward


def create_app(ward: Ward) -> FastAPI:
    """Return the application over an opened ward."""
    # The interactive pages would fetch their scripts from elsewhere; /openapi.json is enough.
    app = FastAPI(title="Homeward: the ward", version="1", docs_url=None, redoc_url=None)
    app.state.ward = ward
    app.state.board = BoardCache()
    for noun in (
        sessions,
        board,
        alerts,
        episodes,
        enrolments,
        gateways,
        entry,
        letters,
        tasks,
        pathways,
        replays,
        data_quality,
        health,
    ):
        app.include_router(noun.router)
    app.add_exception_handler(WardError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_shape)
    app.add_exception_handler(StorageDownError, _storage_down)
    app.add_exception_handler(Exception, _our_fault)
    return app


def _refuse(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WardError)  # noqa: S101
    if isinstance(error, RowsRefusedError):
        return _problem(error.status, str(error), rows=error.rows)
    if not isinstance(error, OutdatedError):
        return _problem(error.status, str(error))
    ward: Ward = request.app.state.ward
    with ward.unit_of_work(read_only=True) as store:  # show what it has become meanwhile
        row = store.alerts.get(error.alert_id)
        return _problem(error.status, str(error), alert_view(row) if row else None)


def _refuse_shape(_: Request, error: Exception) -> JSONResponse:
    """Name the fields that are wrong; what stood in them may be somebody's name."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    wrong = {".".join(str(part) for part in e["loc"][1:]): e["msg"] for e in error.errors()}
    said = "; ".join(f"{field or 'the request'}: {message}" for field, message in wrong.items())
    return _problem(422, f"Nothing was done. {said}")


def _storage_down(_: Request, __: Exception) -> JSONResponse:
    log("storage.down", stage="api")
    return _problem(503, "The ward cannot reach its database. Nothing was done; try again.")


def _our_fault(_: Request, error: Exception) -> JSONResponse:
    log("request.broke_us", error=type(error).__name__)
    return _problem(500, "Something broke in the ward. Nothing was done; try again, then call us.")


def _problem(
    status: int, detail: str, alert: AlertView | None = None, rows: tuple[RowWords, ...] = ()
) -> JSONResponse:
    title = HTTPStatus(status).phrase
    problem = Problem(title=title, detail=detail, status=status, alert=alert, rows=rows)
    body = problem.model_dump(mode="json")
    return JSONResponse(body, status, media_type="application/problem+json")

"""Around every request: an id, one shape for errors, safe headers, one line in the log."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable

import msgspec
import structlog
from aiohttp import web

from tracker.api.metrics import Metrics
from tracker.core.errors import BadRequest, TrackerError, TryLater

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger()

METRICS = web.AppKey("metrics", Metrics)
REQUEST_ID = "X-Request-Id"
QUIET = ("/healthz", "/readyz", "/metrics")  # asked every few seconds by machines
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported"}
_SENTENCES = {
    404: "there is nothing at this address; GET /openapi.json lists all there is",
    405: "this address does not take this method",
    413: "the body is over the limit of 1 MB",
}
_UNREADABLE = "the body is not packed as its Content-Encoding says: send it as it is, or packed with gzip or deflate"


def error_response(error: TrackerError) -> web.Response:
    """The one shape of an error."""
    response = web.Response(
        body=msgspec.json.encode(error.as_json()), status=error.status, content_type="application/json"
    )
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TryLater):
        response.headers["Retry-After"] = "2"
    return response


@web.middleware
async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Runs outermost. Whatever is raised inside becomes an answer that shows nothing of the inside."""
    began = time.monotonic()
    given = request.headers.get(REQUEST_ID, "")
    request_id = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
    response = await _answer(request, handler, request_id)
    if not response.prepared:
        response.headers[REQUEST_ID] = request_id
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "unknown"
    request.app[METRICS].answered(request.method, route, response.status, time.monotonic() - began)
    note = log.debug if request.path in QUIET else log.info
    note(
        "api_request",
        method=request.method,
        route=route,
        status=response.status,
        ms=round((time.monotonic() - began) * 1000),
        request_id=request_id,
    )
    return response


async def _answer(request: web.Request, handler: Handler, request_id: str) -> web.StreamResponse:
    try:
        return await handler(request)
    except asyncio.CancelledError:
        raise
    except TrackerError as error:
        if error.status < 500 or isinstance(error, TryLater):
            return error_response(error)
        log.error("api_broken", request_id=request_id, exc_info=True)
        return _broken()
    except web.RequestPayloadError:
        response = error_response(BadRequest(_UNREADABLE, code="bad_encoding"))
        response.force_close()  # nobody knows where the next request begins
        return response
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _http_error(error)
    except Exception:
        log.exception("api_failed", request_id=request_id)
        return _broken()


def _http_error(error: web.HTTPException) -> web.Response:
    ours = TrackerError(_SENTENCES.get(error.status, error.reason), code=_CODES.get(error.status, "error"))
    ours.status = error.status
    response = error_response(ours)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def _broken() -> web.Response:
    return error_response(
        TrackerError("something went wrong inside; the service's log has it under this answer's X-Request-Id")
    )

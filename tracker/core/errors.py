"""Errors sorted by what the reader must do.

TrackerError
├── BadRequest        the sender must change something: 4xx, never retry
│   ├── Unauthorized  no or unknown key/token (401)
│   ├── Forbidden     known, but not allowed (403)
│   ├── NotFound      no such thing (404)
│   ├── Conflict      the name is taken, the state does not allow it (409)
│   └── TooLarge      over a documented limit (413)
├── TryLater          a neighbour is down or full: keep the work, come back (503)
│   ├── Doubtful      the outcome of a write is unknown: verify before going on
│   └── TooMany       the sender is over its share (429)
├── Refused           the store refused this content: isolate the bad row, go on with the rest
└── Broken            our own promise is broken: stop and call a person (500)
"""

from __future__ import annotations


class TrackerError(Exception):
    """Anything this service raises on purpose.

    `code` is a stable machine-readable word, `message` one sentence for a person that says what to change,
    `field` the path of the offending input where there is one.
    """

    status = 500
    code = "error"

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.field = field

    def as_json(self) -> dict[str, dict[str, str]]:
        """The one shape of an error answer: `{"error": {"code", "message", "field"?}}`."""
        body = {"code": self.code, "message": self.message}
        if self.field is not None:
            body["field"] = self.field
        return {"error": body}


class BadRequest(TrackerError):
    """The sender must change something."""

    status = 400
    code = "bad_request"


class Unauthorized(BadRequest):
    """No, or an unknown, key or token."""

    status = 401
    code = "unauthorized"


class Forbidden(BadRequest):
    """Known, but not allowed."""

    status = 403
    code = "forbidden"


class NotFound(BadRequest):
    """No such thing."""

    status = 404
    code = "not_found"


class Conflict(BadRequest):
    """The name is taken, or the present state does not allow it."""

    status = 409
    code = "conflict"


class TooLarge(BadRequest):
    """Over a documented limit."""

    status = 413
    code = "too_large"


class TryLater(TrackerError):
    """A neighbour is down or full: keep the work and come back after a pause."""

    status = 503
    code = "try_later"


class Doubtful(TryLater):
    """Nobody knows whether the write happened: verify before going on."""

    code = "doubtful"


class TooMany(TryLater):
    """The sender is over its share; `after`: seconds until it may come back."""

    status = 429
    code = "too_many"

    def __init__(self, message: str, *, after: int) -> None:
        super().__init__(message)
        self.after = after


class Refused(TrackerError):
    """The store refused this content; sending it again as it is cannot help."""

    code = "refused"


class Broken(TrackerError):
    """Our own promise is broken: stop and call a person."""

    code = "broken"

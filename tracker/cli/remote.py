"""The API as the command line uses it: the one that runs, or one made for the length of this command."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tracker.config import Settings
from tracker.core.errors import TrackerError, TryLater

TIMEOUT = 600.0  # seconds; a report over all of a large store takes its time
PIECE = 1_000_000  # bytes
_AS_THE_SERVICE = "set TRACKER_ADMIN_TOKEN to the one that the service was started with"


class Api:
    """One API with the admin's token."""

    def __init__(self, base: str, token: str) -> None:
        self._base = urlsplit(base)
        self._token = token

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The decoded answer. Raises TrackerError with the API's own sentence, TryLater when nobody answers."""
        status, blob = self._request(method, path, body)
        try:
            answer = json.loads(blob or b"null")
        except ValueError:
            raise TrackerError(
                f"{self._base.netloc} does not answer like the API does: is it the right port?"
            ) from None
        if status >= 400:
            raise _refusal(status, answer)
        return answer

    def download(self, path: str, to: Path) -> None:
        """Write the answer to a file that only its owner can read, piece by piece; it is there when it is complete.

        Raises as `call`, and TrackerError where the file cannot be written.
        """
        with self._answer("GET", path, None, "application/json, */*") as answer:
            if answer.status >= 400:
                raise _refusal(answer.status, json.loads(answer.read()))
            with _complete_or_not_there(to) as write:
                while piece := answer.read(PIECE):
                    write(piece)
                if answer.length:  # it ended early, of which reading in pieces says nothing
                    raise http.client.IncompleteRead(b"", answer.length)

    def text(self, method: str, path: str, body: object = None, *, accept: str = "application/json, */*") -> bytes:
        """The answer as it is, in the form that `accept` names. Raises as `call`."""
        status, blob = self._request(method, path, body, accept)
        if status >= 400:
            raise _refusal(status, json.loads(blob))
        return blob

    def _request(
        self, method: str, path: str, body: object, accept: str = "application/json, */*"
    ) -> tuple[int, bytes]:
        with self._answer(method, path, body, accept) as answer:
            return answer.status, answer.read()

    @contextmanager
    def _answer(self, method: str, path: str, body: object, accept: str) -> Iterator[http.client.HTTPResponse]:
        kind = http.client.HTTPSConnection if self._base.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._base.hostname or "127.0.0.1", self._base.port, timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": accept, "Connection": "close"}
        blob = None
        if body is not None:
            blob, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        try:
            connection.request(method, self._base.path + path, blob, headers)
            yield connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise TryLater(
                f"no answer from the API at {self._base.netloc} ({error}): is `tracker up` running?", code="api_away"
            ) from None
        finally:
            connection.close()


@contextmanager
def _complete_or_not_there(to: Path) -> Iterator[Callable[[bytes], object]]:
    """What writes a piece; the file has its name once all is written."""
    part = to.with_name(f"{to.name}.part")
    try:
        with _told(to):
            file = os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")

        def write(piece: bytes) -> None:
            with _told(to):
                file.write(piece)

        with file:
            yield write
            with _told(to):
                file.flush()
        with _told(to):
            part.replace(to)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Errors of the disk are not taken for errors of the network."""
    try:
        yield
    except OSError as error:
        raise TrackerError(f"cannot write {file}: {error.strerror or error}") from None


def _refusal(status: int, answer: Any) -> TrackerError:
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return TrackerError(f"the API answered with status {status}")
    if status == 401:
        return TrackerError(f"the API does not know this token: {_AS_THE_SERVICE}", code="unauthorized")
    where = f" (at {error['field']})" if error.get("field") and error["field"] not in str(error.get("message")) else ""
    return TrackerError(f"{error.get('message', 'refused')}{where}", code=str(error.get("code", "error")))


@contextmanager
def connect(settings: Settings) -> Iterator[Api]:
    """The API of this data folder.

    One process may open the embedded store, so while an engine runs everything goes through its API; when none runs,
    this process serves the same API to itself on a loopback port until the command ends. `TRACKER_API_URL` names
    another one.
    """
    from tracker.supervisor.claim import holder
    from tracker.wiring.doors import admin_token

    running = holder(settings.data, "api") or {}
    url = settings.api_url or running.get("url")
    if url:
        if not settings.admin_token and not (settings.data / "admin-token").exists():
            raise TrackerError(f"there is no admin-token in {settings.data}: {_AS_THE_SERVICE}", code="no_admin_token")
        yield Api(str(url).rstrip("/"), admin_token(settings))
        return
    from tracker.wiring.engine import own_api

    with own_api(settings) as base:
        yield Api(base, admin_token(settings))

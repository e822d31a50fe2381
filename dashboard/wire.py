"""Requests to the API and what may come back: JSON, or one of

ApiError      the API said no; `sentence` says what to do, in words for a person
├── SignedOut   no or unknown token (401)
└── ApiAway     nobody answers, or not in time; trying again may help
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

Json = dict[str, Any]


class ApiError(Exception):
    """The API refused; `sentence` is for the reader of the page."""

    def __init__(self, sentence: str, *, code: str = "error", status: int = 0, field: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        self.status = status
        self.field = field


class SignedOut(ApiError):
    """The token is missing, unknown or withdrawn."""


class ApiAway(ApiError):
    """Nobody answers at the API's address, or not in time."""


class Wire:
    """One API with one token. Cheap to make; connections are shared through `transport`."""

    def __init__(self, url: str, token: str, transport: httpx.Client, segment: str = "") -> None:
        """`segment`: the id of the audience that reports are about; empty for everybody."""
        self.url = url.rstrip("/")
        self.segment = segment
        self._token = token
        self._http = transport

    def report(self, name: str, body: Json) -> Json:
        """An answer about the people of the segment, where there is one."""
        some = {"segment": self.segment} if self.segment and name != "live" else {}
        return self.json("POST", f"/api/v1/reports/{name}", json=body | some)

    def json(self, method: str, path: str, **more: Any) -> Json:
        """The decoded answer; a list of it as `{"rows": [...]}`."""
        answer = self.send(method, path, **more)
        if not answer.content:
            return {}
        try:
            decoded = answer.json()
        except ValueError:
            raise ApiAway("The address of the API answers, but not as the API does. Check TRACKER_API_URL.") from None
        return decoded if isinstance(decoded, dict) else {"rows": decoded}

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The answer as it came; raises what the head of this file says."""
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json, */*"}
        try:
            answer = self._http.request(method, self.url + path, headers=headers, **more)
        except httpx.TimeoutException:
            raise ApiAway("The answer takes too long. Choose a shorter period, or try again in a moment.") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise ApiAway("The tracking service does not answer at the moment.") from None
        if answer.is_success:
            return answer
        raise _refusal(answer)


def rows_of(answer: Json, key: str) -> list[Json]:
    """The rows that an answer has under `key`."""
    rows = answer.get(key) or answer.get("rows") or []
    return [row for row in rows if isinstance(row, dict)]


def _refusal(answer: httpx.Response) -> ApiError:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    error: Mapping[str, Any] = (body.get("error") if isinstance(body, dict) else None) or {}
    message = str(error.get("message") or "").strip()
    code, status = str(error.get("code") or "error"), answer.status_code
    if status == 401:
        return SignedOut("This token is not known. Ask your administrator for a new one.", code=code, status=status)
    if status in (429, 502, 503, 504):
        busy = "The tracking service is busy. Try again in a moment."
        return ApiAway(_sentence(message) or busy, code=code, status=status)
    if status >= 500:
        return ApiError("The service could not answer this. The reason is in its log.", code=code, status=status)
    if status == 403 and not message:
        message = "Your token does not allow this; ask for one with a wider role"
    field = error.get("field")
    sentence = _sentence(message) or "The service did not accept this."
    return ApiError(sentence, code=code, status=status, field=str(field) if field else None)


def _sentence(message: str) -> str:
    if not message:
        return ""
    message = message[0].upper() + message[1:]
    return message if message[-1] in ".!?" else message + "."

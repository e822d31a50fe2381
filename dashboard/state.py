"""What a session knows: its token, the site and period of every page, and answers it may reuse for a moment."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ParamSpec, TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx
import streamlit as st

from dashboard import formats
from dashboard.client import Api, Json

P = ParamSpec("P")
T = TypeVar("T")

API_URL = "TRACKER_API_URL"
TOKEN = "TRACKER_DASHBOARD_TOKEN"  # noqa: S105 - the name of a variable
REUSE = timedelta(seconds=20)  # how long a report may be shown again without asking

PRESETS: dict[str, int | None] = {
    "Today": 1,
    "Last 7 days": 7,
    "Last 30 days": 30,
    "Last 90 days": 90,
    "Last 12 months": 365,
    "Own dates": None,
}


@dataclass(frozen=True)
class Period:
    """Days of the site's own time zone, both included."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def start(self) -> str:
        """The first instant, as the API wants it."""
        return datetime.combine(self.first, time(), self.zone).isoformat()

    @property
    def end(self) -> str:
        """The first instant after the last day."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone).isoformat()

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Period:
        """The same number of days right before, which reports compare with."""
        length = timedelta(days=self.days)
        return Period(self.first - length, self.last - length, self.zone)

    @property
    def text(self) -> str:
        """For the page's head."""
        return formats.days(self.first, self.last)


def now() -> datetime:
    """The clock, in one place."""
    return datetime.now(UTC)


def zone(site: Json) -> ZoneInfo:
    """The site's time zone; UTC where this machine does not know it."""
    try:
        return ZoneInfo(str(site.get("timezone") or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def api_url() -> str:
    """Where the API is."""
    return os.environ.get(API_URL, "http://127.0.0.1:8081")


def token() -> str:
    """The launcher's token, else what this session signed in with; empty for none."""
    return os.environ.get(TOKEN) or str(st.session_state.get("token", ""))


@st.cache_resource
def _transport() -> httpx.Client:
    # trust_env off: the API is a neighbour, never behind the proxy of the house
    return httpx.Client(timeout=httpx.Timeout(60, connect=3), trust_env=False)


def api() -> Api:
    """The API with this session's token and segment."""
    return Api(api_url(), token(), _transport(), str(segment().get("id", "")))


def ask(method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`method(*args)` of the API, or the same answer again if it is younger than `REUSE`.

    Answers are kept by token, so nobody sees what another role was told, and by segment.
    """
    owner = getattr(method, "__self__", None)
    of = f"{owner.url}\0{owner.segment}" if isinstance(owner, Api) else ""
    scope = hashlib.sha256(f"{of}\0{token()}".encode()).hexdigest()
    asked = json.dumps([args, kwargs], sort_keys=True)
    return cast("T", _remember(scope, method.__name__, asked, lambda: method(*args, **kwargs)))


@st.cache_data(ttl=REUSE, max_entries=400, show_spinner=False)
def _remember(scope: str, question: str, asked: str, _answer: Callable[[], Any]) -> Any:
    return _answer()


def forget() -> None:
    """Ask everything anew: after something was changed."""
    _remember.clear()


def site() -> Json:
    """The site the sidebar shows; empty when there is none yet."""
    return cast("Json", st.session_state.get("_site", {}))


def site_name() -> str:
    """Its name."""
    return str(site().get("name") or site().get("site") or "")


def segment() -> Json:
    """The audience that reports are about; empty for everybody."""
    return cast("Json", st.session_state.get("_segment", {}))


def period() -> Period:
    """The period the sidebar shows."""
    return cast("Period", st.session_state["_period"])


def today(of: Json) -> date:
    """The date it is for the site's customers."""
    return now().astimezone(zone(of)).date()


def token_is_given() -> bool:
    """Whether the launcher gave the token, so that nobody signs in or out."""
    return bool(os.environ.get(TOKEN))


def pages() -> dict[str, Any]:
    """The pages by name, for links between them."""
    return cast("dict[str, Any]", st.session_state["_pages"])

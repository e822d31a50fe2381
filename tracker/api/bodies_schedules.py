"""What requests about scheduled reports carry, and what they are answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tracker.api.answers import ErrorBody
from tracker.api.bodies import Closed, Limit, Name, SiteName

State = Literal["waiting", "running", "done", "failed"]


class RhythmBody(Closed):
    """When: `weekday` with every week, `day` with every month; one that a month does not have is its last."""

    every: Literal["day", "week", "month"]
    hour: Annotated[int, Meta(ge=0, le=23, description="of the site's clock")]
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] | UnsetType = UNSET
    day: Annotated[int, Meta(ge=1, le=31)] | UnsetType = UNSET


class ReportTo(Closed):
    """A webhook or e-mail destination; `addresses` in place of those of the e-mail destination."""

    destination: str
    addresses: Annotated[list[str], Meta(max_length=50)] = field(default_factory=list)


class ScheduleBody(Closed):
    """A report, the period it covers, when it is made and whom it goes to.

    `question` is the report's request without site, from, to and timezone; `funnel` the id of a saved one.
    """

    site: SiteName
    name: Name
    report: Annotated[str, Meta(examples=["funnel", "overview", "retention"])]
    period: Annotated[str, Meta(examples=["yesterday", "last_7_days", "last_month"])]
    rhythm: RhythmBody
    to: Annotated[list[ReportTo], Meta(min_length=1, max_length=10)]
    question: dict[str, Any] = field(default_factory=dict)
    funnel: str = ""
    paused: bool = False


class RunsOf(Closed):
    """How many of the newest."""

    limit: Limit = 20


class ReportTold(Struct):
    """What became of a run at one destination."""

    destination: str
    name: str
    state: State
    error: ErrorBody | None


class ReportRun(Struct, kw_only=True):
    """One time that a report was made. `at`: the moment it is about; `next_try` where it failed and is tried again."""

    id: str
    kind: Literal["due", "now"]
    at: str
    state: State
    tries: int
    next_try: str | None
    start: str | None = field(name="from")
    end: str | None = field(name="to")
    rows: int | None
    error: ErrorBody | None
    told: list[ReportTold]
    ended: str | None


class ReportGoesTo(Struct):
    """Addresses are shown to analysts and above."""

    destination: str
    addresses: list[str] | UnsetType = UNSET


class ScheduleShown(Struct, kw_only=True):
    """A scheduled report; `next` is null while it is paused."""

    id: str
    site: str
    name: str
    report: str
    question: dict[str, Any]
    funnel: str
    period: str
    rhythm: dict[str, Any]
    timezone: str
    to: list[ReportGoesTo]
    paused: bool
    next: str | None
    last: ReportRun | None
    created: str


class Tellable(Struct):
    """A destination that a report can go to."""

    id: str
    name: str
    kind: Literal["webhook", "email"]


class Schedulable(Struct):
    """A report that can be scheduled."""

    name: str
    title: str


class SchedulesShown(Struct):
    """By name, and what a new one can choose from."""

    schedules: list[ScheduleShown]
    destinations: list[Tellable]
    reports: list[Schedulable]


class ReportRuns(Struct):
    """The newest first."""

    runs: list[ReportRun]

"""Bodies of the other reports."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tracker.api.bodies import Duration, Limit, SiteName, Time, Zone
from tracker.api.bodies_funnels import Condition, Segmented


class OverviewBody(Segmented, kw_only=True):
    """One period; it is compared with the one of the same length before, or the same 52 weeks earlier."""

    site: SiteName
    start: Time = field(name="from")
    end: Time = field(name="to")
    compare: Literal["previous", "year"] = "previous"
    currency: str | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET


class LiveBody(Segmented, kw_only=True):
    """The latest events."""

    site: SiteName
    limit: Limit = 50


class RfmBody(Segmented, kw_only=True):
    """Buyers as of `to`, by their purchases since `from`; `event` is what counts as one."""

    site: SiteName
    start: Time = field(name="from")
    end: Time = field(name="to")
    event: Condition | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET


class LiftBody(Struct, kw_only=True):
    """Members who were first fit to leave the house in the range, observed until its end; a purchase unless another
    conversion is named. With a network nothing counts before it was first given the audience.
    """

    site: SiteName
    audience: str
    start: Time = field(name="from")
    end: Time = field(name="to")
    conversion: Condition | UnsetType = UNSET
    network: str | UnsetType = UNSET


class LtvBody(RfmBody, kw_only=True):
    """Buyers whose first purchase lies in the range, and all their purchases until its end."""

    timezone: Zone | UnsetType = UNSET


class LtvPredictedBody(LtvBody, kw_only=True):
    """Buyers whose first purchase lies in the range, and how far ahead of its end to look."""

    horizon: str = "365d"


class LtvPeopleBody(LtvPredictedBody, kw_only=True):
    """The same buyers one by one, those with the most first, or one person alone."""

    order: Literal["value", "purchases", "churn"] = "value"
    limit: Limit = 50
    person: Annotated[str, Meta(description="a user id or a visitor id")] = ""


class LifecycleBody(Segmented, kw_only=True):
    """Who came for the first time, came again, came back or stayed away; of everything, or of one event."""

    site: SiteName
    start: Time = field(name="from")
    end: Time = field(name="to")
    period: Literal["day", "week", "month"] = "week"
    week_start: Literal["monday", "sunday"] = "monday"
    event: Condition | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET


class StickinessBody(Segmented, kw_only=True):
    """On how many days (or weeks) of a period people did something, or one event."""

    site: SiteName
    start: Time = field(name="from")
    end: Time = field(name="to")
    period: Literal["week", "month"] = "month"
    unit: Literal["day", "week"] = "day"
    week_start: Literal["monday", "sunday"] = "monday"
    event: Condition | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET


class TimeseriesBody(Segmented, kw_only=True):
    """One number an interval."""

    site: SiteName
    start: Time = field(name="from")
    end: Time = field(name="to")
    interval: Literal["hour", "day", "week", "month"] = "day"
    event: Condition | UnsetType = UNSET
    measure: Literal["events", "people", "value"] = "events"
    compare: Literal["previous", "year"] | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET


class AnomaliesBody(Segmented, kw_only=True):
    """A figure by day or hour beside the same weekday (and hour) of the `weeks` before; unusual from `score` up."""

    site: SiteName
    start: Time = field(name="from")
    end: Time = field(name="to")
    interval: Literal["hour", "day"] = "day"
    event: Condition | UnsetType = UNSET
    measure: Literal["events", "people", "value"] = "events"
    weeks: Annotated[int, Meta(ge=4, le=52)] = 8
    score: Annotated[float, Meta(ge=1, le=100)] = 3.5
    timezone: Zone | UnsetType = UNSET


class CohortProperty(Struct, kw_only=True):
    """One set of cohorts for each value; the property is that of the event that puts a person into the cohort."""

    property: str


class RetentionBody(Segmented, kw_only=True):
    """Who began, and who came back; without `start` or `return` any event does."""

    site: SiteName
    since: Time = field(name="from")
    until: Time = field(name="to")
    period: Literal["day", "week", "month"] = "day"
    start: Condition | UnsetType = UNSET
    back: Condition | UnsetType = field(name="return", default=UNSET)
    kind: Literal["first_time", "recurring"] = "first_time"
    rolling: bool = False
    week_start: Literal["monday", "sunday"] = "monday"
    breakdown: CohortProperty | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET


class PathGroup(Struct, kw_only=True):
    """Nodes that fit `match` (`*` stands for any characters) are shown as one; the first rule that fits counts."""

    match: Annotated[str, Meta(examples=["/product/*"])]
    name: Annotated[str, Meta(description="`match` without it")] | UnsetType = UNSET


class PathsBody(Segmented, kw_only=True):
    """From where to where; `session_gap` null makes one path of everything a person does."""

    site: SiteName
    since: Time = field(name="from")
    until: Time = field(name="to")
    by: Literal["page", "event"] = "page"
    start: Annotated[str, Meta(description="only from this node on")] | UnsetType = UNSET
    end: Annotated[str, Meta(description="only up to this node")] | UnsetType = UNSET
    steps: Annotated[int, Meta(ge=2, le=20, description="nodes of a path")] = 5
    session_gap: Duration | None = "30m"
    min_people: Annotated[int, Meta(ge=1)] = 1
    max_nodes: Annotated[int, Meta(ge=1, le=1000, description="nodes of a step; the rest is other")] = 100
    groups: list[PathGroup] = field(default_factory=list)


class AttributionBody(Segmented, kw_only=True):
    """Conversions shared among the touches before them; `half_life` is that of `time_decay`."""

    site: SiteName
    start: Time = field(name="from")
    end: Time = field(name="to")
    conversion: Condition | UnsetType = UNSET
    value: Annotated[str, Meta(description="the property that holds a conversion's worth")] = "value"
    model: Literal["first", "last", "last_non_direct", "linear", "time_decay", "position", "markov", "shapley"] = "last"
    lookback: Duration = "30d"
    half_life: Duration = "7d"
    by: Literal["channel", "source", "campaign", "click_id"] = "channel"
    currency: str | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET

"""Bodies of funnels, and the parts that other reports are asked with too."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tracker.api.bodies import Duration, SiteName, Time, Zone


class Filter(Struct, kw_only=True):
    """A condition on a property."""

    property: Annotated[str, Meta(examples=["country", "props.plan", "url", "channel"])]
    op: Literal["eq", "ne", "in", "not_in", "contains", "regex", "gt", "gte", "lt", "lte", "exists", "not_exists"]
    value: Any | UnsetType = UNSET


class Condition(Struct, kw_only=True):
    """An event and filters on it; the event `*` is any."""

    event: str
    where: list[Filter] = field(default_factory=list)


class Step(Struct, kw_only=True):
    """A step of a funnel: `event`, or `any_of` several conditions."""

    event: str | UnsetType = UNSET
    any_of: list[Condition] | UnsetType = UNSET
    name: str | UnsetType = UNSET
    where: list[Filter] = field(default_factory=list)
    optional: bool = False
    within: Annotated[Duration, Meta(description="at most so long after the step before")] | UnsetType = UNSET
    entry: Annotated[bool, Meta(description="only the first page view of a session")] = False


class Exclusion(Struct, kw_only=True):
    """An event that must not lie between two steps."""

    event: str
    where: list[Filter] = field(default_factory=list)
    from_step: int = 1
    to_step: Annotated[int, Meta(description="the last step without it")] | UnsetType = UNSET


class Breakdown(Struct, kw_only=True):
    """One row of steps for each value of a property."""

    property: str
    touch: Literal["first", "last", "all"] = "first"


Segment = Annotated[
    str | dict[str, Any] | list[Filter],
    Meta(description="only these people, as of now: id of an audience, a rule, or filters on the person"),
]


class Segmented(Struct, kw_only=True):
    """A report about everybody, or about a segment."""

    segment: Segment | UnsetType = UNSET


Steps = Annotated[list[Step], Meta(min_length=2, max_length=20)]


class _FunnelRules(Segmented, kw_only=True):
    mode: Literal["ordered", "strict", "unordered"] = "ordered"
    window: Duration = "14d"
    count_by: Literal["person", "visitor", "session"] = "person"
    exclude: list[Exclusion] = field(default_factory=list)
    breakdown: Breakdown | UnsetType = UNSET
    times: bool = True


WorthOf = Annotated[
    bool | Condition,
    Meta(description="what the steps are worth: the events that carry the money; true: those of the last step"),
]


class WithSegment(Struct, kw_only=True):
    """The people to compare with."""

    segment: Segment


class FunnelBody(_FunnelRules, kw_only=True):
    """A funnel; `docs/reports.md` says what counts. `compare` tests differences, in reports/funnel alone; `worth`,
    `currency` and `timezone` are for money, there and in reports/funnel/trend.
    """

    site: SiteName
    start: Time = field(name="from")
    end: Time = field(name="to")
    steps: Steps
    compare: Literal["previous", "breakdown"] | WithSegment | UnsetType = UNSET
    worth: WorthOf | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    timezone: Zone | UnsetType = UNSET


class _FunnelEitherWay(_FunnelRules, kw_only=True):
    site: SiteName | UnsetType = UNSET
    start: Time | UnsetType = field(name="from", default=UNSET)
    end: Time | UnsetType = field(name="to", default=UNSET)
    steps: Steps | UnsetType = UNSET
    funnel: Annotated[FunnelBody, Meta(description="the funnel, in place of its own fields here")] | UnsetType = UNSET


class FunnelPeopleBody(Segmented, kw_only=True):
    """Who reached, or dropped at, a step."""

    funnel: FunnelBody
    step: Annotated[int, Meta(ge=1, le=20)] = 1
    state: Literal["dropped", "reached"] = "reached"
    limit: Annotated[int, Meta(ge=1, le=10_000, description="how many at most")] = 100
    cursor: str | None = None


class FunnelTrendBody(_FunnelEitherWay, kw_only=True):
    """A funnel for each interval of the range."""

    interval: Literal["day", "week", "month"] = "day"
    week_start: Literal["monday", "sunday"] = "monday"
    timezone: Zone | UnsetType = UNSET
    worth: WorthOf | UnsetType = UNSET
    currency: str | UnsetType = UNSET


class FunnelTimeBody(_FunnelEitherWay, kw_only=True):
    """A funnel without a breakdown, and between which two of its steps to measure."""

    from_step: int = 1
    to_step: Annotated[int, Meta(description="the last step without it")] | UnsetType = UNSET


class FunnelReasonsBody(_FunnelEitherWay, kw_only=True):
    """A funnel without a breakdown, and at which of its steps (not the last) they dropped."""

    step: Annotated[int, Meta(ge=1, le=19)]
    limit: Annotated[int, Meta(ge=1, le=2000, description="rows of a list")] = 20

"""What requests carry. The structs check the body where a route says so; everywhere they make the OpenAPI document.

The bodies of reports and the rule of an audience are checked by the modules that answer them, which know more than a
schema can say; here they are only described.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tracker.core.costs import MAX_ROWS
from tracker.core.gate import GateSettings
from tracker.core.pixel import PixelSettings
from tracker.core.privacy import PrivacySettings
from tracker.core.rates import MAX_ROWS as MAX_RATES

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Limit = Annotated[int, Meta(ge=1, le=1000, description="how many at most")]
Duration = Annotated[str, Meta(pattern="^[0-9]{1,9}(ms|s|m|h|d|w)$", examples=["30m", "24h", "7d"])]
Time = Annotated[str, Meta(description="RFC 3339 with an offset", examples=["2026-11-01T00:00:00Z"])]
Zone = Annotated[str, Meta(description="IANA name; the site's without it", examples=["Europe/Berlin"])]
ExportOptions = Annotated[
    dict[str, str | list[str]],
    Meta(
        description="what the network lets choose (`options` of `GET /api/v1/networks`): `delimiter` , ; | or a tab, "
        "`compression` gzip or none, `segments` ids of the IAB's Audience Taxonomy 1.1",
        examples=[{"delimiter": "|", "compression": "gzip"}],
    ),
]
SiteName = Annotated[str, Meta(min_length=1, max_length=64, description="name of the site", examples=["shop"])]


SuppressionReason = Literal["gpc", "optout", "withdrawn", "erased", "child", "legal"]


class Closed(Struct, kw_only=True, forbid_unknown_fields=True):
    """A request object: a misspelt field is an error, not silence."""


class OfSite(Closed):
    """One site."""

    site: SiteName


class MaybeSite(Closed):
    """One site, or all that the token may see."""

    site: SiteName | None = None


class EventsOfSite(Closed):
    """Properties of one event, or of all."""

    site: SiteName
    event: str | None = None


class ListOfSite(Closed):
    """A list of one site."""

    site: SiteName
    limit: Limit = 100


class ListOfMaybeSite(Closed):
    """A list of one site, or of all that the token may see."""

    site: SiteName | None = None
    limit: Limit = 100


class LinkConsent(Closed):
    """What the recipient said to the sender."""

    analytics: bool
    ads: bool = False


class NewLink(Closed):
    """A link for a mail, a banner or a printed code. `user` and `visitor` are the recipient, where they are known."""

    site: SiteName
    kind: Literal["click", "open"] = "click"
    url: Annotated[str, Meta(max_length=2000, description="where a click leads")] = ""
    props: dict[str, Any] = {}
    user: Annotated[str, Meta(max_length=255)] = ""
    visitor: Annotated[str, Meta(max_length=255)] = ""
    consent: LinkConsent | None = None
    expires: Duration = "90d"


class FindPeople(Closed):
    """`q`: a visitor, a user, or the beginning of one."""

    site: SiteName
    q: Annotated[str, Meta(max_length=200)] = ""
    limit: Limit = 50


class PersonOf(Closed):
    """A person of one site. `kind` says what the id is; without it, a user of that id comes before a visitor."""

    site: SiteName
    kind: Literal["visitor", "user"] | None = None


class TimelineOf(Closed):
    """A page of a person's events, the newest first."""

    site: SiteName
    limit: Limit = 200
    cursor: str | None = None


class SegmentsOf(Closed):
    """Whose audiences."""

    site: SiteName
    visitor: Annotated[str, Meta(min_length=1, max_length=512)]


class Page(Closed):
    """A page of a list; `cursor` comes from the page before."""

    limit: Limit = 100
    cursor: str | None = None


class Span(Closed):
    """From when on (90 days before the end, unless given), and until when (now); `hide_small`: without small counts."""

    from_: str | None = field(default=None, name="from")
    to: str | None = None
    hide_small: bool = False


class NewSite(Closed):
    """A site. `domains` may send from browsers (sub-domains too); none means any."""

    name: SiteName
    domains: list[str] = field(default_factory=list)
    consent: Literal["opt-in", "opt-out"] = "opt-in"
    timezone: str = "UTC"
    min_size: int = 100


class SiteChange(Closed):
    """What is left out stays as it is; `pixel`, `privacy` and `gate` are replaced as wholes."""

    domains: list[str] | None = None
    consent: Literal["opt-in", "opt-out"] | None = None
    timezone: str | None = None
    min_size: int | None = None
    currency: Annotated[str, Meta(pattern="^([A-Za-z]{3})?$")] | None = None
    pixel: PixelSettings | None = None
    privacy: PrivacySettings | None = None
    gate: GateSettings | None = None


class BackupBody(Closed):
    """A folder on the engine's machine, absolute, that is not there yet or empty."""

    folder: Annotated[str, Meta(min_length=1, max_length=4096)]


class NewToken(Closed):
    """A token for the API. Without a site it opens every site."""

    role: Literal["admin", "analyst", "export", "viewer"]
    site: SiteName | None = None


class SavedFunnelBody(Closed):
    """A saved funnel; `site` may be left out where the funnel names it."""

    name: Name
    funnel: dict[str, Any]
    site: SiteName | None = None


class AnnotationsOf(Closed):
    """The notes of a site, from one day to another, both included."""

    site: SiteName
    first: str = "0001-01-01"
    last: str = "9999-12-31"


class AnnotationBody(Closed):
    """What happened on a day of the site's calendar."""

    site: SiteName
    date: Annotated[str, Meta(examples=["2026-11-27"])]
    text: Annotated[str, Meta(min_length=1, max_length=500)]


class AlertBody(Closed):
    """A figure of `reports/anomalies` without times, or of a funnel, and `when` it fires: `above`, `below`, `anomaly`.

    `destination`: a webhook or mail address that is told.
    """

    site: SiteName
    name: Name
    alert: dict[str, Any]
    destination: str = ""


class AudienceBody(Closed):
    """An audience. `holdout`: the share of members that is never exported, so that an effect can be measured."""

    site: SiteName
    name: Name
    rule: dict[str, Any]
    duration: str = "30d"
    holdout: float = 0.0
    refresh: str = "5m"


class AudienceChange(Closed):
    """What is left out stays as it is. An audience stays with its site."""

    site: SiteName | None = None
    name: Name | None = None
    rule: dict[str, Any] | None = None
    duration: str | None = None
    holdout: float | None = None
    refresh: str | None = None


class PreviewBody(Closed):
    """An audience that need not be saved, or `id` of a saved one. `hide_small`: counts of one to nine are left out."""

    site: SiteName
    rule: dict[str, Any]
    name: str = ""
    duration: str = "30d"
    holdout: float = 0.0
    refresh: str = "5m"
    id: str | None = None
    hide_small: bool = False


class ExportBody(Closed):
    """`min_size`: an admin may go below the site's minimum; it is logged."""

    network: str
    mode: str = "full"
    shape: str = "file"
    destination: str = "download"
    min_size: Annotated[int, Meta(ge=1)] | None = None
    options: ExportOptions = {}


class NewDestination(Closed):
    """Where exports go. `GET /api/v1/destinations/kinds` says what each kind must be told."""

    site: SiteName
    name: Name
    kind: str
    options: dict[str, Any]
    secrets: dict[str, str] = {}


class DestinationChange(Closed):
    """What is left out stays, of the secrets too; where it leads elsewhere, they must be given again."""

    name: Name | None = None
    options: dict[str, Any] | None = None
    secrets: dict[str, str] | None = None


class NewDelivery(Closed):
    """An audience delivered again and again."""

    destination: str
    network: str
    mode: Literal["full", "delta"] = "delta"
    shape: Literal["file", "api"] = "file"
    every: Duration = "15m"
    options: ExportOptions = {}


class ReplayBody(Closed):
    """Which rejected events to send down the road again; without `ids` all of the site."""

    site: SiteName
    ids: list[str] | None = None


class NewSuppression(Closed):
    """A person, by one or more of the names they are known by. Addresses and numbers are kept as keyed hashes."""

    site: SiteName
    reason: SuppressionReason = "optout"
    visitor: str | None = None
    user: str | None = None
    email: str | None = None
    phone: str | None = None
    network: Annotated[str | None, Meta(description="an ad network's id of the person: PARTNER:ID")] = None
    hash: str | None = None


class SuppressionImport(Closed):
    """Many people of one kind; a dry run only says what it would do."""

    site: SiteName
    kind: Literal["visitor", "user", "email", "phone", "network", "hash"]
    values: Annotated[list[str], Meta(min_length=1, max_length=10_000)]
    reason: SuppressionReason = "optout"
    dry_run: bool = True


class CostsBody(Closed):
    """Costs by day and channel, source or campaign: `date`, names, `cost`, `currency`, `clicks`, `impressions`."""

    site: SiteName
    rows: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=MAX_ROWS)]


class RatesBody(Closed):
    """Exchange rates: `rows` of `date`, `currency` and `rate`, or a whole file as `csv`.

    `rate`: what one unit of the currency is worth in `base`; with `inverse` how much of it one unit of the base buys.
    """

    site: SiteName
    base: Annotated[str, Meta(pattern="^[A-Za-z]{3}$", examples=["EUR"])]
    rows: Annotated[list[dict[str, Any]], Meta(max_length=MAX_RATES)] = field(default_factory=list)
    csv: str = ""
    inverse: bool = False


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
    step: int
    state: Literal["dropped", "reached"] = "reached"
    limit: Limit = 100
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


class MessagesOf(Closed):
    """A page of a site's messages; `cursor` comes from the page before."""

    site: SiteName
    limit: Limit = 100
    cursor: str | None = None


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

"""What counts and series look like, and what can be asked about, for the OpenAPI document and tests of its answers."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType, field


class Converted(Struct):
    """Money in one currency, each amount at the rate of its day; `unconverted`: what no rate is known for."""

    currency: str
    amount: float
    unconverted: dict[str, float]


class Totals(Struct, kw_only=True):
    """Sums of a period; revenue by currency, and `converted` where the site or the request has a currency."""

    people: int
    sessions: int
    events: int
    page_views: int
    purchases: int
    revenue: dict[str, float]
    converted: Converted | UnsetType = UNSET
    conversion_rate: float


class Day(Struct):
    """One day of the site's calendar."""

    date: str
    people: int
    events: int
    page_views: int
    purchases: int
    revenue: dict[str, float]
    converted: Converted | UnsetType = UNSET


class Channel(Struct):
    """A channel."""

    key: str
    people: int
    purchases: int
    revenue: dict[str, float]
    converted: Converted | UnsetType = UNSET


class PageViews(Struct):
    """A page."""

    key: str
    views: int
    people: int


class Group(Struct):
    """A country or a kind of device."""

    key: str
    people: int


class EventCount(Struct):
    """An event."""

    event: str
    count: int
    people: int


class Change(Struct, kw_only=True):
    """(now - before) / before of each figure; null where there was nothing before."""

    people: float | None
    sessions: float | None
    events: float | None
    page_views: float | None
    purchases: float | None
    revenue: dict[str, float | None]
    converted: float | UnsetType | None = UNSET
    conversion_rate: float | None


class Days(Struct):
    """How many days of the period were counted already, and how many were counted for this answer."""

    from_rollups: int
    from_events: int


class Overview(Struct):
    """A period, and the one it is compared with."""

    totals: Totals
    previous: Totals
    change: Change
    series: list[Day]
    previous_series: list[Day]
    channels: list[Channel]
    pages: list[PageViews]
    countries: list[Group]
    devices: list[Group]
    events: list[EventCount]
    days: Days


class LiveEvent(Struct):
    """An event as it came."""

    ts: str
    event: str
    person: str
    url: str
    country: str
    device: str
    channel: str
    value: float | None
    currency: str


class Live(Struct):
    """Persons active in the last five minutes, and the newest events."""

    active_5m: int
    events: list[LiveEvent]


class Point(Struct):
    """One interval. Of money: `values` by currency as they stand, and what of them could not be converted."""

    start: str
    value: float
    values: dict[str, float] | UnsetType = UNSET
    unconverted: dict[str, float] | UnsetType = UNSET


class Timeseries(Struct):
    """Every interval of the range, empty ones too; `previous`: those of the time it is compared with."""

    series: list[Point]
    previous: list[Point] | UnsetType = UNSET
    currency: str | UnsetType | None = UNSET


class JudgedPoint(Struct):
    """One interval; `usual` and `score` are null where too few weeks before are known."""

    start: str
    value: float
    usual: float | None
    score: float | None
    unusual: bool


class Anomalies(Struct):
    """Every interval of the range, empty ones too."""

    series: list[JudgedPoint]


class EventName(Struct):
    """An event's name."""

    event: str
    count: int
    last_seen: str


class EventNames(Struct):
    """The most frequent first."""

    events: list[EventName]


class KnownProperty(Struct):
    """A property and its most frequent values."""

    property: str
    values: list[str] = field(default_factory=list)


class Properties(Struct):
    """What can be filtered by."""

    properties: list[KnownProperty]

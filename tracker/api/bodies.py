"""What requests carry. The structs check the body where a route says so; everywhere they make the OpenAPI document.

The bodies of reports and the rule of an audience are checked by the modules that answer them, which know more than a
schema can say; here they are only described.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from tracker.core.costs import MAX_ROWS
from tracker.core.gate import GateSettings
from tracker.core.pixel import PixelSettings
from tracker.core.privacy import PrivacySettings
from tracker.core.rates import MAX_ROWS as MAX_RATES

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="1 to 200 characters, none of them a control character",
    ),
]
Limit = Annotated[int, Meta(ge=1, le=1000, description="how many at most")]
Duration = Annotated[str, Meta(pattern="^[0-9]{1,9}(ms|s|m|h|d|w)$", examples=["30m", "24h", "7d"])]
Time = Annotated[str, Meta(description="RFC 3339 with an offset", examples=["2026-11-01T00:00:00Z"])]
Zone = Annotated[str, Meta(description="IANA name; the site's without it", examples=["Europe/Berlin"])]
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
    currency: Annotated[str, Meta(pattern="^([A-Za-z]{3})?$", examples=["EUR"])] | None = None
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


class MessagesOf(Closed):
    """A page of a site's messages; `cursor` comes from the page before."""

    site: SiteName
    limit: Limit = 100
    cursor: str | None = None

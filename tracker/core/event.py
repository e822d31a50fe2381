"""The states of one event on its road, one type each.

    RawEvent   what a dialect understood; nothing checked against the site yet
    Event      accepted: checked, consented, frozen; one spool record; never changes again
    Rejected   not accepted, with the reason; one spool record, so that it can be listed and replayed
    Suppressed not kept because nobody agreed to it; one spool record that says nothing about a person

`id`, `ts`, `site`, `name` and the person key are frozen when the event is accepted: a retry can change nothing
that decides where a row is stored.
"""

from __future__ import annotations

from typing import Any

import msgspec

EVENT_TYPES = ("page", "screen", "track", "identify", "alias", "group", "consent")
LARGEST_AMOUNT = 1e15
"""More than that no event may be worth, and nothing may cost; what is beyond it is no amount. Sums of such stay exact
to the cent for a while, and never become infinite.
"""


class RawConsent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the sender says about consent; None means that it says nothing. `usp`: a US privacy string like `1YNN`."""

    analytics: bool | None = None
    ads: bool | None = None
    tcf: str | None = None
    gpp: str | None = None
    usp: str | None = None


class RawEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a dialect understood of one event. Times are milliseconds since the epoch, UTC.

    `message_id` is the sender's own id in its own spelling; `previous` is the id that `alias` merges into `user`;
    `ip` and `ua` are set only where a server speaks for a browser; `library` names the client that sent it.
    """

    type: str
    name: str
    message_id: str | None = None
    ts: int | None = None
    sent_at: int | None = None
    visitor: str | None = None
    user: str | None = None
    previous: str | None = None
    group: str | None = None
    session: str | None = None
    seq: int = 0
    url: str | None = None
    referrer: str | None = None
    title: str | None = None
    props: dict[str, Any] = {}
    items: list[dict[str, Any]] = []
    value: float | None = None
    currency: str | None = None
    traits: dict[str, Any] = {}
    consent: RawConsent | None = None
    language: str | None = None
    timezone: str | None = None
    screen: str | None = None
    ip: str | None = None
    ua: str | None = None
    library: str | None = None


class Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="k", tag="e"):
    """One accepted event: the spool record and, field by field, the row of the `events` table.

    Name the fields when making one; only the short cut of the collector's road knows their order by heart.

    id          UUID; the sender's own if it is one, else derived from (site, message_id)
    message_id  the sender's own id where it is not a UUID
    arrival     order of acceptance: microseconds since the epoch x 16 + collector worker (0..15),
                strictly increasing per worker
    ts          when it happened, ms; `original_ts` what the sender said where the clamp changed it
    received    when the collector accepted it, ms
    analytics, ads   consent: 1 yes, 0 no, -1 nobody said anything
    mode        the capability mode M1..M4 that the consent gate decided (specs: privacy); where a TC string decided on
                sharing, with the vendors that it allows: `M4:21,755`
    ip          truncated to /24 or /48 before it got here; country is resolved before the truncation
    consent     16 bytes of SHA-256, hex, of the TC, GPP or US privacy string that came; `consent_text` is the string,
                only with a decision of the person (type `consent`): it goes to the consent log, not to the store
    bot         why the collector takes the sender for a machine; the loader adds what the user agent admits
    vault       sealed hash forms of identifiers (base64), opened only inside an export; never clear values
    """

    site: str
    id: str
    arrival: int
    received: int
    ts: int
    type: str
    name: str
    message_id: str = ""
    original_ts: int = 0
    visitor: str = ""
    user: str = ""
    previous: str = ""
    group: str = ""
    session: str = ""
    seq: int = 0
    url: str = ""
    referrer: str = ""
    title: str = ""
    props: dict[str, Any] = {}
    items: list[dict[str, Any]] = []
    value: float | None = None
    currency: str = ""
    traits: dict[str, Any] = {}
    analytics: int = -1
    ads: int = -1
    gpc: int = 0
    mode: str = ""
    language: str = ""
    timezone: str = ""
    screen: str = ""
    ip: str = ""
    country: str = ""
    ua: str = ""
    library: str = ""
    source: str = ""
    vault: str = ""
    consent: str = ""
    consent_text: str = ""
    bot: str = ""


class Rejected(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="k", tag="r"):
    """One event that was not accepted. `raw` is what came, cut to 32 kB, e-mail addresses and phone numbers blanked."""

    site: str
    arrival: int
    received: int
    reason: str
    message: str
    source: str = ""
    raw: str = ""


class Suppressed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="k", tag="s"):
    """`n` events that were not kept because of `reason` (a Drop). Holds nothing about a person."""

    site: str
    arrival: int
    received: int
    reason: str
    n: int = 1


Record = Event | Rejected | Suppressed

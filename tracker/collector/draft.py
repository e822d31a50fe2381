"""What travels the road: the request's context, and one event's draft."""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec

from tracker.collector.consent import Decision, decide
from tracker.collector.place import NOWHERE, Place
from tracker.collector.settings import Limits
from tracker.collector.signals import hear
from tracker.collector.suppressions import Listed
from tracker.collector.vocabulary import Vocabulary
from tracker.core.drops import Reject
from tracker.core.event import RawConsent, RawEvent, Rejected
from tracker.core.gate import Lists
from tracker.core.identifiers import Identifier, Keys
from tracker.core.privacy import flags_of
from tracker.core.site import Site

# Of the short cut: how records begin, whether click ids stay, the earliest and the latest time (ms) that is kept, how
# long a text is certain to be within the limits.
Way = tuple[bytes, bool, int, int, int]
# Of all ways of one sender with one choice: the record before and after the time it was received, and click ids again.
Begin = tuple[bytes, bytes, bool]


class Context(msgspec.Struct, kw_only=True):
    """What the request says about all its events. One a request; `minted` is what the road made for it.

    received    ms since the epoch; `sent_at` the sender's clock at sending, where it says so
    arrival     gives the next arrival number; `random(n)` n random bytes
    browser     sent by a browser (Origin or Sec-Fetch headers); else a server speaks
    place, ua   of the peer; only used where the peer is the person's own browser
    keep_times  an import: times are kept however old
    cookie      the visitor cookie's id; with `fresh` it wins over the event's visitor
    nobody      no text of the whole request can hold an e-mail address
    words       what the site has said so far, where that is limited
    makes_visitors  an event without a visitor gets a new one
    suspect     why the sender is taken for a machine (see `suspects`); "" for a person
    partition   what the site's partitioned cookies end with, where the collector is embedded; "" elsewhere
    lists       what the site keeps of addresses, and whose referrals are spam; None without such lists
    listed      the site's suppression list; None only where there cannot be one
    ways        of the short cut: what holds for a choice (analytics, ads)
    begins      of the short cut, for all requests of the sender: what holds for a choice and a suspicion
    """

    site: Site
    keys: Keys
    source: str
    received: int
    arrival: Callable[[], int]
    random: Callable[[int], bytes] = os.urandom
    browser: bool = False
    gpc: bool = False
    place: Place = NOWHERE
    ua: str = ""
    find_place: Callable[[str], Place] | None = None
    sent_at: int | None = None
    keep_times: bool = False
    cookie: str = ""
    fresh: bool = False
    partition: str = ""
    nobody: bool = False
    makes_visitors: bool = False
    limits: Limits = Limits()
    words: Vocabulary | None = None
    minted: str = ""
    listed: Listed | None = None
    suspect: str = ""
    ways: dict[tuple[bool | None, bool | None], Way] = {}
    begins: dict[tuple[bool | None, bool | None, str], Begin] = {}
    lists: Lists | None = None

    def decide(self, said: RawConsent, state: int = 0) -> Decision:
        """The consent gate's word for one event of this request; `state` is what the list says of its person."""
        site = self.site
        return decide(
            site.consent,
            self.place.region,
            said.analytics,
            said.ads,
            hear(said, site.privacy, self.received),
            self.gpc,
            self.browser,
            flags_of(site.privacy),
            state,
        )

    def unreadable(self, said: RawConsent) -> bool:
        """Whether a consent string came that cannot be read or counts no more."""
        heard = hear(said, self.site.privacy, self.received)
        return heard is not None and heard.unreadable


class Draft:
    """An event on its road: what came, and what became of it so far."""

    __slots__ = (
        "clean",
        "context",
        "decision",
        "id",
        "identifiers",
        "items",
        "message",
        "message_id",
        "name",
        "original_ts",
        "previous",
        "props",
        "raw",
        "referrer",
        "spam",
        "text",
        "title",
        "traits",
        "ts",
        "url",
        "user",
        "visitor",
        "withheld",
    )

    decision: Decision
    id: str
    ts: int

    def __init__(self, raw: RawEvent, context: Context, text: bytes) -> None:
        self.raw = raw
        self.text = text
        self.context = context
        self.name = raw.name
        self.message_id = ""
        self.original_ts = 0
        self.visitor = raw.visitor or ""
        self.user = raw.user or ""
        self.previous = raw.previous or ""
        self.props = raw.props
        self.traits = raw.traits
        self.items = raw.items
        self.url = raw.url or ""
        self.referrer = raw.referrer or ""
        self.title = raw.title or ""
        self.identifiers: list[Identifier] = []
        self.message: Identifier | None = None
        self.spam = False
        self.clean = False
        self.withheld = False

    def reject(self, reason: Reject, message: str) -> Rejected:
        """End here, with a reason; the sender's text is added by `travel`."""
        context = self.context
        return Rejected(
            site=context.site.name,
            arrival=context.arrival(),
            received=context.received,
            reason=reason,
            message=message,
            source=context.source,
        )

"""What is known of a sender before anything of its events is read: what its headers, its address and its site say.

A sender whose head was read before (see `heads`) stands as it stood: that is kept as long as the site stays the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
from aiohttp import hdrs
from multidict import CIMultiDictProxy, istr

from tracker.collector import cookies
from tracker.collector.draft import Context
from tracker.collector.heads import Head
from tracker.collector.place import NOWHERE, Place
from tracker.collector.settings import CollectorSettings
from tracker.collector.sites import KnownSite
from tracker.collector.suspects import DATA_CENTRE, NO_LANGUAGE, claims_browser, contradiction, is_public
from tracker.collector.vocabulary import Vocabulary
from tracker.core.identifiers import Keys

# A name that is an istr is looked up without being folded to lower case first.
_SEC_FETCH_SITE, _SEC_FETCH_DEST, _SEC_GPC = istr("Sec-Fetch-Site"), istr("Sec-Fetch-Dest"), istr("Sec-GPC")
_DIRECT = frozenset(("native", "gif", "link", "open", "form", "match"))  # sources that nobody else's server speaks for
_IMAGES = frozenset(
    ("gif", "link", "open", "form", "match", "snowplow", "matomo")
)  # what browsers may ask for without an Origin
_MAKE_VISITORS = frozenset(
    ("native", "gif", "link", "form", "snowplow", "matomo")
)  # pages use them without a visitor's id
_DNT = istr("DNT")
_MOST = 4_096
Again = tuple[Head, str | None]  # the head of a request where it was read before, and its cookie


def may_be_browser(headers: Mapping[str, str]) -> bool:
    """Whether a request without Origin or Sec-Fetch may be an image's: older browsers send neither for images."""
    return hdrs.REFERER in headers or headers.get(hdrs.USER_AGENT, "").startswith("Mozilla/")


def partition_for(headers: Mapping[str, str], keys: Keys, https: bool) -> str:
    """What the site's partitioned cookies end with, if a page of another domain asks; "" where cookies are our own.

    Whoever follows a link to us comes from elsewhere too, but then the page on top is ours.
    """
    embedded = headers.get(_SEC_FETCH_SITE) == "cross-site" and headers.get(_SEC_FETCH_DEST, "document") != "document"
    return cookies.partition_of(keys) if https and embedded else ""


class Asker(Protocol):
    """What is asked of a request here: `web.Request` has it, and so has what comes through the fast lane."""

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """Its headers."""

    @property
    def remote(self) -> str | None:
        """The address of the peer."""


class Standing(msgspec.Struct):
    """What is known of a sender before anything of its events is read.

    like         a context that all its requests begin as
    direct       the peer is the person's own browser
    public       its address can be anywhere on the internet
    contradicts  why its headers cannot all be true; `sign`: what else says that it is a machine, "" for nothing
    """

    known: KnownSite
    like: Context
    direct: bool
    public: bool
    contradicts: str | None
    sign: str


class Standings:
    """The senders of one worker.

    place_of    where a request came from; `find` the same for an address that a server speaks for
    arrival     gives the next arrival number
    """

    def __init__(
        self,
        settings: CollectorSettings,
        place_of: Callable[[Asker], Place],
        find: Callable[[str], Place],
        arrival: Callable[[], int],
    ) -> None:
        self._limits = settings.limits
        self._https = settings.https
        self._place_of = place_of
        self._find = find
        self._arrival = arrival
        self._words: dict[str, Vocabulary] = {}
        self._kept: dict[tuple[Head, str | None, str, str], Standing] = {}

    def of(self, request: Asker, known: KnownSite, source: str, *, history: bool = False) -> Standing:
        """What headers and address say of a sender, whatever they send."""
        headers = request.headers
        browser = hdrs.ORIGIN in headers or _SEC_FETCH_SITE in headers  # Node's fetch says Sec-Fetch-Mode, never Site
        ua = headers.get(hdrs.USER_AGENT, "")
        if not browser and source in _IMAGES and not history:
            browser = may_be_browser(headers)
        if not browser and not ua.startswith("Mozilla/"):
            ua = ""  # a library's name says nothing about the person it speaks for
        direct = browser or source in _DIRECT  # else the peer is a server and its place is not the person's
        place = self._place_of(request) if direct else NOWHERE
        like = Context(
            site=known.site,
            keys=known.keys,
            lists=known.lists,
            source=source,
            received=0,
            arrival=self._arrival,
            browser=browser,
            gpc=headers.get(_SEC_GPC) == "1" or (known.site.privacy.honour_dnt and headers.get(_DNT) == "1"),
            place=place,
            ua=ua,
            partition=partition_for(headers, known.keys, self._https),
            find_place=self._find,
            keep_times=history,
            makes_visitors=browser and source in _MAKE_VISITORS,
            limits=self._limits,
            words=self._vocabulary(known.site.name),
        )
        sign = DATA_CENTRE if place.hosted else ""
        if not sign and hdrs.ACCEPT_LANGUAGE not in headers and claims_browser(ua):
            sign = NO_LANGUAGE
        public = is_public(place.ip)
        contradicts = contradiction(ua, headers) if public else None
        return Standing(known, like, direct, public, contradicts, sign)

    def again(self, request: Asker, known: KnownSite, source: str, head: Head) -> Standing:
        """`of`, kept for each head, address and site until there are too many or the site changes."""
        key = head, request.remote, known.site.name, source
        found = self._kept.get(key)
        if found is None or found.known is not known:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            found = self._kept[key] = self.of(request, known, source)
        return found

    def _vocabulary(self, site: str) -> Vocabulary | None:
        limits = self._limits
        if not (limits.event_names or limits.property_keys):
            return None
        found = self._words.get(site)
        if found is None:
            found = self._words[site] = Vocabulary(limits.event_names, limits.property_keys)
        return found

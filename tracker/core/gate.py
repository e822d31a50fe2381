"""What a site tells its collectors about the doors beside the events: forms, partners for ID matching, what of an
address may be kept, and whose referrals are spam. None of it is told to browsers.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from tracker.core.links import leads_somewhere
from tracker.core.privacy import Vendor

Id = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,40}\Z", description="1 to 40 letters, digits, - and _")]
Field = Annotated[str, Meta(pattern=r"\A[A-Za-z_][A-Za-z0-9_-]{0,39}\Z", examples=["website"])]
Host = Annotated[
    str,
    Meta(
        max_length=253,
        pattern=r"\A[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\Z",
        examples=["partner.example"],
    ),
]
Key = Annotated[str, Meta(min_length=1, max_length=64)]


class Form(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A plain HTML form that works without JavaScript: it posts to `/f/ID`.

    kind      what it becomes: `feedback_sent` or `callback_requested`, as the widgets' events
    thanks    where a sender is led; "" leads back to the page it came from
    sorry     where a sender is led whose message could not be kept; "" says so in one sentence of plain text
    honeypot  name of a field that people cannot see; whoever fills it is marked as a machine
    country   ISO 3166; completes national phone numbers
    """

    id: Id
    kind: Literal["feedback", "callback"]
    thanks: str = ""
    sorry: str = ""
    honeypot: Field = "website"
    country: Annotated[str, Meta(pattern=r"\A([A-Z]{2})?\Z", examples=["DE"])] = ""

    def __post_init__(self) -> None:
        for name, url in (("thanks", self.thanks), ("sorry", self.sorry)):
            if url and not leads_somewhere(url):
                raise ValueError(f"form {self.id}: {name} must be an absolute http or https address in ASCII")


class MatchPartner(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """With whom ids are matched, through `/sync` and `/setuid`.

    vendor  the partner's number in the IAB's Global Vendor List; without one no TC string ever allows it
    hosts   where `/sync` may lead, with their sub-domains; without any it leads nowhere
    macro   what stands for our id in the partner's addresses; every partner has a word of its own
    days    how long a match counts
    url     the partner's address that `/cookie_sync` names: whoever asks it is led back to `/setuid`, the address of
            which stands in place of `${REDIRECT}`; or it holds the macro, and is where `/sync` leads without
            `redirect`; "" for a partner that only comes to `/sync` by itself
    encoding how our id stands there: as it is, or as web-safe Base64 without padding (Google's `google_hm`)
    type    how a page asks it: with an image (`redirect`) or in a frame
    exports networks whose exports carry this partner's ids
    """

    name: Id
    vendor: Vendor | None = None
    hosts: Annotated[tuple[Host, ...], Meta(max_length=50)] = ()
    macro: Annotated[str, Meta(pattern=r"\A[$\[{%]{1,2}[A-Za-z_]{1,40}[$\]}%]{0,2}\Z", examples=["$UID", "{uid}"])] = (
        "$UID"
    )
    days: Annotated[int, Meta(ge=1, le=180)] = 30
    url: Annotated[str, Meta(max_length=1000)] = ""
    encoding: Literal["plain", "base64url"] = "plain"
    type: Literal["redirect", "iframe"] = "redirect"
    exports: Annotated[tuple[Id, ...], Meta(max_length=20)] = ()

    def __post_init__(self) -> None:
        if re.match(r"\$\{(GDPR|GPP_|US_PRIVACY)", self.macro):
            raise ValueError(f"partner {self.name}: macro {self.macro} stands for a consent signal")
        if self.url and not (("${REDIRECT}" in self.url or self.macro in self.url) and self.leads(self.url)):
            raise ValueError(
                f"partner {self.name}: url must be https, on one of its hosts, and hold ${{REDIRECT}} or its macro"
            )

    @property
    def template(self) -> str:
        """Where `/sync` leads without `redirect`; "" where that is nowhere."""
        return "" if "${REDIRECT}" in self.url else self.url

    def leads(self, address: str) -> bool:
        """Whether an address is https, on one of the hosts as it stands (no macro is a part of it), on their port."""
        if not (address.startswith("https://") and leads_somewhere(address)):
            return False
        parts = urlsplit(address)
        if re.fullmatch(r"[A-Za-z0-9._-]+(:443)?", parts.netloc) is None:
            return False
        host = str(parts.hostname).rstrip(".")
        return any(host == one or host.endswith(f".{one}") for one in self.hosts)


_FORMS = (Form(id="feedback", kind="feedback"), Form(id="callback", kind="callback"))


class GateSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Stored with the site, read by its collectors.

    query_keys       of a query string only these are kept, and campaign parameters and click ids, which have rules of
                     their own; without a list everything that does not look like a secret or a person
    spam_referrers   hosts, with their sub-domains, whose referrals are marked as `referrer_spam`
    """

    forms: Annotated[tuple[Form, ...], Meta(max_length=50)] = _FORMS
    partners: Annotated[tuple[MatchPartner, ...], Meta(max_length=50)] = ()
    query_keys: Annotated[tuple[Key, ...], Meta(max_length=500)] | None = None
    spam_referrers: Annotated[tuple[Host, ...], Meta(max_length=5000)] = ()

    def __post_init__(self) -> None:
        for what, names in (
            ("form", [form.id for form in self.forms]),
            ("partner", [partner.name for partner in self.partners]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"a {what} is there twice")
        networks = [one for partner in self.partners for one in partner.exports]
        if len(set(networks)) < len(networks):
            raise ValueError("exports to one network carry the ids of one partner")

    def partner_of(self, network: str) -> MatchPartner | None:
        """Whose ids exports to this network carry."""
        return next((one for one in self.partners if network in one.exports), None)


OPEN_GATE = GateSettings()


class Lists(NamedTuple):
    """The lists of a gate as sets. `query_keys` is None where everything may be kept."""

    query_keys: frozenset[str] | None
    spam_referrers: frozenset[str]


@lru_cache(256)
def lists_of(gate: GateSettings) -> Lists | None:
    """None where the site has no such lists, as most have none."""
    if gate.query_keys is None and not gate.spam_referrers:
        return None
    keys = None if gate.query_keys is None else frozenset(map(str.lower, gate.query_keys))
    return Lists(keys, frozenset(gate.spam_referrers))

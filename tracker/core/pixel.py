"""What a site asks of the pixel. Stored with the site, checked here, told to browsers before the core of `/p.js`."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from tracker.core.widgets import Banner, Callback, Feedback, Language, Look, Survey, Texts, check_surveys

Capture = Literal["outbound", "download", "contact", "form", "marked", "rage", "missing", "error"]
Manager = Literal["tcf", "gpp", "gcm"]
Name = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, pattern=r"\A[A-Za-z_$][A-Za-z0-9_$]*\Z", examples=["dataLayer"])
]
_SPOKEN = ("ar", "de", "es", "fr", "hi", "ru")  # beside English, which is part of each widget
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\Z")


class Partner(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Whose image matches ids. In `url`, `{visitor}` `{gdpr}` `{gdpr_consent}` `{gpp}` are filled in.

    `vendor` is the partner's number in the TCF's list; without it a TCF page never loads the image.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    url: Annotated[
        str,
        msgspec.Meta(
            max_length=2000, pattern=r"\Ahttps?://[^\s\"<>]+\Z", examples=["https://partner.example/match?id={visitor}"]
        ),
    ]
    vendor: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None


class PixelSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Every setting is off unless it is asked for; `docs/pixel.md` says what each does.

    autocapture   kinds of events that need no code
    engagement    engaged time and scroll depth
    vitals        Core Web Vitals
    datalayer     name of the array that gtag.js or Tag Manager fills; "" reads none
    cmp           consent managers to ask; `vendor` is the site's own number in the TCF's list
    link_domains  other domains of the site: links to them carry the visitor
    hash          e-mail addresses and phone numbers are hashed in the browser; `calling_code` completes national
                  numbers
    partners      ID matching
    dnt           the browser's Do Not Track is a refusal
    currency      of e-commerce events that name none
    surveys, feedback, callback, banner, optout   widgets; look, language, texts are for all of them
    """

    autocapture: tuple[Capture, ...] = ()
    engagement: bool = False
    vitals: bool = False
    datalayer: Name | Literal[""] = ""
    cmp: tuple[Manager, ...] = ()
    vendor: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    link_domains: Annotated[tuple[str, ...], msgspec.Meta(max_length=50)] = ()
    hash: bool = False
    calling_code: Annotated[str, msgspec.Meta(pattern=r"\A([1-9][0-9]{0,2})?\Z", examples=["49"])] = ""
    partners: Annotated[tuple[Partner, ...], msgspec.Meta(max_length=50)] = ()
    dnt: bool = False
    currency: Annotated[str, msgspec.Meta(pattern=r"\A([A-Z]{3})?\Z", examples=["EUR"])] = ""
    surveys: Annotated[tuple[Survey, ...], msgspec.Meta(max_length=20)] = ()
    feedback: Feedback | None = None
    callback: Callback | None = None
    banner: Banner | None = None
    optout: bool = False
    look: Look = Look()
    language: Language | Literal[""] = ""
    texts: Texts = {}

    def __post_init__(self) -> None:
        for domain in self.link_domains:
            if not _HOST.match(domain):
                raise ValueError(f"link_domains: {domain[:80]!r} is not a host name like shop.example")
        for partner in self.partners:
            if not urlsplit(partner.url).hostname:
                raise ValueError(f"partners: {partner.url[:80]!r} names no host")
        check_surveys(self.surveys)
        if self.banner is not None and self.cmp:
            raise ValueError("banner: a site with a consent manager (cmp) needs no banner, and must not have two")

    @property
    def early(self) -> tuple[str, ...]:
        """Modules that must be there before the first event: they travel with the core."""
        wanted = {
            "hash": self.hash,
            "linker": bool(self.link_domains),
            "cmp": bool(self.cmp),
            "kit": self._asks,
            "widgets": self._asks or bool(self.surveys or self.feedback or self.callback),
            **self._languages("banner", self.banner is not None),
            "banner": self.banner is not None,
            "optout": self.optout,
        }
        return tuple(name for name, on in wanted.items() if on)

    @property
    def called(self) -> tuple[str, ...]:
        """Widgets that are loaded when somebody wants to see them, and what they are made with."""
        forms = bool(self.surveys or self.feedback or self.callback)
        wanted = {
            "kit": forms and not self._asks,
            "form": forms,
            **self._languages("words", forms),
            "survey": bool(self.surveys),
            "feedback": self.feedback is not None,
            "callback": self.callback is not None,
        }
        return tuple(name for name, on in wanted.items() if on)

    def _languages(self, kind: str, wanted: bool) -> dict[str, bool]:
        """The files of a kind, one for each language; only that one where the site has settled for a language."""
        return {f"{kind}-{language}": wanted and self.language in ("", language) for language in _SPOKEN}

    @property
    def _asks(self) -> bool:
        """Is there a widget that cannot wait?"""
        return self.banner is not None or self.optout

    @property
    def late(self) -> tuple[str, ...]:
        """Modules that the core loads when it may."""
        wanted = {
            "autocapture": bool(self.autocapture),
            "datalayer": bool(self.datalayer),
            "engagement": self.engagement,
            "vitals": self.vitals,
            "sync": bool(self.partners),
            "when": any(survey.after is not None or survey.on is not None for survey in self.surveys),
        }
        return tuple(name for name, on in wanted.items() if on)

"""ID matching with a site's partners: `GET /sync` gives a partner our id, `GET /setuid` takes the partner's.

Both ask the consent gate as if the partner were the only network of the site: mode M4 or nothing. A match is an event
like any other, so that it is durable, expires, is erased and exported with the person, and counts in nobody else's way.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping
from urllib.parse import quote

import msgspec
from aiohttp import hdrs, web

from tracker.collector import cookies
from tracker.collector.consent import Mode
from tracker.collector.endpoints import answering
from tracker.collector.parsed import Batch
from tracker.collector.segments import LONGEST_VISITOR
from tracker.collector.service import Service
from tracker.collector.sites import KnownSite
from tracker.core.errors import BadRequest, TrackerError
from tracker.core.event import RawConsent, RawEvent
from tracker.core.gate import MatchPartner
from tracker.core.identifiers import keyed

LONGEST_UID = 512
_PRIVATE = {"Cache-Control": "no-store, private"}
_MACRO = re.compile(r"\$\{(GDPR|GPP_SID|US_PRIVACY|GOOGLE_PUSH|(?:GDPR_CONSENT|GPP_STRING)_(\d{1,5}))\}")


class NotPermitted(TrackerError):
    """The person, a signal or the law says no (RFC 7725)."""

    status = 451
    code = "not_permitted"


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


# One transparent dot (ISO/IEC 15948): header, one row of one pixel, end.
PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", (1).to_bytes(4) * 2 + bytes((8, 6, 0, 0, 0)))
    + _chunk(b"IDAT", zlib.compress(bytes(5)))
    + _chunk(b"IEND", b"")
)


@answering("match")
async def get_sync(request: web.Request, service: Service) -> web.StreamResponse:
    """`GET /sync`: to an address of the partner, with our id in place of its macro, or with nothing in its place."""
    known, partner = _partner(request, service)
    template = request.query.get("redirect", "") or partner.template
    if not partner.leads(template):
        raise BadRequest("redirect must be an https address on one of the partner's hosts", field="redirect")
    visitor, headers = visitor_of(request, service), list[tuple[str, str]]()
    if visitor:
        try:
            judge(request, service, known, partner, visitor, request.query)
            headers = await _note(request, service, known, "id_shared", visitor, {"partner": partner.name})
        except TrackerError as failure:
            visitor = ""
            service.metrics.answers["match_refused", failure.status] += 1
    target = filled(template, partner, visitor, request.query)
    response = web.Response(status=302, headers={**_PRIVATE, hdrs.LOCATION: target})
    for name, value in headers:
        response.headers.add(name, value)
    return response


@answering("match")
async def get_setuid(request: web.Request, service: Service) -> web.StreamResponse:
    """`GET /setuid`: 200 with an image (`f=i`) or nothing (`f=b`); 400 where GDPR applies and nobody consented; 451."""
    known, partner = _partner(request, service)
    uid = request.query.get("uid", "") or request.query.get("google_gid", "")
    if len(uid) > LONGEST_UID or not uid.isprintable():
        raise BadRequest(f"uid must be at most {LONGEST_UID} printable characters", field="uid")
    visitor = visitor_of(request, service)
    headers: list[tuple[str, str]] = []
    if uid:
        judge(request, service, known, partner, visitor, request.query, uid)
    if visitor and (uid or "google_error" not in request.query):  # an empty uid ends the match, without permission
        props = {"partner": partner.name, "partner_uid": uid}
        headers = await _note(request, service, known, "id_match", visitor, props)
    if request.query.get("f", "i") == "b":
        response = web.Response(text="", content_type="text/html", headers=_PRIVATE)
    else:
        response = web.Response(body=PNG, content_type="image/png", headers=_PRIVATE)
    for name, value in headers:
        response.headers.add(name, value)
    return response


def _partner(request: web.Request, service: Service) -> tuple[KnownSite, MatchPartner]:
    query = request.query
    known = service.site_of(query.get("site", ""), request.headers.get(hdrs.ORIGIN))
    name = query.get("partner") or query.get("bidder") or query.get("p", "")
    partner = next((one for one in known.site.gate.partners if one.name == name), None)
    if partner is None:
        raise BadRequest("this site has no such partner", code="no_such_partner", field="partner")
    return known, partner


def visitor_of(request: web.Request, service: Service, named: str = "") -> str:
    """Whom the cookie names, or, where none came, whom the address names: third parties get no cookies.

    Any id that a site may give a visitor, but never an address, which would be told to the partner.
    """
    found = cookies.read(request.headers.get(hdrs.COOKIE), service.settings.https)
    named = named or request.query.get("visitor", "")
    return found or (named if len(named) <= LONGEST_VISITOR and named.isprintable() and "@" not in named else "")


def judge(  # noqa: PLR0917
    request: web.Request,
    service: Service,
    known: KnownSite,
    partner: MatchPartner,
    visitor: str,
    query: Mapping[str, str],
    uid: str = "",
) -> None:
    """The gate's word for this partner alone. Raises BadRequest (400) or NotPermitted (451)."""
    said = _said(query)
    gdpr = query.get("gdpr", "")
    if gdpr not in ("", "0", "1"):
        raise BadRequest("gdpr must be 0 or 1", field="gdpr")
    if gdpr == "1" and said.tcf is None:
        raise BadRequest("gdpr=1 needs gdpr_consent", code="no_consent", field="gdpr_consent")
    alone = Batch(write_key=known.site.write_key, texts=[], read=lambda _: _NOTHING)
    context = service.context(request, known, alone, "match")
    vendors = () if partner.vendor is None else (partner.vendor,)
    privacy = msgspec.structs.replace(known.site.privacy, vendors=vendors, networks=())
    context.site = msgspec.structs.replace(known.site, privacy=privacy)
    state = 0
    if context.listed is not None and context.listed.active:
        state = context.listed.state((visitor,), ())
        state |= context.listed.contact("network", keyed(known.keys, f"{partner.name}:{uid}")) if uid else 0
    decision = context.decide(said, state)
    if said.tcf is not None and gdpr != "0" and context.unreadable(said):
        raise BadRequest("gdpr_consent is no valid TC string", code="no_consent", field="gdpr_consent")
    if decision.mode is Mode.M4 and decision.ads != 0:
        return
    if decision.mode < Mode.M2 and said.tcf is None and decision.analytics < 0 and not state:
        raise BadRequest("GDPR may apply here, and nobody consented", code="no_consent", field="gdpr_consent")
    raise NotPermitted("this person's id may not be matched with this partner")


def _said(query: Mapping[str, str]) -> RawConsent:
    """Signals as ad networks pass them on; `analytics` and `ads` are the page's own, for sites with our banner."""
    own = {name: {"1": True, "0": False}.get(query.get(name, "")) for name in ("analytics", "ads")}
    return RawConsent(
        analytics=own["analytics"],
        ads=own["ads"],
        tcf=query.get("gdpr_consent") or None,
        gpp=query.get("gpp") or None,
        usp=query.get("us_privacy") or None,
    )


async def _note(  # noqa: PLR0917
    request: web.Request, service: Service, known: KnownSite, name: str, visitor: str, props: dict[str, str]
) -> list[tuple[str, str]]:
    """Store what happened; headers for the answer."""
    event = RawEvent(
        type="track", name=name, visitor=visitor, props=dict(props), consent=_said(request.query), library="match"
    )
    batch = Batch(write_key=known.site.write_key, texts=[b""], read=lambda _: event)
    return await service.store(request, batch, "match")


def filled(template: str, partner: MatchPartner, visitor: str, query: Mapping[str, str]) -> str:
    """Our id and the signals in place of their macros; a string meant for another vendor is left out (P-17)."""

    def signal(found: re.Match[str]) -> str:
        name, vendor = found[1], found[2]
        if vendor is not None and (partner.vendor is None or int(vendor) != partner.vendor):
            return ""
        wanted = {
            "GDPR": "gdpr", "GPP_SID": "gpp_sid", "US_PRIVACY": "us_privacy", "GOOGLE_PUSH": "google_push",
            f"GDPR_CONSENT_{vendor}": "gdpr_consent", f"GPP_STRING_{vendor}": "gpp",
        }  # fmt: skip
        return quote(query.get(wanted[name], ""), safe="")

    if partner.encoding == "base64url":
        visitor = base64.urlsafe_b64encode(visitor.encode()).decode().rstrip("=")
    return _MACRO.sub(signal, template).replace(partner.macro, quote(visitor, safe=""))


_NOTHING = RawEvent(type="track", name="id_match")

"""`POST /cookie_sync`: whom of the partners a page should ask for their ids, as Prebid Server answers it.

A page that has a list of bidders sends it here and asks each address of the answer with an image or in a frame; the
partner leads that back to `/setuid`. Nothing is stored, and nobody is named whom the person did not allow.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from aiohttp import hdrs, web

from tracker.collector import cors
from tracker.collector.endpoints import answering, body_of, is_host
from tracker.collector.matching import filled, judge, visitor_of
from tracker.collector.service import Service
from tracker.core.errors import BadRequest, TrackerError
from tracker.core.gate import MatchPartner

LONGEST_BODY = 32_768  # bytes
_PASSED_ON = ("gdpr", "gdpr_consent", "gpp", "gpp_sid", "us_privacy", "analytics", "ads")


class _Asked(msgspec.Struct):
    """The request's words. `site` and the two of our own banner are ours, the others Prebid's."""

    site: str = ""
    bidders: list[str] | None = None
    limit: int = 0
    gdpr: int | str = ""
    gdpr_consent: str = ""
    gpp: str = ""
    gpp_sid: str = ""
    us_privacy: str = ""
    analytics: int | str = ""
    ads: int | str = ""
    visitor: str = ""


_asked = msgspec.json.Decoder(_Asked)


@answering("match")
async def post_cookie_sync(request: web.Request, service: Service) -> web.StreamResponse:
    """`{"status", "bidder_status": [{"bidder", "no_cookie", "usersync": {"url", "type", "supportCORS"}}]}`; 400 where
    GDPR applies and no consent came with it. Without a visitor nobody could be matched, so nobody is asked.
    """
    body = await body_of(request, service, LONGEST_BODY)
    try:
        asked = _asked.decode(body or b"{}")
    except (ValueError, RecursionError):
        raise BadRequest("the body must be the JSON that Prebid sends", code="bad_json") from None
    origin = request.headers.get(hdrs.ORIGIN)
    known = service.site_of(asked.site or request.query.get("site", ""), origin)
    query = {name: str(given) for name in _PASSED_ON if (given := getattr(asked, name)) != ""}
    if query.get("gdpr") == "1" and not asked.gdpr_consent:
        raise BadRequest("gdpr=1 needs gdpr_consent", code="no_consent", field="gdpr_consent")
    visitor = visitor_of(request, service, asked.visitor)
    found: list[dict[str, Any]] = []
    for partner in known.site.gate.partners if visitor and is_host(request.host) else ():
        if not partner.url or (asked.bidders is not None and partner.name not in asked.bidders):
            continue
        try:
            judge(request, service, known, partner, visitor, query)
        except TrackerError as failure:
            service.metrics.answers["match_refused", failure.status] += 1
            continue
        back = {"site": known.site.write_key, "partner": partner.name, "f": "i" if partner.type == "redirect" else "b"}
        if asked.visitor:
            back["visitor"] = asked.visitor
        usersync = {"url": _address(request, service, partner, back, query), "type": partner.type, "supportCORS": False}
        found.append({"bidder": partner.name, "no_cookie": True, "usersync": usersync})
    if asked.limit > 0:
        found = found[: asked.limit]
    answer = {"status": "ok" if visitor else "no_cookie", "bidder_status": found}
    headers = {"Cache-Control": "no-store, private"} | (cors.answer_headers(origin) if origin is not None else {})
    return web.json_response(answer, headers=headers)


def _address(
    request: web.Request, service: Service, partner: MatchPartner, back: dict[str, str], query: dict[str, str]
) -> str:
    """The partner's address, with ours to come back to: encoded as a whole, the partner's macro last."""
    host = f"{service.scheme_of(request)}://{request.host}"
    if partner.template:  # our own address leads there, with our id, and notes that it went
        return f"{host}/sync?{urlencode(back | query)}"
    ours = f"{host}/setuid?{urlencode(back | query)}&uid={partner.macro}"
    template = partner.url.replace("${REDIRECT}", quote(ours, safe=""))
    return filled(template, msgspec.structs.replace(partner, macro="${NO_ID}"), "", query)

"""Plain HTML forms: `POST /f/FORM`, without a line of JavaScript. Becomes the event that the widget of its kind makes.

What somebody wrote in order to be answered is not for reports: the words, the number and the address are sealed into
the vault, and the event says only that there was a message. Whoever wrote is led back by 303 to an address of the site:
the form's own `thanks` or `sorry`, or the page it came from where that is on one of the site's domains.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from aiohttp import hdrs, web

from tracker.collector.endpoints import answering, body_of
from tracker.collector.limits import Buckets
from tracker.collector.parsed import Batch
from tracker.collector.place import block
from tracker.collector.service import Service
from tracker.collector.sites import KnownSite, allows
from tracker.collector.steps.hygiene import FORM
from tracker.collector.suspects import HONEYPOT, is_public
from tracker.core.errors import BadRequest, NotFound, TrackerError
from tracker.core.event import RawConsent, RawEvent
from tracker.core.gate import Form
from tracker.core.identifiers import canonical_email, canonical_phone
from tracker.core.links import leads_somewhere

LONGEST_BODY = 16_384  # bytes
LONGEST_TEXT = 2_000  # characters, as the widget's
_FIELDS = 40
_RATE = 0.2  # a second and address block: six at once, then one in five seconds
_RATES: web.AppKey[Buckets] = web.AppKey("form_rates", Buckets)
_BOUNDARY = re.compile(r"""(?i);\s*boundary="?([0-9A-Za-z'()+_,./:=?-]{1,70})""")  # RFC 2046, without blanks
_DISPOSITION = re.compile(rb'(?im)^content-disposition:\s*form-data;\s*name="([^"\r\n]{0,100})"(;\s*filename\*?=)?')
_YES, _NO = frozenset(("1", "on", "true", "yes")), frozenset(("0", "off", "false", "no"))


def prepare(app: web.Application) -> None:
    """Room for what this worker remembers of senders."""
    app[_RATES] = Buckets(_RATE)


@answering("form")
async def post_form(request: web.Request, service: Service) -> web.StreamResponse:
    """`POST /f/FORM`. Errors before the form is known are answered as everywhere; then its sender is led to `sorry`."""
    body = await body_of(request, service, LONGEST_BODY)
    said = _fields(request.headers.get(hdrs.CONTENT_TYPE, ""), body)
    fields = said or {}
    known = service.site_of(fields.get("site") or request.query.get("site", ""), request.headers.get(hdrs.ORIGIN))
    if said is None:
        raise BadRequest("a form must be sent as application/x-www-form-urlencoded or multipart/form-data")
    wanted = request.match_info["form"]
    form = next((one for one in known.site.gate.forms if one.id == wanted), None)
    if form is None:
        raise NotFound("this site has no such form", code="no_such_form")
    try:
        _admit(request, service)
        marked = HONEYPOT if fields.get(form.honeypot) else ""
        event = _event(form, fields, marked)
        batch = Batch(
            write_key=known.site.write_key,
            texts=[b"{}"],  # what a rejection would keep of it: nothing
            read=lambda _: event,
            suspect=marked,
            anonymous=True,
        )
        headers = await service.store(request, batch, "form")
        if not batch.kept:
            raise BadRequest("this message was not kept, because nothing may be kept of you yet", code="no_consent")
    except TrackerError as failure:
        if not form.sorry:
            raise
        service.metrics.answers["form_failed", failure.status] += 1
        return _lead(form.sorry, [])
    return _lead(form.thanks or _back(request, known, fields), headers)


def _lead(target: str, headers: list[tuple[str, str]]) -> web.Response:
    said = {"Cache-Control": "no-store, private"}
    if target:
        response = web.Response(status=303, headers={**said, hdrs.LOCATION: target})
    else:
        response = web.Response(text="Thank you. Your message has arrived.\n", headers=said)
    for name, value in headers:
        response.headers.add(name, value)
    return response


def _back(request: web.Request, known: KnownSite, fields: dict[str, str]) -> str:
    """The page it came from, if it is one of the site's; a site without domains has no pages of its own."""
    for url in (fields.get("next", ""), request.headers.get(hdrs.REFERER, "")):
        if url and leads_somewhere(url) and known.site.domains and allows(known.site.domains, url):
            return url
    return ""


def _admit(request: web.Request, service: Service) -> None:
    """Few of them from one place: nobody fills in forms all day. Raises TooMany."""
    home = block(service.peer(request))
    if is_public(home):
        request.app[_RATES].take(home, 1, time.monotonic())


def _fields(content_type: str, body: bytes) -> dict[str, str] | None:
    """Of each name the first value with something in it; None for what no form sends. Raises BadRequest."""
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            return _first(parse_qsl(body.decode(), max_num_fields=_FIELDS))
        if kind == "multipart/form-data":
            return _first(_parts(content_type, body))
    except ValueError:
        raise BadRequest(f"the form is not UTF-8, is broken, or has more than {_FIELDS} fields") from None
    return None


def _parts(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """What a form sends that has, or might have had, a file in it (RFC 7578); files are left out. Raises ValueError.

    The libraries at hand read mail too: nested parts, codings, comments in headers, each a way to break one of them or
    to keep it busy. A form has none of that.
    """
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise ValueError("no boundary")
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode("ascii"), _FIELDS + 1)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise ValueError("no field, no end, or too many")
    found = []
    for piece in pieces[1:-1]:
        head, between, value = piece.partition(b"\r\n\r\n")
        named = _DISPOSITION.search(head)
        if not between or named is None:
            raise ValueError("a part without a name")
        if named[2] is None:
            found.append((named[1].decode(), value.decode()))
    return found


def _first(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if text := value.strip():
            found.setdefault(name, text)
    return found


def _event(form: Form, fields: dict[str, str], marked: str) -> RawEvent:
    """Raises BadRequest where the one thing is missing that the form is for."""
    said = fields.get("email", "")
    email = canonical_email(said[:254]) if said else None
    if said and email is None:
        raise BadRequest("this is no e-mail address", field="email")
    sealed = {"form": form.id, "text": fields.get("text", "")[:LONGEST_TEXT], "email": email or ""}
    sealed |= {"at": str(time.time_ns() // 1_000_000), "marked": marked}
    props: dict[str, Any] = {"form": form.id}
    traits: dict[str, Any] = {"email": email} if email else {}
    if form.kind == "feedback":
        if not sealed["text"]:
            raise BadRequest("there is no message", field="text")
        props |= {"topic": fields["topic"][:40]} if "topic" in fields else {}
        rating = fields.get("rating", "")
        if rating.isascii() and rating.isdigit() and int(rating[:3]) <= 10:
            props["rating"] = int(rating)
    else:
        phone = canonical_phone(fields.get("phone", "")[:32], form.country)
        if phone is None:
            raise BadRequest("this is no phone number; begin with + and the country's number", field="phone")
        sealed["phone"] = traits["phone"] = phone
        props["slot"] = fields.get("slot", "soon")[:40]
        props |= {name: fields[name][:64] for name in ("date", "timezone") if name in fields}
        sealed |= {name: str(props[name]) for name in ("slot", "date", "timezone") if name in props}
    return RawEvent(
        type="track",
        name="feedback_sent" if form.kind == "feedback" else "callback_requested",
        message_id=str(uuid4()),
        visitor=fields.get("visitor", "")[:64] or None,
        session=fields.get("session", "")[:64] or None,
        url=fields.get("url") or None,
        props=props,
        traits=traits | {FORM: sealed},
        consent=_consent(fields),
        library="form",
    )


def _consent(fields: dict[str, str]) -> RawConsent | None:
    analytics, ads = (_said(fields.get(name, "")) for name in ("consent_analytics", "consent_ads"))
    if analytics is None and ads is None:
        return None
    return RawConsent(analytics=analytics, ads=ads)


def _said(text: str) -> bool | None:
    plain = text.lower()
    return True if plain in _YES else False if plain in _NO else None

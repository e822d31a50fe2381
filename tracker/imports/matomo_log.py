"""History that Matomo or its log importer would read: `--format matomo-log`. One line is one of

    a request of the tracking API in a web server's log   GET /matomo.php?idsite=1&rec=1&... : the hit it carried
    any other request in a web server's log               a page view, or a download, by the rules of import_logs.py
    a JSON object                                         one hit, or a whole bulk {"requests": [...]}
    a query string                                        one hit

Web server logs are in Apache's common or combined format, with or without a virtual host. A hit from the tracking API
has the id that it had, or would have had, when it was sent to the collector: what was sent and is imported counts once.

Skipped, and counted by reason: `static`, `method` (other than GET; for the tracking API, POST is fine), `status`,
`no_hit` (a request of the tracking API whose hits were in its body, which logs do not keep), `matomo` (Matomo's own
pages) and `other_site` (the page is on none of the site's domains).
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from tracker.collector.loose import Aside, name_strangers, pairs_of
from tracker.collector.parsed import Reader, Unreadable
from tracker.collector.protocols import matomo
from tracker.collector.sites import allows
from tracker.core.drops import Reject
from tracker.core.errors import BadRequest
from tracker.core.event import RawEvent
from tracker.core.site import Site
from tracker.imports.access_log import Hit, Skipped, extension, take_apart

Outcome = RawEvent | Unreadable | Skipped

LONGEST_LINE = 65_536  # bytes; a hit with a large order is long
_TRACKERS = ("/matomo.php", "/piwik.php")
# The lists of import_logs.py: what belongs to a page, and what somebody wanted to have.
_STATIC = frozenset(
    "gif jpg jpeg png bmp ico svg svgz ttf otf eot woff woff2 class swf css js mjs map webp avif".split()
)
_DOWNLOADS = frozenset(
    "7z aac apk arc arj asf asx avi azw3 bin bz2 csv deb dmg doc docx epub exe flv gz gzip hqx ibooks iso jar mobi mov "
    "movie mp2 mp3 mp4 mpeg mpg msi msp odb odf odg odp ods odt ogg ogv pdf phps ppt pptx qt qtm ra ram rar rpm rtf "
    "sea sit tar tbz tgz torrent txt wav wma wmv wpd xls xlsx xml xsd z zip".split()
)


def parse(line: bytes, *, site: Site, key: bytes) -> list[tuple[Outcome, bytes]]:
    """One line -> its outcomes, each with the text to keep if it is rejected (none where it would hold an address)."""
    now = time.time_ns() // 1_000_000
    read = name_strangers(
        matomo.reader(trusted=True, now=now, max_event=LONGEST_LINE, library="matomo-log"), key, "", "", now
    )
    start = line.lstrip()[:1]
    if start == b"{":
        return _json(line, site, read)
    text = line[:LONGEST_LINE].decode("utf-8", "replace").strip()
    if " " not in text and "rec=1" in text:
        return _told(matomo.prepare(dict(pairs_of(text)), timed=False), site, read)
    host = site.domains[0] if site.domains else "localhost"
    hit = take_apart(text, host)
    if isinstance(hit, Unreadable):
        return [(hit, b"")]
    found = _tracked(hit) if _path(hit.url).endswith(_TRACKERS) else _seen(hit)
    if isinstance(found, Skipped):
        return [(found, b"")]
    return [(outcome, b"") for outcome, _ in _told(found, site, read)]


def _json(line: bytes, site: Site, read: Reader) -> list[tuple[Outcome, bytes]]:
    try:
        texts = matomo.texts_of(line)
    except BadRequest as error:
        return [(Unreadable(Reject.UNREADABLE, error.message), line[:LONGEST_LINE])]
    return _told(texts, site, read)


def _told(texts: list[bytes], site: Site, read: Reader) -> list[tuple[Outcome, bytes]]:
    found: list[tuple[Outcome, bytes]] = []
    for text in texts:
        outcome: Outcome = read(text)
        if isinstance(outcome, RawEvent) and _elsewhere(outcome.url, site):
            outcome = Skipped("other_site")
        found.append((outcome, text if isinstance(text, Aside) else b""))
    return found


def _tracked(hit: Hit) -> list[bytes] | Skipped:
    """A request of the tracking API: its query is the hit, the line says who, when and on what page."""
    query = hit.url.partition("?")[2]
    if not query:
        return Skipped("no_hit")
    around: dict[str, Any] = {"cip": hit.ip, "cdt": str(hit.ts / 1000), "ua": hit.agent}
    if hit.referrer:
        around["url"] = hit.referrer
    return matomo.prepare(dict(pairs_of(query)), timed=False, around=around)


def _seen(hit: Hit) -> list[bytes] | Skipped:
    """Any other request, as import_logs.py would tell it to Matomo."""
    if hit.method != "GET":
        return Skipped("method")
    if not hit.shown:
        return Skipped("status")
    kind = extension(hit.url)
    if kind in _STATIC or hit.url.endswith("/robots.txt"):
        return Skipped("static")
    if _path(hit.url).endswith("/index.php") and "module=" in hit.url:
        return Skipped("matomo")
    fields: dict[str, Any] = {"rec": "1", "url": hit.url, "cip": hit.ip, "cdt": str(hit.ts / 1000), "ua": hit.agent}
    if hit.referrer:
        fields["urlref"] = hit.referrer
    if kind in _DOWNLOADS:
        fields["download"] = hit.url
    return matomo.prepare(fields, timed=False)


def _elsewhere(url: str | None, site: Site) -> bool:
    return bool(url) and not allows(site.domains, str(url))


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""

"""Web server logs in Apache's common or combined format (nginx's default is the same), one page view a hit.

Who a visitor of a log is: a log knows no visitor, so each (address, user agent, UTC day) is one, named by HMAC-SHA256
under the site's own key. Nobody can turn the name back into an address or follow it past midnight: two days of the same
browser are two visitors, and no event says that they are one person. Events carry `source = access-log`.

Left out, and counted by reason: assets (`static`), methods other than GET (`method`), answers that showed no page
(`status`: other than 2xx and 304). Robots are kept; the loader marks them, and reports leave them out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from tracker.collector.parsed import Unreadable
from tracker.core.drops import Reject
from tracker.core.event import RawEvent
from tracker.core.identifiers import day_visitor

_LINE = re.compile(
    r"(?:(?P<vhost>[\w.-]+)(?::\d+)? (?=[0-9a-fA-F.:]+ ))?(?P<ip>\S+) \S+ .*?\[(?P<time>[^\]]{20,32})\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}) (?:\d+|-)'
    r'(?: "(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<ua>(?:[^"\\]|\\.)*)")?',
    re.ASCII,
)
_STATIC = frozenset(
    "avif bmp css eot gif ico jpeg jpg js json map mjs mp3 mp4 ogg otf png rss svg ttf txt wasm wav webm webmanifest "
    "webp woff woff2 xml zip gz tgz iso exe dmg pdf atom".split()
)
MONTHS = {name: at for at, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)}


@dataclass(frozen=True)
class Skipped:
    """A good line that is no page view."""

    reason: str


@dataclass(frozen=True)
class Hit:
    """A line taken apart. `ts` is ms since the epoch; `url` is whole; what the line does not say is empty."""

    ip: str
    ts: int
    method: str
    url: str
    status: str
    referrer: str
    agent: str

    @property
    def shown(self) -> bool:
        """Whether the answer showed something."""
        return self.status.startswith("2") or self.status == "304"


def take_apart(line: str, host: str) -> Hit | Unreadable:
    """One line. `host`: the site's own, for logs that do not name it."""
    match = _LINE.match(line)
    if match is None:
        return Unreadable(Reject.UNREADABLE, "not a line of the common or combined log format")
    ts = _time_ms(match["time"])
    if ts is None:
        return Unreadable(Reject.BAD_TIME, "the time is not like 17/May/2015:10:05:03 +0000")
    method, _, rest = match["request"].partition(" ")
    target = rest.rsplit(" ", 1)[0] if " HTTP/" in rest else rest
    if not target:
        return Unreadable(Reject.UNREADABLE, "the request is not like GET /path HTTP/1.1")
    url = target if target.startswith(("http://", "https://")) else f"https://{match['vhost'] or host}{target}"
    return Hit(match["ip"], ts, method, url, match["status"], _unescape(match["referrer"]), _unescape(match["ua"]))


def parse(line: str, *, host: str, key: bytes) -> RawEvent | Skipped | Unreadable:
    """One line -> one page view. `host`: the site's own, for logs that do not name it; `key`: the site's secret."""
    hit = take_apart(line, host)
    if isinstance(hit, Unreadable):
        return hit
    if hit.method != "GET":
        return Skipped("method")
    if not hit.shown:
        return Skipped("status")
    if extension(hit.url) in _STATIC:
        return Skipped("static")
    return RawEvent(
        type="page",
        name="page_view",
        ts=hit.ts,
        visitor=day_visitor(key, hit.ip, hit.agent, hit.ts),
        url=hit.url,
        referrer=hit.referrer or None,
        ip=hit.ip,
        ua=hit.agent,
        library="access-log",
    )


def _time_ms(text: str) -> int | None:
    """`17/May/2015:10:05:03 +0000` -> ms. Not strptime: month names there follow the machine's language."""
    try:
        day, month, rest = text.split("/", 2)
        clock, offset = rest.split(" ")
        year, hour, minute, second = clock.split(":")
        moment = datetime(int(year), MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        sign = -1 if offset[0] == "-" else 1
        away = sign * (int(offset[1:3]) * 60 + int(offset[3:5]))
    except (ValueError, KeyError, IndexError):
        return None
    return round(moment.timestamp() * 1000) - away * 60_000


def extension(url: str) -> str:
    """What stands behind the last dot of the last part of the path, in lower case."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    name = path.rsplit("/", 1)[-1]
    return name.rsplit(".", 1)[-1].lower() if "." in name else ""


def _unescape(text: str | None) -> str:
    """Servers write `\\"` for a quote; a lone dash means nothing."""
    return "" if text in {None, "-"} else str(text).replace('\\"', '"').replace("\\\\", "\\")

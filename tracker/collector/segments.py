"""`GET /v1/segments`: the audiences that a visitor's person is in, for pages and bidders.

Answered from the files that the engine keeps (`core.membership`), so neither a database nor a report stands in the way.
They hold only members who may leave the house. A browser that says no by itself (Global Privacy Control) is in none.
"""

from __future__ import annotations

import mmap
import time
from pathlib import Path

import structlog
from aiohttp import hdrs, web

from tracker.collector import cookies, cors
from tracker.collector.endpoints import answering
from tracker.collector.service import Service
from tracker.collector.standing import partition_for
from tracker.core.errors import BadRequest, Broken
from tracker.core.identifiers import person_id
from tracker.core.identity import visitor_key
from tracker.core.membership import FOLDER, Members, Recent, holding, read, read_recent, recent_of

log = structlog.get_logger()

_LOOK_EVERY = 0.25  # seconds between looks at a site's folder
_SETTLES_NS = 100_000_000  # a folder's own time is as coarse as the kernel's clock: two changes may carry the same
LONGEST_VISITOR = 255
_NO_CHANGES: tuple[tuple[int, int], Recent | None] = ((0, 0), None)


class Segments:
    """The files of all sites, opened when they are first asked for and again when they have changed."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._looked: dict[str, float] = {}
        self._folders: dict[str, int] = {}  # site -> the folder's time when it was read, where that tells of a change
        self._recent: dict[str, tuple[tuple[int, int], Recent | None]] = {}
        self._open: dict[str, dict[str, tuple[tuple[int, int], Members]]] = {}

    def of(self, site: str, key: int) -> list[str]:
        """Ids of the site's audiences that hold a key, sorted."""
        now = time.monotonic()
        if now >= self._looked.get(site, 0.0):
            self._looked[site] = now + _LOOK_EVERY
            self._look_again(site)
        return holding((members for _, members in self._open[site].values()), self._recent[site][1], key)

    def _look_again(self, site: str) -> None:
        """Files are put in place by rename, and a folder carries the time of the last one."""
        read_at = time.time_ns()
        try:
            changed = (self._data / FOLDER / site).stat().st_mtime_ns
        except OSError:
            changed = 0
        if site in self._open and self._folders.get(site) == changed:
            return
        self._recent[site] = self._changes(site)  # before the files that it is about
        self._open[site] = self._look(site)
        if read_at - changed > _SETTLES_NS:
            self._folders[site] = changed

    def _changes(self, site: str) -> tuple[tuple[int, int], Recent | None]:
        path, before = recent_of(self._data, site), self._recent.get(site, _NO_CHANGES)
        stamp = (0, 0)
        try:
            stamp = _stamp(path)
            return before if before[0] == stamp else (stamp, read_recent(_mapped(path)))
        except FileNotFoundError:
            return _NO_CHANGES
        except (OSError, ValueError, Broken) as failure:
            log.error("segments.unreadable", file=path.name, error=type(failure).__name__)
        return stamp, None

    def _look(self, site: str) -> dict[str, tuple[tuple[int, int], Members]]:
        before = self._open.get(site, {})
        found: dict[str, tuple[tuple[int, int], Members]] = {}
        try:
            paths = sorted((self._data / FOLDER / site).glob("*.bin"))
        except OSError:
            paths = []
        for path in paths:
            try:
                stamp = _stamp(path)
                known = before.get(path.name)
                found[path.name] = known if known is not None and known[0] == stamp else (stamp, _opened(path))
            except FileNotFoundError:
                continue  # the audience was deleted just now
            except (OSError, ValueError, Broken) as failure:
                log.error("segments.unreadable", file=path.name, error=type(failure).__name__)
        return found


SEGMENTS = web.AppKey("segments", Segments)


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_ino


def _opened(path: Path) -> Members:
    return read(_mapped(path))


def _mapped(path: Path) -> memoryview:
    """ValueError where it is empty."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


@answering("segments")
async def get_segments(request: web.Request, service: Service) -> web.Response:
    """`?site=WRITE_KEY&visitor=V` -> `{"segments": [id, ..]}`; an unknown visitor is in none.

    Without `visitor` the browser's own is meant, by its cookie.
    """
    origin = request.headers.get(hdrs.ORIGIN)
    known = service.site_of(request.query.get("site", ""), origin)
    visitor = request.query.get("visitor")
    if visitor is None:  # a page's own visitor, whose cookie its scripts cannot read
        https, headers = service.settings.https, request.headers
        visitor = cookies.read(headers.get(hdrs.COOKIE), https, partition_for(headers, known.keys, https))
    elif not 0 < len(visitor) <= LONGEST_VISITOR:
        raise BadRequest("visitor must be the visitor's id, 1 to 255 characters", field="visitor")
    inside: list[str] = []
    listed = service.suppressions.of(known.keys, expected=service.sites.suppression)
    # Somebody who has just withdrawn is in the files until they are computed anew.
    if visitor and request.headers.get("Sec-GPC") != "1" and not listed.state((visitor,), ()):
        inside = request.app[SEGMENTS].of(known.site.name, visitor_key(person_id(known.keys, visitor)))
    answer = web.json_response({"segments": inside}, headers={hdrs.CACHE_CONTROL: "no-store, private"})
    if origin is not None:
        answer.headers.update(cors.answer_headers(origin))
    return answer

"""The collector's view of the suppression list: a file, read again when it changes. No database.

What cannot be read stands for everybody: the collector then keeps counts only. A decision that this process has just
seen counts at once, before the list that the loader writes has it.
"""

from __future__ import annotations

import time
from pathlib import Path

import structlog

from tracker.core.errors import Broken
from tracker.core.identifiers import Keys, person_id
from tracker.core.suppression import FILE, Snapshot, State, decode, hash_of

log = structlog.get_logger()

_LOOK_EVERY = 1.0  # seconds between looks at the file's time
_MOST_RECENT = 10_000
_MOST_ANSWERS = 20_000
_NOBODY = Snapshot({}, b"")


class Listed:
    """The list of one site, as the road asks it. `active`: somebody may be on it."""

    def __init__(self, lists: Suppressions, keys: Keys) -> None:
        self._lists = lists
        self.keys = keys
        self.active = lists.broken or lists.concerns(keys.site)

    def state(self, visitors: tuple[str, ...], users: tuple[str, ...], agreed: int = 0) -> int:
        """What is known of the person behind these ids, all of it together.

        `agreed`: when the person last said yes, ms, if the event says so; a withdrawal before that is over.
        """
        lists = self._lists
        if lists.broken:
            return int(State.UNREADABLE)
        asked = (self.keys.site, visitors, users)
        known = None if agreed else lists.answers.get(asked)
        if known is not None:
            return known
        found = 0
        for wanted in self._hashes(visitors, users):
            found |= lists.state(self.keys.site, wanted, agreed)
        if not agreed:
            if len(lists.answers) >= _MOST_ANSWERS:
                lists.answers.clear()
            lists.answers[asked] = found
        return found

    def contact(self, kind: str, hashed: str) -> int:
        """The same for the keyed hash of an e-mail address (`email`) or a phone number (`phone`)."""
        return self._lists.state(self.keys.site, hash_of(self.keys, kind, hashed), 0)

    def note(self, visitors: tuple[str, ...], users: tuple[str, ...], when: int, *, withdrawn: bool) -> None:
        """A decision of a person at `when`, ms: it counts in this process from now on."""
        for wanted in self._hashes(visitors, users):
            self._lists.note(self.keys.site, wanted, when, withdrawn)
        self.active = True

    def _hashes(self, visitors: tuple[str, ...], users: tuple[str, ...]) -> set[bytes]:
        keys = self.keys
        found = {hash_of(keys, "visitor", person_id(keys, one)) for one in visitors if one}
        for one in users:
            if not one:
                continue
            stored = person_id(keys, one)
            found.add(hash_of(keys, "user", stored))
            if stored.startswith("e:"):
                found.add(hash_of(keys, "email", stored[2:]))
        return found


class Suppressions:
    """The lists of all sites. `expected`: whether there must be a file (see `SitesFile.suppression`)."""

    def __init__(self, data: Path) -> None:
        self._path = data / FILE
        self._stamp: tuple[int, int, int] | None = None
        self._next_look = 0.0
        self._snapshot = _NOBODY
        self._recent: dict[tuple[str, bytes], tuple[int, bool]] = {}  # the oldest first
        self._sites: set[str] = set()
        self._lists: dict[str, Listed] = {}  # of each site, until anything changes
        self.broken = False
        # Whoever sends one event mostly sends another soon: what was found is kept until the list changes.
        self.answers: dict[tuple[str, tuple[str, ...], tuple[str, ...]], int] = {}

    def of(self, keys: Keys, *, expected: bool) -> Listed:
        """The list of a site. `expected`: there must be a file; a missing one is then as bad as a damaged one."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + _LOOK_EVERY
            self._look(expected)
        found = self._lists.get(keys.site)
        if found is None or found.keys is not keys:
            found = self._lists[keys.site] = Listed(self, keys)
        return found

    def concerns(self, site: str) -> bool:
        """Whether anybody of the site is on the list or has just decided something."""
        return site in self._sites or self._snapshot.has(site)

    def state(self, site: str, wanted: bytes, agreed: int) -> int:
        """What is known of one hash."""
        entry = self._snapshot.find(site, wanted)
        reasons, since = (0, 0) if entry is None else (entry.reasons, entry.since * 1000)
        recent = self._recent.get((site, wanted))
        if recent is not None and recent[0] >= since:
            since, withdrawn = recent
            reasons = reasons | State.WITHDRAWN if withdrawn else reasons & ~State.WITHDRAWN
        if reasons & State.WITHDRAWN and agreed > since:
            reasons &= ~State.WITHDRAWN
        return int(reasons)

    def note(self, site: str, wanted: bytes, when: int, withdrawn: bool) -> None:
        """A decision that was just seen; the newest of a person counts."""
        self.answers.clear()
        self._lists.clear()
        key = (site, wanted)
        if when >= self._recent.get(key, (0, False))[0]:
            self._recent.pop(key, None)
            self._recent[key] = (when, withdrawn)
        while len(self._recent) > _MOST_RECENT:
            del self._recent[next(iter(self._recent))]
        self._sites.add(site)

    def _look(self, expected: bool) -> None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp == self._stamp and not self.broken:
                return
            self._snapshot = decode(self._path.read_bytes())
            self._stamp, self.broken = stamp, False
            self.answers.clear()
            self._lists.clear()
        except FileNotFoundError:
            self._fail(expected or self._stamp is not None, "FileNotFoundError")
        except (OSError, Broken) as failure:
            self._fail(True, type(failure).__name__)

    def _fail(self, broken: bool, why: str) -> None:
        if broken and not self.broken:
            log.error("suppressions.unreadable", path=self._path.name, error=why)
        self.broken = broken
        self._lists.clear()

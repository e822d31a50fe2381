"""UID2s and EUIDs: which raw id an address or number was mapped to, until when that holds, and who has opted out.

The raw id and what it was asked by are sealed with the site's key; a row is found by a keyed hash of what is asked, and
by the key of the person it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import delete, or_, select, update

from tracker.catalog.activation_tables import AdvertisingIdRow
from tracker.catalog.database import Database, execute_many, insert_into

MAPPED, OPTOUT, INVALID, WITHHELD = "mapped", "optout", "invalid", "withheld"
AT_ONCE = 10_000
_IN_ONE_QUESTION = 500  # SQLite takes a limited number of variables


class Entry(NamedTuple):
    """One mapping. `sealed`: "" where there is no id. Times in ms.

    refresh_at  when it is to be asked for again
    checked_at  when it was last known that nobody has opted out of it
    changed_at  when the id became another one, or was lost; 0: never
    """

    key: str
    person: int
    state: str
    sealed: str
    refresh_at: int
    checked_at: int
    changed_at: int


class AdvertisingIds:
    """`twin`: `uid2` or `euid`. Every method blocks. Raises TryLater where the catalog is busy or away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, site: str, twin: str, keys: Iterable[str]) -> dict[str, Entry]:
        """Key -> what is known of it."""
        rows = self._database.among(_of(site, twin), AdvertisingIdRow.key, sorted(keys))
        return {one.key: one for one in map(_entry, rows)}

    def put(self, site: str, twin: str, entries: Iterable[Entry]) -> None:
        """Keep these, in place of what was known."""
        with self._database.exclusive() as session:
            connection = session.connection()
            made = insert_into(connection, AdvertisingIdRow)
            names = ("key", "person", "state", "sealed", "refresh_at", "checked_at", "changed_at")
            kept = {name: made.excluded[name] for name in names[1:]}
            putting = made.on_conflict_do_update(index_elements=["site", "twin", "key"], set_=kept)
            blank = {"key": "", "person": "", "state": "", "sealed": ""}
            zero = {"refresh_at": 0, "checked_at": 0, "changed_at": 0}
            rows = ((one.key, _hex(one.person), *one[2:]) for one in entries)
            execute_many(connection, putting.values({"site": site, "twin": twin, **blank, **zero}), names, rows)

    def due(self, site: str, twin: str, refresh: int, check: int) -> Iterator[list[Entry]]:
        """Ids that were to be asked for again by `refresh`, or not checked since `check`, some at a time: what is done
        with them meanwhile is no hindrance.
        """
        late = or_(AdvertisingIdRow.refresh_at <= refresh, AdvertisingIdRow.checked_at < check)
        query = _of(site, twin).where(AdvertisingIdRow.state == MAPPED, late).order_by(AdvertisingIdRow.key)
        last = ""
        while True:
            with self._database.read() as session:
                rows = session.execute(query.where(AdvertisingIdRow.key > last).limit(AT_ONCE)).all()
            if rows:
                yield [_entry(row) for row in rows]
                last = rows[-1].key
            if len(rows) < AT_ONCE:
                return

    def changed(self, site: str, twin: str, since: int) -> list[Entry]:
        """Those that became others, or were lost, at `since` or later."""
        with self._database.read() as session:
            rows = session.execute(_of(site, twin).where(AdvertisingIdRow.changed_at >= max(since, 1)))
            return [_entry(row) for row in rows]

    def checked(self, site: str, twin: str, keys: Sequence[str], at: int) -> None:
        """Nobody has opted out of these."""
        with self._database.write() as session:
            for some in _some(keys):
                mine = (AdvertisingIdRow.site == site, AdvertisingIdRow.twin == twin, AdvertisingIdRow.key.in_(some))
                session.execute(update(AdvertisingIdRow).where(*mine).values(checked_at=at))

    def erase(self, site: str, people: Iterable[int], *, but: str = "") -> None:
        """Forget what was asked for these persons, but what is in the state `but`."""
        theirs = [_hex(person) for person in people]
        if not theirs:
            return
        with self._database.forgetting() as session:
            for some in _some(theirs):
                mine = (AdvertisingIdRow.site == site, AdvertisingIdRow.person.in_(some), AdvertisingIdRow.state != but)
                session.execute(delete(AdvertisingIdRow).where(*mine))

    def of_person(self, site: str, people: Iterable[int]) -> Mapping[str, list[str]]:
        """Twin -> what is kept of one person, sealed."""
        found: dict[str, list[str]] = {}
        query = select(AdvertisingIdRow.twin, AdvertisingIdRow.sealed).where(AdvertisingIdRow.site == site)
        for twin, sealed in self._database.among(query, AdvertisingIdRow.person, sorted(map(_hex, people))):
            found.setdefault(twin, []).extend([sealed] if sealed else [])
        return found


_NAMES = ("key", "person", "state", "sealed", "refresh_at", "checked_at", "changed_at")


def _of(site: str, twin: str):  # type: ignore[no-untyped-def]
    columns = [getattr(AdvertisingIdRow, name) for name in _NAMES]
    return select(*columns).where(AdvertisingIdRow.site == site, AdvertisingIdRow.twin == twin)


def _entry(row: Sequence[object]) -> Entry:
    key, person, *rest = row
    return Entry(str(key), int(str(person), 16), *rest)  # type: ignore[arg-type]


def _some(items: Sequence[str]) -> Iterable[Sequence[str]]:
    return (items[at : at + _IN_ONE_QUESTION] for at in range(0, len(items), _IN_ONE_QUESTION))


def _hex(person: int) -> str:
    return f"{person:016x}"

"""Exchange rates of a site, a row a base, day and currency. Importing the same file again changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select

from tracker.catalog.database import Database
from tracker.catalog.tables import RateRow
from tracker.core.rates import Rate


class Rates:
    """Every method blocks. Raises TryLater where the catalog is busy or away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, site: str, base: str, rates: Sequence[Rate]) -> int:
        """Keep checked rows in place of those of the same day; gives how many are new or differ. All or nothing."""
        changed = 0
        with self._database.exclusive() as session:
            for one in rates:
                row = session.get(RateRow, (site, base, one.currency, one.date))
                if row is None:
                    session.add(RateRow(site=site, base=base, currency=one.currency, date=one.date, rate=one.rate))
                elif row.rate == one.rate:
                    continue
                else:
                    row.rate = one.rate
                changed += 1
        return changed

    def until(self, site: str, last: str) -> dict[str, dict[str, list[tuple[str, float]]]]:
        """Base -> currency -> (day, rate), the oldest first, of all days up to `last`."""
        query = (
            select(RateRow.base, RateRow.currency, RateRow.date, RateRow.rate)
            .where(RateRow.site == site, RateRow.date <= last)
            .order_by(RateRow.base, RateRow.currency, RateRow.date)
        )
        found: dict[str, dict[str, list[tuple[str, float]]]] = defaultdict(lambda: defaultdict(list))
        with self._database.read() as session:
            for base, currency, day, rate in session.execute(query):
                found[base][currency].append((day, float(rate)))
        return {base: dict(rates) for base, rates in found.items()}

"""Advertising costs, a row a day and name. Importing the same file again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from tracker.catalog.database import Database
from tracker.catalog.tables import CostRow
from tracker.core.costs import NAMES, Cost
from tracker.core.errors import BadRequest


class Costs:
    """Every method blocks. Raises TryLater where the catalog is busy or away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, site: str, costs: Sequence[Cost]) -> int:
        """Keep checked rows in place of those about the same; gives how many are new or differ. All or nothing."""
        changed = 0
        with self._database.exclusive() as session:
            for one in costs:
                figures = (one.cost, one.clicks, one.impressions)
                row = session.get(CostRow, (site, *one.key))
                if row is None:
                    row = CostRow(
                        site=site,
                        date=one.date,
                        channel=one.channel,
                        source=one.source,
                        campaign=one.campaign,
                        currency=one.currency,
                    )
                    session.add(row)
                elif (row.cost, row.clicks, row.impressions) == figures:
                    continue
                row.cost, row.clicks, row.impressions = figures
                changed += 1
        return changed

    def by(self, site: str, name: str, first: str, last: str) -> list[tuple[str, str, str, float]]:
        """(day, currency, channel, source or campaign, cost) of the days from `first` to `last`, both included."""
        if name not in NAMES:
            raise BadRequest(f"costs are known by {', '.join(NAMES)}", field="by")
        column = getattr(CostRow, name)
        query = (
            select(CostRow.date, CostRow.currency, column, func.sum(CostRow.cost))
            .where(CostRow.site == site, CostRow.date >= first, CostRow.date <= last, column != "")
            .group_by(CostRow.date, CostRow.currency, column)
        )
        with self._database.read() as session:
            return [(day, currency, key, float(cost)) for day, currency, key, cost in session.execute(query)]

"""Exchange rates: taking them in, and handing them to reports about money."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from tracker.analytics.money import Money
from tracker.analytics.request import Range
from tracker.api.call import Asker, Call
from tracker.core import rates
from tracker.core.errors import BadRequest


class Spec(Protocol):
    """A checked question about money."""

    site: str
    range: Range
    timezone: str
    money: Money


def put(call: Call) -> dict[str, Any]:
    """`POST /api/v1/rates`: all rows or none; rows of the same day are replaced."""
    given = call.body
    site = call.site(given.site)
    rows, places = given.rows, [f"rows[{at}]" for at in range(len(given.rows))]
    if bool(rows) == bool(given.csv):
        raise BadRequest("either rows or csv must be given", field="rows")
    if given.csv:
        rows, places = rates.read_csv(given.csv)
        if len(rows) > rates.MAX_ROWS:
            raise BadRequest(f"more than {rates.MAX_ROWS} rows: send them in several requests", field="csv")
    base = rates.currency(given.base, "base")
    found = rates.checked(rows, places, base=base, inverse=given.inverse)
    changed = call.services.catalog.rates.put(site.name, base, found)
    call.audit("rates.put", site=site.name, base=base, rows=len(found), changed=changed)
    return {"site": site.name, "base": base, "rows": len(found), "changed": changed}


def known(asker: Asker, spec: Any) -> Any:
    """The question with the rates that it needs, where it asks for a currency."""
    if not spec.money.currency:
        return spec
    last = datetime.fromtimestamp((spec.range.end - 1) / 1000, UTC).astimezone(ZoneInfo(spec.timezone)).date()
    found = asker.services.catalog.rates.until(spec.site, last.isoformat())
    return replace(spec, money=Money(spec.money.currency, found))

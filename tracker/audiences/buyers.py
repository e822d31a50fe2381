"""Buyers in a rule (`rfm`, `ltv`): the RFM report's own ranking and money, over all purchases as of now."""

from __future__ import annotations

from dataclasses import dataclass

from tracker.analytics import rfm
from tracker.analytics.request import Range
from tracker.audiences.rules import Rfm, Within
from tracker.store.sql import Fragment
from tracker.store.where import Params, condition_sql


@dataclass(frozen=True)
class Buyers:
    """What `compile_rule` asks about purchases. All parts of a rule share `params`, and so one question's names."""

    site: str
    events: Fragment
    params: Params
    now_ms: int
    currency: str | None = None
    """The site's main currency, where it was asked for already."""

    def segments(self, rule: Rfm) -> str:
        """A subquery of the persons in the rule's segments."""
        spec = self._spec()
        found = rfm.buyers(spec, self.events, rfm.in_currency(rfm.main_currency(spec, self.events)))
        self.params.values.update(found.params)
        names = self.params.put(list(rule.segments), "Array(String)")
        return f"select who from ({found.text}) where segment in {names}"  # noqa: S608 - our own text

    def value(self) -> str:
        """An aggregate over a person's events: what all purchases are worth, rounded to a millionth."""
        spec = self._spec()
        if self.currency is None:
            asked = rfm.main_currency(spec, self.events)
            self.params.values.update(asked.params)
            currency = asked.text
        else:
            self.params.values["to"] = spec.range.end
            currency = self.params.put(self.currency, "String")
        counts = f"bot = '' and {condition_sql(spec.event, self.params)} and currency = {currency}"
        until = "ts < fromUnixTimestamp64Milli({to:Int64}) and isFinite(ifNull(value, 0))"
        return f"round(sumIf(ifNull(value, 0), {counts} and {until}), 6)"

    def _spec(self) -> rfm.Spec:
        return rfm.Spec(site=self.site, range=Range(0, Within(last_ms=0).at(self.now_ms)[1]))

"""Lists for people, coupons, conversions, removals, and the rules of contact: a part of `client.Api`."""

from __future__ import annotations

from urllib.parse import quote

from dashboard.wire import Json, Wire, rows_of


class Reaching(Wire):
    """Every method returns the decoded answer, or raises as `dashboard.wire` says."""

    # Lists for people

    def outreach_lists(self) -> list[Json]:
        """The lists there are: name, title, columns, coupons, note."""
        return rows_of(self.json("GET", "/api/v1/outreach/lists"), "lists")

    def start_outreach(self, audience: str, body: Json) -> Json:
        """Start making a list of an audience; it is an export: `{"id", "state"}`."""
        return self.json("POST", f"/api/v1/audiences/{quote(audience, safe='')}/outreach", json=body)

    def plan_outreach(self, audience: str, body: Json) -> Json:
        """Make a list again and again; it is one of the audience's deliveries."""
        return self.json("POST", f"/api/v1/audiences/{quote(audience, safe='')}/outreach/plans", json=body)

    def coupon_pools(self, site: str) -> list[Json]:
        """Pools of codes: pool, codes, given, free."""
        return rows_of(self.json("GET", "/api/v1/coupons", params={"site": site}), "pools")

    def add_coupons(self, site: str, pool: str, codes: list[str]) -> int:
        """Put codes into a pool, at most 20,000 at once; gives how many were new."""
        answer = self.json("POST", "/api/v1/coupons", json={"site": site, "pool": pool, "codes": codes})
        return int(answer.get("added") or 0)

    # Conversions, and what is taken back

    def conversion_networks(self) -> list[Json]:
        """Networks that can be told of conversions."""
        return rows_of(self.json("GET", "/api/v1/conversions/networks"), "networks")

    def conversions(self, site: str) -> list[Json]:
        """Which events networks are told of, each with how the last planned upload ended."""
        return rows_of(self.json("GET", "/api/v1/conversions", params={"site": site}), "conversions")

    def add_conversion(self, body: Json) -> Json:
        """Tell a network of events from now on."""
        return self.json("POST", "/api/v1/conversions", json=body)

    def reschedule_conversion(self, id: str, every: str | None) -> Json:
        """Send it so often; None: only by hand."""
        return self.json("PUT", f"/api/v1/conversions/{quote(id, safe='')}", json={"every": every})

    def end_conversion(self, id: str) -> None:
        """Tell the network no more."""
        self.json("DELETE", f"/api/v1/conversions/{quote(id, safe='')}")

    def run_conversion(self, id: str, mode: str) -> Json:
        """Send what is new (`live`), try it (`test`), or write it into a file (`dry`); it is an export."""
        return self.json("POST", f"/api/v1/conversions/{quote(id, safe='')}/run", json={"mode": mode})

    def recalls(self, site: str) -> list[Json]:
        """Deleted audiences whose members are being taken back, until everybody is."""
        return rows_of(self.json("GET", "/api/v1/recalls", params={"site": site}), "recalls")

    # Rules of contact

    def frequency(self, site: str) -> Json:
        """How often a person may be contacted: `{"most", "days", "priority"}`; `most` 0: no cap."""
        return self.json("GET", f"/api/v1/sites/{quote(site, safe='')}/frequency")

    def set_frequency(self, site: str, body: Json) -> Json:
        """Cap how often a person is contacted."""
        return self.json("PUT", f"/api/v1/sites/{quote(site, safe='')}/frequency", json=body)

    def sensitive(self, site: str) -> list[Json]:
        """Audiences and conversions that suggest special categories, each with its declared ground or none."""
        return rows_of(self.json("GET", "/api/v1/sensitive", params={"site": site}), "sensitive")

    def declare(self, id: str, ground: str) -> Json:
        """Declare the ground on which one of them may leave the house."""
        return self.json("PUT", f"/api/v1/sensitive/{quote(id, safe='')}", json={"ground": ground})

    def withdraw(self, id: str) -> None:
        """Withdraw that declaration."""
        self.json("DELETE", f"/api/v1/sensitive/{quote(id, safe='')}")

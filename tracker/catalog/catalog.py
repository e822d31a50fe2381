"""The catalog as one thing: everything small and mutable, behind one database."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from tracker.catalog.advertising_ids import AdvertisingIds
from tracker.catalog.alerts import Alerts
from tracker.catalog.annotations import Annotations
from tracker.catalog.audiences import Audiences
from tracker.catalog.audit import Audit
from tracker.catalog.consents import Consents
from tracker.catalog.contacts import Contacts
from tracker.catalog.conversions import Conversions
from tracker.catalog.costs import Costs
from tracker.catalog.coupons import Coupons
from tracker.catalog.database import Database
from tracker.catalog.deliveries import Deliveries
from tracker.catalog.destinations import Destinations
from tracker.catalog.erasures import Erasures
from tracker.catalog.exports import Exports
from tracker.catalog.funnels import Funnels
from tracker.catalog.ledger import Ledger
from tracker.catalog.memberships import Memberships
from tracker.catalog.plans import Plans
from tracker.catalog.rates import Rates
from tracker.catalog.report_runs import Runs
from tracker.catalog.schedules import Schedules
from tracker.catalog.sensitive import Sensitive
from tracker.catalog.sites import Sites
from tracker.catalog.suppressions import Suppressions
from tracker.catalog.tokens import Tokens
from tracker.catalog.vault import Vault
from tracker.core.suppression import FILE


class Catalog:
    """`Catalog("sqlite:///DATA/catalog.sqlite", DATA / "sites.json")`, or a PostgreSQL URL.

    Any number of processes and threads may use one database. Every method blocks. Raises TryLater when the database
    is locked for longer than its busy timeout, or away.
    """

    def __init__(self, url: str, sites_file: Path) -> None:
        self.database = Database(url)
        self.sites = Sites(self.database, sites_file)
        self.tokens = Tokens(self.database)
        self.funnels = Funnels(self.database)
        self.alerts = Alerts(self.database)
        self.schedules = Schedules(self.database)
        self.report_runs = Runs(self.database)
        self.annotations = Annotations(self.database)
        self.audiences = Audiences(self.database)
        self.memberships = Memberships(self.database)
        self.exports = Exports(self.database)
        self.deliveries = Deliveries(self.database)
        self.destinations = Destinations(self.database)
        self.plans = Plans(self.database)
        self.conversions = Conversions(self.database)
        self.coupons = Coupons(self.database)
        self.contacts = Contacts(self.database)
        self.sensitive = Sensitive(self.database)
        self.advertising_ids = AdvertisingIds(self.database)
        self.audit = Audit(self.database)
        self.ledger = Ledger(self.database)
        self.vault = Vault(self.database)
        self.erasures = Erasures(self.database)
        self.consents = Consents(self.database)
        self.costs = Costs(self.database)
        self.rates = Rates(self.database)
        self.suppressions = Suppressions(self.database, sites_file.with_name(FILE))
        self.suppressions.publish()  # before the sites, whose file says that there must be a list
        self.sites.publish()  # a restored or moved data folder: the file may be missing or older than the database

    def close(self) -> None:
        """Let go of every connection."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

"""Sites: who may send events, and under which policy."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.catalog import sites_file
from tracker.catalog.database import Database, now_ms
from tracker.catalog.tables import SiteRow
from tracker.core import rates
from tracker.core.errors import BadRequest, Conflict, NotFound
from tracker.core.gate import OPEN_GATE, GateSettings
from tracker.core.pixel import PixelSettings
from tracker.core.privacy import PLAIN, PrivacySettings
from tracker.core.site import INTERNAL, Site

CONSENTS = ("opt-in", "opt-out")
DEFAULT_MIN_SIZE = 100
MAX_DOMAINS = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\Z",
    re.ASCII,
)
_IPV6 = re.compile(r"\[[0-9a-f:]{2,39}\]", re.ASCII)


class Sites:
    """Create, read, change and delete sites. Every change rewrites `sites.json`."""

    def __init__(self, database: Database, file: Path) -> None:
        self._database = database
        self._file = file

    def create(
        self,
        name: str,
        *,
        domains: Sequence[str] = (),
        consent: str = "opt-in",
        timezone: str = "UTC",
        min_size: int = DEFAULT_MIN_SIZE,
    ) -> Site:
        """A new site with a new write key. Raises BadRequest, or Conflict where the name is in use.

        The name of a deleted site brings that site back, with its events, under a new write key.
        """
        checked = (_name(name), _domains(domains), _consent(consent), _timezone(timezone), _min_size(min_size))
        with self._database.write() as session:
            row = session.get(SiteRow, name)
            if row is not None and row.deleted_at is None:
                raise Conflict(f"there is a site named {name} already", code="site_exists", field="name")
            if row is None:
                row = SiteRow(name=name, identifier_key=secrets.token_hex(32), created_at=now_ms())
                session.add(row)
            row.write_key = f"wk_{secrets.token_urlsafe(18)}"
            row.deleted_at = None
            _, row.domains, row.consent, row.timezone, row.min_size = checked
        self.publish()
        return _site(row)

    def internal(self, name: str) -> Site:
        """One of our own sites, made when it is not there: collectors know it, nobody else sees it. `name` begins
        with an underscore, which no other site's can.
        """
        if not name.startswith(INTERNAL):
            raise ValueError(f"{name} does not begin with {INTERNAL}")
        with self._database.write() as session:
            row = session.get(SiteRow, name)
            if row is None:
                row = SiteRow(
                    name=name,
                    write_key=f"wk_{secrets.token_urlsafe(18)}",
                    identifier_key=secrets.token_hex(32),
                    created_at=now_ms(),
                    domains=[],
                    consent="opt-out",
                    timezone="UTC",
                    min_size=DEFAULT_MIN_SIZE,
                )
                session.add(row)
        self.publish()
        return _site(row)

    def get(self, name: str) -> Site:
        """The site. Raises NotFound."""
        with self._database.read() as session:
            return _site(_live(session, name))

    def by_write_key(self, write_key: str) -> Site | None:
        """The site with this write key, if any."""
        with self._database.read() as session:
            row = session.scalar(select(SiteRow).where(SiteRow.write_key == write_key, SiteRow.deleted_at.is_(None)))
            return None if row is None else _site(row)

    def list(self) -> list[Site]:
        """Every site that is not deleted, by name; none of our own."""
        return [site for site in self._all() if not site.name.startswith(INTERNAL)]

    def _all(self) -> Sequence[Site]:
        with self._database.read() as session:
            rows = session.scalars(select(SiteRow).where(SiteRow.deleted_at.is_(None)).order_by(SiteRow.name))
            return [_site(row) for row in rows]

    def min_size(self, name: str) -> int:
        """The smallest audience that may be exported from this site. Raises NotFound."""
        with self._database.read() as session:
            return _live(session, name).min_size

    def update(
        self,
        name: str,
        *,
        domains: Sequence[str] | None = None,
        consent: str | None = None,
        timezone: str | None = None,
        min_size: int | None = None,
        pixel: PixelSettings | None = None,
        privacy: PrivacySettings | None = None,
        gate: GateSettings | None = None,
        currency: str | None = None,
    ) -> Site:
        """Change what is given, keep the rest. The write key stays. Raises NotFound, BadRequest."""
        with self._database.write() as session:
            row = _live(session, name)
            if domains is not None:
                row.domains = _domains(domains)
            if consent is not None:
                row.consent = _consent(consent)
            if timezone is not None:
                row.timezone = _timezone(timezone)
            if min_size is not None:
                row.min_size = _min_size(min_size)
            if pixel is not None:
                row.pixel = msgspec.to_builtins(pixel)
            if privacy is not None:
                row.privacy = msgspec.to_builtins(privacy)
            if currency is not None:
                row.currency = rates.currency(currency, "currency") if currency else ""
            if gate is not None:
                row.gate = msgspec.to_builtins(gate)
        self.publish()
        return _site(row)

    def delete(self, name: str) -> None:
        """Stop accepting and showing the site. Its events stay in the store. Raises NotFound."""
        with self._database.write() as session:
            _live(session, name).deleted_at = now_ms()
        self.publish()

    def publish(self) -> None:
        """Write `sites.json` from the database as it is now."""
        with sites_file.locked(self._file):
            sites_file.write(self._file, self._all())


def _live(session: Session, name: str) -> SiteRow:
    row = session.get(SiteRow, name)
    if row is None or row.deleted_at is not None or name.startswith(INTERNAL):
        raise NotFound(f"there is no site named {name}", code="no_such_site", field="site")
    return row


def _site(row: SiteRow) -> Site:
    return Site(
        name=row.name,
        write_key=row.write_key,
        domains=tuple(row.domains),
        consent=row.consent,
        timezone=row.timezone,
        currency=row.currency or "",
        identifier_key=row.identifier_key,
        pixel=msgspec.convert(row.pixel or {}, PixelSettings),
        privacy=msgspec.convert(row.privacy, PrivacySettings) if row.privacy else PLAIN,
        gate=msgspec.convert(row.gate, GateSettings) if row.gate else OPEN_GATE,
    )


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadRequest(
            "name must be 1 to 64 letters, digits, dots, dashes or underscores, and begin with a letter or a digit",
            field="name",
        )
    return name


def _domains(domains: Sequence[str]) -> list[str]:
    if len(domains) > MAX_DOMAINS:
        raise BadRequest(f"at most {MAX_DOMAINS} domains", field="domains")
    return list(dict.fromkeys(_domain(domain, f"domains[{at}]") for at, domain in enumerate(domains)))


def _domain(text: str, field: str) -> str:
    """A host, without scheme, port or path. International names are kept as browsers send them (punycode)."""
    try:
        host = text.strip().lower().rstrip(".").encode("idna").decode() if not text.isascii() else text.strip().lower()
    except UnicodeError:
        host = ""
    if not (_DOMAIN.match(host) or _IPV6.fullmatch(host)):
        raise BadRequest(f"{field} must be a host name like shop.example, without https:// or a path", field=field)
    return host.removeprefix("*.")


def _consent(consent: str) -> str:
    if consent not in CONSENTS:
        raise BadRequest("consent must be opt-in or opt-out", field="consent")
    return consent


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadRequest("timezone must be an IANA name like Europe/Berlin", field="timezone") from error
    return name


def _min_size(size: int) -> int:
    if not 1 <= size <= 1_000_000:
        raise BadRequest("min_size must be between 1 and 1000000", field="min_size")
    return size

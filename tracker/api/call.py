"""Who asks, and the services to answer with; one request as a handler sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tracker.api.services import Services
from tracker.catalog import Principal
from tracker.core.errors import BadRequest, Forbidden
from tracker.core.site import Site
from tracker.store.engine import Engine


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asks, and what answers: all that a report needs, whether it is asked for by a request or by the clock."""

    services: Services
    principal: Principal
    engine: Engine

    def site(self, name: str) -> Site:
        """The site, if it exists and this token may see it. Raises NotFound, Forbidden."""
        self.allow(name)
        return self.services.catalog.sites.get(name)

    def allow(self, name: str) -> None:
        """Raises Forbidden where the token is bound to another site."""
        if self.principal.site not in (None, name):
            raise Forbidden(f"this token is for the site {self.principal.site} only", field="site")

    def scope(self, name: str | None) -> str | None:
        """The site to answer for: the one asked for, else the one the token is bound to, else None: all."""
        if name is None:
            return self.principal.site
        return self.site(name).name

    def audit(self, action: str, *, site: str | None = None, **details: Any) -> None:
        """Note who did this."""
        self.services.catalog.audit.write(self.principal.id, action, site=site, **details)


@dataclass(frozen=True, kw_only=True)
class Call(Asker):
    """One authorised request. `query` and `body` are checked structs where the route says so.

    `given`: what else the body holds of what `GET` answers, which nobody can set. `exporter` takes work that goes on
    after the answer. `bodiless`: the answer goes out without its body (HEAD).
    """

    exporter: Callable[[Callable[[], object]], object]
    path: Mapping[str, str] = field(default_factory=dict)
    query: Any = None
    body: Any = None
    given: Mapping[str, Any] = field(default_factory=dict)
    bodiless: bool = False

    def keeps(self, shown: Mapping[str, Any], *names: str) -> None:
        """Raises BadRequest where the body gives one of these back with another value than the thing has (`shown`).

        The others of `given`, like sizes and times, change by themselves and are passed over.
        """
        for name in names:
            if name in self.given and self.given[name] != shown[name]:
                raise BadRequest(f"{name} cannot be changed: leave it out, or send it as GET gives it", field=name)

    def audit(self, action: str, *, site: str | None = None, **details: Any) -> None:
        """Note who did this. A read without a body gave nobody anything: it is not noted."""
        if not self.bodiless:
            super().audit(action, site=site, **details)


@dataclass(frozen=True)
class Reply:
    """A JSON answer with another status than 200."""

    data: Any
    status: int = 200


@dataclass(frozen=True)
class FileReply:
    """A file for download; `headers` say more about it."""

    path: Path
    name: str
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)

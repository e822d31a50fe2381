"""What an import needs of settings and catalog."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.config import Settings
from tracker.telemetry import configure
from tracker.wiring.collector import country_database
from tracker.wiring.doors import open_catalog

if TYPE_CHECKING:
    from tracker.imports.state import Progress


def import_into(
    settings: Settings,
    site: str,
    *,
    path: Path,
    form: str,
    mapping: object | None,
    again: bool,
    on_progress: Callable[[Progress], None],
) -> Progress:
    """Import a file into a site. Raises NotFound for an unknown site, and what `imports.run` raises."""
    from tracker.collector.place import Places
    from tracker.imports.run import Job, run

    configure(level="error", form=settings.log_format, role="import")
    with open_catalog(settings) as catalog:
        known = catalog.sites.get(site)
    places = Places(country_database(settings))
    try:
        job = Job(
            path=path,
            site=known,
            format=form,
            mapping=mapping,
            data=settings.data,
            find_place=places.find,
            spool_max_bytes=settings.spool_max_bytes,
            again=again,
        )
        return run(job, on_progress)
    finally:
        places.close()

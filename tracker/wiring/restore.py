"""`tracker restore`: a backup becomes the data folder again, and whoever was erased since goes again."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tracker.config import Settings
from tracker.core.errors import BadRequest, Conflict, NotFound
from tracker.supervisor.claim import Claim, holder
from tracker.telemetry import configure
from tracker.wiring import backup_files as files
from tracker.wiring.doors import make_data_folder, open_catalog, open_store

if TYPE_CHECKING:
    from tracker.catalog import Catalog
    from tracker.store.engine import Engine

_STAGE = ".restoring"
_NAMES = """
select distinct kind, name from (
    select 'visitor' as kind, visitor as name from events where site = {site:String} and visitor != ''
    union all select 'user', user from events where site = {site:String} and user != ''
    union all select if(kind = 'alias', 'user', 'visitor'), source from identity_links where site = {site:String}
    union all select 'user', target from identity_links where site = {site:String}
)
"""


@dataclass(frozen=True)
class Erased:
    """A keyed hash of an id whose events were erased."""

    site: str
    hash: str
    erasure: str


def restore(
    settings: Settings,
    folder: Path,
    *,
    force: bool,
    erased: Iterable[Erased],
    told: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, object]:
    """Put a backup into an empty data folder; `force` puts what is there aside first, into a folder in it.

    Raises BadRequest for what is no backup, Conflict where a tracker runs or the folder is not empty, Broken where a
    file is damaged: then nothing was changed.
    """
    made = files.read(folder)
    if settings.clickhouse_url:
        raise BadRequest("TRACKER_CLICKHOUSE_URL is set, and the backup holds an embedded store: unset it first")
    make_data_folder(settings)
    data = settings.data
    claims = _all_to_ourselves(data)
    try:
        stage = data / _STAGE
        shutil.rmtree(stage, ignore_errors=True)
        there = [path for path in data.iterdir() if path.suffix != ".lock"]
        if there and not force:
            raise Conflict(
                f"the data folder {data} is not empty: restore into another one, or say --force to put what is there"
                " aside",
                code="not_empty",
            )
        stage.mkdir(mode=0o700)
        try:
            files.unpack(folder, made, stage, told)
            _lineages(stage)
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            raise
        aside = data / f"before-restore-{time.time_ns() // 1_000_000_000}"
        if there:
            aside.mkdir(mode=0o700)
            for path in there:
                path.rename(aside / path.name)
        # The catalog last: without it a restore that was cut off is an empty folder with rubbish, never a half one.
        for path in sorted(stage.iterdir(), key=lambda path: path.name == "catalog.sqlite"):
            path.rename(data / path.name)
        stage.rmdir()
    finally:
        for claim in claims:
            claim.release()
    gone = _erase_again(settings, list(erased))
    return {"restored": str(data), "from": made.created, "files": len(made.files), "erased_again": gone}


def erased_of(catalog: Catalog) -> list[Erased]:
    """Who was erased until now, as hashes that name nobody without the site's key."""
    return [
        Erased(site, one.hex(), "restored")
        for site, found in sorted(catalog.erasures.hashes().items())
        for one in found
    ]


def read_erased(path: Path) -> list[Erased]:
    """A file that `tracker erasures` wrote. Raises BadRequest."""
    try:
        return [Erased(**json.loads(line)) for line in path.read_text(encoding="ascii").splitlines() if line]
    except (OSError, ValueError, TypeError):
        raise BadRequest(
            f"{path} is no list of erasures: `tracker erasures FILE` writes one", code="bad_value"
        ) from None


def _all_to_ourselves(data: Path) -> list[Claim]:
    names = ("up", "store", "loader", "api", "collectors")
    for name in names:
        if holder(data, name) is not None:
            raise Conflict(f"a tracker runs on {data}: stop it first", code="already_running")
    return [Claim.take(data, name) for name in names[1:4]]


def _lineages(stage: Path) -> None:
    """Every writer goes on behind what is in the backup, under numbers that were never given."""
    from tracker.catalog import Catalog
    from tracker.spool.disk import Disk
    from tracker.spool.lineage import Lineage, State
    from tracker.spool.reader import Spool

    root = stage / "spool"
    catalog = Catalog(f"sqlite:///{stage / 'catalog.sqlite'}", stage / "sites.json")
    try:
        ends = catalog.ledger.ends()
        catalog.sites.publish()
        catalog.suppressions.publish()
    finally:
        catalog.close()
    now = time.time_ns() // 1000 * 16
    names = {path.name for path in root.glob("*/")} | {name for name in ends if not name.startswith("import-")}
    for name in sorted(names):
        lineage = Lineage(root, name, Disk())
        lineage.lock()
        try:
            state = lineage.load()
            records = max(state.records, ends.get(name, 0))
            spool = Spool(root)
            for ref in spool.sealed():
                if ref.lineage == name:
                    segment = spool.read(ref)
                    records = max(records, segment.header.start + segment.count)
            lineage.note(State(next=state.next, records=records, arrival=max(state.arrival, now)))
        finally:
            lineage.release()


def _erase_again(settings: Settings, erased: list[Erased]) -> int:
    """Find whoever is meant by these hashes in the restored store, and erase them as if they asked now."""
    if not erased:
        return 0
    from tracker.store.migrate import migrate
    from tracker.wiring.engine import loader_of

    configure(level="error", form=settings.log_format, role="cli")
    with open_store(settings) as engine, open_catalog(settings) as catalog:
        migrate(engine)
        asked = sum(_ask_again(engine, catalog, site, erased) for site in sorted({one.site for one in erased}))
        claim = Claim.take(settings.data, "loader")
        try:
            loader = loader_of(settings, engine, catalog)
            loader.adopt()
            loader.run_once()
            loader.erase_due()
        finally:
            claim.release()
    return asked


def _ask_again(engine: Engine, catalog: Catalog, name: str, erased: list[Erased]) -> int:
    from tracker.core.identifiers import keys_of
    from tracker.core.suppression import hash_of
    from tracker.loader.erasing import leave_alone
    from tracker.store.engine import Query
    from tracker.store.erase import Names

    try:
        site = catalog.sites.get(name)
    except NotFound:
        return 0  # collectors take nothing of it either
    keys = keys_of(site.name, site.write_key, site.identifier_key)
    wanted = {one.hash for one in erased if one.site == name}
    catalog.erasures.keep_out(name, wanted)
    rows = engine.ask(Query(text=_NAMES, params={"site": name})).rows
    found = [(str(kind), str(stored)) for kind, stored in rows if hash_of(keys, kind, stored).hex() in wanted]
    if not found:
        return 0
    visitors = tuple(stored for kind, stored in found if kind == "visitor")
    users = tuple(stored for kind, stored in found if kind == "user")
    leave_alone(catalog, name, keys, Names(visitors, users))
    catalog.erasures.ask(name, visitors, users, "restore")
    return len(found)

"""Schema migrations: `migrations/NNNN_name.sql`, run once, in order, forward only.

A file that has been applied must never change; its checksum is kept and compared. Statements are separated by `;` and
may hold slots, so that one set of files serves the embedded engine, a server and a cluster:

    /*local*/                after a table's name: `_local` on a cluster, nothing else
    /*on_cluster*/           where `ON CLUSTER name` belongs; a statement with it is run on every node
    /*replacing*/, /*replacing_by_version*/, /*merge_tree*/    engine names
    /*spread: events by key*/    a statement of its own: on a cluster, Distributed table `events` over `events_local`
    /*alone*/                a statement with it is for a store that is no cluster

What has no `/*on_cluster*/` lives on the node that the URL names. Every statement must be repeatable (`if not exists`),
because a crash between a statement and its record runs the file again.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from tracker.core.errors import Broken
from tracker.store.engine import Engine, Query

_TOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\"|`(?:[^`\\]|\\.)*`|;|.", re.DOTALL)
_SLOT = re.compile(r"/\*(?:[a-z_]+|spread: [a-z_]+ by [A-Za-z0-9_(), ]+)\*/")
_SPREAD = re.compile(r"/\*spread: ([a-z_]+) by ([A-Za-z0-9_(), ]+)\*/")
_ALONE = "/*alone*/"
_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_PAUSES: tuple[float, ...] = (0.3, 0.6, 1.2, 2.4)  # seconds before a migration is tried again
_RECORD = """
create table if not exists schema_migrations (
    version UInt32, name String, checksum String, applied DateTime('UTC') default now('UTC')
) engine = MergeTree order by version settings fsync_after_insert = 1
"""


@dataclass(frozen=True)
class Migration:
    """One file."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file, hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All of them, oldest first. Raises Broken where numbers have a gap or occur twice."""
    found = [
        Migration(version=int(match[1]), name=match[2], text=file.read_text(encoding="utf-8"))
        for file in files("tracker.store.migrations").iterdir()
        if (match := _NAME.fullmatch(file.name))
    ]
    found.sort(key=lambda migration: migration.version)
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise Broken("the migrations are not numbered 1, 2, 3 ...")
    return found


def statements(text: str) -> Iterator[str]:
    """Split a file at its semicolons, leave comments out and slots in.

    >>> list(statements("select ';' -- a; b" + chr(10) + "; create table t /*on_cluster*/ (a Int8);"))
    ["select ';'", 'create table t /*on_cluster*/ (a Int8)']
    """
    parts: list[str] = []
    for piece in _TOKEN.findall(text + "\n;"):
        if piece == ";":
            if statement := "".join(parts).strip():
                yield statement
            parts = []
        elif piece.startswith(("--", "/*")) and not _SLOT.fullmatch(piece):
            parts.append(" ")
        else:
            parts.append(piece)


def render(statement: str, *, cluster: str | None, ddl: bool) -> str | None:
    """Fill a statement's slots; None where there is nothing to run. `ddl`: the cluster has a queue for `ON CLUSTER`."""
    on_cluster = f"on cluster `{cluster}`" if cluster and ddl else ""
    if spread := _SPREAD.fullmatch(statement):
        if cluster is None:
            return None
        table, key = spread.groups()
        distributed = f"Distributed('{cluster}', currentDatabase(), '{table}_local', {key})"
        return f"create table if not exists {table} {on_cluster} as {table}_local engine = {distributed}"
    if cluster and _ALONE in statement:
        return None
    slots = {
        _ALONE: "",
        "/*local*/": "_local" if cluster else "",
        "/*on_cluster*/": on_cluster,
        "/*replacing*/": "ReplacingMergeTree",
        "/*replacing_by_version*/": "ReplacingMergeTree(version)",
        "/*replacing_by_build*/": "ReplacingMergeTree(build)",
        "/*summing*/": "SummingMergeTree",
        "/*merge_tree*/": "MergeTree",
    }
    return _SLOT.sub(lambda match: slots[match[0]], statement)


def migrate(engine: Engine, cluster: str | None = None) -> list[str]:
    """Bring the schema up to date; gives the names of the migrations that were run now.

    Raises TryLater while the engine is away, Broken where an applied file has changed or is newer than this version.
    """
    cluster = cluster or engine.cluster
    engine.prepare()
    engine.command(Query(text=_RECORD))
    done = pending(engine)
    for migration in done:
        _apply(engine, migration, cluster)
    return [f"{migration.version:04d}_{migration.name}" for migration in done]


def _apply(engine: Engine, migration: Migration, cluster: str | None) -> None:
    """Two roles may start on one fresh store: what failed because another was at it is done by then, or tried again."""
    for pause in (*_PAUSES, None):
        try:
            _run(engine, migration, cluster)
            break
        except Broken:
            if pause is None:
                raise
            time.sleep(pause)
            if migration.version not in {one.version for one in pending(engine)}:
                return
    engine.command(
        Query(
            text="insert into schema_migrations (version, name, checksum)"
            " select {version:UInt32}, {name:String}, {checksum:String}",
            params={"version": migration.version, "name": migration.name, "checksum": migration.checksum},
        )
    )


def pending(engine: Engine) -> list[Migration]:
    """Migrations that have not been applied. Raises Broken as `migrate` does."""
    answer = engine.ask(Query(text="select version, any(checksum) from schema_migrations group by version"))
    applied = {int(version): str(checksum) for version, checksum in answer.rows}
    known = {migration.version: migration for migration in migrations()}
    if newer := applied.keys() - known.keys():
        raise Broken(f"the store has migration {max(newer)}, which this version does not know: install a newer version")
    for version, checksum in applied.items():
        if known[version].checksum != checksum:
            raise Broken(f"migration {version:04d} was changed after it had been applied")
    return [migration for version, migration in known.items() if version not in applied]


def _run(engine: Engine, migration: Migration, cluster: str | None) -> None:
    nodes = engine.nodes() if cluster else [engine]
    ddl = bool(cluster) and _has_ddl_queue(engine)
    for statement in statements(migration.text):
        text = render(statement, cluster=cluster, ddl=ddl)
        if text is None:
            continue
        everywhere = "/*on_cluster*/" in statement or statement.startswith("/*spread:")
        for node in nodes if everywhere and not ddl else [engine]:
            node.prepare()
            node.command(Query(text=text))


def _has_ddl_queue(engine: Engine) -> bool:
    """`ON CLUSTER` needs Keeper; without it every node is spoken to by itself."""
    text = "select count() from system.tables where database = 'system' and name = 'zookeeper'"
    return bool(engine.ask(Query(text=text)).rows[0][0])

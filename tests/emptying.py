"""Empty stores, for tests that share one."""

from __future__ import annotations

from tracker.store.engine import Engine, Query

_KEPT = frozenset({"schema_migrations"})


def empty(engine: Engine) -> None:
    """Empty every table of ours."""
    tables = engine.ask(
        Query(
            text="select name from system.tables where database = currentDatabase() and total_rows > 0"
            " and (engine like '%MergeTree' or engine = 'EmbeddedRocksDB')"
        )
    )
    rocks = engine.ask(Query(text="select 1 from seen limit 1")).rows
    names = {str(name) for (name,) in tables.rows} | ({"seen"} if rocks else set())
    for name in sorted(names - _KEPT):
        engine.command(Query(text=f"truncate table {name}"))

"""`tracker backup`: all of a data folder as of one moment, while collectors go on and the loader rests for a moment.

While the loader rests nothing is entered: ledger, store and spool fit together. What is taken then are hard links and
a copy of the catalog; the bytes are copied afterwards. What collectors append meanwhile is in the backup or not, record
by record, and is counted as waiting where it is.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from tracker import __version__
from tracker.config import Settings
from tracker.core.errors import BadRequest, Conflict, TrackerError, TryLater
from tracker.wiring import backup_files as files
from tracker.wiring.gate import Gate

if TYPE_CHECKING:
    from tracker.store.engine import Engine

log = structlog.get_logger()

STAGE = ".backup"
_PATIENCE = 120.0  # seconds for the loader to come to rest
_TRIES = 50  # looks at a folder that changes while it is linked
_FOLDERS = ("pixel", "imports")
# `doubts` before the events they are about, and a note of a day or a span before what it speaks of: the other way round
# a change in between would be believed.
_FIRST, _LAST = ("doubts", "rollup_span_days", "rollup_days"), ("rollup_numbers",)
_EMPTY = {
    "journeys",
    "journey_sites",
    "journey_late",
    "events_by_key",
    "events_by_key_sites",
    "rollup_rows",
    "rollup_pieces",
}  # copies of what events hold: made anew


class Backups:
    """One at a time, in a thread of its own; `state` says how far it is."""

    def __init__(
        self, settings: Settings, engine: Engine, gate: Gate, ledger: Callable[[str | None], Mapping[str, Any]]
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._gate = gate
        self._ledger = ledger
        self._lock = threading.Lock()
        self._state: dict[str, Any] = {"state": "none"}

    @property
    def state(self) -> dict[str, Any]:
        """`{"state": "none|running|done|failed", "folder", "bytes", "of", "error"?}`."""
        with self._lock:
            return dict(self._state)

    def begin(self, folder: str) -> dict[str, Any]:
        """Start one into a folder that is not there yet, or empty. Raises BadRequest, Conflict."""
        to = Path(folder)
        if not to.is_absolute():
            raise BadRequest("folder must be an absolute path", field="folder")
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise BadRequest("the folder is there already and not empty: name another one", field="folder")
        if self._settings.data.resolve() in (to.resolve(), *to.resolve().parents):
            raise BadRequest("a backup must not lie inside the data folder", field="folder")
        if self._settings.clickhouse_url:
            raise BadRequest(
                "the store is on a ClickHouse server: back it up with BACKUP DATABASE there, and copy the data folder"
                " while `tracker up` is stopped (docs/operations.md)",
                code="store_on_server",
            )
        if not self._settings.catalog.startswith("sqlite:///"):
            raise BadRequest("the catalog is not in the data folder: back it up with its own tools", code="catalog")
        with self._lock:
            if self._state["state"] == "running":
                raise Conflict("a backup is being made already", code="backup_running")
            self._state = {"state": "running", "folder": str(to), "bytes": 0, "of": 0}
        threading.Thread(target=self._run, args=(to,), name="backup", daemon=True).start()
        return self.state

    def _run(self, to: Path) -> None:
        try:
            self._make(to)
            news: dict[str, Any] = {"state": "done"}
        except TrackerError as error:
            news = {"state": "failed", "error": error.message}
        except OSError as error:
            news = {"state": "failed", "error": f"the backup cannot be written ({error.strerror or error})"}
        except Exception:
            log.exception("backup.failed")
            news = {"state": "failed", "error": "the backup failed; the engine's log says where"}
        with self._lock:
            self._state |= news

    def _make(self, to: Path) -> None:
        data = self._settings.data.resolve()  # as the store names its own folders
        stage, name = data / STAGE, f"backup{time.time_ns()}"
        self._tidy(stage)
        to.parent.mkdir(parents=True, exist_ok=True)
        stage.mkdir(mode=0o700)
        try:
            with self._gate.held(_PATIENCE):
                ledger = self._ledger(None)
                self._catalog(stage / "catalog.sqlite")
                self._store(data / "clickhouse", stage / "clickhouse", name)
                self._spool(data / "spool", stage / "spool")
            for folder in _FOLDERS:
                files.link((path, stage / path.relative_to(data)) for path in _leaves(data / folder))
            if (data / "admin-token").exists():
                files.link([(data / "admin-token", stage / "admin-token")])

            def about(found: list[files.File], links: dict[str, str]) -> files.Manifest:
                return files.Manifest(
                    format=files.FORMAT,
                    version=__version__,
                    created=datetime.now(UTC).isoformat(timespec="seconds"),
                    store="embedded",
                    ledger={key: int(value) for key, value in ledger.items() if isinstance(value, int)},
                    files=found,
                    links=links,
                )

            files.write(stage, to, about, self._told)
        finally:
            self._tidy(stage)

    def _told(self, done: int, total: int) -> None:
        with self._lock:
            self._state |= {"bytes": done, "of": total}

    def _tidy(self, stage: Path) -> None:
        """What this backup, or one that was cut off, leaves behind.

        ClickHouse counts freezes in a file, which a kill can leave empty; it then refuses every further one.
        """
        shutil.rmtree(stage, ignore_errors=True)
        shadow = self._settings.data / "clickhouse" / "shadow"
        for folder in shadow.glob("backup*"):
            shutil.rmtree(folder, ignore_errors=True)
        (shadow / "increment.txt").unlink(missing_ok=True)

    def _catalog(self, to: Path) -> None:
        source = self._settings.catalog.removeprefix("sqlite:///")
        with closing(sqlite3.connect(source)) as ours, closing(sqlite3.connect(to)) as theirs:
            ours.backup(theirs)

    def _store(self, root: Path, to: Path, name: str) -> None:
        from tracker.store.engine import Query

        text = "select name, engine, data_paths[1] from system.tables where database = currentDatabase()"
        tables = {str(row[0]): (str(row[1]), str(row[2])) for row in self._engine.ask(Query(text=text)).rows}
        frozen = [table for table, (kind, _) in tables.items() if kind.endswith("MergeTree")]
        middle = sorted(set(frozen) - {*_FIRST, *_LAST, *_EMPTY})
        held: list[Path] = []
        held += [Path(tables[table][1]) for table in _EMPTY & tables.keys()]
        for table in (*_FIRST, *middle, *_LAST):
            self._engine.command(Query(text=f"alter table {table} freeze with name '{name}'"))
            held.append(Path(tables[table][1]))
        shadow = root / "shadow" / name
        files.link((path, to / path.relative_to(shadow)) for path in _leaves(shadow))
        for kind, place in tables.values():
            if kind == "EmbeddedRocksDB":
                held.append(Path(place))
                _settled(Path(place), to / Path(place).relative_to(root))
        for folder in held:
            version = folder / "format_version.txt"
            if version.exists():
                files.link([(version, to / version.relative_to(root))])
        found, links = files.walk(root)
        for relative in found:
            path = root / relative
            if path.suffix == ".sql" and not any(folder in path.parents for folder in held):
                files.link([(path, to / relative)])
        for relative, target in links.items():
            (to / relative).parent.mkdir(parents=True, exist_ok=True)
            (to / relative).symlink_to(target)

    def _spool(self, root: Path, to: Path) -> None:
        """Sealed segments, and of open ones what is in them now. No states: whoever restores makes them anew."""
        for folder in sorted(root.glob("*/")):
            for path in sorted(folder.iterdir()):
                if path.suffix in (".seg", ".open"):
                    _segment(path, to / folder.name)


def _segment(path: Path, to: Path) -> None:
    to.mkdir(parents=True, exist_ok=True, mode=0o700)
    sealed = path.with_suffix(".seg")
    if path.suffix == ".open":
        try:
            shutil.copyfile(path, to / path.name)  # a torn end was not acknowledged, or is in no backup
        except FileNotFoundError:  # sealed meanwhile
            (to / path.name).unlink(missing_ok=True)
        else:
            return
    files.link([(sealed, to / sealed.name)])


def _settled(folder: Path, to: Path) -> None:
    """A RocksDB that nobody writes to: its tables never change, and its own tidying up changes the list of files."""
    for _ in range(_TRIES):
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir(parents=True, mode=0o700)
        before = _listed(folder)
        try:
            for path in folder.iterdir():
                if path.suffix == ".sst":
                    files.link([(path, to / path.name)])
                elif path.is_file() and not path.name.startswith("LOG") and path.name != "LOCK":
                    shutil.copyfile(path, to / path.name)
        except FileNotFoundError:
            continue
        if _listed(folder) == before:
            return
        time.sleep(0.1)
    raise TryLater("the memory of event ids is being tidied up", code="seen_busy")


def _listed(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in folder.iterdir():
        if not path.name.startswith("LOG"):
            try:
                state = path.stat()
            except FileNotFoundError:
                continue
            found[path.name] = (state.st_size, state.st_mtime_ns)
    return found


def _leaves(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())

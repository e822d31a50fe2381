"""Settings: read once, defaulted once, handed over as a value.

A value comes from the first of: command-line flag, environment `TRACKER_<NAME>`, `DATA/tracker.toml`, the default here.
An empty environment variable counts as not set, so that compose files can pass `${TRACKER_X:-}`. Every field is
described in `docs/settings.md`; a test holds the two together.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self, get_type_hints
from urllib.parse import urlsplit

from tracker.core.errors import BadRequest

PREFIX = "TRACKER_"
FILE = "tracker.toml"


class BadSetting(BadRequest):
    """A setting that cannot be used; the message names it and its place."""

    code = "bad_setting"


def default_workers() -> int:
    """Half of the cores for collectors, the rest for the engine and the dashboard; at least 1, at most 8."""
    return min(max((os.cpu_count() or 1) // 2, 1), 8)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of all roles. Sizes in bytes, times in seconds unless the name says otherwise."""

    data: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 0
    api_host: str = "127.0.0.1"
    api_port: int = 8081
    api_url: str = ""
    dashboard: bool = True
    dashboard_host: str = "127.0.0.1"
    dashboard_port: int = 8501
    dashboard_token: str = ""
    shop_port: int = 8090
    public_url: str = ""
    trusted_proxies: str = ""
    connections: int = 5_000
    connections_per_address: int = 0
    rate_per_key: int = 0
    rate_per_address: int = 0
    event_names: int = 2_000
    property_keys: int = 2_000
    clickhouse_url: str = ""
    catalog_url: str = ""
    admin_token: str = ""
    geo_database: str = ""
    data_centres: str = ""
    bot_visitor_rate: int = 600
    bot_block_rate: int = 10_000
    spool_max_bytes: int = 10_000_000_000
    segment_bytes: int = 8_000_000
    segment_seconds: float = 0.5
    canary_seconds: float = 60.0
    canary_url: str = ""
    outbound_hosts: str = ""
    outbound_folders: str = ""
    report_seconds: float = 60.0
    report_memory: int = 1_900_000_000
    report_threads: int = 4
    engine_nice: int = 5
    collector_realtime: bool = True
    stop_seconds: float = 8.0
    log_level: str = "auto"
    log_format: str = "auto"

    @classmethod
    def read(cls, flags: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None) -> Self:
        """Settings from flags (None = not given), environment and file. Raises BadSetting."""
        given: dict[str, Any] = {name: value for name, value in (flags or {}).items() if value is not None}
        from_env = _from_environment(cls, os.environ if env is None else env)
        data = Path(given.get("data") or from_env.get("data") or cls.data)
        merged = _from_file(cls, data / FILE) | from_env | given | {"data": data}
        return cls(**merged)

    def __post_init__(self) -> None:
        for name in ("port", "api_port", "dashboard_port", "shop_port"):
            _check(name, 1 <= getattr(self, name) <= 65535, "a port between 1 and 65535")
        _check("workers", 0 <= self.workers <= 16, "between 1 and 16, or 0 for half of the cores")
        _check("connections", 16 <= self.connections <= 1_000_000, "between 16 and 1000000")
        for name in ("connections_per_address", "rate_per_key", "rate_per_address", "event_names", "property_keys"):
            _check(name, 0 <= getattr(self, name) <= 1_000_000_000, "a number, or 0 for no limit")
        _check("segment_bytes", 10_000 <= self.segment_bytes <= 1_000_000_000, "between 10000 and 1000000000")
        _check("segment_seconds", 0.05 <= self.segment_seconds <= 3600, "between 0.05 and 3600")
        _check("spool_max_bytes", self.spool_max_bytes >= 2 * self.segment_bytes, "at least twice segment_bytes")
        _check(
            "canary_seconds", self.canary_seconds == 0 or 1 <= self.canary_seconds <= 86400, "1 to 86400, or 0 for none"
        )
        _check("report_seconds", 0.1 <= self.report_seconds <= 3600, "between 0.1 and 3600")
        _check("bot_visitor_rate", self.bot_visitor_rate >= 0, "0 or more")
        _check("bot_block_rate", self.bot_block_rate >= 0, "0 or more")
        _check("report_memory", self.report_memory == 0 or self.report_memory >= 50_000_000, "at least 50000000, or 0")
        _check("report_threads", 1 <= self.report_threads <= 64, "between 1 and 64")
        _check("engine_nice", 0 <= self.engine_nice <= 19, "between 0 and 19")
        _check("stop_seconds", 0.5 <= self.stop_seconds <= 600, "between 0.5 and 600")
        _check("log_level", self.log_level in LEVELS, f"one of {', '.join(LEVELS)}")
        _check("log_format", self.log_format in FORMATS, f"one of {', '.join(FORMATS)}")
        _check("trusted_proxies", _networks(self.proxies), "addresses or networks separated by commas")
        _check("outbound_folders", all(one.is_absolute() for one in self.delivery_folders), "absolute paths")
        _check_url("clickhouse_url", self.clickhouse_url, ("clickhouse", "clickhouses"))
        _check_url("catalog_url", self.catalog_url, ("sqlite", "postgresql", "postgresql+psycopg"))
        _check_url("public_url", self.public_url, ("http", "https"))
        _check_url("canary_url", self.canary_url, ("http", "https"))
        _check_url("api_url", self.api_url, ("http", "https"))
        _check("admin_token", not self.admin_token or len(self.admin_token) >= 20, "at least 20 characters long")

    def environment(self) -> dict[str, str]:
        """The same settings as environment variables, for a child process."""
        return {PREFIX + f.name.upper(): _as_text(getattr(self, f.name)) for f in fields(self)}

    @property
    def proxies(self) -> tuple[str, ...]:
        """The trusted proxies, one by one."""
        return tuple(part.strip() for part in self.trusted_proxies.split(",") if part.strip())

    @property
    def private_hosts(self) -> tuple[str, ...]:
        """Hosts that may be reached although their address is private, one by one."""
        return tuple(part.strip() for part in self.outbound_hosts.split(",") if part.strip())

    @property
    def delivery_folders(self) -> tuple[Path, ...]:
        """Folders beneath which exports may be delivered, beside `DATA/deliveries`."""
        return tuple(Path(part.strip()) for part in self.outbound_folders.split(",") if part.strip())

    @property
    def worker_count(self) -> int:
        """How many collector workers to start."""
        return self.workers or default_workers()

    @property
    def collector_url(self) -> str:
        """Where browsers reach the collector."""
        return self.public_url.rstrip("/") or f"http://{_reachable(self.host)}:{self.port}"

    @property
    def canary_base(self) -> str:
        """Where the engine's canary reaches a collector."""
        return self.canary_url.rstrip("/") or f"http://{_reachable(self.host)}:{self.port}"

    @property
    def api_base(self) -> str:
        """Where clients on this machine reach the API."""
        return self.api_url.rstrip("/") or f"http://{_reachable(self.api_host)}:{self.api_port}"

    @property
    def dashboard_base(self) -> str:
        """Where a person on this machine reaches the dashboard."""
        return f"http://{_reachable(self.dashboard_host)}:{self.dashboard_port}"

    @property
    def spool_dir(self) -> Path:
        """Where collectors write and the loader reads."""
        return self.data / "spool"

    @property
    def sites_file(self) -> Path:
        """What collectors know of the catalog."""
        return self.data / "sites.json"

    @property
    def catalog(self) -> str:
        """SQLAlchemy URL of the catalog."""
        return self.catalog_url or f"sqlite:///{(self.data / 'catalog.sqlite').resolve()}"


LEVELS = ("auto", "debug", "info", "warning", "error")
FORMATS = ("auto", "json", "console")


def _reachable(host: str) -> str:
    """An address to connect to for an address to listen on."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _check(name: str, good: bool, wanted: str) -> None:
    if not good:
        raise BadSetting(f"setting {name} ({PREFIX}{name.upper()}) must be {wanted}", field=name)


def _networks(texts: tuple[str, ...]) -> bool:
    try:
        return all(ip_network(text, strict=False) for text in texts)
    except ValueError:
        return False


def _check_url(name: str, value: str, schemes: tuple[str, ...]) -> None:
    """The value is not repeated in the message: it may hold a password."""
    if not value:
        return
    try:
        scheme = urlsplit(value).scheme
    except ValueError:
        scheme = ""
    _check(name, scheme in schemes, " or ".join(f"a {scheme}:// URL" for scheme in schemes))


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def _flag(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    return words[text.lower()]


_READ: dict[type, Callable[[str], Any]] = {str: str, int: int, float: float, bool: _flag, Path: Path}
_WORDS = {int: "a whole number", float: "a number", bool: "1 or 0", str: "text", Path: "a path"}


def _from_environment(cls: type[Settings], env: Mapping[str, str]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    found: dict[str, Any] = {}
    for f in fields(cls):
        text = env.get(PREFIX + f.name.upper(), "")
        if text == "":
            continue
        try:
            found[f.name] = _READ[hints[f.name]](text)
        except (ValueError, KeyError):
            raise BadSetting(f"{PREFIX}{f.name.upper()} must be {_WORDS[hints[f.name]]}", field=f.name) from None
    return found


def _from_file(cls: type[Settings], path: Path) -> dict[str, Any]:
    """`tracker.toml` has the field names as keys. An unknown key is an error: it is a misspelt one."""
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadSetting(f"cannot read {path}: {error}") from None
    hints = get_type_hints(cls)
    for name, value in table.items():
        if name not in hints or name == "data":
            raise BadSetting(f"{path}: no such setting: {name} (all of them are in docs/settings.md)", field=name)
        wanted = hints[name]
        good = isinstance(value, (int, float) if wanted is float else wanted) and isinstance(value, bool) == (
            wanted is bool
        )
        if not good:
            raise BadSetting(f"{path}: {name} must be {_WORDS[wanted]}", field=name)
    return table

"""A ClickHouse server on real native and HTTP ports, for tests, without Docker or an installed server.

    python scripts/clickhouse_test_server.py DIR TCP_PORT HTTP_PORT [--config FILE] [--listen ADDRESS]

The npm package @chdb/lib-linux-x64-gnu (pinned in scripts/clickhouse/) ships the engine as a shared library whose C
function `query_stable_v2` runs `clickhouse local`. One such run that opens the ports and then sleeps is a server:
native protocol, HTTP, MergeTree, Distributed tables. It has no Keeper, so no `ON CLUSTER` and no replication, and a
failed login ends it.
The library is installed into `.build/clickhouse` on first use (about 150 MB to fetch, 560 MB on disk).
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".build" / "clickhouse"
LIBRARY = HOME / "node_modules" / "@chdb" / "lib-linux-x64-gnu" / "libchdb.so"
SERVE = (
    "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; SELECT sleepEachRow(3) FROM numbers(10000000)"
    " SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0 FORMAT Null"
)


def install() -> Path:
    """Path of the library, fetched on first use. Safe to call from several processes at once."""
    HOME.mkdir(parents=True, exist_ok=True)
    lock = ROOT / "scripts" / "clickhouse" / "package-lock.json"
    with (HOME / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        mark = HOME / "installed"
        if LIBRARY.exists() and mark.exists() and mark.read_bytes() == lock.read_bytes():
            return LIBRARY
        for name in ("package.json", "package-lock.json"):
            shutil.copy(lock.with_name(name), HOME / name)
        done = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=HOME,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if done.returncode or not LIBRARY.exists():
            raise SystemExit(f"npm could not install the ClickHouse library:\n{done.stderr[-2000:]}")
        mark.write_bytes(lock.read_bytes())
    return LIBRARY


def serve(folder: Path, tcp_port: int, http_port: int, config: Path | None, listen: str) -> None:
    """Serve until killed."""
    library = ctypes.CDLL(str(install()))
    folder.mkdir(parents=True, exist_ok=True)
    arguments = ["clickhouse", "--path", str(folder), "--listen_host", listen]
    arguments += ["--tcp_port", str(tcp_port), "--http_port", str(http_port)]
    if config is not None:
        arguments += ["--config-file", str(config)]
    arguments += ["--query", SERVE]
    argv = (ctypes.c_char_p * len(arguments))(*(argument.encode() for argument in arguments))
    library.query_stable_v2(len(arguments), argv)


def main() -> None:
    parser = argparse.ArgumentParser(description="ClickHouse on real ports, for tests")
    parser.add_argument("folder", type=Path)
    parser.add_argument("tcp_port", type=int)
    parser.add_argument("http_port", type=int)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--listen", default="127.0.0.1")
    given = parser.parse_args()
    if os.name != "posix" or not sys.platform.startswith("linux"):
        raise SystemExit("the test server runs on Linux only")
    serve(given.folder, given.tcp_port, given.http_port, given.config, given.listen)


if __name__ == "__main__":
    main()

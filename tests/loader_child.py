"""A loader in a process of its own, to be killed: python loader_child.py DATA [CLICKHOUSE_URL]"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from loading import Road

from tracker.core.errors import TryLater
from tracker.store.embedded import Embedded
from tracker.store.engine import Engine
from tracker.store.migrate import migrate
from tracker.store.server import Server


def main() -> None:
    data = Path(sys.argv[1])
    engine: Engine = Server(sys.argv[2], timeout=5) if len(sys.argv) > 2 else Embedded(data / "clickhouse")
    while True:
        try:
            migrate(engine)
            break
        except TryLater:
            time.sleep(0.1)
    road = Road(data, engine, batch_bytes=300_000, idle=0.02, patience=1.0)
    print("ready", flush=True)
    road.loader.run(threading.Event())


if __name__ == "__main__":
    main()

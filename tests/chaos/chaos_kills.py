"""kill -9 at random moments, but only of processes that work: a kill that hits nobody proves nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chaos_oracle import Oracle
from clickhouse import ClickHouse
from running import Role, until

LATEST = 0.8  # seconds after a process was seen working until the latest kill


@dataclass
class Kills:
    """What was killed how often, and how many of the kills hit a process under load."""

    name: str
    done: int = 0
    under_load: int = 0


class Killer:
    """Kills what it is given. Time and chance come from `seed` and the machine."""

    def __init__(self, spool: Path, oracle: Oracle, seed: str) -> None:
        self._spool = spool
        self._oracle = oracle
        self._seed = seed

    def worker(self, role: Role, times: int) -> Kills:
        """A collector that has written since it was started."""
        kills, dice = Kills(role.name), random.Random(f"{self._seed}/{role.name}")
        folder = self._spool / f"c{role.name.rpartition('-')[2]}"
        for _ in range(times):
            before = _newest(folder)
            until(lambda before=before: _newest(folder) > before, 60, role.says)
            self._kill(role, kills, dice, self._oracle.busy)
        return kills

    def loader(self, role: Role, times: int) -> Kills:
        """The process of the loader, once it has taken a segment away, while others wait."""
        kills, dice = Kills(role.name), random.Random(f"{self._seed}/loader")
        for _ in range(times):
            until(_takes_segments(self._spool), 120, role.says)
            self._kill(role, kills, dice, self._loading)
        return kills

    def server(self, clickhouse: ClickHouse, times: int) -> Kills:
        """A ClickHouse server into which segments are being loaded."""
        kills, dice = Kills("ClickHouse"), random.Random(f"{self._seed}/server")
        for _ in range(times):
            until(_takes_segments(self._spool), 120)
            _wait(dice, self._loading)
            kills.under_load += self._loading()
            clickhouse.kill()
            kills.done += 1
            time.sleep(dice.uniform(0, 0.5))
            clickhouse.start()
        return kills

    def _loading(self) -> bool:
        return bool(_sealed(self._spool))

    @staticmethod
    def _kill(role: Role, kills: Kills, dice: random.Random, loaded: Callable[[], bool]) -> None:
        _wait(dice, loaded)
        assert role.alive, f"{role.name} ended by itself:\n{role.says()[-2000:]}"
        kills.under_load += loaded()
        role.kill()
        kills.done += 1
        role.start()


def _wait(dice: random.Random, working: Callable[[], bool]) -> None:
    """A random while; and where a fast machine is idle by then, until it works again."""
    time.sleep(dice.uniform(0, LATEST))
    latest = time.monotonic() + 5
    while not working() and time.monotonic() < latest:
        time.sleep(0.001)
        if working():
            time.sleep(dice.uniform(0, 0.01))  # not always at the same step of its work
            return


def _sealed(spool: Path) -> set[Path]:
    return set(spool.glob("*/*.seg"))


def _takes_segments(spool: Path) -> Callable[[], bool]:
    """A question that says yes once a segment that was there is gone."""
    known: set[Path] = set()

    def gone() -> bool:
        now = _sealed(spool)
        if known - now:
            return True
        known.update(now)
        return False

    return gone


def _newest(folder: Path) -> int:
    return max((int(path.stem) for path in folder.glob("*[0-9].*") if path.stem.isdigit()), default=-1)

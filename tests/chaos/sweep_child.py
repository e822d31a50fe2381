"""Short lives to be killed, or failed, at any of their system calls. Started once; every line on stdin is one life.

    writer ROOT NUMBER NOTES    open a spool, append groups, seal: a collector's disk work. Its spool thread is traced.
    opener ROOT NUMBER NOTES    the same; the thread that opens the folder and takes over what a dead writer left
    loader DATA URL             one pass of a loader over sealed segments, all of it in one thread

A life is a fork, so it begins without importing anything. It says `thread N`, waits until somebody traces that thread,
and works; `ended STATUS` follows. A fourth or fifth word `free` waits for nobody, `die` leaves an open segment behind.
Writers note `ack ID` and `refused ID` in a file of the harness, as soon as they know and before anything else is done.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec
from loading import T0, Road, event

from tracker.core.errors import TryLater
from tracker.loader import loop
from tracker.spool.writer import SpoolWriter
from tracker.store.server import Server

GROUPS = (1, 3, 2, 4)
LAST_TRIES = 100
SAY = 63  # file descriptor


def main() -> None:
    os.chdir("/")
    os.dup2(1, SAY)
    os.dup2(2, 1)  # where the logs go
    for line in sys.stdin:
        life = os.fork()
        if not life:
            job, *words = line.split()
            try:
                (loader if job == "loader" else writer)(job, words)
                os._exit(0)
            except TryLater:
                os._exit(4)
            except BaseException as error:
                os.write(2, f"{type(error).__name__}: {error}\n".encode())
                os._exit(3)
        _, status = os.waitpid(life, 0)
        say(f"ended {status}")


def say(word: str) -> None:
    os.write(SAY, f"{word}\n".encode())


def watched(thread: int, words: list[str]) -> None:
    """Wait until `thread` is traced. Another thread does the waiting: the calls of the traced one are its own work."""
    if "free" in words:
        return
    status = Path(f"/proc/self/task/{thread}/status")

    def wait() -> None:
        while "TracerPid:\t0\n" in status.read_text():
            time.sleep(0.002)

    helper = threading.Thread(target=wait)
    helper.start()
    say(f"thread {thread}")
    helper.join()


def writer(job: str, words: list[str]) -> None:
    root, life, notes = Path(words[0]), int(words[1]), os.open(words[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    if job == "opener":
        watched(threading.get_native_id(), words)
    spool = SpoolWriter(root, "c0", segment_bytes=1_200, segment_age=3600)  # two of the groups fill a segment
    if job == "writer":
        [thread] = [one.native_id or 0 for one in threading.enumerate() if one.name == "spool-c0"]
        watched(thread, words)
    number = life * 1000
    for turn, size in enumerate(GROUPS):
        numbers = range(number, number + size)
        number += size
        # The last group is repeated until it is taken: a fault that passes must not need a restart.
        for _ in range(LAST_TRIES if turn == len(GROUPS) - 1 else 1):
            made = [event(n, seq=n, arrival=spool.next_arrival(), ts=T0) for n in numbers]
            try:
                spool.append_now([msgspec.json.encode(record) for record in made])
            except TryLater:
                os.write(notes, "".join(f"refused {n}\n" for n in numbers).encode())
            else:
                os.write(notes, "".join(f"ack {n}\n" for n in numbers).encode())
                break
    if "die" not in words:
        spool.close()


class Inline:
    """An executor that does the work at once, in the caller's thread."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> Inline:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*arguments))
        except Exception as error:
            done.set_exception(error)
        return done


def loader(_: str, words: list[str]) -> None:
    loop.ThreadPoolExecutor = Inline  # type: ignore[misc, assignment]
    watched(threading.get_native_id(), words)
    road = Road(Path(words[0]), Server(words[1], timeout=10, connect_timeout=3), patience=1.0)
    road.spool.adopt()
    road.loader.run_once()
    road.loader.doubts.settle()


if __name__ == "__main__":
    main()

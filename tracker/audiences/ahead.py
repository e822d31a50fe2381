"""Reading ahead: the next piece is made by a thread of its own while somebody works on this one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

_T = TypeVar("_T")
_LOOK = 0.1  # seconds until a thread that waits sees that nobody wants more


def ahead(items: Generator[_T, None, None], most: int) -> Generator[_T, None, None]:
    """The same items in the same order, at most `most` made before they are wanted; raises what making them raised.

    Closing it ends the thread, at the latest when the item that is being made is ready.
    """
    made: Queue[tuple[_T, ...] | BaseException] = Queue(most)
    over = Event()

    def put(one: tuple[_T, ...] | BaseException) -> bool:
        while not over.is_set():
            try:
                made.put(one, timeout=_LOOK)
            except Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            with closing(items):
                for item in items:
                    if not put((item,)):
                        return
            put(())
        except BaseException as error:  # it is raised where the items are wanted
            put(error)

    thread = Thread(target=work, name="reading ahead", daemon=True)
    thread.start()
    try:
        while got := made.get():
            if isinstance(got, BaseException):
                raise got
            yield got[0]
    finally:
        over.set()
        thread.join()

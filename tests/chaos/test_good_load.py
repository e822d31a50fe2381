"""The judge of the good events: not to be fooled by a client that gave up, nor by a collector that loses one."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest
from good_load import HELD_UP, Load, faults

YES, LATE, BUSY = b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 408 Late\r\n\r\n", b"HTTP/1.1 503 Busy\r\n\r\n"


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (["a", "b"], []),
        (["b", "a", "c"], []),
        (["a"], ["lost: b"]),
        (["a", "c"], ["lost: b"]),
        (["a", "b", "b"], ["stored 2 times: b"]),
        (["a", "b", "c", "c"], ["stored 2 times: c"]),
        (["a", "b", "d"], ["refused, and stored: d"]),
        (["a", "b", "x"], ["stored, and never said: x"]),
    ],
)
def test_each_ending_allows_its_own(stored: list[str], expected: list[str]) -> None:
    load = Load(socket.socket, threading.Event())
    load.acknowledged, load.unanswered, load.refused = {"a", "b"}, {"c"}, {"d"}
    assert faults(load, stored) == expected


Answer = Callable[[socket.socket], None]


def _after(pause: float, answer: bytes) -> Answer:
    def say(connection: socket.socket) -> None:
        time.sleep(pause)
        if answer:
            connection.sendall(answer)

    return say


@pytest.mark.parametrize(
    ("second", "refused", "unanswered", "failed"),
    [
        (_after(HELD_UP * 3, b""), 0, 1, 0),  # longer than the client waits
        (_after(HELD_UP * 1.2, LATE), 1, 0, 0),
        (_after(HELD_UP * 1.2, b""), 0, 1, 0),  # hung up on, after a limit
        (_after(0, b""), 0, 0, 1),
        (_after(0, BUSY), 0, 0, 1),
        (_after(HELD_UP * 1.2, b"HTTP/1.1 400 Bad\r\n\r\n"), 0, 0, 1),
    ],
)
def test_what_became_of_an_event_is_told_apart(second: Answer, refused: int, unanswered: int, failed: int) -> None:
    """A server that acknowledges all but the second event, and whose client goes on."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        load = Load(lambda: socket.create_connection(server.getsockname()), stop, patience=HELD_UP * 2)
        load.start()
        heard = 0
        while heard < 4:
            connection, _ = server.accept()
            with connection:
                while heard < 4 and connection.recv(65536):
                    heard += 1
                    if heard == 2:
                        second(connection)
                        break
                    connection.sendall(YES)
        stop.set()
    load.join(60)
    assert (len(load.refused), len(load.unanswered)) == (refused, unanswered)
    assert sum("good-1:" in one for one in load.failed) == failed
    assert {"good-0", "good-2"} <= load.acknowledged and "good-1" not in load.acknowledged

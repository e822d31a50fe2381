"""A TCP proxy that cuts connections after a number of bytes, so that outcomes become unknown."""

from __future__ import annotations

import contextlib
import random
import socket
import threading


class Flaky:
    """Listens on `port`; forwards to `target`; each connection lives for a random number of bytes while `cutting`."""

    def __init__(self, target: int, *, most: int, seed: int) -> None:
        self._target = target
        self._most = most
        self._chance = random.Random(seed)
        self.cutting = True
        self.cuts = 0
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def drop(self) -> None:
        """Cut all connections now."""
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target), 5)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            self._open += [near, far]
            budget = [self._chance.randrange(2_000, self._most)]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink, budget), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, budget: list[int]) -> None:
        with contextlib.suppress(OSError):
            while blob := source.recv(16_384):
                budget[0] -= len(blob)
                if self.cutting and budget[0] < 0:
                    self.cuts += 1
                    # Half of the time what was sent last still arrives: then the write happened and nobody knows.
                    if self._chance.random() < 0.5:
                        sink.sendall(blob)
                    break
                sink.sendall(blob)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

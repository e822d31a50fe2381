"""Lets somebody else have the store while the loader rests between two batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tracker.catalog.erasures import Erasure
from tracker.core.errors import TryLater
from tracker.loader.erasing import Eraser


class Gate:
    """`pass_by` is the loader's, `held` anybody else's, one at a time."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._change = threading.Condition()
        self._wanted = False
        self._rests = False
        self.manned = False
        """Whether a loader passes by here at all."""

    def pass_by(self) -> None:
        """Wait here while somebody holds the gate. Nothing that was begun may be unfinished."""
        with self._change:
            while self._wanted:
                self._rests = True
                self._change.notify_all()
                self._change.wait(1.0)
            self._rests = False

    @contextmanager
    def held(self, patience: float) -> Iterator[None]:
        """The loader rests inside. Raises TryLater where it does not come by within `patience` seconds."""
        with self._turn:
            until = time.monotonic() + patience
            with self._change:
                self._wanted = True
            try:
                with self._change:
                    while self.manned and not self._rests:
                        if time.monotonic() >= until:
                            raise TryLater("the loader is busy or waits for the store", code="loader_busy")
                        self._change.wait(0.2)
                yield
            finally:
                with self._change:
                    self._wanted = False
                    self._change.notify_all()


class RestingEraser(Eraser):
    """An eraser that is asked between two batches, which is where the loader may rest."""

    gate: Gate

    def due(self) -> list[Erasure]:
        """As `Eraser.due`, once nobody holds the gate."""
        self.gate.pass_by()
        return super().due()

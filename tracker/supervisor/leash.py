"""A child must not outlive its supervisor, not even one that was killed with -9."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def leash(parent: int) -> Callable[[], None]:
    """What a child runs between fork and exec: Linux sends it SIGTERM as soon as its parent is gone.

    The kernel keeps the wish across exec. Elsewhere than on Linux there is no such wish; there, a supervisor that was
    killed with -9 leaves its children running, and the next `tracker up` names them.
    """
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def bind() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it died before we asked
                os._exit(1)

    return bind

"""Work that looks for no garbage leaves the collection of garbage as it found it."""

import gc
import threading

import pytest

from tracker.core.uncollected import uncollected


def test_it_is_off_inside_and_as_before_afterwards() -> None:
    with pytest.raises(ImportError), uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled()
        import tracker.nothing_of_this_name  # noqa: F401
    assert gc.isenabled()
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_it_is_on_once_the_last_of_two_threads_is_done() -> None:
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with uncollected():
            inside.set()
            leave.wait(60)

    thread = threading.Thread(target=other)
    with uncollected():
        thread.start()
        assert inside.wait(60)
    leave.set()
    thread.join()
    assert gc.isenabled()

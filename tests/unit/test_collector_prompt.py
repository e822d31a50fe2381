"""Collectors are let in before others, as far as the system allows it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tracker.collector import prompt

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own calls")

ASK = """
import os, resource, sys, threading
from tracker.collector.prompt import answer_at_once
if sys.argv[1] == "nobody":
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
    os.setuid(65534)
    assert os.getuid() == 65534
granted = answer_at_once(realtime=sys.argv[2] == "yes")
found = []
thread = threading.Thread(target=lambda: found.append(os.sched_getscheduler(0)))
thread.start()
thread.join()
print(granted, os.sched_getscheduler(0), found[0], answer_at_once(realtime=sys.argv[2] == "yes") or "-")
"""


def asked(who: str, realtime: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", ASK, who, realtime], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def may_be_realtime() -> bool:
    child = os.fork()
    if not child:
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def test_the_real_time_class_is_taken_where_it_may_be_and_threads_have_it_too():
    if not may_be_realtime():
        pytest.skip("it may not be here")
    assert asked("me", "yes") == ["realtime", str(os.SCHED_RR), str(os.SCHED_RR), "-"]


def test_without_the_right_and_where_it_is_not_wanted_nothing_but_the_slice_changes():
    assert asked("me", "no") == ["slice", str(os.SCHED_OTHER), str(os.SCHED_OTHER), "slice"]
    if os.getuid() == 0:
        assert asked("nobody", "yes") == ["slice", str(os.SCHED_OTHER), str(os.SCHED_OTHER), "slice"]


def test_a_machine_whose_calls_are_not_known_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(prompt.platform, "machine", lambda: "vax")
    assert prompt.answer_at_once(realtime=False) == ""

"""Real processes on disks that are full, or whose files may not grow. Kills are in tests/chaos."""

import json
import resource
import subprocess
import sys
from pathlib import Path

from tracker.spool.reader import Spool

FULL = """
import json, resource, signal, sys
from pathlib import Path
from tracker.core.errors import TryLater
from tracker.spool.writer import SpoolWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = SpoolWriter(Path(sys.argv[1]), "c0", segment_age=60, segment_bytes=10_000_000)
writer.append_now([b'{"n":0}'])
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
stored, refused = [0], 0
for n in range(1, 200):
    try:
        writer.append_now([b'{"n":%d,"pad":"%b"}' % (n, b"x" * 90)])
        stored.append(n)
    except TryLater:
        refused += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.getrlimit(resource.RLIMIT_FSIZE)[1],) * 2)
writer.append_now([b'{"n":999}'])
stored.append(999)
writer.close()
print(json.dumps([stored, refused]))
"""


def test_a_file_size_limit_refuses_and_recovers(tmp_path):
    out = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, check=True, timeout=60)
    stored, refused = json.loads(out.stdout.splitlines()[-1])
    assert refused > 50
    spool = Spool(tmp_path)
    found = [json.loads(body)["n"] for ref in spool.sealed() for body in spool.read(ref).bodies]
    assert found == stored
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 5000


TINY = """
import json, os, sys
from pathlib import Path
from tracker.core.errors import TryLater
from tracker.spool.reader import Spool
from tracker.spool.writer import SpoolWriter
root = Path(sys.argv[1])
ballast = root / "ballast"
writer = SpoolWriter(root / "spool", "c0", segment_bytes=60_000, segment_age=60)
stored, refused, n = [], 0, 0
while refused < 30:
    n += 1
    try:
        writer.append_now([b'{"n":%d,"pad":"%b"}' % (n, b"x" * 3000)])
        stored.append(n)
    except TryLater:
        refused += 1
spool = Spool(root / "spool")
taken = []
for ref in spool.sealed():  # the loader goes on, although the disk is full, and makes room
    taken += [json.loads(body)["n"] for body in spool.read(ref).bodies]
    spool.forget(ref)
writer.append_now([b'{"n":100000}'])
stored.append(100000)
writer.close()
for ref in spool.sealed():
    taken += [json.loads(body)["n"] for body in spool.read(ref).bodies]
print(json.dumps([stored, taken, refused]))
"""


def _may_mount(flags: str, where: Path) -> bool:
    command = ["unshare", flags, "mount", "-t", "tmpfs", "tmpfs", str(where)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_a_really_full_disk_refuses_drains_and_accepts_again(tmp_path):
    mount = tmp_path / "disk"
    mount.mkdir()
    script = f'mount -t tmpfs -o size=512k tmpfs "{mount}" && exec "$0" -c "$1" "{mount}"'
    own = next((flags for flags in ("-m", "-rm") if _may_mount(flags, mount)), None)
    if own is None:
        print("no right to mount a file system here: only the file size limit was tried")
        return
    command = ["unshare", own, "sh", "-c", script, sys.executable, TINY]
    out = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=Path.cwd())
    assert out.returncode == 0, out.stderr
    stored, taken, refused = json.loads(out.stdout.splitlines()[-1])
    assert refused >= 30
    assert len(stored) > 50
    assert taken == stored

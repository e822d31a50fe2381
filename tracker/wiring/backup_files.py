"""A backup on disk: a folder that mirrors a data folder, and a manifest with the size and SHA-256 of every file.

It is written under another name and renamed once everything is on the disk: a folder without a manifest is no backup.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from tracker.core.errors import BadRequest, Broken

MANIFEST = "manifest.json"
TREE = "data"
FORMAT = 1
_PIECE = 1 << 20


class File(msgspec.Struct, frozen=True):
    """One file below `TREE`."""

    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself. `links`: symbolic links, path -> target, both relative."""

    format: int
    version: str
    created: str
    store: str
    ledger: dict[str, int]
    files: list[File]
    links: dict[str, str]


def copy(source: Path, target: Path) -> File:
    """Copy one file to the device; what was copied, under the target's name. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as ours, target.open("wb") as theirs:
        os.fchmod(theirs.fileno(), 0o600)
        while piece := ours.read(_PIECE):
            digest.update(piece)
            theirs.write(piece)
            size += len(piece)
        theirs.flush()
        os.fsync(theirs.fileno())
    return File(target.name, size, digest.hexdigest())


def walk(root: Path) -> tuple[list[str], dict[str, str]]:
    """Files and symbolic links below a folder, by relative path."""
    files, links = [], {}
    for folder, names, leaves in os.walk(root):
        for name in [*names, *leaves]:
            path = Path(folder, name)
            relative = str(path.relative_to(root))
            if path.is_symlink():
                links[relative] = str(path.readlink())
            elif path.is_file():
                files.append(relative)
    return sorted(files), links


def write(
    tree: Path, to: Path, about: Callable[[list[File], dict[str, str]], Manifest], told: Callable[[int, int], None]
) -> Manifest:
    """Copy a tree of files into the new backup `to`. `told(done, all)`: bytes. Raises OSError."""
    half = partial(to)
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True, mode=0o700)
    names, links = walk(tree)
    total = sum((tree / name).stat().st_size for name in names)
    files, done = [], 0
    for name in names:
        copied = copy(tree / name, half / TREE / name)
        files.append(File(name, copied.size, copied.sha256))
        done += copied.size
        told(done, total)
    made = about(files, links)
    with (half / MANIFEST).open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    _sync_folders(half)
    if to.exists():
        to.rmdir()  # empty, or it was refused before
    half.rename(to)
    _sync(to.parent)
    return made


def partial(to: Path) -> Path:
    """The folder that a backup is written in until it is whole."""
    return to.with_name(f".{to.name}.partial")


def read(folder: Path) -> Manifest:
    """The manifest of a whole backup. Raises BadRequest where there is none, or one of a newer version."""
    try:
        made = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BadRequest(f"{folder} is no backup: it has no {MANIFEST}", code="no_backup") from None
    except msgspec.DecodeError:
        raise BadRequest(f"{folder} is no backup: its {MANIFEST} cannot be read", code="no_backup") from None
    if made.format > FORMAT:
        raise BadRequest(f"{folder} was made by tracker {made.version}: restore it with that version", code="newer")
    for path in (*(file.path for file in made.files), *made.links):
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise BadRequest(f"{folder} is no backup of ours: a file in it lies outside", code="no_backup")
    return made


def unpack(folder: Path, made: Manifest, to: Path, told: Callable[[int, int], None]) -> None:
    """Copy every file and look whether it is what the manifest says. Raises Broken, OSError."""
    total, done = sum(file.size for file in made.files), 0
    for file in made.files:
        try:
            copied = copy(folder / TREE / file.path, to / file.path)
        except FileNotFoundError:
            raise Broken(f"the backup is damaged: {file.path} is missing; take another one") from None
        if (copied.size, copied.sha256) != (file.size, file.sha256):
            raise Broken(f"the backup is damaged: {file.path} is not what it was; take another one")
        done += copied.size
        told(done, total)
    for path, target in made.links.items():
        link = to / path
        link.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        link.symlink_to(target)
    _sync_folders(to)


def link(sources: Iterable[tuple[Path, Path]]) -> None:
    """Hard links (source, target), or copies where the file system has none. Raises FileNotFoundError for one gone."""
    for source, target in sources:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            os.link(source, target)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copyfile(source, target)


def _sync_folders(root: Path) -> None:
    for folder, _, _ in os.walk(root, topdown=False):
        _sync(Path(folder))


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

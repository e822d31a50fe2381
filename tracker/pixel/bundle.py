"""What one site's pages load: a hint for the compiler, a line with settings and the modules that cannot wait, the core.

The text is a pure function of the site and of the built files, so the collector that serves it and the API that shows
its hash agree without talking. A module that can wait is a file of its own, named by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tracker.core.site import Site

BUILT = Path(__file__).parent / "built"
_STUB = "window.jt=window.jt||function(){(jt.q=jt.q||[]).push(arguments)};"
# For Chromium: all functions are compiled as they come, off the page's main thread. It must stand first.
_EAGER = b"//# allFunctionsCalledOnLoad\n"
_OURS = ("hash", "engagement", "vitals", "optout")  # settings that are nothing but the wish for a module


class File(NamedTuple):
    """A script as it is served. `version` is the beginning of its SHA-256, `integrity` is for the tag's attribute."""

    text: bytes
    version: str
    integrity: str


@lru_cache(maxsize=256)
def file_of(text: bytes) -> File:
    """The text with its hashes."""
    digest = hashlib.sha384(text).digest()
    return File(text, hashlib.sha256(text).hexdigest()[:16], f"sha384-{base64.b64encode(digest).decode()}")


def load_built(folder: Path = BUILT) -> dict[str, bytes]:
    """Every built file by name. Raises OSError when the core is not there."""
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in (".js", ".map")}
    if "p.js" not in files:
        raise FileNotFoundError(folder / "p.js")
    return files


class Built:
    """The built files, kept in memory and read again when they change."""

    def __init__(self, folder: Path = BUILT) -> None:
        self.folder = folder
        self.files: dict[str, bytes] = {}
        self._stamp = (0, 0)

    def load(self) -> dict[str, bytes]:
        """Raises OSError when nothing is built."""
        stamp = ((self.folder / "p.js").stat().st_mtime_ns, self.folder.stat().st_mtime_ns)
        if stamp != self._stamp:
            self.files = load_built(self.folder)
            self._stamp = stamp
        return self.files


FILES = Built()  # one a process, for the collector that serves them and the API that shows their hashes


def module_path(built: Mapping[str, bytes], name: str) -> str:
    """Where a module is served, below the collector's address."""
    return f"m/{name}.{file_of(built[f'{name}.js']).version}.js"


def compose(built: Mapping[str, bytes], site: Site | None) -> bytes:
    """The script of a site; without one, the core alone, which then goes by what the tag says."""
    if site is None:
        return _EAGER + b"\n" + built["p.js"]
    parts = [_STUB, f"(document.currentScript||{{}}).jt={_told(built, site)};"]
    parts += [built[f"{name}.js"].decode().strip() for name in site.pixel.early]
    # One line behind the hint, because the core's source map counts on two.
    return _EAGER + "".join(parts).replace("\n", " ").encode() + b"\n" + built["p.js"]


def _told(built: Mapping[str, bytes], site: Site) -> str:
    said: dict[str, Any] = msgspec.to_builtins(site.pixel)
    told = {name: value for name, value in said.items() if name not in (*_OURS, "dnt")}
    told["consent"] = site.consent
    if site.pixel.link_domains:
        told["link_key"] = link_key(site)
    if site.pixel.called:
        told["files"] = {name: _listed(built, name) for name in site.pixel.called}
    told["modules"] = [_listed(built, name) for name in site.pixel.late]
    debug = msgspec.json.encode([_listed(built, "debug")]).decode() if "debug.js" in built else "[]"
    # What depends on the browser is asked here, where it costs the core nothing: two words more, and an object's end.
    asked = f',"now":/[?&]tracker_debug\\b/.test(location.search)?{debug}:[]'
    if site.pixel.dnt:
        asked += ',"said":navigator.doNotTrack=="1"?{"analytics":false,"ads":false}:{}'
    text = msgspec.json.encode(told).decode()[:-1] + asked + "}"
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _listed(built: Mapping[str, bytes], name: str) -> list[str]:
    return [module_path(built, name), file_of(built[f"{name}.js"]).integrity]


def link_key(site: Site) -> str:
    """The key that signs links between the site's domains. It stands in the script: see the decision's price."""
    secret = (site.identifier_key or site.write_key).encode()
    return hmac.digest(secret, b"journey-tracker link", "sha256").hex()


def pinned(built: Mapping[str, bytes], site: Site) -> tuple[str, File]:
    """The path of the script under a name that changes with its content, and the script."""
    file = file_of(compose(built, site))
    return f"p.{file.version}.js", file

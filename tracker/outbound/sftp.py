"""SFTP by asyncssh: to a checked address, to a server whose host key is known beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import asyncssh

from tracker.core.errors import BadRequest, Refused, TryLater
from tracker.outbound.addresses import Reach
from tracker.outbound.mail import connected
from tracker.outbound.pauses import Patience, size_of

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Sftp:
    """One folder of one server. Every method blocks. Raises Refused where it says no, TryLater where it is away.

    `patience`: how long a transfer may take as a whole.

    `host_key`: the server's public key as in `known_hosts`, without the name: `ssh-ed25519 AAAA...`.
    """

    reach: Reach
    host: str
    user: str
    host_key: str
    port: int = 22
    folder: str = ""
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    timeout: float = 30.0
    patience: Patience = field(default_factory=Patience)

    def put(self, name: str, content: Path | bytes) -> None:
        """All of it under this name, or nothing: written beside it, its size compared, then renamed."""

        size = size_of(content)

        async def work(sftp: asyncssh.SFTPClient) -> None:
            target, half = self._path(name), self._path(f".{name}.part")
            if isinstance(content, bytes):
                async with sftp.open(half, "wb") as file:
                    await file.write(content)
            else:
                await sftp.put(str(content), half)
            if (await sftp.stat(half)).size != size:
                raise TryLater("the server holds less than it was sent", code="not_sent")
            await _rename(sftp, half, target)

        self._run(work, size)

    def size(self, name: str) -> int | None:
        """Bytes of a file; None: there is none."""

        async def work(sftp: asyncssh.SFTPClient) -> int | None:
            try:
                return (await sftp.stat(self._path(name))).size
            except asyncssh.SFTPNoSuchFile:
                return None

        return self._run(work)

    def delete(self, name: str) -> None:
        """Neither it nor what was half written of it is there any more."""

        async def work(sftp: asyncssh.SFTPClient) -> None:
            for one in (self._path(name), self._path(f".{name}.part")):
                try:
                    await sftp.remove(one)
                except asyncssh.SFTPNoSuchFile:
                    continue

        self._run(work)

    def _path(self, name: str) -> str:
        return f"{self.folder.rstrip('/')}/{name}" if self.folder else name

    def _run(self, work: Callable[[asyncssh.SFTPClient], Awaitable[T]], size: int = 0) -> T:
        return asyncio.run(self._alone(work, self.patience.of(size)))

    async def _alone(self, work: Callable[[asyncssh.SFTPClient], Awaitable[T]], seconds: float) -> T:
        try:
            async with self._session(seconds) as sftp:
                return await work(sftp)
        except asyncssh.HostKeyNotVerifiable:
            raise Refused("the server shows another host key than the destination names", code="host_key") from None
        except asyncssh.PermissionDenied:
            raise Refused("the server does not take this user and password or key", code="sftp_refused") from None
        except (asyncssh.SFTPPermissionDenied, asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            raise Refused("the server lets us not write into this folder", code="sftp_refused") from None
        except (asyncssh.Error, OSError, TimeoutError):
            raise TryLater(f"the server {self.host} cannot be reached", code="not_sent") from None

    @asynccontextmanager
    async def _session(self, seconds: float) -> AsyncIterator[asyncssh.SFTPClient]:
        try:
            trusted = asyncssh.import_public_key(self.host_key)
            keys = [asyncssh.import_private_key(self.private_key, self.passphrase or None)] if self.private_key else []
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
            raise BadRequest("the host key or the private key cannot be read", field="host_key") from None
        addresses = await self.reach.addresses(self.host, self.port)
        async with asyncssh.connect(
            self.host,
            self.port,
            sock=await connected(addresses, self.timeout),
            config=None,
            known_hosts=([trusted], [], []),
            username=self.user,
            password=self.password or None,
            client_keys=keys or None,
            agent_path=None,
            login_timeout=self.timeout,
            keepalive_interval=15,
        ) as connection:
            # cut off, not cancelled: what is open would wait for a server that has stopped to close it
            asyncio.get_running_loop().call_later(seconds, connection.abort)
            async with connection.start_sftp_client() as sftp:
                yield sftp


async def _rename(sftp: asyncssh.SFTPClient, old: str, new: str) -> None:
    """As one step where the server can; else what was there before goes first."""
    try:
        await sftp.posix_rename(old, new)
    except asyncssh.SFTPOpUnsupported:
        with suppress(asyncssh.SFTPNoSuchFile):
            await sftp.remove(new)
        await sftp.rename(old, new)

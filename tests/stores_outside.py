"""Places that hold files, as real servers on real ports: S3 (moto), SFTP (asyncssh)."""

from __future__ import annotations

import asyncio
import secrets as secrets_of
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh


@dataclass(frozen=True)
class Place:
    """What a destination there must be told, and how to look into it."""

    kind: str
    options: dict[str, Any]
    secrets: dict[str, str]
    read: Any  # () -> name -> content


@contextmanager
def s3_server() -> Iterator[Place]:
    """A bucket."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    secrets = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "a-secret-of-s3"}
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=secrets["access_key_id"],
        aws_secret_access_key=secrets["secret_access_key"],
    )
    bucket = f"exports-{secrets_of.token_hex(4)}"  # the servers of one process share what they hold
    client.create_bucket(Bucket=bucket)

    def read() -> dict[str, bytes]:
        found = client.list_objects_v2(Bucket=bucket, Prefix="ads/").get("Contents", [])
        return {
            one["Key"].removeprefix("ads/"): client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            for one in found
        }

    options = {"bucket": bucket, "region": "us-east-1", "endpoint": endpoint, "prefix": "ads"}
    try:
        yield Place("s3", options, secrets, read)
    finally:
        server.stop()


@contextmanager
def sftp_server(folder: Path) -> Iterator[Place]:
    """A server whose users see `folder` and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    key = asyncssh.generate_private_key("ssh-ed25519")
    started, stop, port = threading.Event(), threading.Event(), 0

    class Users(asyncssh.SSHServer):
        def begin_auth(self, _username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("ads", "a-secret-of-sftp")

    class Files(asyncssh.SFTPServer):
        def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
            super().__init__(channel, chroot=str(folder).encode())

    async def serve() -> None:
        nonlocal port
        server = await asyncssh.listen("127.0.0.1", 0, server_factory=Users, server_host_keys=[key], sftp_factory=Files)
        port = server.get_port()
        started.set()
        while not stop.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.02)
        server.close()
        await server.wait_closed()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    public = key.export_public_key().decode().strip()
    (folder / "in").mkdir(exist_ok=True)

    def read() -> dict[str, bytes]:
        return {one.name: one.read_bytes() for one in (folder / "in").iterdir()}

    options = {"host": "127.0.0.1", "port": port, "user": "ads", "host_key": public, "folder": "/in"}
    try:
        yield Place("sftp", options, {"password": "a-secret-of-sftp"}, read)
    finally:
        stop.set()
        thread.join(10)


def folder_place(data: Path) -> Place:
    """A folder below DATA/deliveries."""

    def read() -> dict[str, bytes]:
        folder = data / "deliveries" / "shop"
        return {one.name: one.read_bytes() for one in folder.iterdir()} if folder.exists() else {}

    return Place("folder", {"path": "shop"}, {}, read)

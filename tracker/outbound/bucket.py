"""Buckets: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage, by obstore (Rust's `object_store`).

The library looks names up itself, so the address is checked before it is asked, and the connection is TLS with a
certificate for that name, which a host inside could not show. Credentials come from the destination alone: metadata
services of clouds and variables of the environment are not asked.

The library has threads of its own, which a fork does not copy: a process that has used it must not go on in a fork.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import AzureStore, GCSStore, S3Store

from tracker.core.errors import BadRequest, Refused, TryLater
from tracker.outbound.addresses import Reach
from tracker.outbound.pauses import Patience, size_of

T = TypeVar("T")
Store = S3Store | GCSStore | AzureStore
GOOGLE, AZURE = "https://storage.googleapis.com", "https://{account}.blob.core.windows.net"
CHUNK, AT_ONCE = 5 << 20, 2  # the smallest part that S3 takes; two of them go over a slow line within REQUEST
REQUEST = timedelta(minutes=4)


class Bucket:
    """One bucket. Every method blocks. Raises Refused where it says no, TryLater where it is away.

    `patience`: how long a transfer may take as a whole, with all its requests, tries and pauses.
    """

    def __init__(
        self,
        kind: str,
        options: Mapping[str, str],
        secrets: Mapping[str, str],
        reach: Reach,
        patience: Patience | None = None,
    ) -> None:
        self._endpoint = _endpoint(kind, options)
        parts = urlsplit(self._endpoint)
        self._host, clear = parts.hostname or "", parts.scheme == "http"
        try:
            self._port = parts.port or (80 if clear else 443)
        except ValueError:
            self._host = ""
        if not self._host or parts.username is not None or parts.scheme not in ("http", "https"):
            raise BadRequest("endpoint is https://HOST, without a user in it", field="endpoint")
        if clear and not reach.named(self._host, self._port):
            raise BadRequest(
                "a bucket is reached over https; in clear only on hosts named in the setting outbound_hosts",
                code="not_https",
                field="endpoint",
            )
        self._reach, self._patience = reach, patience or Patience()
        client = {
            "allow_http": clear,
            "timeout": REQUEST,
            "connect_timeout": timedelta(seconds=10),
        }
        retry = {"max_retries": 4, "retry_timeout": timedelta(minutes=2)}
        try:
            self._store = _store(
                kind, options, secrets, self._endpoint, {"client_options": client, "retry_config": retry}
            )
        except (BaseError, ValueError, TypeError):
            raise BadRequest("the options or secrets of this bucket cannot be used", field="options") from None

    def put(self, name: str, content: Path | bytes) -> None:
        """All of it under this name, or nothing: an object is seen when it is complete."""

        def work() -> Awaitable[object]:
            return obstore.put_async(self._store, name, content, chunk_size=CHUNK, max_concurrency=AT_ONCE)

        try:
            self._run(work, size_of(content))
        except (NotFoundError, FileNotFoundError):
            raise Refused("there is no such bucket", code="bucket_refused") from None

    def size(self, name: str) -> int | None:
        """Bytes of an object; None: there is none."""
        try:
            return int(self._run(lambda: obstore.head_async(self._store, name))["size"])
        except (NotFoundError, FileNotFoundError):
            return None

    def delete(self, name: str) -> None:
        """It is not there any more."""
        with suppress(NotFoundError, FileNotFoundError):
            self._run(lambda: obstore.delete_async(self._store, name))

    def _run(self, work: Callable[[], Awaitable[T]], size: int = 0) -> T:
        return asyncio.run(self._alone(work, self._patience.of(size)))

    async def _alone(self, work: Callable[[], Awaitable[T]], seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                await self._reach.addresses(self._host, self._port)
                return await work()
        except (NotFoundError, FileNotFoundError):
            raise
        except Exception as error:
            raise _told(error) from None


def _endpoint(kind: str, options: Mapping[str, str]) -> str:
    given = options.get("endpoint", "").rstrip("/")
    if given:
        return given
    if kind == "s3":
        return f"https://s3.{options.get('region', 'us-east-1')}.amazonaws.com"
    return GOOGLE if kind == "gcs" else AZURE.format(account=options.get("account", ""))


def _store(kind: str, options: Mapping[str, str], secrets: Mapping[str, str], endpoint: str, more: Any) -> Store:
    prefix = options.get("prefix", "").strip("/") or None
    if kind == "s3":
        return S3Store(
            options["bucket"],
            prefix=prefix,
            endpoint=endpoint,
            region=options.get("region", "us-east-1"),
            access_key_id=secrets["access_key_id"],
            secret_access_key=secrets["secret_access_key"],
            skip_signature=False,
            virtual_hosted_style_request=False,
            **more,
        )
    if kind == "gcs":
        key = json.loads(secrets["service_account_key"])
        if not isinstance(key, dict) or key.get("gcs_base_url") or key.get("disable_oauth"):
            raise ValueError  # a key that says where to go would lead past the check
        key |= {"gcs_base_url": endpoint} if endpoint != GOOGLE else {}
        return GCSStore(options["bucket"], prefix=prefix, service_account_key=json.dumps(key), **more)
    return AzureStore(
        options["container"],
        prefix=prefix,
        account_name=options["account"],
        account_key=secrets["account_key"],
        endpoint=endpoint,
        **more,
    )


def _told(error: Exception) -> Exception:
    """The library's texts hold addresses and answers: nothing of them is repeated."""
    if isinstance(error, (PermissionDeniedError, UnauthenticatedError, PermissionError)):
        return Refused("the bucket does not take these credentials", code="bucket_refused")
    if isinstance(error, (BaseError, TimeoutError)):
        return TryLater("the bucket cannot be reached", code="not_sent")
    return error

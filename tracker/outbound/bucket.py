"""Buckets: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage, by obstore (Rust's `object_store`).

The library looks names up itself, so the address is checked before it is asked, and the connection is TLS with a
certificate for that name, which a host inside could not show. Credentials come from the destination alone: metadata
services of clouds and variables of the environment are not asked.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import AzureStore, GCSStore, S3Store

from tracker.core.errors import BadRequest, Refused, TryLater
from tracker.outbound.addresses import Reach

Store = S3Store | GCSStore | AzureStore
GOOGLE, AZURE = "https://storage.googleapis.com", "https://{account}.blob.core.windows.net"
CHUNK = 8 << 20


class Bucket:
    """One bucket. Every method blocks. Raises Refused where it says no, TryLater where it is away."""

    def __init__(self, kind: str, options: Mapping[str, str], secrets: Mapping[str, str], reach: Reach) -> None:
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
        self._reach = reach
        client = {
            "allow_http": clear,
            "timeout": timedelta(minutes=10),
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
        self._check()
        try:
            obstore.put(self._store, name, content, chunk_size=CHUNK, max_concurrency=4)
        except Exception as error:
            raise _told(error) from None

    def size(self, name: str) -> int | None:
        """Bytes of an object; None: there is none."""
        self._check()
        try:
            return int(obstore.head(self._store, name)["size"])
        except (NotFoundError, FileNotFoundError):
            return None
        except Exception as error:
            raise _told(error) from None

    def delete(self, name: str) -> None:
        """It is not there any more."""
        self._check()
        try:
            obstore.delete(self._store, name)
        except (NotFoundError, FileNotFoundError):
            return
        except Exception as error:
            raise _told(error) from None

    def _check(self) -> None:
        asyncio.run(self._reach.addresses(self._host, self._port))


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
    if isinstance(error, (NotFoundError, FileNotFoundError)):
        return Refused("there is no such bucket", code="bucket_refused")
    if isinstance(error, BaseError):
        return TryLater("the bucket cannot be reached", code="not_sent")
    return error

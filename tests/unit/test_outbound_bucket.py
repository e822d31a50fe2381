"""Buckets of Google and Azure against a server that answers as they do (S3: tests/engines/test_destinations.py)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from outside import Heard, outside

from tracker.core.errors import BadRequest, Forbidden, Refused, TrackerError
from tracker.outbound import Reach
from tracker.outbound.bucket import Bucket

PEM = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)
ROBOT = {"client_email": "robot@p.example", "private_key": PEM, "private_key_id": "k", "type": "service_account"}
GOOGLE = {"service_account_key": json.dumps(ROBOT)}
AZURE = {"account_key": "c2VjcmV0LW9mLWF6dXJl"}
REACH = Reach.of(["127.0.0.1"])


class Objects:
    """PUT, HEAD, DELETE, as both have them."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.status = 0

    def say(self, heard: Heard) -> tuple[int, dict[str, str], bytes]:
        head = {"ETag": '"1"', "Last-Modified": "Sat, 28 Nov 2026 03:00:00 GMT"}
        if self.status:
            return self.status, {}, b""
        if heard.method == "POST":
            return self.batch(heard)
        if heard.method == "PUT":
            self.kept[heard.path] = heard.body
            return 201, head, b""
        if heard.path not in self.kept:
            return 404, {}, b""
        if heard.method == "DELETE":
            del self.kept[heard.path]
            return 202, head, b""
        return 200, head, self.kept[heard.path]

    def batch(self, heard: Heard) -> tuple[int, dict[str, str], bytes]:
        """Azure deletes in batches: a request in parts, an answer in parts."""
        found = re.search(rb"^DELETE (\S+)", heard.body, re.MULTILINE)
        assert found is not None
        there = self.kept.pop(found[1].decode(), None) is not None
        said = "202 Accepted\r\nx-ms-request-id: 1" if there else "404 Not Found\r\nx-ms-error-code: BlobNotFound"
        part = f"--r\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nHTTP/1.1 {said}\r\n\r\n\r\n--r--\r\n"
        return 202, {"Content-Type": "multipart/mixed; boundary=r"}, part.encode()


@pytest.mark.parametrize("kind", ["gcs", "azure"])
def test_an_object_is_put_seen_and_deleted(kind: str, tmp_path: Path) -> None:
    path, objects = tmp_path / "file", Objects()
    path.write_bytes(b"some rows\n" * 100)
    with outside(objects.say) as other:
        options: dict[str, Any] = {"bucket": "b", "prefix": "ads", "endpoint": other.url}
        if kind == "azure":
            options = {"account": "acc", "container": "b", "prefix": "ads", "endpoint": other.url}
        bucket = Bucket(kind, options, GOOGLE if kind == "gcs" else AZURE, REACH)
        assert bucket.size("x.csv") is None
        bucket.put("x.csv", path)
        assert bucket.size("x.csv") == 1000
        [(name, content)] = objects.kept.items()
        assert name.endswith("/ads/x.csv") and content == path.read_bytes()
        bucket.delete("x.csv")
        bucket.delete("x.csv")
        assert objects.kept == {} and bucket.size("x.csv") is None
        assert all("authorization" in one.headers for one in other.heard)
        objects.status = 403
        with pytest.raises(Refused):
            bucket.put("x.csv", b"x")


def test_a_bucket_leads_nowhere_inside() -> None:
    with pytest.raises(BadRequest, match="https"):
        Bucket("azure", {"account": "a", "container": "c", "endpoint": "http://127.0.0.1:1"}, AZURE, Reach())
    with pytest.raises(Forbidden):
        Bucket("azure", {"account": "a", "container": "c", "endpoint": "https://127.0.0.1:1"}, AZURE, Reach()).size("x")
    for more in ({"gcs_base_url": "http://10.0.0.1"}, {"disable_oauth": True}):
        with pytest.raises(BadRequest):
            Bucket("gcs", {"bucket": "b"}, {"service_account_key": json.dumps({**ROBOT, **more})}, REACH)
    for key in ("", "[]", "no JSON", '{"private_key": "x"}'):
        with pytest.raises(TrackerError):
            Bucket("gcs", {"bucket": "b"}, {"service_account_key": key}, REACH).size("x")

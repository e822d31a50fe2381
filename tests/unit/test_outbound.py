"""The door to the outside: where it leads, how often it knocks, and what it never says."""

from __future__ import annotations

import asyncio
import datetime
import email.utils
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from outside import outside

from tracker.core.errors import BadRequest, Forbidden, Refused, TooMany, TrackerError, TryLater
from tracker.outbound import Call, Door, Limits, Reach
from tracker.outbound.addresses import Address, allowed
from tracker.outbound.mail import MailServer, check_mail, send_mail
from tracker.outbound.pauses import pause, retry_after
from tracker.outbound.signing import signature, verify

PUBLIC = ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
PRIVATE = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1", "fc00::1", "64:ff9b::7f00:1"]
PRIVATE += ["::ffff:127.0.0.1", "2002:7f00:1::", "198.18.0.1", "192.0.2.1"]
NEVER = ["169.254.169.254", "fe80::1", "fe80::1%eth0", "0.0.0.0", "::", "fd00:ec2::254", "100.100.100.200"]
NEVER += ["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "224.0.0.1", "ff02::1"]


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_addresses_are_allowed(ip: str) -> None:
    assert allowed(ip, named=False)
    assert allowed(ip, named=True)


@pytest.mark.parametrize("ip", PRIVATE)
def test_private_addresses_only_where_the_host_is_named(ip: str) -> None:
    assert not allowed(ip, named=False)
    assert allowed(ip, named=True)


@pytest.mark.parametrize("ip", NEVER)
def test_metadata_and_nowhere_are_never_allowed(ip: str) -> None:
    assert not allowed(ip, named=False)
    assert not allowed(ip, named=True)


def door(*hosts: str, **limits: Any) -> Door:
    async def no_sleep(seconds: float) -> None:
        slept.append(seconds)

    slept: list[float] = []
    made = Door(Reach.of(hosts), Limits(**{"first_pause": 0.01, "total": 5.0, **limits}), no_sleep)
    made.slept = slept  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/", "https://localhost/", "https://2130706433/", "https://0x7f.1/", "https://[::1]/"),
        *("https://169.254.169.254/latest/meta-data", "https://[::ffff:10.0.0.1]/", "https://017700000001/"),
    ],
)
def test_a_private_address_in_any_spelling_is_not_called(url: str) -> None:
    with pytest.raises(TrackerError) as caught:
        door().send(Call(method="GET", url=url))
    assert caught.value.code in ("private_address", "no_address", "not_sent")
    if "127.0.0.1" in url or "169.254" in url or "[" in url:
        assert isinstance(caught.value, Forbidden)


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "https://user:pw@example.com/", "https:///x", "https://example.com:99999/", "x"]
)
def test_what_is_no_address_is_said_so_and_not_repeated(url: str) -> None:
    with pytest.raises(BadRequest) as caught:
        door().send(Call(method="GET", url=url))
    assert "pw" not in caught.value.message


def test_in_clear_only_to_named_hosts() -> None:
    with outside() as other:
        with pytest.raises(BadRequest, match="https"):
            door().send(Call(method="GET", url=other.url))
        assert door(other.host).send(Call(method="GET", url=other.url)).status == 200
        assert door("127.0.0.1").send(Call(method="GET", url=other.url)).good
        assert len(other.heard) == 2


async def test_the_name_is_looked_up_once_and_the_connection_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the second look-up would lead elsewhere, and there is none."""
    with outside() as other:
        looked: list[str] = []

        async def look(_self: Reach, host: str, port: int, within: float = 0) -> list[Address]:
            looked.append(host)
            return [Address(socket.AF_INET, "127.0.0.1", port)]

        monkeypatch.setattr(Reach, "addresses", look)
        reach = f"rebinding.example:{other.port}"
        answer = await door(reach).asend(Call(method="GET", url=f"http://{reach}/x"))
        assert (answer.status, looked) == (200, ["rebinding.example"])
        assert other.heard[0].headers["host"] == reach


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(_self: object, *_args: object, **_more: object) -> Any:
        async def found() -> list[Any]:
            return [(socket.AF_INET, 1, 6, "", (ip, 443)) for ip in ("8.8.8.8", "10.0.0.1")]

        return found()

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", both)
    with pytest.raises(Forbidden, match="outbound_hosts"):
        asyncio.run(Reach().addresses("both.example", 443))


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with outside(lambda _: (302, {"Location": "http://169.254.169.254/"}, b"")) as other:
        assert door(other.host).send(Call(method="POST", url=other.url, body=b"x")).status == 302
        assert len(other.heard) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 0])
def test_what_may_pass_is_tried_again_until_it_does(status: int) -> None:
    with outside() as other:
        other.say = lambda _: (status if len(other.heard) < 3 else 201, {}, b"done")
        made = door(other.host)
        answer = made.send(Call(method="POST", url=other.url, body=b"the same"))
        assert (answer.status, answer.body) == (201, b"done")
        assert [one.body for one in other.heard] == [b"the same"] * 3
        assert len(made.slept) == 2  # type: ignore[attr-defined]


def test_the_tries_end_and_the_error_holds_no_secret() -> None:
    with outside(lambda _: (503, {}, b"secret-in-answer")) as other:
        made = door(other.host, tries=3)
        with structlog.testing.capture_logs() as logs, pytest.raises(TryLater) as caught:
            made.send(
                Call(method="POST", url=other.url + "/p?t=secret", headers={"Authorization": "secret"}, body=b"secret")
            )
        assert len(other.heard) == 3
        assert "secret" not in str(caught.value) + repr(logs)
        assert [one["status"] for one in logs] == [503, 503, 503]
    with pytest.raises(TryLater, match="no_connection"):
        door(other.host, tries=2).send(Call(method="POST", url=other.url))


def test_what_may_not_be_said_twice_is_said_again_only_when_it_was_not_heard() -> None:
    with outside() as other:
        other.say = lambda _: (503 if len(other.heard) < 2 else 200, {}, b"")
        assert door(other.host).send(Call(method="POST", url=other.url, again=False)).good
        other.heard.clear()
        other.say = lambda _: (500, {}, b"")
        with pytest.raises(TryLater):
            door(other.host).send(Call(method="POST", url=other.url, again=False))
        other.say = lambda _: (0, {}, b"")
        with pytest.raises(TryLater):
            door(other.host).send(Call(method="POST", url=other.url, again=False))
        assert len(other.heard) == 2


def test_retry_after_is_honoured_up_to_our_patience() -> None:
    with outside() as other:
        other.say = lambda _: (429 if len(other.heard) < 2 else 200, {"Retry-After": "7"}, b"")
        made = door(other.host)
        assert made.send(Call(method="POST", url=other.url)).good
        assert 7 <= made.slept[0] < 8  # type: ignore[attr-defined]
        other.say = lambda _: (429, {"Retry-After": "3600"}, b"")
        with pytest.raises(TooMany) as caught:
            made.send(Call(method="POST", url=other.url))
        assert caught.value.after == 3601
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=90)
    assert 85 < (retry_after(email.utils.format_datetime(later, usegmt=True)) or 0) <= 90
    assert [retry_after(text) for text in (None, "", "soon", "-1")] == [None] * 4


def test_pauses_grow_and_are_never_all_the_same() -> None:
    drawn = [pause(6, first=1, longest=30) for _ in range(200)]
    assert min(drawn) >= 0 and max(drawn) <= 30 and len(set(drawn)) > 150
    assert max(pause(2, first=1, longest=30) for _ in range(200)) <= 2


def test_a_slow_or_endless_answer_is_given_up() -> None:
    def slow(_: object) -> tuple[int, dict[str, str], bytes]:
        time.sleep(1)
        return 200, {}, b""

    with outside(slow) as other, pytest.raises(TryLater, match="timeout"):
        door(other.host, total=0.2, tries=1).send(Call(method="GET", url=other.url))
    with outside(lambda _: (200, {}, b"x" * 5000)) as other, pytest.raises(TryLater, match="broken_off"):
        door(other.host, answer_bytes=1000, tries=1).send(Call(method="GET", url=other.url))


def test_a_file_is_streamed_as_it_is_in_every_try(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"0123456789abcdef" * 100_000)
    with outside() as other:
        other.say = lambda _: (502 if len(other.heard) < 2 else 200, {}, b"")
        assert door(other.host).send(Call(method="PUT", url=other.url, body=path)).good
        assert [one.body == path.read_bytes() for one in other.heard] == [True, True]


def test_a_certificate_of_somebody_else_is_refused_at_once(tmp_path: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(1))
    (tmp_path / "pem").write_bytes(
        made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")

    async def called() -> None:
        async def handle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        try:
            await door(f"127.0.0.1:{port}").asend(Call(method="GET", url=f"https://127.0.0.1:{port}/"))
        finally:
            server.close()

    with pytest.raises(Refused, match="certificate"):
        asyncio.run(called())


def test_a_signature_holds_for_its_body_its_secret_and_five_minutes(tmp_path: Path) -> None:
    path = tmp_path / "body"
    path.write_bytes(b"body")
    header = signature("key", b"body", 1_000)
    assert header == signature("key", path, 1_000)
    assert verify("key", b"body", header, 1_000) and verify("key", b"body", header, 1_300)
    assert not verify("key", b"body", header, 1_301) and not verify("key", b"body", header, 699)
    assert not verify("other", b"body", header, 1_000) and not verify("key", b"bodY", header, 1_000)
    assert not verify("key", b"body", header.replace("1000", "1001"), 1_000) and not verify("key", b"body", "", 1_000)


class Post:
    """A mail server's hands."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.code = "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.code == "250 OK":
            self.got.append(envelope)
        return self.code


@pytest.fixture
def post() -> Any:
    hands = Post()

    def login(_server: Any, _session: Any, _envelope: Any, _mechanism: Any, data: Any) -> Any:
        return AuthResult(success=data.password == b"right", handled=False)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(hands, "127.0.0.1", port, authenticator=login, auth_require_tls=False)
    server.start()
    hands.port = port  # type: ignore[attr-defined]
    yield hands
    server.stop()


def test_a_mail_is_handed_over_to_a_named_server(post: Any) -> None:
    reach, server = Reach.of([f"127.0.0.1:{post.port}"]), MailServer(host="127.0.0.1", port=post.port, security="none")
    send_mail(
        reach, server, sender="t@shop.example", to=["a@x.example"], subject="Grüße", text="häuser\n.\nend", key="k"
    )
    [mail] = post.got
    assert mail.rcpt_tos == ["a@x.example"] and b"Message-ID: <k@shop.example>" in mail.content
    check_mail(reach, MailServer(host="127.0.0.1", port=post.port, security="none", user="u", password="right"))
    with pytest.raises(Refused, match="password"):
        check_mail(reach, MailServer(host="127.0.0.1", port=post.port, security="none", user="u", password="wrong"))
    for code, error in (("451 later", TryLater), ("552 no", Refused)):
        post.code = code
        with pytest.raises(error):
            send_mail(reach, server, sender="t@shop.example", to=["a@x.example"], subject="s", text="t")
    with pytest.raises(BadRequest):
        send_mail(reach, server, sender="t@shop.example", to=["a@x.example"], subject="s\nBcc: b@x", text="t")


def test_mail_in_clear_or_to_a_private_server_needs_its_name(post: Any) -> None:
    server = MailServer(host="127.0.0.1", port=post.port, security="none")
    with pytest.raises(BadRequest, match="TLS"):
        check_mail(Reach(), server)
    with pytest.raises(Forbidden):
        check_mail(Reach(), MailServer(host="127.0.0.1", port=post.port))
    with pytest.raises(TryLater):  # the server speaks no TLS
        check_mail(Reach.of(["127.0.0.1"]), MailServer(host="127.0.0.1", port=post.port))

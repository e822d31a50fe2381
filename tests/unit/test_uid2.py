"""What an operator of UID2 is sent, byte by byte, over real HTTP; and what is made of its answers."""

from __future__ import annotations

import base64
import json
import os

import pytest
from outside import Heard, outside
from uid2_operator import UidOperator, gcm

from tracker.audiences.delivery.operator import Operator
from tracker.core.errors import BadRequest, Refused, TooMany, TrackerError
from tracker.networks import uid2
from tracker.networks.uid2_envelope import opened, sealed, secret_of
from tracker.outbound import Door, Limits, Reach

FAST = Limits(first_pause=0.001, longest_pause=0.002)


def hashed(n: int) -> str:
    return base64.b64encode(n.to_bytes(32, "big")).decode()


def of(operator: UidOperator, url: str, **more: str) -> Operator:
    return Operator(Door(Reach.of(["127.0.0.1"]), FAST), {"OPERATOR_URL": url}, {**operator.secrets, **more})


def test_a_request_is_laid_out_as_documented() -> None:
    secret, nonce, iv = os.urandom(32), b"8 bytes.", b"twelve bytes"
    blob = base64.b64decode(sealed(secret, {"email_hash": ["x"]}, now_ms=1_795_000_000_000, nonce=nonce, iv=iv))
    assert (blob[0], blob[1:13]) == (1, iv)
    plain = gcm(secret, iv, blob[13:])
    assert len(blob) == 1 + 12 + len(plain) + 16
    assert (int.from_bytes(plain[:8], "big"), plain[8:16]) == (1_795_000_000_000, nonce)
    assert json.loads(plain[16:]) == {"email_hash": ["x"]}


def test_an_answer_is_read_only_with_our_secret_and_to_our_own_request() -> None:
    operator, nonce = UidOperator(), os.urandom(8)
    blob = operator.sealed({"status": "success"}, nonce)
    assert opened(operator.secret, blob, nonce) == {"status": "success"}
    broken = bytearray(base64.b64decode(blob))
    broken[20] ^= 1
    for secret, answer, mine in (
        (os.urandom(32), blob, nonce),
        (operator.secret, blob, os.urandom(8)),
        (operator.secret, base64.b64encode(broken), nonce),
        (operator.secret, b"no base64!", nonce),
        (operator.secret, b"", nonce),
    ):
        with pytest.raises(Refused):
            opened(secret, answer, mine)
    with pytest.raises(BadRequest) as wrong:
        secret_of("c2hvcnQ=")
    assert "c2hvcnQ" not in str(wrong.value)


def test_many_are_asked_in_batches_of_5000_one_after_the_other_and_again_where_it_is_busy() -> None:
    operator = UidOperator(busy=[429, 503, 500])
    operator.bad, operator.out = {hashed(2)}, {hashed(3)}
    items = [("email_hash" if n % 2 else "phone_hash", hashed(n)) for n in range(12_001)]
    with outside(operator) as place:
        found = [pair for some in of(operator, place.url).map(items) for pair in some]
    assert [item for item, _ in found] == items
    assert [len(body["email_hash"]) + len(body["phone_hash"]) for _, body in operator.asked] == [5_000, 5_000, 2_001]
    assert max(map(len, operator.wire)) <= 1_000_000
    assert (operator.problems, operator.most_at_once) == ([], 1)
    said = {value: answer for (_, value), answer in found}
    assert (said[hashed(2)].error, said[hashed(3)].error) == (uid2.INVALID, uid2.OPTOUT)
    assert (said[hashed(4)].raw, said[hashed(4)].error) == (operator.raw(hashed(4)), "")


def test_opt_outs_are_asked_5000_at_a_time() -> None:
    operator = UidOperator(out={hashed(7), hashed(9_000)})
    raws = [operator.raw(hashed(n)) for n in range(10_000)]
    with outside(operator) as place:
        found = list(of(operator, place.url).opted_out(raws))
    assert found == [{raws[7]}, {raws[9_000]}]
    assert [len(body["advertising_ids"]) for _, body in operator.asked] == [5_000, 5_000]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [(401, {}, Refused), (400, {}, Refused), (429, {}, TooMany), (200, {"status": "client_error"}, Refused)],
)
def test_what_is_no_success_is_none(status: int, body: dict[str, str], kind: type[TrackerError]) -> None:
    operator = UidOperator()

    def say(heard: Heard) -> tuple[int, dict[str, str], bytes]:
        nonce = gcm(operator.secret, base64.b64decode(heard.body)[1:13], base64.b64decode(heard.body)[13:])[8:16]
        return status, {}, operator.sealed(body, nonce) if status == 200 else b"{}"

    with outside(say) as place, pytest.raises(kind) as refused:
        of(operator, place.url).check()
    assert operator.key not in str(refused.value) and operator.secrets["client_secret"] not in str(refused.value)


@pytest.mark.parametrize(
    "wrong", [{}, {"email_hash": []}, {"email_hash": [{"u": "x"}]}, {"email_hash": [{"e": "optout"}] * 2}]
)
def test_an_answer_that_does_not_fit_the_question_is_refused(wrong: object) -> None:
    """Ids are told apart by their place alone: a list that is longer or shorter would give people others' ids."""
    assert uid2.answers([("email_hash", "a")], wrong) is None
    assert uid2.answers([("email_hash", "a")], {"email_hash": [{"e": "optout"}]}) == [uid2.Answer(error="optout")]

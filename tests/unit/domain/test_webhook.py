"""Signatures as Standard Webhooks has them."""

import base64

import pytest

from taskforge.domain.errors import InvalidInput
from taskforge.domain.webhook import check_secret, is_signed, new_secret, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_example_of_the_specification() -> None:
    body = b'{"test": 2432232314}'
    headers = signed_headers([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert is_signed(SECRET, headers, body, now=1614265330 + 299)
    assert not is_signed(SECRET, headers, body + b" ", now=1614265330)
    assert not is_signed(SECRET, headers, body, now=1614265330 + 301)
    assert not is_signed(SECRET, {**headers, "webhook-id": "msg_other"}, body, now=1614265330)


def test_a_secret_that_replaces_another_signs_beside_it() -> None:
    other = new_secret(lambda size: b"x" * size)
    headers = signed_headers([other, SECRET], "msg_1", 10, b"{}")
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert is_signed(SECRET, headers, b"{}", now=10)
    assert is_signed(other, headers, b"{}", now=10)
    assert not is_signed(new_secret(lambda size: b"y" * size), headers, b"{}", now=10)


@pytest.mark.parametrize("headers", [{}, {"webhook-timestamp": "²"}, {"webhook-timestamp": "-1"}])
def test_what_is_not_signed_at_all(headers: dict[str, str]) -> None:
    assert not is_signed(SECRET, {"webhook-id": "a", "webhook-signature": "v1,é", **headers}, b"", now=0)


@pytest.mark.parametrize(
    "secret",
    ["", "abc", "whsec_", "whsec_????", "whsec_" + base64.b64encode(b"x" * 23).decode(), SECRET[6:]],
)
def test_a_secret_that_is_none_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_secret(secret)
    assert not secret or len(secret) < 7 or secret not in str(refused.value)

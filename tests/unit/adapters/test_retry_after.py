"""How long a service asks to be left alone, in all the ways in which services say so."""

import time
from email.utils import formatdate

import pytest
from turnkeeper.adapters.retry_after import limit_reset, rest, retry_after


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("7.0", 7),
        ("0", 0),
        ("-3", 0),
        ("86400", 86_400),
        ("1s", 1),
        ("6m30s", 390),
        ("250ms", 0.25),
        ("2m59.56s", 179.56),
        ("1h", 3_600),
        ("7 seconds", 7),
        ("1 minute 5 seconds", 65),
        ("1795677877", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("2015-10-21T07:28:00Z", 0),
    ],
)
def test_a_value_is_read_in_every_form(value: str, expected: float) -> None:
    assert expected == retry_after(value)


ABSURD = """
soon,nan,inf,1e999,86401,999999999,9999999999999999,9d,7 apples,s,ms,7x,2026-13-01T00:00:00Z,9999-12-31T23:59:59Z
"""


@pytest.mark.parametrize(
    "value",
    ["", *ABSURD.strip().split(","), "Fri, 99 Foo 2026 99:99:99 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"],
)
def test_an_absurd_value_is_no_value(value: str) -> None:
    assert retry_after(value) is None


def test_a_moment_is_read_in_every_form() -> None:
    at = time.time() + 90
    forms = [str(at), str(int(at)), str(int(at * 1_000)), formatdate(at, usegmt=True), formatdate(at)]
    forms += [time.strftime("%Y-%m-%dT%H:%M:%S" + zone, time.gmtime(at)) for zone in ("Z", "+00:00", "")]

    for form in forms:
        seconds = retry_after(form)
        assert seconds is not None
        assert 85 < seconds <= 90


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Please try again in 1.2s. Visit https://x", 1.2),
        ("Please try again in 20ms", 0.02),
        ("Please try again in 6m0s.", 360),
        ("Please retry in 38.387391s.", 38.387391),
        ("Please retry after 7 seconds.", 7),
        ("Try again in 1 minute and later", 60),
        ("wait for 30 seconds", 30),
        ("try again later", None),
        ("try again in 30 days", None),
        ("took 7 seconds", None),
    ],
)
def test_a_sentence_is_read(said: str, expected: float | None) -> None:
    assert expected == rest({}, None, said)


def test_a_header_comes_before_the_body_and_the_body_before_the_sentence() -> None:
    body = [{"error": {"details": [{"@type": "x/RetryInfo", "retryDelay": "7s"}]}}]

    assert 1.5 == rest({"retry-after-ms": "1500", "retry-after": "9"}, body, "try again in 3s")
    assert 9 == rest({"retry-after": "9"}, body, "try again in 3s")
    assert 9 == rest({"retry-after-ms": "x", "retry-after": "9"})
    assert 7 == rest({"retry-after": "soon"}, body, "try again in 3s")
    assert rest({}, {"error": {"details": "x", "retry_after": True}}, "") is None


def test_of_the_limits_the_one_that_is_used_up_counts() -> None:
    headers = {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m30s", "x-ratelimit-limit-tokens": "9"}

    assert 1 == limit_reset(headers)
    assert 390 == limit_reset({**headers, "x-ratelimit-remaining-tokens": "0", "x-ratelimit-remaining-requests": "5"})
    assert limit_reset({**headers, "x-ratelimit-remaining-tokens": "1", "x-ratelimit-remaining-requests": "5"}) is None
    assert limit_reset({"x-request-id": "7"}) is None

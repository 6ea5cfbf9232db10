"""Which URLs a tenant may name, how a message is signed, when it is sent again."""

from base64 import b64decode

import pytest
from turnkeeper.domain.callbacks import DELAYS_S, CallbackHosts, next_try, shown_secret, signed_headers, tenant_secret

HOSTS = CallbackHosts(
    [("acme", "hooks.acme.example"), ("beta", "beta.example"), ("*", "127.0.0.1"), ("*", "shared.example")],
    ["127.0.0.1"],
)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.acme.example/turns?x=1",
        "https://HOOKS.acme.example/",
        "https://shared.example",
        "http://127.0.0.1:8080/x",
    ],
)
def test_a_listed_host_is_admitted(url: str) -> None:
    assert HOSTS.refusal("acme", url) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.acme.example/", "https"),
        ("ftp://hooks.acme.example/", "https"),
        ("hooks.acme.example", "https"),
        ("https://beta.example/", "allow-list"),
        ("https://hooks.acme.example.evil.example/", "allow-list"),
        ("https://evil.example/hooks.acme.example", "allow-list"),
        ("https://hooks.acme.example@evil.example/", "user"),
        ("https://user@hooks.acme.example/", "user"),
        ("https://hooks.acme.example:8443/", "port"),
        ("https://hooks.acme.example:99999/", "not a URL"),
        ("https://[::1/", "not a URL"),
        ("https:///path", "allow-list"),
        ("https://169.254.169.254/", "allow-list"),
        ("", "https"),
    ],
)
def test_every_other_url_is_refused_and_told_why(url: str, why: str) -> None:
    assert why in (HOSTS.refusal("acme", url) or "")


def test_nothing_is_allowed_by_default() -> None:
    assert "allow-list" in (CallbackHosts().refusal("acme", "https://hooks.acme.example/") or "")


def test_the_signature_is_that_of_the_standard() -> None:
    """The example of the Standard Webhooks specification's reference libraries."""
    secret = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed_headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}')

    assert {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    } == headers


def test_tenants_have_secrets_of_their_own() -> None:
    acme, beta = tenant_secret("key", "acme"), tenant_secret("key", "beta")

    assert acme != beta
    assert acme == tenant_secret("key", "acme")
    assert shown_secret(acme).startswith("whsec_")


def test_tries_are_ever_later_and_come_to_an_end() -> None:
    delays = [next_try(n) for n in range(1, len(DELAYS_S) + 2)]

    assert [*DELAYS_S, None] == delays
    assert sorted(DELAYS_S) == list(DELAYS_S)

"""Secrets by name: cached, read again after a rejection, and kept while their store is away."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError, EndpointConnectionError
from turnkeeper.adapters import secrets
from turnkeeper.adapters.secrets import Secret, Secrets
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError


class Store:
    """A store of secrets that gives what it is told to, in turn."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers: Iterator[str | Exception] = iter(answers)
        self.asked: list[tuple[str, bool]] = []

    def get(self, name: str, *, force_fetch: bool, **_: Any) -> str:
        self.asked.append((name, force_fetch))
        found = next(self.answers)
        if isinstance(found, Exception):
            raise GetParameterError(str(found)) from found
        return found


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "GetSecretValue")


AWAY = EndpointConnectionError(endpoint_url="https://secretsmanager")


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a way to make a secret over a store."""

    def make(store: Store, name: str = "openai-api-key", **environment: str) -> Secret:
        monkeypatch.setattr(secrets, "_provider", lambda **_: store)
        return Secrets(environment).secret(name)

    return make


def refusal(call: Callable[[], Any]) -> str:
    """Read what a bad key is told to be; nothing was sent to anybody."""
    with pytest.raises(DependencyError) as error:
        call()
    assert (Failure.BAD_KEY, False) == (error.value.failure, error.value.sent)
    return error.value.detail


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openai-api-key", "OPENAI_API_KEY"),
        ("crm.v2/token", "CRM_V2_TOKEN"),
        ("ssm:/team/orders-key", "TEAM_ORDERS_KEY"),
        ("ssm:/billing/key", "BILLING_KEY"),
    ],
)
def test_a_secret_in_the_environment_goes_before_every_store(secret: Any, name: str, variable: str) -> None:
    assert "mine" == secret(Store(), name, **{variable: "mine"}).read()


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("openai-api-key", "turnkeeper/prod/openai-api-key"),
        ("ssm:/team/orders-key", "/team/orders-key"),
        ("arn:aws:secretsmanager:eu:1:secret:x-1", "arn:aws:secretsmanager:eu:1:secret:x-1"),
    ],
)
def test_a_name_says_where_its_secret_is(secret: Any, name: str, asked: str) -> None:
    store = Store("k")
    secret(store, name, SECRETS_PREFIX="turnkeeper/prod/").read()

    assert [(asked, False)] == store.asked


def test_without_a_prefix_secrets_are_below_turnkeeper(secret: Any) -> None:
    store = Store("k")
    secret(store).read()

    assert "turnkeeper/openai-api-key" == store.asked[0][0]


def test_two_who_ask_for_one_name_share_the_secret() -> None:
    of = Secrets({})

    assert of.secret("a") is of.secret("a") is not of.secret("b")


def test_a_secret_is_read_and_read_anew_when_asked(secret: Any) -> None:
    store = Store("old\n", "new")
    made = secret(store)

    assert ["old", "new"] == [made.read(), made.read(again=True)]
    assert [False, True] == [again for _, again in store.asked]


@pytest.mark.parametrize("trouble", [AWAY, refused("ThrottlingException"), refused("InternalServiceError")])
def test_the_last_key_holds_while_the_store_is_away(secret: Any, trouble: Exception) -> None:
    made = secret(Store("k", trouble))

    assert ["k", "k"] == [made.read(), made.read()]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("AccessDeniedException", "may not be read"),
        ("DecryptionFailure", "may not be read"),
        ("ResourceNotFoundException", "is missing"),
        ("ParameterNotFound", "is missing"),
        (
            "InvalidRequestException",
            "is marked for deletion: restore it in Secrets Manager as turnkeeper/openai-api-key",
        ),
    ],
)
def test_a_key_that_was_deleted_or_taken_away_is_used_no_more(secret: Any, code: str, told: str) -> None:
    made = secret(Store("k", refused(code), AWAY))
    made.read()

    assert f"the secret openai-api-key {told}" in refusal(made.read)
    with pytest.raises(DependencyError) as error:
        made.read()
    assert Failure.CONNECTION is error.value.failure


@pytest.mark.parametrize(
    ("trouble", "failure"),
    [
        (AWAY, Failure.CONNECTION),
        (refused("ThrottlingException"), Failure.CONNECTION),
        (refused("AccessDeniedException"), Failure.BAD_KEY),
        (refused("ResourceNotFoundException"), Failure.BAD_KEY),
        (refused("ParameterNotFound"), Failure.BAD_KEY),
    ],
    ids=str,
)
def test_why_there_is_no_key_is_told_apart(secret: Any, trouble: Exception, failure: Failure) -> None:
    with pytest.raises(DependencyError) as error:
        secret(Store(trouble)).read()

    assert (failure, False) == (error.value.failure, error.value.sent)


def test_a_missing_secret_says_where_to_store_it(secret: Any) -> None:
    missing = refused("ResourceNotFoundException")

    assert "the secret crm is missing: store it in Secrets Manager as turnkeeper/crm, or locally in CRM" == refusal(
        secret(Store(missing), "crm").read
    )
    assert "in SSM as /team/crm, or" in refusal(secret(Store(refused("ParameterNotFound")), "ssm:/team/crm").read)


def test_a_secret_that_may_not_be_read_says_who_must_be_allowed_to(secret: Any) -> None:
    told = refusal(secret(Store(refused("AccessDeniedException")), "crm").read)

    assert "may not be read (AccessDeniedException): let the functions read it in Secrets Manager as tu" in told


@pytest.mark.parametrize("text", ["", "  \n", "Bearer hunter2", "hunter2\nhunter3", "hünter2", "hunter\x7f2"])
def test_a_malformed_key_is_told_apart_and_never_quoted(secret: Any, text: str) -> None:
    told = refusal(secret(Store(text), "crm").read)

    assert "the secret crm in Secrets Manager as turnkeeper/crm is malformed: " in told
    assert "nter" not in told


def test_a_key_within_an_object_is_to_be_stored_alone(secret: Any) -> None:
    assert "it is a JSON object: store the key alone" in refusal(secret(Store('{"key":"hunter2"}')).read)


def test_fields_are_read_from_an_object_in_the_order_asked_for(secret: Any) -> None:
    made = secret(Store(*['{"client_secret": "s s", "more": 1, "client_id": "i"}'] * 2))

    assert ("i", "s s") == made.fields("client_id", "client_secret")


@pytest.mark.parametrize("text", ["hunter2", "[]", '{"a": "hunter2"}', '{"a": "x", "b": ""}', '{"a": "x", "b": 7}'])
def test_an_object_without_its_fields_says_which_it_must_have(secret: Any, text: str) -> None:
    told = refusal(lambda: secret(Store(text)).fields("a", "b"))

    assert 'store the JSON object {"a": "...", "b": "..."}' in told
    assert "hunter2" not in told


def test_a_rejected_secret_says_who_rejected_it_and_where_it_is() -> None:
    error = Secrets({}).secret("crm").rejected("by orders")

    assert (Failure.BAD_KEY, False) == (error.failure, error.sent)
    assert (
        "the secret crm was rejected by orders: store a valid one in Secrets Manager as turnkeeper/crm" == error.detail
    )

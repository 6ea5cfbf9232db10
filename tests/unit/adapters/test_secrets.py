"""Providers' keys: cached, read again after a rejection, and kept while their store is away."""

from collections.abc import Iterator
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError, EndpointConnectionError
from turnkeeper.adapters import secrets
from turnkeeper.adapters.secrets import ApiKey
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
def key(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a way to make a key over a store."""

    def make(store: Store, name: str = "turnkeeper/openai") -> ApiKey:
        monkeypatch.setattr(secrets, "_provider", lambda **_: store)
        return ApiKey({"OPENAI_API_KEY_SECRET": name}, "OPENAI_API_KEY")

    return make


def test_a_key_in_the_environment_goes_before_a_secret() -> None:
    assert "mine" == ApiKey({"K": "mine", "K_SECRET": "theirs"}, "K").read()


def test_a_secret_is_read_and_read_anew_when_asked(key: Any) -> None:
    store = Store("old\n", "new")
    made = key(store)

    assert ["old", "new"] == [made.read(), made.read(again=True)]
    assert [("turnkeeper/openai", False), ("turnkeeper/openai", True)] == store.asked


def test_a_parameter_is_named_without_its_prefix(key: Any) -> None:
    store = Store("k")
    key(store, "ssm:/turnkeeper/openai").read()

    assert "/turnkeeper/openai" == store.asked[0][0]


@pytest.mark.parametrize("trouble", [AWAY, refused("ThrottlingException"), refused("InternalServiceError")])
def test_the_last_key_holds_while_the_store_is_away(key: Any, trouble: Exception) -> None:
    made = key(Store("k", trouble))

    assert ["k", "k"] == [made.read(), made.read()]


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
def test_why_there_is_no_key_is_told_apart(key: Any, trouble: Exception, failure: Failure) -> None:
    with pytest.raises(DependencyError) as error:
        key(Store(trouble)).read()

    assert (failure, False) == (error.value.failure, error.value.sent)


@pytest.mark.parametrize("empty", ["", "  \n"])
def test_an_empty_secret_is_a_bad_key(key: Any, empty: str) -> None:
    with pytest.raises(DependencyError) as error:
        key(Store(empty)).read()

    assert Failure.BAD_KEY is error.value.failure

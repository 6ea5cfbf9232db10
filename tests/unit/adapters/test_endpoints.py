"""Where the client of an endpoint comes from, and what is told where nobody says where the endpoint is."""

import pytest
from turnkeeper import Endpoint
from turnkeeper.adapters.models import model_client
from turnkeeper.adapters.models.anthropic import Anthropic
from turnkeeper.adapters.models.openai import OpenAI
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError


@pytest.mark.parametrize(("wire", "kind"), [("openai", OpenAI), ("anthropic", Anthropic)])
def test_an_endpoint_is_asked_in_its_wire(wire: str, kind: type) -> None:
    assert isinstance(model_client(Endpoint("groq", wire, "https://groq.example"), Secrets({})), kind)


def test_an_endpoint_without_a_url_says_where_to_write_one_and_nothing_was_sent() -> None:
    with pytest.raises(DependencyError) as caught:
        model_client(Endpoint("groq", "openai"), Secrets({}))

    assert (Failure.BAD_REQUEST, False) == (caught.value.failure, caught.value.sent)
    assert '[endpoints.groq] url = "..." in the stage\'s file' in str(caught.value)


def test_a_providers_own_endpoint_needs_no_url() -> None:
    assert isinstance(model_client(Endpoint("openai", "openai"), Secrets({})), OpenAI)

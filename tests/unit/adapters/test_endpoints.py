"""Where the client of an endpoint comes from, and what is told where nobody says where the endpoint is."""

import pytest
from turnkeeper import Endpoint
from turnkeeper.adapters import aws
from turnkeeper.adapters.models import model_client, model_clients
from turnkeeper.adapters.models.anthropic import Anthropic
from turnkeeper.adapters.models.chat import Chat
from turnkeeper.adapters.models.responses import Responses
from turnkeeper.adapters.secrets import Secrets
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.stage import Stage, StageSettings
from turnkeeper.errors import DependencyError
from turnkeeper.settings import Settings


@pytest.mark.parametrize(
    ("wire", "kind"), [("responses", Responses), ("chat", Chat), ("openai", Chat), ("anthropic", Anthropic)]
)
def test_an_endpoint_is_asked_in_its_wire(wire: str, kind: type) -> None:
    assert isinstance(model_client(Endpoint("groq", wire, "https://groq.example"), Secrets({})), kind)


def test_an_endpoint_without_a_url_says_where_to_write_one_and_nothing_was_sent() -> None:
    with pytest.raises(DependencyError) as caught:
        model_client(Endpoint("groq", "openai"), Secrets({}))

    assert (Failure.BAD_REQUEST, False) == (caught.value.failure, caught.value.sent)
    assert '[endpoints.groq] url = "..." in the stage\'s file' in str(caught.value)


@pytest.mark.parametrize("wire", ["responses", "chat", "anthropic", "bedrock"])
@pytest.mark.parametrize("url", ["http://groq.example/v1", "HTTP://groq.example"])
def test_no_key_goes_in_the_clear_to_a_host_that_is_not_private(wire: str, url: str) -> None:
    with pytest.raises(DependencyError) as caught:
        model_clients(Secrets({}), lambda: ("127.0.0.1",))(Endpoint("groq", wire, url))

    assert (Failure.BAD_REQUEST, False) == (caught.value.failure, caught.value.sent)
    told = "the endpoint groq is asked at groq.example over https only: write https:// into its URL"
    assert told in str(caught.value)


def test_which_hosts_are_private_is_asked_before_each_call() -> None:
    private = ["groq.internal"]
    clients = model_clients(Secrets({}), lambda: tuple(private))
    endpoint = Endpoint("groq", "openai", "http://groq.internal")
    first = clients(endpoint)
    assert first is clients(endpoint)

    private.clear()
    with pytest.raises(DependencyError, match="over https only"):
        clients(endpoint)


def test_a_deployment_holds_its_models_to_the_private_hosts_of_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr(aws, "load_prices", dict)
    settings = Settings.from_env({"TABLE_NAME": "table"})
    outside = aws.aws_outside(settings, lambda: Stage(StageSettings(private_hosts=("groq.internal",))))

    assert outside.models(Endpoint("groq", "openai", "http://groq.internal"))
    with pytest.raises(DependencyError, match="over https only"):
        outside.models(Endpoint("groq", "openai", "http://groq.example"))


@pytest.mark.parametrize("host", ["api.openai.com", "eu.api.openai.com", "us.api.openai.com"])
def test_at_openais_own_hosts_responses_are_asked_whatever_an_endpoint_says(host: str) -> None:
    assert isinstance(model_client(Endpoint("mine", "chat", f"https://{host}/v1"), Secrets({})), Responses)

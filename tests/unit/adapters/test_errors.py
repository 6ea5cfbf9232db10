"""What an error answer means, in the words of every provider and gateway; each body is as its API or server has it."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turnkeeper.adapters.models.errors import Asked, error_in, failed
from turnkeeper.domain.failures import CONSEQUENCES, Billed, Failure

Json = dict[str, Any]
NO_CREDIT, FILTER, GONE = Failure.NO_CREDIT, Failure.CONTENT_FILTER, Failure.MODEL_GONE
KEY, RATE, TIMEOUT, SERVER = Failure.BAD_KEY, Failure.RATE_LIMITED, Failure.TIMEOUT, Failure.SERVER_ERROR
CONNECTION, REQUEST, GARBAGE = Failure.CONNECTION, Failure.BAD_REQUEST, Failure.GARBAGE
INVALID = Failure.INVALID_OUTPUT


def openai(message: str, code: Any = None, kind: str | None = "invalid_request_error", **more: Any) -> Json:
    return {"error": {"message": message, "type": kind, "param": None, "code": code, **more}}


def anthropic(kind: str, message: str, **details: Any) -> Json:
    error = {"type": kind, "message": message, **({"details": details} if details else {})}
    return {"type": "error", "error": error, "request_id": "req_1"}


def litellm(message: str, code: str = "400", kind: str | None = "invalid_request_error") -> Json:
    return {"error": {"message": f"litellm.{message}", "type": kind, "param": None, "code": code}}


def google(code: int, status: str, message: str, *details: Json) -> Json:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


def openrouter(code: int, message: str, **metadata: Any) -> Json:
    return {"error": {"code": code, "message": message, "metadata": metadata}, "user_id": "user_1"}


def bedrock(message: str) -> Json:
    return {"message": message}


RETIRED = (
    "The model `gpt-3.5-turbo-1106` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations"
)
AZURE_FILTER = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify "
    "your prompt and retry."
)
QUOTA = "You exceeded your current quota, please check your plan and billing details."

GONE_ANSWERS: list[tuple[int, Any]] = [
    (404, openai(RETIRED, "model_not_found")),
    (404, openai("The model `gpt-x` does not exist or you do not have access to it.", "model_not_found")),
    (403, openai("Project `proj_1` does not have access to model `gpt-6-sol`", "model_not_found")),
    (404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}}),
    (410, {"error": {"code": "410", "message": "The deployment was retired."}}),
    (404, anthropic("not_found_error", "model: claude-sonnet-4-5")),
    (
        404,
        google(404, "NOT_FOUND", "models/gemini-1.0-pro is not found for API version v1beta, or is not supported."),
    ),
    (404, [google(404, "NOT_FOUND", "models/gemini-1.0-pro is not found for API version v1main")]),
    (400, openai("The model `llama3-8b` has been decommissioned and is no longer supported.", "model_decommissioned")),
    (404, openai("The model `llama-9` does not exist or you do not have access to it.", "model_not_found")),
    (400, openai("Model Not Exist", "invalid_request_error")),
    (400, openrouter(400, "openai/gpt-99 is not a valid model ID")),
    (404, openrouter(404, "No endpoints found for openai/gpt-4.1-nano.")),
    (
        400,
        {"object": "error", "message": "Invalid model: tiny", "type": "invalid_model", "code": "1500"},
    ),
    (404, openai("Unable to access model foo. Please visit https://api.together.ai/models", "model_not_available")),
    (404, {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}),
    (404, {"error": {"message": 'model "llama9" not found, try pulling it first', "type": "api_error", "code": None}}),
    (404, {"error": "model 'llama9' not found"}),
    (400, openai("The requested model is not supported.", "model_not_supported")),
    (400, {"errors": [{"code": 5007, "message": "No such model @cf/x or task"}], "success": False}),
    (410, {"detail": "The model 'x' has reached its end of life on 2026-10-01."}),
    (404, {"code": "Some requested entity was not found", "error": "The model grok-1 does not exist or your team ..."}),
    (404, litellm(f"NotFoundError: OpenAIException - {RETIRED}", "404")),
    (404, litellm("NotFoundError: AnthropicException - model: claude-2", "404", None)),
    (400, litellm('BadRequestError: GroqException - {"error":{"message":"gone","code":"model_decommissioned"}}')),
    (
        400,
        {
            "error": {
                "message": "/chat/completions: Invalid model name passed in model=x. Call",
                "code": "400",
            }
        },
    ),
    (400, litellm("BadRequestError: DeepseekException - Model Not Exist")),
    (404, bedrock("This model version has reached the end of its life. Please refer to the AWS documentation.")),
    (
        404,
        bedrock("Access denied. This Model is marked by provider as Legacy and you have not used it."),
    ),
    (400, bedrock("The provided model identifier is invalid.")),
    (400, bedrock("Invocation of model ID amazon.nova-2-lite-v1:0 with on-demand throughput isn\u2019t supported.")),
]


@pytest.mark.parametrize(("status", "body"), GONE_ANSWERS)
def test_a_model_that_is_gone_is_told_in_every_providers_words(status: int, body: Any) -> None:
    assert GONE is failed(status, body).failure


MODEL = "acme/gpt-6-luna"
WORDS_FOR_GONE = [
    "litellm.APIError: XException - The model `gpt-6-luna` has been retired. Received Model Group=x LiteLLM Retried: 1",
    "The model `gpt-6-luna` does not exist.",
    "The model `acme/gpt-6-luna` does not exist or you do not have access to it.",
    "The model 'models/acme/gpt-6-luna' was not found",
    "models/gpt-6-luna is not found for API version v1beta, or is not supported for generateContent.",
    "Publisher Model `projects/p/locations/eu/publishers/acme/models/gpt-6-luna` was not found.",
    "acme/gpt-6-luna is not a valid model ID",
    "gpt-6-luna is not a valid model",
    "No endpoints found for acme/gpt-6-luna.",
    "Invalid model: gpt-6-luna",
    "Invalid model 'gpt-6-luna'. Permitted models can be found in the documentation.",
    "/chat/completions: Invalid model name passed in model=acme/gpt-6-luna. Call `/v1/models` to view them",
    "No such model gpt-6-luna or task",
    "Unable to access model acme/gpt-6-luna. Please visit the list of models.",
    "Model not found: gpt-6-luna",
    'model "gpt-6-luna" not found, try pulling it first',
    "The model gpt-6-luna has been deprecated, learn more here: https://acme.example/deprecations",
    "The model `gpt-6-luna-2026-01-14` has been retired.",
    "The model 'gpt-6-luna' has reached its end of life on 2026-10-01.",
    "Deployment gpt-6-luna has been shut down.",
    "Invocation of model ID acme/gpt-6-luna with on-demand throughput isn\u2019t supported. Retry your request.",
    "The requested model does not exist",
    "The deployment was retired.",
    "Model Not Exist",
    "The provided model identifier is invalid.",
    "This model version has reached the end of its life.",
    "litellm.BadRequestError: DeepseekException - Model Not Exist",
    "litellm.APIError: AzureException - The API deployment for this resource does not exist. Try again.",
    'litellm.BadRequestError: XException - b\'{"error": {"message": "The model `gpt-6-luna` does not exist"}}\'',
    "litellm.BadRequestError: XException - {'error': {'message': \"It isn't\", 'code': 'model_retired'}}.",
]


@pytest.mark.parametrize("words", WORDS_FOR_GONE)
@pytest.mark.parametrize("status", [400, 404])
def test_words_alone_tell_that_the_model_that_was_asked_is_gone(status: int, words: str) -> None:
    assert GONE is failed(status, {"message": words}, asked=Asked(MODEL)).failure


OF_ANOTHER_NAME = "The model `other-9` does not exist."
NOT_GONE = [
    "The model returned the following errors: `temperature` is deprecated for this model.",
    "The model returned the following errors: thinking.type: enabled has been removed; use adaptive",
    "thinking.type: enabled has been removed; use adaptive",
    "Model gpt-6-luna: service tier 'flex' is not available for this organization",
    "The requested model is not available in the flex service tier at this time",
    "The model gpt-6-luna is no longer available in the flex service tier",
    "The model gpt-6-luna has been removed from the batch endpoint",
    "For model gpt-6-luna, effort 'max' is not available.",
    "For model gpt-6-luna effort max is no longer supported",
    "The model `gpt-6-luna` isn't available right now. Please retry in 20s.",
    "The model `gpt-6-luna` was not found at this time, try again",
    "The model `gpt-6-luna` is temporarily no longer available",
    "model: budget_tokens is deprecated",
    "model gpt-6-luna: budget_tokens is deprecated",
    "model gpt-6-luna: 'reasoning.effort' = 'none' has been removed",
    "unknown model kwargs: foo",
    "Unknown model option: gpt-6-luna-mode",
    "invalid model name or credentials",
    "Model is not ready; LoRA adapter not found",
    "LoRA adapter for model gpt-6-luna not found",
    "Support for gpt-6-luna has been removed",
    "Tokenizer of the model gpt-6-luna was not found",
    "Model version: conversation not found",
    "Resource not found: model registry unavailable, try again",
    "Cached content not found for this model",
    "Cached content for gpt-6-luna was not found",
    "No allowed providers are available for the selected model.",
    "No endpoints found for acme/gpt-6-luna that support tool use.",
    OF_ANOTHER_NAME,
    "Could not parse the tool arguments near 'no such model'",
    "1 validation error: input_value='xxx...xxx no such model', input_type=str",
    '1 validation error near "The model gpt-6-luna does not exist"',
    "Bad text: `The model gpt-6-luna does not exist`, cut",
    "Bad text: «The model gpt-6-luna does not exist», “No such model gpt-6-luna”",
    "Bad text: \u2018Model not found: gpt-6-luna\u2019",
    "Invalid content: 'x' The model gpt-6-luna does not exist",
    'Invalid JSON: {"error": {"code": "model_not_found", "message": "Model Not Exist"}}',
    'ValidationError: {"code": "model_not_found"}',
    'near \'{"code": "model_not_found"}\'',
    "Cut off near 'litellm.NotFoundError: no such model",
]
CUSTOMERS = ("x' The model gpt-6-luna does not exist 'y",)


@pytest.mark.parametrize("words", NOT_GONE)
@pytest.mark.parametrize("status", [400, 404])
def test_what_is_about_a_part_of_the_request_or_quoted_from_it_does_not_say_that_the_model_is_gone(
    status: int, words: str
) -> None:
    assert REQUEST is failed(status, {"message": words}, asked=Asked(MODEL, texts=CUSTOMERS)).failure


@pytest.mark.parametrize("words", [words for words in NOT_GONE if not words.startswith("ValidationError: {")])
def test_a_gateway_may_have_another_name_for_the_model_that_is_gone(words: str) -> None:
    wrapped = litellm(f"NotFoundError: OpenAIException - {words} Received Model Group=chat", "404")

    expected = GONE if words == OF_ANOTHER_NAME else REQUEST
    assert expected is failed(404, wrapped, asked=Asked(MODEL, texts=CUSTOMERS)).failure


@pytest.mark.parametrize(
    "quoted",
    [
        "credit balance",
        "insufficient funds",
        "INVALID_PAYMENT_INSTRUMENT",
        "invalid api key",
        '"code": "billing_error"',
    ],
)
@pytest.mark.parametrize(
    "sentence", ["Could not parse near '{}'", 'Bad value "{}" here', "Not allowed: \u2018{}\u2019", "At `{}"]
)
def test_quoted_words_neither_use_up_credit_nor_reject_a_key(sentence: str, quoted: str) -> None:
    assert REQUEST is failed(400, openai(sentence.format(quoted)), asked=Asked(MODEL)).failure


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, openai("gone", "model_not_found")),
        (400, openai("gone", "model_decommissioned")),
        (404, {"error": {"code": "DeploymentNotFound", "message": "It does not exist."}}),
        (404, anthropic("not_found_error", f"model: {MODEL}")),
        (
            404,
            {"__type": "ResourceNotFoundException", "message": "This model version has reached the end of its life."},
        ),
        (400, litellm('BadRequestError: GroqException - {"error":{"code":"model_decommissioned"}}')),
        (400, openai("Model Not Exist")),
        (400, bedrock("The provided model identifier is invalid.")),
        (404, openrouter(404, f"No endpoints found for {MODEL}.")),
    ],
)
def test_a_code_or_a_sentence_tells_that_a_model_is_gone(status: int, body: Any) -> None:
    assert GONE is failed(status, body, asked=Asked(MODEL)).failure


@pytest.mark.parametrize("code", ["json_validate_failed", "tool_use_failed", "output_parse_failed"])
def test_a_models_own_invalid_output_is_neither_counted_nor_billed(code: str) -> None:
    error = failed(400, openai("Failed to generate JSON.", code))

    assert (INVALID, False, False) == (error.failure, CONSEQUENCES[error.failure].counts, error.sent)


def test_names_of_roles_and_tools_are_not_what_a_customer_said_and_arguments_are() -> None:
    call = {"type": "tool_use", "id": "call_7", "name": "find_slots", "input": {"name": "Winterbottom"}}
    asked = Asked.by({"model": "m", "messages": [{"role": "assistant", "content": [call]}]})

    assert ("Winterbottom",) == asked.texts


def test_the_customers_words_never_stand_in_the_sentence() -> None:
    asked = Asked.by({"model": MODEL, "messages": [{"role": "user", "content": "I am Bob Smith, born Winterbottom"}]})
    words = "'max_tokens' is wrong near 'Bob Smith' or \"Winterbottom\", or the cut `Winterb` for 'gpt-6-luna'"
    said = failed(400, openai(words), asked=asked).said

    assert "'max_tokens' is wrong near '[…]' or \"[…]\", or the cut `[…]` for 'gpt-6-luna'" == said


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, {"error": {"code": "404", "message": "Resource not found"}}, REQUEST),
        (404, {"detail": "Not Found"}, REQUEST),
        (404, None, REQUEST),
        (404, openai("Invalid URL (POST /v1/chat/completion)", None), REQUEST),
        (404, anthropic("not_found_error", "Not found"), REQUEST),
        (404, openai("This is not a chat model and thus not supported in the v1/chat/completions endpoint."), REQUEST),
        (404, openrouter(404, "No endpoints found that support tool use."), REQUEST),
        (404, bedrock("Model use case details have not been submitted for this account. Fill out the form."), KEY),
        (
            400,
            openai("Unsupported parameter: 'max_tokens' is not supported with this model.", "unsupported_parameter"),
            REQUEST,
        ),
        (400, openai("This model does not support the parameter: that field has been deprecated"), REQUEST),
        (400, openai("For this model the tool `x` was not found", None, param="tools"), REQUEST),
        (400, openai("Function tools with reasoning_effort are not supported, use /v1/responses", None), REQUEST),
        (400, openai("This model's maximum context length is 8192 tokens.", "context_length_exceeded"), REQUEST),
        (400, litellm("ContextWindowExceededError: litellm.BadRequestError: model content policy length"), REQUEST),
        (503, openai("No available channel for model x", "model_not_found"), SERVER),
        (500, openai("The model was not found by our router"), SERVER),
        (429, openai("That model does not exist here", None), RATE),
    ],
)
def test_what_only_mentions_a_model_does_not_say_that_it_is_gone(status: int, body: Any, expected: Failure) -> None:
    assert expected is failed(status, body).failure


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, openai("x", "content_filter")),
        (400, openai(AZURE_FILTER, "content_filter", innererror={"code": "ResponsibleAIPolicyViolation"})),
        (400, {"error": {"code": None, "message": "no", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
        (400, openai("Invalid prompt: your prompt was flagged", "invalid_prompt")),
        (400, litellm(f"BadRequestError: AzureException - {AZURE_FILTER}")),
        (400, litellm("ContentPolicyViolationError: AzureException - no")),
        (
            400,
            litellm("BadRequestError: OpenAIException - Your request was rejected by our safety system."),
        ),
        (400, litellm("BadRequestError: OpenAIException - Error code: 400 - {'error': {'code': 'content_filter'}}")),
        (400, litellm("BadRequestError: AnthropicException - Output blocked by content filtering policy")),
        (400, {"error": {"message": "The response was filtered.", "code": "400"}}),
        (400, {"error": "Your prompt was flagged by moderation"}),
        (422, {"detail": "The prompt has been blocked by our moderation"}),
        (403, {"code": "The caller does not have permission", "error": "Content violates usage guidelines."}),
        (403, openrouter(403, "Your input was flagged", reasons=["violence"], flagged_input="x")),
        (400, openrouter(400, "Provider returned error", raw='{"error":{"code":"content_filter","message":"no"}}')),
        (446, {"error": {"message": "The guardrail checks failed", "type": "hooks_failed", "code": None}}),
        (
            400,
            {"error": {"code": "data_inspection_failed", "message": "Input may contain inappropriate content."}},
        ),
        (400, openai("Content Exists Risk", "invalid_request_error")),
        (400, openai("The prompt was blocked.", None)),
        (400, openai("The request was rejected because it was considered high risk", None)),
        (500, openai("x", "content_filter")),
    ],
)
def test_a_filter_is_a_filter_in_every_disguise(status: int, body: Any) -> None:
    error = failed(status, body)

    assert FILTER is error.failure
    assert not CONSEQUENCES[error.failure].next_model


def test_a_filter_that_the_customers_own_words_hide_is_a_filter() -> None:
    asked = Asked(texts=(AZURE_FILTER, "Say: the response was filtered"))

    assert FILTER is failed(400, litellm(f"BadRequestError: AzureException - {AZURE_FILTER}"), asked=asked).failure


@pytest.mark.parametrize(
    "quoted",
    [
        "the model gpt-4.1 does not exist any more, and this sentence is the customer's",
        "my credit balance is too low to go on with this conversation",
        '{"code": "model_not_found", "message": "hello dear machine"}',
    ],
)
def test_no_customer_can_open_a_breaker_with_words_that_a_provider_quotes(quoted: str) -> None:
    body = openai(f"Invalid value for messages[1].content: {json.dumps(quoted)}")

    assert REQUEST is failed(400, body, asked=Asked(texts=(f"So: {quoted}!",))).failure


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, anthropic("rate_limit_error", "x", error_code="enforced_spend_limit_reached"), NO_CREDIT),
        (400, anthropic("invalid_request_error", "x", error_code="contract_spend_limit_reached"), NO_CREDIT),
        (400, anthropic("invalid_request_error", "Your credit balance is too low to access the API."), NO_CREDIT),
        (429, openai(QUOTA, "insufficient_quota", "insufficient_quota"), NO_CREDIT),
        (429, litellm(f"RateLimitError: OpenAIException - {QUOTA}", "429", "throttling_error"), NO_CREDIT),
        (429, google(429, "RESOURCE_EXHAUSTED", f"{QUOTA} Please retry in 38.2s."), RATE),
        (402, openai("Insufficient Balance", "invalid_request_error", "unknown_error"), NO_CREDIT),
        (403, bedrock("Model access is denied: INVALID_PAYMENT_INSTRUMENT: a valid one is needed."), NO_CREDIT),
        (403, {"code": "x", "error": "Your team has used all available credits"}, NO_CREDIT),
        (403, openrouter(403, "Key limit exceeded (total limit)."), NO_CREDIT),
        (403, openai("Your request was blocked.", None), KEY),
        (403, {"__type": "AccessDeniedException", "message": "not authorized, by a content policy of IAM"}, KEY),
        (
            400,
            {
                "error": {
                    "message": "Budget has been exceeded! Current cost: 3",
                    "type": "budget_exceeded",
                    "code": "400",
                }
            },
            NO_CREDIT,
        ),
        (400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***."}, KEY),
        (400, google(400, "INVALID_ARGUMENT", "API key not valid.", {"reason": "API_KEY_INVALID"}), KEY),
        (403, bedrock("You don't have access to the model with the specified model ID."), KEY),
        (403, openai("Your account was flagged for violating our usage policies", "account_deactivated"), KEY),
        (401, litellm("AuthenticationError: OpenAIException - Incorrect API key provided", "401"), KEY),
        (
            429,
            {"error": {"message": "Nothing left", "type": "all_deployments_in_cooldown", "code": "429"}},
            RATE,
        ),
        (413, openai("Request too large on tokens per minute (TPM)", "rate_limit_exceeded", "tokens"), REQUEST),
        (400, openai("Failed to call a function.", "tool_use_failed"), INVALID),
        (408, litellm("Timeout: APITimeoutError - Request timed out", "408"), TIMEOUT),
        (500, litellm("APIConnectionError: OpenAIException - Connection error", "500"), CONNECTION),
        (500, litellm("InternalServerError: OpenAIException - x", "500"), SERVER),
        (503, litellm("ServiceUnavailableError: OpenAIException - x", "503"), SERVER),
        (502, {"message": "Bad gateway", "code": "InternalServerException"}, CONNECTION),
        (524, openai("x", "server_error"), TIMEOUT),
        (529, anthropic("overloaded_error", "Overloaded"), SERVER),
        (424, {"__type": "com.amazon#ModelErrorException", "message": "x"}, SERVER),
        (400, {"__type": "ThrottlingException", "message": "x"}, RATE),
        (418, "I am a teapot", REQUEST),
        (302, None, REQUEST),
        (400, [], REQUEST),
        (400, {"error": {"message": {"detail": [{"msg": "bad", "input": "x"}]}}}, REQUEST),
    ],
)
def test_what_else_an_error_means(status: int, body: Any, expected: Failure) -> None:
    assert expected is failed(status, body).failure


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"message": "Rate limit exceeded", "code": 429}}, RATE),
        ({"error": {"message": "x", "code": "429"}}, RATE),
        ({"error": {"message": "x", "code": 429.0}}, RATE),
        ({"error": {"message": "x", "code": "rate_limit_exceeded"}, "choices": []}, RATE),
        ({"error": {"code": 402, "message": "Insufficient credits"}, "choices": []}, NO_CREDIT),
        ({"error": {"code": 502, "message": "Provider returned error"}}, CONNECTION),
        ({"error": {"code": 503}}, SERVER),
        ({"error": "Rate limit exceeded", "code": 429}, RATE),
        (
            {
                "choices": [
                    {"error": {"code": 429, "message": "x"}, "finish_reason": "error", "message": {"content": ""}}
                ]
            },
            RATE,
        ),
        ({"choices": [{"finish_reason": "error", "message": {"content": ""}}]}, CONNECTION),
        (anthropic("overloaded_error", "Overloaded"), SERVER),
        (anthropic("rate_limit_error", "x"), RATE),
        (anthropic("not_found_error", "model: claude-2"), GONE),
        (anthropic("not_found_error", "nothing here"), REQUEST),
        ({"status": "failed", "error": {"code": "server_error", "message": "x"}, "output": []}, SERVER),
        ({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "x"}}, RATE),
        ({"status": "failed", "error": {"code": "invalid_prompt", "message": "x"}}, FILTER),
        ({"status": "failed", "error": {"code": "bio_policy", "message": "x"}}, FILTER),
        ({"status": "failed", "error": None}, GARBAGE),
        ({"__type": "com.amazon.coral#ThrottlingException", "message": "slow"}, RATE),
        ({"error": {"status": "RESOURCE_EXHAUSTED", "message": "x"}}, RATE),
        ([google(429, "RESOURCE_EXHAUSTED", "x")], RATE),
        (openai("The model `x` does not exist", "model_not_found"), GONE),
        ({"error": {"message": "The model `x` does not exist", "code": 404}}, GONE),
        (openai(AZURE_FILTER, None), FILTER),
        (openai("Invalid schema", "invalid_request_error"), REQUEST),
        ({"error": {"message": "oops", "code": "e17"}}, GARBAGE),
        ({"error": {"message": "oops", "code": 17}}, GARBAGE),
        ({"error": "oops"}, GARBAGE),
        ({"error": True, "message": "oops"}, GARBAGE),
        ({"object": "error", "message": "x", "type": "RateLimitError", "code": 429}, RATE),
        ({"code": 429, "message": "too many"}, RATE),
        ({"success": False, "errors": [{"code": 429, "message": "x"}]}, RATE),
    ],
)
def test_an_error_inside_a_200_is_that_error(body: Any, expected: Failure) -> None:
    error = error_in(body)

    assert error
    assert (expected, False) == (error.failure, error.charged)


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"message": {"content": "Hello."}, "finish_reason": "stop"}], "error": None},
        {"choices": [{"message": {"content": "x"}, "finish_reason": "stop", "error": None}], "error": {}},
        {"choices": [{"message": {"content": "x"}}], "error": {"code": None, "message": ""}},
        {"status": "completed", "error": None, "output": [{"type": "message"}]},
        {"status": "incomplete", "error": None, "output": [], "incomplete_details": {"reason": "max_output_tokens"}},
        {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "x"}]},
        {"output": {"message": {"content": [{"text": "error"}]}}, "stopReason": "end_turn"},
        {"choices": {}, "content": [3]},
        {},
        [],
        None,
        "error",
        7,
    ],
)
def test_an_answer_is_no_error(body: Any) -> None:
    assert error_in(body) is None


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"error": {"code": 429}, "finish_reason": "error", "message": {"content": "Once upon"}}]},
        {"status": "failed", "error": {"code": "server_error"}, "usage": {"input_tokens": 9, "output_tokens": 1}},
        {"error": {"code": 500}, "choices": [], "usage": {"prompt_tokens": 9.0}},
    ],
)
def test_an_error_that_comes_with_work_was_charged(body: Any) -> None:
    error = error_in(body)

    assert error
    assert error.charged


def test_an_unknown_error_inside_a_200_may_be_billed_and_is_not_retried() -> None:
    error = error_in({"error": {"message": "oops", "code": "e17"}})

    assert error
    row = CONSEQUENCES[error.failure]
    assert (Billed.MAYBE, False, True, True, True) == (row.billed, row.retry, row.next_model, row.counts, error.sent)


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (429, {"retry-after": "7"}, None, 7),
        (429, {"retry-after-ms": "1500"}, None, 1.5),
        (429, {"retry-after-ms": "1500", "retry-after": "2"}, None, 1.5),
        (503, {"retry-after": "7"}, None, 7),
        (529, {"retry-after": "7"}, None, 7),
        (400, {"retry-after": "7"}, None, None),
        (429, {}, google(429, "RESOURCE_EXHAUSTED", "x", {"@type": "RetryInfo", "retryDelay": "7s"}), 7),
        (429, {}, openai("Rate limit reached. Please try again in 1.2s. Visit", "rate_limit_exceeded"), 1.2),
        (429, {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m30s"}, None, 1),
        (
            429,
            {
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-requests": "9",
                "x-ratelimit-reset-tokens": "6m30s",
                "x-ratelimit-remaining-tokens": "0",
            },
            None,
            390,
        ),
        (500, {"x-ratelimit-reset-requests": "1s"}, None, None),
        (429, {}, openrouter(429, "x", headers={"X-RateLimit-Reset": "250ms", "X-RateLimit-Remaining": "0"}), 0.25),
        (429, {"retry-after": "999999"}, None, None),
    ],
)
def test_what_an_answer_asks_us_to_wait(
    status: int, headers: dict[str, str], body: Any, expected: float | None
) -> None:
    assert expected == failed(status, body, headers).retry_after_s


def test_anthropics_reset_is_a_moment() -> None:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30))
    headers = {"anthropic-ratelimit-tokens-reset": at, "anthropic-ratelimit-tokens-remaining": "0"}

    wait = failed(429, anthropic("rate_limit_error", "x"), headers).retry_after_s

    assert wait is not None
    assert 25 < wait <= 30


def test_the_sentence_is_kept_without_the_key_and_the_prompt_and_the_errors_text_is_without_it() -> None:
    asked = Asked.by(
        {"model": "gpt-6-luna", "messages": [{"role": "user", "content": "my tooth hurts since last night"}]}, "hunter2"
    )
    body = openai("The model `gpt-6-luna` refused hunter2: 'My tooth hurts since last night'", "model_not_found")

    error = failed(404, body, asked=asked)

    assert "The model `gpt-6-luna` refused […]" == error.said.rstrip("'")
    assert "model_gone: 404 invalid_request_error model_not_found" == str(error)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (openai("  Two\n lines "), "Two lines"),
        ({"error": "plain"}, "plain"),
        ({"detail": [{"msg": "field required", "input": "secret stuff"}]}, "field required"),
        (openrouter(502, "Provider returned error", raw="upstream broke"), "Provider returned error: upstream broke"),
        ("no healthy upstream", "no healthy upstream"),
        ({"error": {"code": 3}}, ""),
        (None, ""),
    ],
)
def test_the_sentence_is_found_wherever_it_stands(body: Any, said: str) -> None:
    assert said == failed(400, body).said


def test_a_deep_or_endless_body_is_read_all_the_same() -> None:
    body: Any = "deep"
    for _ in range(300):
        body = {"error": body, "metadata": {"raw": [body]}}

    assert REQUEST is failed(400, body).failure
    assert len(failed(400, openai("x" * 100_000)).said) <= 300


FIELDS = """
error errors code type status message detail details metadata raw headers flagged_input choices content usage param
innererror retryDelay __type x
"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["429", "failed"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS.split()),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.integers(300, 599), JSON, st.dictionaries(st.sampled_from(["retry-after", "x-amzn-errortype"]), st.text()))
def test_whatever_comes_is_read(status: int, body: Any, headers: dict[str, str]) -> None:
    error, inside = failed(status, body, headers), error_in(body, headers)

    for read in (error, inside) if inside else (error,):
        assert len(read.said) <= 300
        assert "\n" not in read.said
        assert len(str(read)) < 3_000
        assert read.retry_after_s is None or 0 <= read.retry_after_s <= 86_400

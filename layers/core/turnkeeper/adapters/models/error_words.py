"""The tables by which providers' errors are read: what their codes mean and, where no code tells, their sentences.

Sources: https://developers.openai.com/api/docs/guides/error-codes, https://platform.claude.com/docs/en/api/errors,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (Errors),
https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter,
https://ai.google.dev/gemini-api/docs/troubleshooting, https://console.groq.com/docs/errors,
https://openrouter.ai/docs/api/reference/errors-and-debugging, https://api-docs.deepseek.com/quick_start/error_codes,
https://docs.litellm.ai/docs/exception_mapping.
"""

import re

from turnkeeper.domain.failures import Failure

_AS_WRITTEN: dict[Failure, str] = {
    Failure.NO_CREDIT: """
        insufficient_quota insufficient_user_quota billing_error billing_hard_limit_reached billing_not_active
        insufficient_credits insufficient_balance insufficient_funds out_of_credits credits_exhausted payment_required
        exceeded_current_quota budget_exceeded enforced_spend_limit_reached contract_spend_limit_reached
        linked_organization_spend_limit_reached spend_limit_reached INVALID_PAYMENT_INSTRUMENT PaymentRequiredException
        ServiceQuotaExceededException
    """,
    Failure.CONTENT_FILTER: """
        content_filter content_filtered content_filtering content_policy content_policy_violation invalid_prompt
        ResponsibleAIPolicyViolation ContentPolicyViolationError prohibited_content content_moderation moderation
        content_blocked content_violation safety image_safety safety_violation bio_policy cyber_policy
        misalignment_policy_violation data_inspection_failed hooks_failed guardrail_violation guardrail_intervened
        BlockedPiiEntityError GuardrailRaisedException RejectedRequestError
    """,
    Failure.MODEL_GONE: """
        model_not_found model_decommissioned model_deprecated model_retired model_not_available model_not_exist
        model_not_supported model_does_not_exist invalid_model invalid_model_error unknown_model no_such_model
        model_end_of_life DeploymentNotFound DeploymentRetired ModelDeprecated ModelNotFoundException
    """,
    Failure.BAD_KEY: """
        invalid_api_key API_KEY_INVALID api_key_expired expired_key expired_api_key missing_api_key authentication_error
        AuthenticationError invalid_authentication unauthenticated unauthorized permission_error permission_denied
        PermissionDeniedError account_deactivated unsupported_country_region_territory key_model_access_denied
        AccessDeniedException ExpiredTokenException InvalidSignatureException UnrecognizedClientException
        IncompleteSignature InvalidClientTokenId MissingAuthenticationTokenException NotAuthorizedException
        OptInRequired no_db_connection
    """,
    Failure.RATE_LIMITED: """
        rate_limit rate_limited rate_limit_error rate_limit_exceeded rate_limit_reached too_many_requests slow_down
        resource_exhausted all_deployments_in_cooldown ThrottlingException Throttling ThrottledException
        TooManyRequestsException RequestLimitExceeded ModelNotReadyException engine_overloaded
    """,
    Failure.TIMEOUT: """
        timeout timeout_error request_timeout gateway_timeout deadline_exceeded APITimeoutError ModelTimeoutException
    """,
    Failure.CONNECTION: """
        bad_gateway BadGatewayError APIConnectionError upstream_error upstream_connection_error
    """,
    Failure.SERVER_ERROR: """
        server_error api_error internal internal_error internal_server_error InternalServerException overloaded
        overloaded_error engine_overloaded_error service_unavailable ServiceUnavailableException unavailable
        ModelErrorException model_overloaded service_tier_capacity_exceeded
    """,
    Failure.INVALID_OUTPUT: """
        tool_use_failed json_validate_failed output_parse_failed
    """,
    Failure.BAD_REQUEST: """
        context_length_exceeded ContextWindowExceededError string_above_max_length request_too_large payload_too_large
        unsupported_parameter UnsupportedParamsError unsupported_value unknown_parameter missing_required_parameter
        invalid_type invalid_value invalid_json_schema invalid_function_parameters integer_below_min_value
        integer_above_max_value array_above_max_length invalid_encrypted_content unknown_url
    """,
}

_VAGUE = "invalid_request_error invalid_argument bad_request ValidationException unprocessable_entity not_found"
"""Codes that say that a request was wrong, and not in what: beside one of these the sentence is looked at."""


def bare(code: str) -> str:
    """Return a code as it is looked up: RateLimitError, rate-limit and RATE_LIMIT are one."""
    return re.sub(r"(?:exception|errors?)$", "", re.sub(r"[\W_]", "", code).lower())


CODES = {bare(code): failure for failure, codes in _AS_WRITTEN.items() for code in codes.split()}
"""What each code means. Those of BAD_REQUEST say what is wrong with the request, so its sentence is not looked at."""

WRONG_REQUESTS = {bare(code) for code in _VAGUE.split()}

UNREADABLE = re.compile(
    r"""(?ix)
    \bline\s\d+\scolumn\s\d+\s\(char\s\d+\) | \b(?:invalid|malformed|unexpected|unparsable)\sresponse\b
    | (?:\A|\s-\s)<(?:!doctype\s)?html\b | \bunable\sto\s(?:get|parse|decode)\s(?:the\s)?(?:json|response)\b
    """
)
LOST = re.compile(
    r"""(?ix)
    \bconnection\s(?:was\s)?(?:error|reset|closed|aborted|broken|lost|terminated)\b | \bserver\sdisconnected\b
    | \bpeer\sclosed\b | \bincomplete\s(?:chunked\s)?read\b | \bbroken\spipe\b | \breset\s(?:by\speer|before\sheaders)\b
    | \bupstream\sconnect\serror\b
    """
)
"""How a gateway says, with a 500 of its own, that it could not read an answer of the provider, or that it lost it."""

_OF_THE_ACCOUNT = r"(?:accounts?|organi[sz]ations?|api keys?)\b.{0,20}\b(?:has|have|is|was|been)\b"
FILTERED = re.compile(
    r"""(?ix)
    \bcontent[ -](?:management\s|safety\s|usage\s)?polic(?:y|ies)
    | \bcontent[ -](?:filter(?:s|ed|ing)?|moderation|safety)\b
    | \b(?:response|request|prompt|content|output|input|message|completion|answer|text)s?\b.{0,20}
      \b(?:was|were|been|being|is|are|got)\s(?:\w+\s){0,2}?(?:filtered|flagged|moderated)\b
    | \bsafety\s(?:systems?|filters?|polic(?:y|ies)|guidelines?|checks?|reasons?|classifiers?|standards?)\b
    | \bfor\ssafety\b | \bdue\sto\ssafety\b | \bsafety_(?:check|violation)
    | \b(?:usage|acceptable\suse|responsible\sai)\s(?:polic(?:y|ies)|guidelines?)\b
    | \bresponsible\sai\b | \bprohibited[ _]content\b | \binappropriate\scontent\b | \bsensitive\scontent\b
    | \bharmful\s(?:content|categor) | \bcontent\sexists\srisk\b | \bconsidered\shigh[ -]risk\b
    | \b(?:response|prompt|content|output|completion|answer)s?\b.{0,20}
      \b(?:was|were|been|being|is|are|got)\s(?:\w+\s){0,2}?(?:blocked|rejected)\b
    | \b(?:flagged|blocked|rejected|refused|denied)\s.{0,40}\b(?:moderation|guardrails?|safety)\b
    | \bguardrails?\s(?:intervened|violat|blocked|polic) | \bviolat\w+\sguardrail
    """
)
ACCOUNT_BLOCKED = re.compile(_OF_THE_ACCOUNT, re.IGNORECASE)
"""A sentence about a filter may be about an account that was closed for what it sent: that is no filter."""

NO_CREDIT = re.compile(
    r"""(?ix)
    \bcredit\sbalance\b | \bapi\susage\slimits\b | \bbudget\shas\sbeen\sexceeded\b | \bexceededbudget\b
    | \b(?:insufficient|not\senough)\s(?:account\s)?(?:balance|funds|credits?|quota)\b
    | \b(?:out\sof|more|all\savailable|remaining|prepayment)\scredits\b
    | \bcredits\s(?:have\sbeen\s|has\sbeen\s|are\s|were\s)?(?:exhausted|depleted|used\sup)\b
    | \b(?:spend|spending|billing)\s(?:hard\s)?(?:limit|cap)\b | \bpayment\s(?:is\s)?required\b
    | \bkey\slimit\sexceeded\b | invalid_payment_instrument | \bvalid\spayment\s(?:instrument|method)\b
    """
)
QUOTA = re.compile(r"\bexceeded your current quota\b", re.IGNORECASE)
"""OpenAI says so when credit is used up, and Gemini, with the code RESOURCE_EXHAUSTED or a pause, of any rate limit."""

NOT_FOUND = {bare("not_found"), bare("ResourceNotFoundException")}
PAUSES = {bare("resource_exhausted")}
DENIED = {bare("AccessDeniedException")}

BAD_KEY = re.compile(
    r"""(?ix)
    \b(?:incorrect|invalid|expired|missing|malformed)\sapi[ -]key\b
    | \bapi[ -]key\s(?:is\s|has\s)?(?:not\svalid|invalid|expired)
    | \buse\scase\sdetails\b | \b(?:unsupported\scountr|location\sis\snot\ssupported)
    """
)

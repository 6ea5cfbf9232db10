"""The contract of the API as OpenAPI 3.1, made from the routes themselves."""

import json
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.models import OAuth2, OAuthFlowClientCredentials, OAuthFlows

from turnkeeper.api import operators, turns
from turnkeeper.api.answers import components, responses
from turnkeeper.api.identity import SCOPE
from turnkeeper.ports import Json

VERSION = "1"
_DESCRIPTION = """\
Every accepted turn ends exactly once: answered by a model, by a person, or told honestly that nobody could. Errors are
RFC 9457 problem+json with `type` = `urn:turnkeeper:error:<code>`. Send an access token: `Authorization: Bearer ...`."""

_NOT_OURS = {"HTTPValidationError", "ResponseValidationError", "ValidationError"}
"""What Powertools documents as its own answers to what is not valid; ours are problems."""


@cache
def document() -> str:
    """Return the contract as JSON text."""
    app = APIGatewayRestResolver(enable_validation=True)
    app.include_router(turns.router)
    app.include_router(operators.router)
    flow = OAuthFlowClientCredentials(tokenUrl="https://example.com/oauth2/token", scopes={SCOPE: "Send turns"})
    written: Json = json.loads(
        app.get_openapi_json_schema(
            title="Turnkeeper",
            version=VERSION,
            description=_DESCRIPTION,
            security_schemes={"cognito": OAuth2(flows=OAuthFlows(clientCredentials=flow))},
            security=[{"cognito": [SCOPE]}],
        )
    )
    for path, item in written["paths"].items():
        for method, operation in item.items():
            operation["responses"] = responses(f"{method.upper()} {path}")
    inputs = {name: schema for name, schema in written["components"]["schemas"].items() if name not in _NOT_OURS}
    written["components"]["schemas"] = {**inputs, **components()}
    return json.dumps(written, ensure_ascii=False)


def handler(_: Json, __: Any) -> Json:
    """Serve the contract."""
    headers = {"Content-Type": "application/json", "Cache-Control": "public, max-age=300"}
    return {"statusCode": 200, "headers": headers, "body": document(), "isBase64Encoded": False}

"""Errors of AWS calls, in the words of the one table of failures."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own name
    ConnectTimeoutError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

AWS_ERRORS = (ClientError, BotoCoreError, ResponseParserError)
"""Everything a call of a client raises for what the network or the other side did."""

_SERVER = 500
_FAILURES = {
    401: Failure.BAD_KEY,
    402: Failure.NO_CREDIT,
    403: Failure.BAD_KEY,
    408: Failure.TIMEOUT,
    429: Failure.RATE_LIMITED,
    504: Failure.TIMEOUT,
}


def as_dependency_error(error: Exception) -> DependencyError:
    """Say how a call of an AWS service failed."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        code = str(error.response.get("Error", {}).get("Code", ""))
        if "Throttl" in code:
            return DependencyError(Failure.RATE_LIMITED, code)
        default = Failure.SERVER_ERROR if status >= _SERVER else Failure.BAD_REQUEST
        return DependencyError(_FAILURES.get(status, default), code)
    if isinstance(error, (ReadTimeoutError, ConnectTimeoutError)):
        return DependencyError(Failure.TIMEOUT, type(error).__name__, sent=isinstance(error, ReadTimeoutError))
    if isinstance(error, (ConnectionError, HTTPClientError)):
        return DependencyError(Failure.CONNECTION, type(error).__name__)
    if isinstance(error, ResponseParserError):  # a load balancer's or a proxy's answer, in the service's place
        return DependencyError(Failure.SERVER_ERROR, type(error).__name__)
    return DependencyError(Failure.BAD_REQUEST, type(error).__name__)

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

from turnkeeper.domain.failures import Failure, failure_of_status
from turnkeeper.errors import DependencyError

AWS_ERRORS = (ClientError, BotoCoreError, ResponseParserError)
"""Everything a call of a client raises for what the network or the other side did."""


def as_dependency_error(error: Exception) -> DependencyError:
    """Say how a call of an AWS service failed."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        code = str(error.response.get("Error", {}).get("Code", ""))
        if "Throttl" in code:
            return DependencyError(Failure.RATE_LIMITED, code)
        return DependencyError(failure_of_status(status), code)
    if isinstance(error, (ReadTimeoutError, ConnectTimeoutError)):
        return DependencyError(Failure.TIMEOUT, type(error).__name__, sent=isinstance(error, ReadTimeoutError))
    # What cannot be parsed, a load balancer or a proxy answered in the service's place, as with a 502.
    if isinstance(error, (ConnectionError, HTTPClientError, ResponseParserError)):
        return DependencyError(Failure.CONNECTION, type(error).__name__)
    return DependencyError(Failure.BAD_REQUEST, type(error).__name__)

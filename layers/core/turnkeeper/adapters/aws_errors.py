"""Names the errors of AWS calls as failures (`domain/failures.py`)."""

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
"""Everything that a boto3 client raises because of the network or the service."""


def as_dependency_error(error: Exception) -> DependencyError:
    """Return what an error of a boto3 client (one of AWS_ERRORS) means; `sent` is False where no request left."""
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

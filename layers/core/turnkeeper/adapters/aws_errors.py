"""Errors of AWS calls, in the words of the one table of failures."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own name
    ConnectTimeoutError,
    HTTPClientError,
    ReadTimeoutError,
)

from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

AWS_ERRORS = (ClientError, BotoCoreError)

_THROTTLED = 429
_SERVER = 500
_DENIED = (401, 403)


def as_dependency_error(error: Exception) -> DependencyError:
    """Say how a call of an AWS service failed."""
    if isinstance(error, ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        code = str(error.response.get("Error", {}).get("Code", ""))
        if status == _THROTTLED or "Throttl" in code:
            return DependencyError(Failure.RATE_LIMITED, code)
        if status in _DENIED:
            return DependencyError(Failure.BAD_KEY, code)
        return DependencyError(Failure.SERVER_ERROR if status >= _SERVER else Failure.BAD_REQUEST, code)
    if isinstance(error, (ReadTimeoutError, ConnectTimeoutError)):
        return DependencyError(Failure.TIMEOUT, type(error).__name__, sent=isinstance(error, ReadTimeoutError))
    if isinstance(error, (ConnectionError, HTTPClientError)):
        return DependencyError(Failure.CONNECTION, type(error).__name__)
    return DependencyError(Failure.BAD_REQUEST, type(error).__name__)

"""Reads API keys from the environment, Secrets Manager or SSM; a rotated key is fetched again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters.base import BaseProvider

_MAX_AGE_S = 300
_SSM = "ssm:"
_REFUSED = {"AccessDeniedException", "DecryptionFailure", "ParameterNotFound", "ResourceNotFoundException"}
"""Errors that last until the owner acts; any other is a passing failure of the store."""


class ApiKey:
    """One key, such as a provider's.

    The environment variable `variable` holds the key itself. Where it is not set, `<variable>_SECRET` names a secret of
    Secrets Manager, or, as `ssm:/name`, a SecureString parameter of SSM; either is cached for 300 seconds.
    """

    def __init__(self, environment: Mapping[str, str], variable: str) -> None:
        self._variable = variable
        self._plain = environment.get(variable, "")
        self._name = environment.get(f"{variable}_SECRET", "")
        self._provider: BaseProvider | None = None
        self._last = ""

    def read(self, *, again: bool = False) -> str:
        """Return the key; `again` ignores the cache. Raises DependencyError (BAD_KEY or CONNECTION, sent=False)."""
        if self._plain:
            return self._plain
        if not self._name:
            raise DependencyError(Failure.BAD_KEY, f"set {self._variable} or {self._variable}_SECRET", sent=False)
        return self._fetch(again=again)

    def _fetch(self, *, again: bool) -> str:
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError  # noqa: PLC0415
        from botocore.exceptions import ClientError  # noqa: PLC0415

        ssm = self._name.startswith(_SSM)
        options: dict[str, Any] = {"decrypt": True} if ssm else {}
        try:
            self._provider = self._provider or _provider(ssm=ssm)
            key = self._provider.get(self._name.removeprefix(_SSM), max_age=_MAX_AGE_S, force_fetch=again, **options)
        except GetParameterError as error:
            if self._last and not again:
                return self._last  # the store of keys is unreachable, and the last key is probably still valid
            cause = error.__cause__ or error.__context__
            code = cause.response["Error"].get("Code", "") if isinstance(cause, ClientError) else ""
            failure = Failure.BAD_KEY if code in _REFUSED else Failure.CONNECTION
            raise DependencyError(failure, f"the secret {self._name} cannot be read", sent=False) from error
        if not isinstance(key, str) or not key.strip():
            raise DependencyError(Failure.BAD_KEY, f"the secret {self._name} is empty", sent=False)
        self._last = key.strip()
        return self._last


def _provider(*, ssm: bool) -> "BaseProvider":
    from aws_lambda_powertools.utilities import parameters  # noqa: PLC0415 - only a function that calls models needs it
    from botocore.config import Config  # noqa: PLC0415

    config = Config(connect_timeout=0.5, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
    return parameters.SSMProvider(boto_config=config) if ssm else parameters.SecretsProvider(boto_config=config)

"""Reads secrets by name from the environment, Secrets Manager or SSM; a rotated secret is fetched again."""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from turnkeeper.domain.failures import Failure
from turnkeeper.errors import DependencyError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters.base import BaseProvider

_MAX_AGE_S = 300
_SSM, _ARN = "ssm:", "arn:"
_PREFIX = "turnkeeper/"
_MISSING = {"ParameterNotFound", "ResourceNotFoundException"}
_DELETED = "InvalidRequestException"
_FORBIDDEN = {"AccessDeniedException", "DecryptionFailure"}
"""Errors that last until the owner acts, as those above do; any other is a passing failure of the store."""

_KEY = re.compile(r"[!-~]+")
"""What a header can carry: ASCII that is neither white space nor a control character."""


class Secrets:
    """The secrets of a deployment, each under a name.

    A secret is looked for in the environment variable made of its name, such as OPENAI_API_KEY for `openai-api-key`;
    this is for local use. Where that is not set, `ssm:/name` is a SecureString parameter of SSM, `arn:...` a secret of
    Secrets Manager (the callbacks' key only), and any other name the secret `<prefix><name>` there. `prefix` is
    `SECRETS_PREFIX` by default.
    """

    def __init__(self, environment: Mapping[str, str], prefix: str | None = None) -> None:
        self._environment = environment
        self._prefix = (environment.get("SECRETS_PREFIX") or _PREFIX) if prefix is None else prefix
        self._secrets: dict[str, Secret] = {}

    def secret(self, name: str) -> "Secret":
        """Return the secret of this name, always the same object; nothing is read yet."""
        variable = variable_of(name)
        place = name if name.startswith((_SSM, _ARN)) else f"{self._prefix}{name}"
        made = Secret(name, place, variable, self._environment.get(variable, ""))
        return self._secrets.setdefault(name, made)


def variable_of(name: str) -> str:
    """Return the environment variable that holds a secret locally: ORDERS_KEY for `orders-key` or `ssm:/orders/key`."""
    return re.sub("[^A-Z0-9]", "_", name.removeprefix(_SSM).lstrip("/").upper())


class Secret:
    """One secret: a key alone, or a JSON object of text fields. It is cached for 300 seconds."""

    def __init__(self, name: str, place: str, variable: str, plain: str) -> None:
        self.name = name
        self._place, self._variable, self._plain = place, variable, plain.strip()
        self._provider: BaseProvider | None = None
        self._last = ""

    def read(self, *, again: bool = False) -> str:
        """Return the key; `again` ignores the cache. Raises DependencyError (BAD_KEY or CONNECTION, sent=False)."""
        text = self._text(again=again)
        if _object(text) is not None:
            raise self._malformed("it is a JSON object: store the key alone")
        if not _KEY.fullmatch(text):
            raise self._malformed("store the key alone, in ASCII, with no white space inside")
        return text

    def fields(self, *names: str, again: bool = False) -> tuple[str, ...]:
        """Return these fields of a JSON object, in order; otherwise as `read`."""
        found = _object(self._text(again=again)) or {}
        values = [found.get(name) for name in names]
        if not all(isinstance(value, str) and value for value in values):
            wanted = ", ".join(f'"{name}": "..."' for name in names)
            raise self._malformed(f"store the JSON object {{{wanted}}}, with text that is not empty")
        return tuple(map(str, values))

    def rejected(self, by: str) -> DependencyError:
        """Return the error that says who rejected the secret, and how; it quotes `by`, and never the secret."""
        detail = f"the secret {self.name} was rejected {by}: store a valid one in {self._where}"
        return DependencyError(Failure.BAD_KEY, detail, sent=False)

    @property
    def _where(self) -> str:
        if self._plain:
            return self._variable
        if self._place.startswith(_SSM):
            return f"SSM as {self._place.removeprefix(_SSM)}"
        return f"Secrets Manager as {self._place}"

    def _text(self, *, again: bool) -> str:
        if self._plain:
            return self._plain
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError  # noqa: PLC0415

        ssm = self._place.startswith(_SSM)
        options: dict[str, Any] = {"decrypt": True} if ssm else {}
        try:
            self._provider = self._provider or _provider(ssm=ssm)
            text = self._provider.get(self._place.removeprefix(_SSM), max_age=_MAX_AGE_S, force_fetch=again, **options)
        except GetParameterError as error:
            unread = self._unread(error)
            if unread.failure is not Failure.CONNECTION:
                self._last = ""
            if self._last and not again:
                return self._last  # the store of secrets is unreachable, and the last one is probably still valid
            raise unread from error
        self._last = text.strip() if isinstance(text, str) else ""
        if not self._last:
            raise self._malformed("it is empty, or no text")
        return self._last

    def _unread(self, error: Exception) -> DependencyError:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        cause = error.__cause__ or error.__context__
        code = cause.response["Error"].get("Code", "") if isinstance(cause, ClientError) else ""
        if code in _MISSING:
            detail = f"the secret {self.name} is missing: store it in {self._where}, or locally in {self._variable}"
            return DependencyError(Failure.BAD_KEY, detail, sent=False)
        if code == _DELETED:
            detail = f"the secret {self.name} is marked for deletion: restore it in {self._where}, or store another"
            return DependencyError(Failure.BAD_KEY, detail, sent=False)
        if code in _FORBIDDEN:
            detail = f"the secret {self.name} may not be read ({code}): let the functions read it in {self._where}"
            return DependencyError(Failure.BAD_KEY, detail, sent=False)
        return DependencyError(Failure.CONNECTION, f"the secret {self.name} cannot be read now", sent=False)

    def _malformed(self, instead: str) -> DependencyError:
        detail = f"the secret {self.name} in {self._where} is malformed: {instead}"
        return DependencyError(Failure.BAD_KEY, detail, sent=False)


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _provider(*, ssm: bool) -> "BaseProvider":
    from aws_lambda_powertools.utilities import parameters  # noqa: PLC0415 - only a function that calls models needs it
    from botocore.config import Config  # noqa: PLC0415

    config = Config(connect_timeout=0.5, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
    return parameters.SSMProvider(boto_config=config) if ssm else parameters.SecretsProvider(boto_config=config)

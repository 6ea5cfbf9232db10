"""The composition root: makes the services of a deployment out of its environment variables, once in a process."""

import os
from functools import cache

from turnkeeper.runtime.current_stage import KnownStage
from turnkeeper.services import Services
from turnkeeper.settings import Settings


@cache
def services() -> Services:
    """Make the services of this environment; raises MissingSetting, which names the variable."""
    settings = Settings.from_env(os.environ)
    from turnkeeper.adapters.aws import aws_outside  # noqa: PLC0415 - boto3 is loaded by the first call, not at import

    known = KnownStage()
    return Services(settings, aws_outside(settings, lambda: known.stage), known)

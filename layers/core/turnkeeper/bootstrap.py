"""The composition root: makes the services of a deployment out of its environment variables, once in a process."""

import os
from functools import cache

from turnkeeper.adapters.aws import aws_outside
from turnkeeper.services import Services
from turnkeeper.settings import Settings


@cache
def services() -> Services:
    """Make the services of this environment; raises MissingSetting, which names the variable."""
    settings = Settings.from_env(os.environ)
    return Services(settings, aws_outside(settings))

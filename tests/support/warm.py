"""Loads, once and before they fork, what every process of a crowd needs."""

import tests.concurrency.deployment
import tests.support.world  # noqa: F401 - loading it is the purpose
from tests.support.emulator import Cloud

Cloud("http://127.0.0.1:9", "none").client()

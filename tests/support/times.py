"""The factor by which the random tests have more runs than usual: TURNKEEPER_TIMES, which `make verify` sets."""

import os

TIMES = int(os.environ.get("TURNKEEPER_TIMES", "1"))

"""How many times as many runs as usual the random tests have: TURNKEEPER_TIMES, which `make verify` sets."""

import os

TIMES = int(os.environ.get("TURNKEEPER_TIMES", "1"))

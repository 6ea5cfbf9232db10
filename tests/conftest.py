"""What holds for every test: random ones run as often as asked, and the API's answers are held to its contract."""

import pytest
from hypothesis import settings

from tests.support.contract import hold_to_contract
from tests.support.times import TIMES
from tests.support.world import LOOKS

settings.register_profile("turnkeeper", settings(), max_examples=100 * TIMES)
settings.load_profile("turnkeeper")

LOOKS.append(hold_to_contract)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat what is marked as random."""
    if TIMES > 1 and metafunc.definition.get_closest_marker("random"):
        metafunc.fixturenames.append("run")
        metafunc.parametrize("run", range(TIMES))

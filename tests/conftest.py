"""What holds for every test: each answer that the API gives in it is held to the contract."""

from tests.support.contract import hold_to_contract
from tests.support.world import LOOKS

LOOKS.append(hold_to_contract)

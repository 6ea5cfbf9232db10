"""The page has words for every code that it may meet, and for no other."""

import re
from enum import StrEnum
from pathlib import Path

import pytest
from turnkeeper.domain.failures import Failure
from turnkeeper.domain.reasons import Reason
from turnkeeper.domain.tier import Tier

WORDS = (Path(__file__).parents[2] / "layers/core/turnkeeper/console/words.js").read_text()


@pytest.mark.parametrize(("table", "codes"), [("REASONS", Reason), ("ERRORS", Failure), ("TIERS", Tier)])
def test_every_code_has_its_words(table: str, codes: type[StrEnum]) -> None:
    found = re.search(rf"const {table} = {{(.*?)}};", WORDS, re.DOTALL)

    assert found
    assert sorted(codes) == sorted(re.findall(r"^  (\w+):", found[1], re.MULTILINE))

"""NaN and the infinities are found at every depth, and what is written is JSON."""

import dataclasses
import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, computed_field
from turnkeeper.domain.finite import NOT_FINITE, finite, not_finite

NAN, INF = math.nan, math.inf


@dataclasses.dataclass
class Point:
    x: float


class Part(BaseModel):
    model_config = ConfigDict(extra="allow")

    share: float = Field(0, alias="theShare")


class Whole(BaseModel):
    part: Part = Part()
    parts: list[Part] = []
    amount: Decimal = Field(Decimal(0), allow_inf_nan=True)
    facts: dict[str, Any] = {}
    point: Point = Point(0)

    @computed_field  # type: ignore[prop-decorator]  # as pydantic's documentation says
    @property
    def double(self) -> float:
        """Twice the share."""
        return self.part.share * 2 if math.isfinite(self.part.share) else 0


@pytest.mark.parametrize("wrong", [NAN, INF, -INF])
@pytest.mark.parametrize(
    ("make", "place"),
    [
        (lambda x: x, ""),
        (lambda x: [1, x], "1"),
        (lambda x: {"a": {"b": [x]}}, "a.b.0"),
        (lambda x: {x: 1}, None),
        (lambda x: {1.5, x}, None),
        (lambda x: (x,), "0"),
        (Decimal, ""),
        (lambda x: complex(1, x), ""),
        (lambda x: Whole(part=Part(theShare=x)), "part.theShare"),
        (lambda x: Whole(parts=[Part(), Part(theShare=x)]), "parts.1.theShare"),
        (lambda x: Whole(part=Part.model_validate({"more": {"x": x}})), "part.more.x"),
        (lambda x: Whole(amount=Decimal(x)), "amount"),
        (lambda x: Whole(facts={"a": [x]}), "facts.a.0"),
        (lambda x: Whole(point=Point(x)), "point.x"),
    ],
)
def test_a_number_that_is_not_finite_is_found_with_its_place(make: Any, place: str | None, wrong: float) -> None:
    (found,) = not_finite(make(wrong))

    assert place is None or (f"{place}: {NOT_FINITE}" if place else NOT_FINITE) == found


def test_a_computed_field_counts_too() -> None:
    assert [f"double: {NOT_FINITE}"] == not_finite(Whole(part=Part(theShare=1.5e308)))


@pytest.mark.parametrize("right", [0, 1.5, True, None, "NaN", Decimal("1e999"), 10**400, Whole(), b"x", [{}]])
def test_what_is_finite_is_not_found(right: Any) -> None:
    assert [] == not_finite(right)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_what_is_made_finite_is_json_and_else_as_it_was(data: Any) -> None:
    made = finite(data)

    assert [] == not_finite(made)
    assert made == json.loads(json.dumps(made, allow_nan=False))
    assert made == data or not_finite(data)

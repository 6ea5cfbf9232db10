"""The form that is made out of an output schema: what it takes, what it refuses, and what it gives the server."""

import re
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pydantic import BaseModel

from tests.console.conftest import Open
from tests.console.server import Site

pytestmark = pytest.mark.browser


class Quote(BaseModel):
    """An output of many kinds of fields."""

    amount: float
    price: Decimal
    number: str | int
    pieces: int | float | None = None
    tags: list[str]
    sizes: list[int] | None = None
    parts: dict[str, int] | None = None


_MAKE = """async (schema) => {
  const { outputForm } = await import(new URL("console/form.js", document.baseURI));
  window.form = outputForm(schema);
  document.getElementById("main").replaceChildren(form.element);
}"""


@pytest.fixture
def page(visit: Open, site: Site) -> Page:
    """The form alone, in the console's page."""
    page = visit(who="")
    page.evaluate(_MAKE, Quote.model_json_schema())
    return page


def read(page: Page) -> Any:
    return page.evaluate("form.read()")


def fill(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.get_by_label(re.compile(f"^{name.capitalize()}( optional)?$")).fill(value)


def test_what_it_gives_is_what_the_model_takes(page: Page) -> None:
    fill(page, amount="1,5", price="1234567890.10", number="12", pieces="3", parts='{"a": 1}')
    page.get_by_label("Tags 1").fill("one")
    page.get_by_role("button", name="Add to sizes").click()
    page.get_by_label("Sizes 1").fill("41")
    given = read(page)

    assert [] == given["errors"]
    assert {"amount": 1.5, "price": "1234567890.10", "number": "12", "pieces": 3} == {
        name: given["value"][name] for name in ("amount", "price", "number", "pieces")
    }
    quote = Quote.model_validate_json(page.evaluate("JSON.stringify(form.read().value)"), strict=True)
    assert (Decimal("1234567890.10"), ["one"], [41], {"a": 1}) == (quote.price, quote.tags, quote.sizes, quote.parts)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1,000", "can be read in two ways: write 1000 or 1.000"),
        ("-12,500", "can be read in two ways: write -12500 or -12.500"),
        ("1,000,000", "is not a number"),
        ("0x10", "is not a number"),
        ("ten", "is not a number"),
    ],
)
def test_a_number_that_could_mean_another_is_refused(page: Page, text: str, why: str) -> None:
    fill(page, amount=text, price=text)

    assert {f"amount: {why}", f"price: {why}"} <= set(read(page)["errors"])


def test_a_list_has_a_row_for_each_item(page: Page) -> None:
    page.get_by_label("Tags 1").fill("one")
    for name in ("two", "three"):
        page.get_by_role("button", name="Add to tags").click()
        page.keyboard.type(name)
    page.get_by_role("listitem").filter(has=page.get_by_label("Tags 2")).get_by_role("button", name="Remove").click()

    assert ["one", "three"] == read(page)["value"]["tags"]
    expect(page.get_by_label("Tags 2")).to_be_focused()


def test_what_is_wrong_with_an_item_is_shown_at_its_row(page: Page) -> None:
    page.get_by_role("button", name="Add to sizes").click()
    page.get_by_role("button", name="Add to sizes").click()
    page.get_by_label("Sizes 2").fill("many")
    assert [] == page.evaluate("form.showErrors(form.read().errors)")
    expect(page.get_by_label("Sizes 2")).to_have_accessible_description("is not a number")
    expect(page.get_by_label("Sizes 2")).to_be_focused()


def test_a_list_that_was_written_back_reads_the_same(page: Page) -> None:
    page.evaluate("form.write({amount: 1, price: '2.50', number: 'x', tags: ['a', 'b'], sizes: [1]})")
    given = read(page)["value"]

    assert (["a", "b"], [1], "2.50", "x") == (given["tags"], given["sizes"], given["price"], given["number"])


def test_a_time_is_written_with_24_hours(page: Page) -> None:
    page.evaluate(_MAKE, {"type": "object", "properties": {"time": {"type": "string", "format": "time"}}})
    fill(page, time="9:05")
    early = read(page)["value"]
    page.evaluate("form.write({time: '14:30:00'})")
    expect(page.get_by_label("Time")).to_have_value("14:30")
    fill(page, time="02:30 PM")

    assert {"time": "09:05"} == early
    assert ["time: is not a time such as 14:30"] == read(page)["errors"]

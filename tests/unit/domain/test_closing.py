"""What a customer reads where nobody answered."""

from collections.abc import Callable, Sequence

import pytest
from turnkeeper.domain.closing import Effect, expired, stopped

PAID = Effect("refund", '{"order_id":"A-1001","amount_usd":20}', done=True)
BEGUN = Effect("send_parcel", '{"to":{"city":"Ghent"},"note":"Réd\\n\\nfirst"}', done=False)
BOTH = pytest.mark.parametrize("told", [expired, stopped])
Told = Callable[[Sequence[Effect]], str]


@BOTH
def test_where_nothing_was_done_the_customer_may_ask_again(told: Told) -> None:
    assert "Nothing more will happen; please send it again" in told([])


@BOTH
def test_what_was_done_is_named_and_nobody_is_asked_to_send_it_again(told: Told) -> None:
    text = told([PAID])

    assert "this was done:\n- refund (order id: A-1001, amount usd: 20)\n" in text
    assert "begun" not in text
    assert "again" not in text


@BOTH
def test_what_was_begun_is_named_as_that(told: Told) -> None:
    text = told([BEGUN, PAID])

    assert (
        "this was done:\n- refund (order id: A-1001, amount usd: 20)\nThis was begun, and may have been done:\n" in text
    )
    assert '- send parcel (to: {"city": "Ghent"}, note: Réd first)\n' in text


def test_a_long_argument_is_cut() -> None:
    named = str(Effect("note", f'{{"text":"{"x" * 200}"}}', done=True))

    assert f"note (text: {'x' * 99}…)" == named


def test_an_effect_without_arguments_is_its_name() -> None:
    assert "close account" == str(Effect("close_account", "{}", done=True))

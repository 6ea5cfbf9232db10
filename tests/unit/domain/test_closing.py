"""What a customer reads where nobody answered."""

from collections.abc import Callable, Sequence

import pytest
from turnkeeper.domain.closing import USUAL_TEXTS, ClosingTexts, described, expired, stopped
from turnkeeper.domain.effect import Effect, EffectState


def effect(tool: str, arguments: str, state: EffectState = EffectState.DONE) -> Effect:
    return Effect(tool, "digest", arguments, state, epoch=1)


PAID = effect("refund", '{"order_id":"A-1001","amount_usd":20}')
BEGUN = effect("send_parcel", '{"to":{"city":"Ghent"},"note":"Réd\\n\\nfirst"}', EffectState.STARTED)
BOTH = pytest.mark.parametrize("told", [expired, stopped])
Told = Callable[[Sequence[Effect], ClosingTexts], str]


@BOTH
def test_where_nothing_was_done_the_customer_may_ask_again(told: Told) -> None:
    assert "Nothing more will happen; please send it again" in told([], USUAL_TEXTS)


@BOTH
def test_what_was_done_is_named_and_nobody_is_asked_to_send_it_again(told: Told) -> None:
    text = told([PAID], USUAL_TEXTS)

    assert "this was done:\n- refund (order id: A-1001, amount usd: 20)\n" in text
    assert "begun" not in text
    assert "again" not in text


@BOTH
def test_what_was_begun_is_named_as_that(told: Told) -> None:
    text = told([BEGUN, PAID], USUAL_TEXTS)

    assert (
        "this was done:\n- refund (order id: A-1001, amount usd: 20)\nThis was begun, and may have been done:\n" in text
    )
    assert '- send parcel (to: {"city": "Ghent"}, note: Réd first)\n' in text


def test_a_long_argument_is_cut() -> None:
    named = described(effect("note", f'{{"text":"{"x" * 200}"}}'))

    assert f"note (text: {'x' * 99}…)" == named


def test_an_effect_without_arguments_is_its_name() -> None:
    assert "close account" == described(effect("close_account", "{}"))


def test_an_agent_speaks_its_own_language() -> None:
    dutch = ClosingTexts(
        expired="Niemand kon dit op tijd beantwoorden.",
        expired_advice="Stuur het opnieuw.",
        done="Dit is gedaan:",
        effects_advice="Vraag ons ernaar.",
    )

    assert "Niemand kon dit op tijd beantwoorden. Stuur het opnieuw." == expired([], dutch)
    assert (
        "Niemand kon dit op tijd beantwoorden.\nDit is gedaan:\n- refund (order id: A-1001, amount usd: 20)\n"
        "Vraag ons ernaar."
    ) == expired([PAID], dutch)

"""What is signed is known again, and nothing else."""

from infra.local.model_provider.item_ids import has_reasoning, item_id, response_id, response_of
from infra.local.model_provider.signing import Thought, account, digest, sign, verify

THOUGHT = Thought("m", "ann", "Ü", digest([b"a"]), "r")


def test_a_signature_is_of_these_texts_in_this_order() -> None:
    assert verify(sign("a", "b"), "a", "b")
    assert not verify(sign("a", "b"), "b", "a")
    assert not verify(sign("ab"), "a", "b")
    assert not verify("ü", "a")


def test_a_sealed_thought_opens_as_it_was_and_a_changed_one_does_not() -> None:
    sealed = THOUGHT.sealed()

    assert THOUGHT == Thought.opened(sealed)
    for changed in (sealed[:-1], "A" + sealed, sealed.replace(".", ""), "", None, 3):
        assert Thought.opened(changed) is None


def test_a_digest_is_of_segments_and_not_of_their_sum() -> None:
    assert digest([b"ab", b"c"]) != digest([b"a", b"bc"])


def test_an_account_is_the_keys_whichever_header_brings_it() -> None:
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20261123/eu/bedrock, Signature=1"}
    later = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20261124/eu/bedrock, Signature=2"}

    assert account({"x-api-key": "a/b"}) == account({"authorization": "Bearer a/b"})
    assert account({"x-api-key": "a/b"}) != account({"x-api-key": "a/c"})
    assert account(signed) == account(later)


def test_an_items_id_tells_its_answer_and_whether_that_began_with_reasoning() -> None:
    with_it, without = response_id(has_reasoning=True), response_id(has_reasoning=False)

    assert with_it == response_of(item_id("fc", with_it, 3))
    assert (True, False) == (has_reasoning(with_it), has_reasoning(without))
    assert ("", False) == (response_of("fc_1"), has_reasoning(response_of("call_own")))

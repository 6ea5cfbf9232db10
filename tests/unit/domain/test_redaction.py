"""What is taken out of a provider's sentence before it is kept, and what must stay so that an owner can act."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turnkeeper.domain.redaction import GAP, MOST_CHARACTERS, kept, read, redacted


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abc123DEF456",
        "sk-ab*****xyz",
        "sk-ant-api03-AbC-123",
        "gsk_abcdEFGH1234",
        "xai-abc***",
        "AKIAIOSFODNN7EXAMPLE",
        "ABSKQmVkcm9ja0FQSUtleS1hYmNk",
        "AIzaSyD-abcdefghijk",
        "hf_abcdefgh",
        "Bearer abc123def456",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "9f86d081884c7d659a2feaa0c55ad015",
        "123e4567-e89b-12d3-a456-426614174000",
        "req_011CSHoEeqs5C35K2UUqR7Fy",
        "jane.doe@example.com",
        "jürgen@büro.example",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111111111111111",
        "card-4111111111111111",
        "+1 415 555 0123",
        "(415) 555-0123",
        "030 1234567",
        "+49151234567",
        "123456789012",
        "DE89370400440532013000",
    ],
)
@pytest.mark.parametrize("sentence", ["refused: {}.", "your {} was not accepted", "'{}'", 'key="{}", sorry'])
def test_keys_addresses_and_numbers_of_people_are_taken_out(secret: str, sentence: str) -> None:
    line = redacted(sentence.format(secret))

    assert secret not in line
    assert GAP in line
    assert not any(part in line for part in secret.split() if len(part) > 6)


@pytest.mark.parametrize(
    "sentence",
    [
        "The model `gpt-4.1-mini` does not exist or you do not have access to it.",
        "model: claude-haiku-4-5-20251001",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0 has reached the end of its life",
        "accounts/fireworks/models/llama-v3p1-405b-instruct, deepseek-ai/DeepSeek-R1-Distill-Llama-70B",
        "meta-llama/Llama-3.3-70B-Instruct-Turbo and Qwen/Qwen2.5-Coder-32B-Instruct",
        "This model's maximum context length is 1050000 tokens. However, your messages resulted in 1,060,000 tokens.",
        "deprecated since 2026-11-30 00:00, see https://platform.openai.com/docs/deprecations",
        "Rate limit reached (TPM): Limit 30000, Used 29000, Requested 5000. Please try again in 8s.",
        "ServiceQuotaExceededException INVALID_PAYMENT_INSTRUMENT response_format.json_schema additionalProperties",
        "Missing bearer or basic authentication in header",
        "Invalid schema for response_format 'answer': In context=('properties', 'x'), 'format' is not permitted.",
        "$.messages[3].content[0].text must be at most 10,485,760 characters",
    ],
)
def test_what_an_owner_needs_stays(sentence: str) -> None:
    assert sentence == redacted(sentence)


def test_a_label_stays_without_its_key() -> None:
    assert "Incorrect API key provided: […] See the page." == redacted(
        "Incorrect API key provided: hunter2. See the page."
    )


def test_a_name_that_looks_like_a_key_is_kept_and_a_secret_never() -> None:
    name = "ft:gpt-9x8y7z6w5v4u3t2s1r0q"

    assert f"no {name} here" == redacted(f"no {name} here", keep=[name])
    assert "no […] here" == redacted(f"no {name} here", keep=[name], secrets=[name])


@pytest.mark.parametrize(
    ("sent", "quoted"),
    [
        ("my tooth hurts since last night", "My Tooth HURTS\\nsince"),
        ("my tooth hurts since last night", "my  tooth\n hurts, since"),
        ("my tooth hurts since last night", "my\u200b tooth hurts\u00ad since"),
        ('he said "no more" to me', 'said \\"no more\\" to'),
        ('he said "no more" to me', "said &quot;no more&quot; to"),
        (
            "Zażółć gęślą jaźń, proszę",
            "Za\\u017c\\u00f3\\u0142\\u0107 g\\u0119\\u015bl\\u0105 ja\\u017a\\u0144, prosz\\u0119",
        ),
        ("İstanbul'da bir diş hekimi", "istanbul'da bir diş hekimi"),
        ("私の歯が痛いです", "歯が痛い"),
        ("Jane Doe", "Jane Doe"),
        ("Jane Q. Doe", "jane q doe"),
        ("aaaa-bbbb-cccc-dddd-eeee-ffff", "aaaa-bbbb-cccc-dddd-eeee"),
        ("x" * 40, "x" * 24),
    ],
)
def test_what_is_quoted_of_the_request_is_taken_out(sent: str, quoted: str) -> None:
    line = redacted(f"Invalid input: <{quoted}> is not allowed", [sent])

    assert f"Invalid input: <{GAP}> is not allowed" == line


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("invalid content: 'Winterbottom'", "Winterbottom"),
        ("invalid content: Winterbottom!", "Winterbottom."),
        ("Invalid date 'hunter2'", "hunter2"),
        ("Invalid date 'hunter2'", "my password is hunter2, thanks"),
        ("near 'Bob Smith'", "Dear all, I am Bob Smith of Wexley"),
        ("near `Bob Smith`", ""),
        ("near \u201cBob Smith\u201d, \u00abBob\u00bb", "I am Bob"),
        ("near \u2018Bob isn\u2019t Smith\u2019", ""),
        ("near 'Bob O'Smith is 'here' now' (400)", ""),
        ("near 'no' Bob 'Smith'", "say 'no' Bob 'Smith'"),
        ("cut off near 'Bob Smith", ""),
        ('{"input": "Bob Smith"}', ""),
        ("near 'mithe'", "Bob Smithers"),
        ("value='Bob' of", "bob"),
    ],
)
def test_quoted_words_of_a_customer_are_taken_out(said: str, sent: str) -> None:
    line = redacted(said, [sent])

    assert GAP in line
    assert not [word for word in ("Winter", "hunter", "Bob", "Smith", "mithe") if word in line]


@pytest.mark.parametrize(
    "said",
    [
        "Unsupported value: 'reasoning_effort' does not support 'max' with `messages[0].content`.",
        "The user's plan isn't there, and it's the models' limit",
        "the model 'acme/m-1' and \"m-1\" and `models/m-1` and 'm-1-2026-01-14' and 'm-1:latest'",
    ],
)
def test_quoted_names_of_fields_and_of_the_model_stay_and_no_apostrophe_is_a_quote(said: str) -> None:
    assert said == redacted(said, ["book a dentist"], keep=["m-1"])


def test_words_have_nothing_that_is_quoted_but_for_the_models_name() -> None:
    found = read("'m-1' and 'max_tokens' are no 'model'", keep=["acme/m-1"])

    assert ("'m-1' and 'max_tokens' are no 'model'", f"'m-1' and {GAP} are no {GAP}") == (found.said, found.words)


def test_single_words_and_short_runs_stay() -> None:
    sent = ["book a dentist for my daughter", "user", "x-ray"]

    assert "a user may not book a dentist" == redacted("a user may not book a dentist", sent)


WORDS = st.lists(st.from_regex(r"[a-zA-Zäöüß]{2,9}", fullmatch=True), min_size=4, max_size=8).map(" ".join)
LONG = st.text(st.characters(categories=["L", "N"]), min_size=24, max_size=60)
DISGUISES = [
    str,
    str.upper,
    lambda text: text.replace(" ", "\n  "),
    json.dumps,
    lambda text: json.dumps(json.dumps(text)),
    repr,
]


@given(st.lists(WORDS | LONG, min_size=1, max_size=3), st.text(max_size=30), st.sampled_from(DISGUISES), st.data())
def test_no_canary_of_the_request_survives(
    canaries: list[str], noise: str, disguise: object, data: st.DataObject
) -> None:
    canary = data.draw(st.sampled_from(canaries))
    assert callable(disguise)
    said = f"{noise} {disguise(canary)} {noise}"

    line = redacted(said, [f"before it {canary} after it", *canaries])

    assert canary.lower() not in line.lower()
    assert disguise(canary).lower() not in line.lower()


@given(st.text(max_size=3_000), st.lists(st.text(max_size=50), max_size=3))
def test_any_text_becomes_one_short_printable_line(said: str, sent: list[str]) -> None:
    line = kept(redacted(said, sent))

    assert len(line) <= MOST_CHARACTERS
    assert line.isprintable()
    line.encode()


def test_a_sentence_is_cut_only_after_it_was_redacted() -> None:
    said = "x " * 145 + "my tooth hurts since last night"

    assert "tooth" not in kept(redacted(said, ["my tooth hurts since last night"]))


@pytest.mark.parametrize("said", ["word " * 400, "' x' " * 400, "«" * 2_000, "'a b' 'c d', " * 150])
def test_a_long_request_takes_no_noticeable_time(said: str) -> None:
    sent = ["lorem ipsum dolor sit amet consectetur " * 25_000]
    began = time.process_time()

    redacted(said, sent)

    assert time.process_time() - began < 2

"""The prompt cache by itself: prefixes, their least length, breakpoints, and how long they live."""

import pytest

from infra.local.model_provider.prompt_cache import CacheUse, PromptCache
from tests.local.asking import Clock

TOKENS = 100
"""A segment's."""


def segments(*names: str) -> list[bytes]:
    return [name.encode() * (TOKENS * 4 // len(name)) for name in names]


def explicit(cache: PromptCache, names: str, *ends: int, scope: str = "ann", least: int = TOKENS) -> tuple[int, int]:
    used = cache.use(scope, segments(*names), least_tokens=least, life_s=300, breakpoints=ends)
    return used.read_tokens, used.written_tokens


def implicit(cache: PromptCache, names: str, scope: str = "ann") -> CacheUse:
    return cache.use(scope, segments(*names), least_tokens=1024, life_s=300, breakpoints=None)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> PromptCache:
    return PromptCache(clock)


def test_a_prefix_is_written_once_and_read_again(cache: PromptCache) -> None:
    assert (0, 200) == explicit(cache, "abc", 1)
    assert (200, 0) == explicit(cache, "abd", 1)
    assert (200, 100) == explicit(cache, "abc", 2)


def test_a_changed_segment_ends_what_is_read(cache: PromptCache) -> None:
    explicit(cache, "abc", 0, 2)

    assert (100, 200) == explicit(cache, "axc", 2)
    assert (0, 300) == explicit(cache, "xbc", 2)


def test_each_account_and_model_has_a_cache_of_its_own(cache: PromptCache) -> None:
    explicit(cache, "abc", 2)

    assert (0, 300) == explicit(cache, "abc", 2, scope="bob")


def test_segments_do_not_run_into_each_other(cache: PromptCache) -> None:
    cache.use("ann", [b"ab", b"c"], least_tokens=0, life_s=9, breakpoints=[1])

    assert 0 == cache.use("ann", [b"a", b"bc"], least_tokens=0, life_s=9, breakpoints=[1]).read_tokens


def test_what_is_too_short_is_not_cached(cache: PromptCache) -> None:
    assert (0, 0) == explicit(cache, "ab", 1, least=201)
    assert (0, 200) == explicit(cache, "ab", 1, least=200)


def test_four_breakpoints_are_written_and_the_earlier_ones_left_out(cache: PromptCache) -> None:
    explicit(cache, "abcdef", 0, 1, 2, 3, 4)

    assert (0, 100) == explicit(cache, "ax", 0)
    assert (200, 0) == explicit(cache, "abx", 1)


@pytest.mark.parametrize(("end", "read"), [(21, 200), (22, 0)])
def test_an_entry_is_found_at_most_20_segments_back(cache: PromptCache, end: int, read: int) -> None:
    names = "abcdefghijklmnopqrstuvwxyz"
    explicit(cache, names, 1)

    assert read == explicit(cache, names, end)[0]


def test_an_entry_lives_on_with_each_use(cache: PromptCache, clock: Clock) -> None:
    explicit(cache, "ab", 1)
    clock.now += 299
    assert (200, 0) == explicit(cache, "ab", 1)
    clock.now += 299
    assert (200, 0) == explicit(cache, "ab", 1)
    clock.now += 300

    assert (0, 200) == explicit(cache, "ab", 1)


def test_without_breakpoints_every_whole_128_tokens_are_cached_from_the_least_length_on(cache: PromptCache) -> None:
    assert CacheUse(0, 0) == implicit(cache, "a" * 10)
    assert CacheUse(0, 1024) == implicit(cache, "a" * 11)
    assert CacheUse(1024, 128) == implicit(cache, "a" * 12)
    assert CacheUse(1024, 128) == implicit(cache, "a" * 11 + "b")

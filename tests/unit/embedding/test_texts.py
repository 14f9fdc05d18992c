"""Vectors of texts: limits, windows, the cache."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.errors import Cancelled, InvalidInput
from services.core.jobs import no_progress
from services.embedding.cache import LruCache
from services.embedding.domain.vectors import unit
from services.embedding.texts import Texts, in_spaces
from tests.fakes.embedding import BEGIN, END, DictCache, FakeEncoder, FakeTokenizer, model, window_vector
from tests.fakes.embedding import texts as spaces


def texts(encoder: FakeEncoder, cache: DictCache | LruCache | None = None, **options: int) -> Texts:
    return spaces(encoder, None, cache, **options)[0]


def test_a_short_text_is_one_window() -> None:
    found = texts(FakeEncoder()).vectors(["a dog runs"])
    np.testing.assert_allclose(found, [window_vector((BEGIN, 1, 3, 4, END))], atol=1e-6)


def test_a_long_text_is_the_mean_of_its_windows_by_tokens() -> None:
    found = texts(FakeEncoder()).vectors(["one two three four five. a b c d e f"])
    first, second = (BEGIN, 3, 3, 5, 4, 5, END), (BEGIN, 1, 1, 1, 1, 1, 1, END)
    np.testing.assert_allclose(found, unit(np.array([window_vector(first) * 5 + window_vector(second) * 6])), atol=1e-5)


def test_vectors_are_in_the_order_of_texts_over_many_batches() -> None:
    encoder = FakeEncoder()
    mixed = ["w " * (20 - n) + "word" * n for n in range(1, 20)]
    together = texts(encoder, batch=4).vectors(mixed)
    singly = np.concatenate([texts(FakeEncoder()).vectors([text]) for text in mixed])
    np.testing.assert_allclose(together, singly, atol=1e-6)
    assert max(map(len, encoder.text_batches)) == 4


def test_a_repeated_text_is_encoded_once() -> None:
    encoder, cache = FakeEncoder(), DictCache()
    first = texts(encoder, cache).vectors(["a dog", "a cat", "a dog"])
    again = texts(encoder, cache).vectors(["a dog"])
    assert sum(map(len, encoder.text_batches)) == 2
    np.testing.assert_array_equal(first[0], first[2])
    np.testing.assert_array_equal(first[:1], again)


def test_another_model_does_not_answer_from_the_cache() -> None:
    cache, encoder = DictCache(), FakeEncoder()
    texts(encoder, cache).vectors(["a dog"])
    spaces(encoder, model(text_version="t2"), cache)[0].vectors(["a dog"])
    assert len(encoder.text_batches) == 2


def test_another_space_does_not_answer_from_the_cache() -> None:
    cache, encoder = DictCache(), FakeEncoder()
    joint, sentences = spaces(encoder, cache=cache)
    np.testing.assert_array_equal(joint.vectors(["a dog"]), -sentences.vectors(["a dog"]))
    assert len(encoder.text_batches) == 2


def test_two_spaces_of_one_model_cost_one_inference() -> None:
    encoder, long = FakeEncoder(), "one two three four five. a b c d e f"
    joint, sentences = in_spaces(spaces(encoder), encoder.encode_both, ["a dog", long, "a dog"])
    assert len(encoder.text_batches) == 1
    apart = spaces(FakeEncoder())
    for found, space in zip((joint, sentences), apart, strict=True):
        np.testing.assert_allclose(found, space.vectors(["a dog", long, "a dog"]), atol=1e-6)


def test_what_one_of_two_spaces_knows_is_encoded_for_the_other() -> None:
    cache, encoder = DictCache(), FakeEncoder()
    both = spaces(encoder, cache=cache)
    both[0].vectors(["a dog"])
    first = in_spaces(both, encoder.encode_both, ["a dog", "a cat"])
    again = in_spaces(both, encoder.encode_both, ["a cat", "a dog"])
    assert len(encoder.text_batches) == 2
    np.testing.assert_array_equal(first[1], again[1][::-1])
    with pytest.raises(InvalidInput, match=r"texts\[1\]"):
        in_spaces(both, encoder.encode_both, ["a dog", "\x00"])


@given(st.lists(st.text("ab .\n\x00", max_size=60), max_size=40), st.integers(1, 5), st.integers(1, 3))
def test_many_texts_have_the_vectors_that_each_has_alone(each: list[str], batch: int, in_flight: int) -> None:
    encoder, tokenizer = FakeEncoder(), FakeTokenizer()
    told: list[tuple[int, int]] = []
    found = texts(encoder, batch=batch, in_flight=in_flight).many(each, lambda *p: told.append(p))
    assert set(found) == {text for text in each if tokenizer.tokens(text).ids}
    for text, vector in found.items():
        np.testing.assert_allclose(vector, texts(FakeEncoder()).vectors([text])[0], atol=1e-5)
    assert max(map(len, encoder.text_batches), default=0) <= batch
    assert (told[0], told[-1]) == ((0, len(set(each))), (len(set(each)),) * 2)


def test_many_texts_leave_the_cache_alone_and_may_be_longer_than_a_query() -> None:
    encoder, cache = FakeEncoder(), DictCache()
    texts(encoder, cache).many(["a " * 20_000, "b", "b"], no_progress)
    assert cache.held == {}
    assert sum(len(window) - 2 for batch in encoder.text_batches for window in batch) == 20_001


def test_cancelling_ends_many_texts() -> None:
    def stop(done: int, total: int) -> None:
        if done:
            raise Cancelled("stopped")

    encoder = FakeEncoder()
    with pytest.raises(Cancelled):
        texts(encoder, batch=1, in_flight=2).many([f"{'a' * n}" for n in range(1, 200)], stop)
    assert len(encoder.text_batches) < 10


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ([], "texts"),
        (["a"] * 65, "texts"),
        (["a", ""], "texts[1]"),
        ([" \n\t"], "texts[0]"),
        (["a" * 10_001], "texts[0]"),
        (["a", "\x00"], "texts[1]"),
    ],
    ids=["none", "too many", "empty", "blank", "too long", "unreadable"],
)
def test_bad_texts_are_named(bad: list[str], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        texts(FakeEncoder()).vectors(bad)
    assert list(caught.value.fields) == [field]


def test_the_longest_legal_text_is_embedded_whole() -> None:
    encoder = FakeEncoder()
    texts(encoder).vectors(["a " * 5000])
    assert sum(len(window) - 2 for batch in encoder.text_batches for window in batch) == 5000


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    cache, row = LruCache(2), np.ones(3, np.float32)
    for text in ("a", "b"):
        cache.put(text, "v", row)
    cache.get("a", "v")
    cache.put("c", "v", row)
    assert [cache.get(text, "v") is not None for text in ("a", "b", "c")] == [True, False, True]
    assert cache.get("a", "other") is None


def test_a_cache_of_nothing_remembers_nothing() -> None:
    cache = LruCache(0)
    cache.put("a", "v", np.ones(3, np.float32))
    assert cache.get("a", "v") is None


def test_many_threads_share_a_cache() -> None:
    cache, failed = LruCache(8), []

    def use(seed: int) -> None:
        try:
            for i in range(2000):
                cache.put(str((i * seed) % 31), "v", np.full(3, (i * seed) % 31, np.float32))
                found = cache.get(str(i % 31), "v")
                assert found is None or found[0] == i % 31
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in (1, 3, 7, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []

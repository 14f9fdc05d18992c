"""Titles of chapters."""

import itertools

import numpy as np

from services.chaptering.domain.headings import Heading
from services.chaptering.domain.phrases import Phrase, candidates, ratio
from services.chaptering.domain.titles import chosen, headed, sentence_case
from services.core.times import SECOND, TimeRange

FUNCTIONS = {"the", "of", "is", "a", "we", "it", "to", "and", "in", "at", "that", "this", "are"}


def spans(*seconds: int) -> list[TimeRange]:
    return [TimeRange(a * SECOND, b * SECOND) for a, b in itertools.pairwise(seconds)]


def test_phrases_are_what_a_chapter_says_and_the_others_do_not() -> None:
    bees = ["The honey bee is a wonder.", "We look at the honey bee.", "It is late.", "The honey bee dances."]
    rocks = ["This is lava.", "Lava flow is hot.", "It is late.", "We measured the lava flow.", "A lava flow cools."]
    first, second = candidates([bees, rocks], FUNCTIONS, 5)
    assert first[0].text == "honey bee"
    assert second[0].text == "lava flow"
    assert not {"late", "it is late"} & {p.text for p in first[:2] + second[:2]}


def test_phrases_do_not_cross_punctuation_or_begin_or_end_with_function_words() -> None:
    stretch = ["We climb the tower of London, bridges are closed."] * 3
    texts = {p.text for p in candidates([stretch], FUNCTIONS, 100)[0]}
    assert "tower of London" in texts
    assert not any(t.split()[0] in FUNCTIONS or t.split()[-1] in FUNCTIONS for t in texts)
    assert not any("London bridges" in t for t in texts)


def test_a_listed_word_that_only_one_chapter_says_counts() -> None:
    computer = ["The computer is old.", "A computer counts.", "We built a computer.", "This computer is slow."] * 3
    others = [["We sing.", "It is a song.", "The song is old.", "We sing a song."] * 3 for _ in range(3)]
    functions = FUNCTIONS | {"computer"}
    assert "computer" in candidates([computer, *others], functions, 3)[0][0].text
    assert all("computer" not in p.text for p in candidates([computer], functions, 3)[0])


def test_ratio_grows_with_what_is_not_chance() -> None:
    assert ratio(5, 10, 5, 10) == ratio(1, 10, 9, 10) == 0
    assert 0 < ratio(3, 10, 1, 10) < ratio(8, 10, 1, 10)


def test_the_nearest_of_equal_phrases_is_chosen_and_none_twice() -> None:
    pair = [Phrase("red apple", 1.0), Phrase("green pear", 1.0)]
    near = np.array([0.1, 0.9])
    assert chosen([pair, pair, pair], [near, near, near]) == ["green pear", "red apple", ""]
    assert chosen([pair, []], [near, np.zeros(0)], taken=["Green pear"]) == ["red apple", ""]


def test_a_short_phrase_is_joined_by_another_that_is_nearly_as_good() -> None:
    phrases = [Phrase("red apple", 1.0), Phrase("apple tree", 1.0), Phrase("bees", 1.0), Phrase("far", 0.1)]
    assert chosen([phrases], [np.array([0.9, 0.89, 0.85, 0.0])]) == ["red apple, bees"]
    assert chosen([phrases[::3]], [np.array([0.9, 0.0])]) == ["red apple"]


def test_a_heading_names_the_chapter_that_it_begins() -> None:
    first, second, third = spans(0, 100, 200, 300)
    shown = [
        Heading(TimeRange(first.start, first.end), "Why bees dance"),
        Heading(TimeRange(150 * SECOND, 199 * SECOND), "Seen long"),
        Heading(TimeRange(102 * SECOND, 110 * SECOND), "Shown first"),
        Heading(TimeRange(250 * SECOND, 252 * SECOND), "Gone at once"),
    ]
    assert headed([first, second, third], shown) == ["Why bees dance", "Shown first", ""]


def test_a_heading_of_most_chapters_or_a_long_one_names_none() -> None:
    chapters = spans(0, 100, 200, 300)
    assert headed(chapters, [Heading(TimeRange(0, 300 * SECOND), "Biology one")]) == ["", "", ""]
    long = Heading(chapters[0], "this line is much too long to be the title of a chapter")
    assert headed(chapters, [long]) == ["", "", ""]


def test_titles_are_in_sentence_case_and_keep_names() -> None:
    said = ["the Neural network learns in London.", "a neural net", "Machine learning", "NASA flies"]
    assert sentence_case("Neural Network in London", said) == "Neural network in London"
    assert sentence_case("Neural network", ["a neural network"]) == "Neural network"
    assert sentence_case("network of NASA.", said) == "Network of NASA"
    assert sentence_case("WHY BEES DANCE", []) == "Why bees dance"

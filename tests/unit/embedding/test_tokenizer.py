"""The tokenizer adapter, on a tiny tokenizer made here."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from services.core.errors import InvalidInput, NotFound
from services.embedding.tokenizer import HfTokenizer

WORDS = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3, "dog": 4, "runs": 5, ".": 6}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Like a published one, it is set to cut and to pad."""
    made = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    made.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    made.enable_truncation(4)
    made.enable_padding(length=4)
    made.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def test_all_tokens_are_given_without_special_ones(file: Path) -> None:
    tokens = HfTokenizer(file, 8).tokens("a dog runs. a cat runs")
    assert tokens.ids == (3, 4, 5, 6, 3, 0, 5)
    assert tokens.ends == (1, 5, 10, 11, 13, 17, 22)


def test_a_window_is_what_the_tokenizer_makes_of_its_text(file: Path) -> None:
    tokenizer = HfTokenizer(file, 8)
    assert tokenizer.room == 6
    assert tokenizer.window(tokenizer.tokens("a dog").ids) == (1, 3, 4, 2)


def test_special_tokens_of_the_text_are_not_the_windows(file: Path) -> None:
    assert HfTokenizer(file, 8).tokens("").ids == ()


def test_a_window_without_room_is_refused(file: Path) -> None:
    with pytest.raises(InvalidInput, match="no room"):
        HfTokenizer(file, 2)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"gone\.json"):
        HfTokenizer(tmp_path / "gone.json", 8)
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(InvalidInput, match=r"bad\.json"):
        HfTokenizer(tmp_path / "bad.json", 8)

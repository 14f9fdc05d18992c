"""Lists of function words."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.chaptering import sources
from services.chaptering.stopwordsiso import StopwordsIso
from services.core.text import Track
from services.runtime.artifacts import ArtifactStore
from services.runtime.store_folder import FolderStore
from tests.fakes.chaptering import store, talk


@pytest.mark.parametrize(("language", "word"), [("en", "the"), ("", "the"), ("en-GB", "the"), ("DE", "und")])
def test_a_language_has_its_words(language: str, word: str) -> None:
    assert word in StopwordsIso().of(language)


def test_a_language_that_is_not_known_has_none() -> None:
    assert not StopwordsIso().of("tlh")


@pytest.mark.parametrize(("language", "word", "other"), [("de", "und", "the"), ("", "the", "und"), ("tlh", "", "the")])
def test_what_is_known_of_a_video_comes_with_the_words_of_the_language_spoken(
    language: str, word: str, other: str, tmp_path: Path
) -> None:
    artifacts = ArtifactStore(FolderStore(tmp_path))
    said = talk([4])
    passages = tuple(replace(p, language=language) for p in said.passages)
    shown = tuple(replace(p, track=Track.ON_SCREEN_TEXT, language="") for p in said.passages)
    both = replace(said, passages=passages + shown, passage_vectors=np.concatenate([said.passage_vectors] * 2))
    material, _ = sources.load(artifacts, store(artifacts, both))
    assert not word or word in material.functions
    assert other not in material.functions

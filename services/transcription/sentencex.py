"""Sentence boundaries with sentencex, which knows about 240 languages by their punctuation and abbreviations."""

from collections.abc import Sequence

import sentencex

UNKNOWN = "en"
"""Rules for a language that is not known; they suit most that end sentences with a full stop."""


class SentencexSplitter:
    """Implements `ports.SentenceSplitter`."""

    def ends(self, text: str, language: str) -> Sequence[int]:
        found, at = [], 0
        for sentence in sentencex.segment(language.split("-")[0] or UNKNOWN, text):
            at += len(sentence)
            found.append(at)
        # The parts make up the text; should they ever not, one sentence is better than a wrong one.
        return found if at == len(text) else [len(text)]

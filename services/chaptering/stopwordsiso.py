"""Function words from stopwords-iso, which has lists for 57 languages."""

from collections.abc import Collection
from functools import cache

import stopwordsiso


@cache
def _words(language: str) -> frozenset[str]:
    return frozenset(stopwordsiso.stopwords(language)) if stopwordsiso.has_lang(language) else frozenset()


class StopwordsIso:
    """Implements `ports.FunctionWords`. A language that is not stated is taken for English."""

    def of(self, language: str) -> Collection[str]:
        return _words(language.split("-")[0].lower() or "en")

"""The model's tokenizer (Hugging Face `tokenizers`)."""

from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from tokenizers import Tokenizer

from services.core.errors import InvalidInput, NotFound
from services.embedding.domain.windows import Tokens


class HfTokenizer:
    """Implements `ports.Tokenizer` with a tokenizer.json, for windows of `max_tokens`, special tokens included."""

    def __init__(self, file: Path, max_tokens: int) -> None:
        if not file.is_file():
            raise NotFound(f"the model pack has no tokenizer at {file}: build it again")
        try:
            self._tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:
            # The library raises a bare Exception.
            raise InvalidInput(f"{file} is not a tokenizer: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        empty = self._tokenizer.encode("a")
        special = list(zip(empty.ids, empty.special_tokens_mask, strict=True))
        self._before = tuple(i for i, _ in takewhile(lambda t: t[1], special))
        self._after = tuple(i for i, _ in reversed(list(takewhile(lambda t: t[1], reversed(special)))))
        self._room = max_tokens - len(self._before) - len(self._after)
        if self._room < 1:
            raise InvalidInput(f"windows of {max_tokens} tokens have no room beside the special tokens")

    @property
    def room(self) -> int:
        return self._room

    def tokens(self, text: str) -> Tokens:
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return Tokens(tuple(encoding.ids), tuple(end for _, end in encoding.offsets))

    def window(self, ids: Sequence[int]) -> tuple[int, ...]:
        return (*self._before, *ids, *self._after)

"""Every noun of the text tracks comes back from its message as it was."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.core import text
from services.core.errors import Internal
from services.core.media import VideoInfo
from services.core.times import TimeRange
from services.runtime.artifacts import CODECS, ArtifactStore
from services.runtime.store_folder import FolderStore

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
shares = st.floats(0, 1, width=32)
times = st.tuples(st.integers(0, 10**14), st.integers(0, 10**12)).map(lambda t: TimeRange(t[0], t[0] + t[1]))


def noun(cls: type) -> st.SearchStrategy:
    """Any value of a noun, from its fields' types."""
    known = {
        TimeRange: times,
        str: words,
        float: shares,
        int: st.integers(0, 2**31 - 1),
        tuple[str, ...]: st.lists(words, max_size=3).map(tuple),
        dict[str, str]: st.dictionaries(words, words, max_size=3),
    }
    fields = {}
    for name, kind in cls.__annotations__.items():
        if kind in known:
            fields[name] = known[kind]
        elif getattr(kind, "__origin__", None) is tuple:
            fields[name] = st.lists(noun(kind.__args__[0]), max_size=2).map(tuple)
        elif hasattr(kind, "__members__"):
            fields[name] = st.sampled_from(kind)
        else:
            fields[name] = noun(kind)
    return st.builds(cls, **fields)


@pytest.mark.parametrize(
    "cls", [text.Transcript, text.OnScreenText, text.Captions, text.ShotLabels, text.Passages, VideoInfo]
)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_noun_comes_back_as_it_was(cls: type, data: st.DataObject) -> None:
    to_message, from_message, message = CODECS[cls]
    value = data.draw(noun(cls))
    assert from_message(message.FromString(to_message(value).SerializeToString())) == value


def test_an_object_that_holds_something_else_is_told(tmp_path) -> None:
    store = ArtifactStore(FolderStore(tmp_path))
    store.objects.put("collections/c/videos/v/transcription/transcript-0.pb", b"\x0a\x02\x08\x01")
    with pytest.raises(Internal, match="does not hold Transcript"):
        store.load("collections/c/videos/v/transcription/transcript-0.pb", text.Transcript)

"""Segments that people send become cues exactly, in order of time."""

from hypothesis import given
from hypothesis import strategies as st
from vidx.gateway.v1 import video_index_service_pb2 as pb

from services.core.times import SECOND, TimeRange
from services.gateway.segments import cues
from services.runtime.media_proto import range_to

DURATION = 3600 * SECOND
ranges = st.tuples(st.integers(0, DURATION - 1), st.integers(1, DURATION)).filter(lambda r: r[0] < r[1])


@given(st.lists(ranges, max_size=20))
def test_every_range_is_kept_to_the_nanosecond(found: list[tuple[int, int]]) -> None:
    sent = [pb.TranscriptSegment(range=range_to(TimeRange(*r)), text=str(i)) for i, r in enumerate(found)]
    made = cues(sent, DURATION)
    assert sorted((c.range.start, c.range.end, c.text) for c in made) == sorted(
        (*r, str(i)) for i, r in enumerate(found)
    )
    assert [c.range for c in made] == sorted(c.range for c in made)
    assert all(c.confidence == 1.0 for c in made)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200).map(lambda t: f"{t}x"))
def test_any_text_becomes_printable_lines(text: str) -> None:
    sent = pb.TranscriptSegment(range=range_to(TimeRange(0, 1)), text=text)
    (cue,) = cues([sent], 1)
    assert cue.text.replace("\n", "").isprintable()
    assert all(line == line.strip() != "" for line in cue.text.split("\n"))

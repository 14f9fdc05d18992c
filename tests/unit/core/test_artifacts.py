"""Keys say what an artifact was made from."""

from hypothesis import given
from hypothesis import strategies as st

from services.core import artifacts
from services.core.jobs import Job
from services.core.names import VideoName

VIDEO = VideoName("c", "v")


def test_the_same_work_finds_its_output_whatever_the_attempt() -> None:
    first = Job(VIDEO, "embedding.segment", 3, 1, {"frames": ("a",)})
    again = Job(VIDEO, "embedding.segment", 3, 7, {"frames": ("a",)})
    assert artifacts.job_keys(first, ["frame_vectors"], {"model": 1}) == artifacts.job_keys(
        again, ["frame_vectors"], {"model": 1}
    )


def test_any_change_of_input_parameter_or_segment_gives_another_key() -> None:
    def key(inputs: str, model: int, segment: int) -> str:
        job = Job(VIDEO, "embedding.segment", segment, 1, {"frames": (inputs,)})
        return artifacts.job_keys(job, ["frame_vectors"], {"model": model})["frame_vectors"]

    keys = {key("a", 1, 0), key("b", 1, 0), key("a", 2, 0), key("a", 1, 1)}
    assert len(keys) == 4


def test_keys_of_segments_sort_in_the_order_of_time() -> None:
    keys = [artifacts.key(VIDEO, "frames", "d", i) for i in (0, 9, 10, 99, 100, 1000)]
    assert keys == sorted(keys)


def test_every_key_of_a_video_begins_with_its_name() -> None:
    for kind in artifacts.KINDS:
        assert artifacts.key(VIDEO, kind, "d").startswith(artifacts.prefix(VIDEO))
    assert artifacts.source_key(VIDEO).startswith(artifacts.prefix(VIDEO))


@given(st.text(min_size=1, max_size=128))
def test_a_request_id_of_any_text_gives_a_plain_key(request_id: str) -> None:
    prefix = artifacts.upload_prefix("c", request_id)
    assert prefix.count("/") == 3
    assert prefix.isascii()

"""Captions of a segment's shots: what is kept, and what happens when a captioner fails."""

from pathlib import Path

import pytest

from services.captioning.asking import BREAK_AFTER, Asking
from services.captioning.classes import ClassCaptioner
from services.captioning.describe import Describing
from services.captioning.ports import Candidate, Captioner, View
from services.core.errors import Conflict, Denied, Incomplete, InvalidInput, TimedOut, Unavailable
from services.core.jobs import Outputs, no_progress
from services.core.text import Captions
from services.core.times import SECOND, TimeRange
from tests.fakes.captioning import Bucket, FakeBrought, FakeCaptioner, FakeEncoder, picture

CAT = FakeEncoder({"A tabby cat.": 0})
GOOD = {i: [Candidate(f"text {i}")] for i in range(8)}
AXES = {f"text {i}": i for i in range(8)}
DOWN = Unavailable("down")


def run(
    bucket: Bucket, captioner: Captioner, encoder: FakeEncoder | None = None, segment: int = 0, **more: float
) -> Outputs:
    stage = Describing(bucket.store, captioner, encoder or FakeEncoder(AXES))
    return stage.segment(bucket.describe(segment), no_progress)


def captions(bucket: Bucket, outputs: Outputs) -> list[tuple[int, str]]:
    return [(c.shot, c.brief) for c in bucket.store.load(outputs.artifacts["descriptions"], Captions).captions]


def test_each_shot_is_captioned_in_the_segment_where_it_begins(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path, shots=4)
    captioner = FakeCaptioner(GOOD)
    assert captions(bucket, run(bucket, captioner, segment=0)) == [(0, "text 0"), (1, "text 1")]
    assert captions(bucket, run(bucket, captioner, segment=1)) == [(2, "text 2"), (3, "text 3")]


def test_the_candidate_that_agrees_best_is_kept_with_its_agreement(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path, shots=1)
    captioner = FakeCaptioner({0: [Candidate("other"), Candidate("text 0", "more", 0.7), Candidate("text 1")]})
    outputs = run(bucket, captioner)
    (kept,) = bucket.store.load(outputs.artifacts["descriptions"], Captions).captions
    assert (kept.brief, kept.detailed, kept.model) == ("text 0", "more", "fake")
    assert kept.range == TimeRange(0, 2 * SECOND)
    assert kept.confidence == pytest.approx(0.7)
    assert kept.agreement > 0.99


def test_a_caption_that_does_not_agree_is_dropped_and_that_is_no_fault(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path, shots=2)
    outputs = run(bucket, FakeCaptioner({0: [Candidate("about something else")], 1: [Candidate("text 1")]}))
    assert captions(bucket, outputs) == [(1, "text 1")]
    assert outputs.fault is None


def test_the_builtin_sentence_goes_through_the_same_gate(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path, shots=2)
    outputs = run(bucket, ClassCaptioner(), CAT)
    assert captions(bucket, outputs) == [(0, "A tabby cat.")]
    (kept,) = bucket.store.load(outputs.artifacts["descriptions"], Captions).captions
    assert (kept.model, kept.confidence) == ("classes", pytest.approx(0.8))


def test_without_classes_the_builtin_captioner_says_nothing(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path, shots=2)
    stage = Describing(bucket.store, ClassCaptioner(), CAT)
    outputs = stage.segment(bucket.describe(classes=False), no_progress)
    assert captions(bucket, outputs) == []
    assert outputs.fault is None


def test_a_second_run_asks_nobody(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    first = run(bucket, FakeCaptioner(GOOD))
    again = FakeCaptioner({})
    assert run(bucket, again) == first
    assert again.asked == []


def test_one_shot_refused_saves_the_others_and_says_how_many(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    outputs = run(bucket, FakeCaptioner({**GOOD, 1: InvalidInput("the picture is refused")}))
    assert captions(bucket, outputs) == [(0, "text 0")]
    assert outputs.fault is not None
    assert outputs.fault.message == "1 of 2 shots have no caption: the picture is refused"


def test_a_retry_asks_for_what_is_missing_only_and_gives_the_complete_artifact(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    partial = run(bucket, FakeCaptioner({**GOOD, 1: DOWN}))
    healed = FakeCaptioner(GOOD)
    outputs = run(bucket, healed)
    assert [view.pictures[0][-1] for view in healed.asked] == [1]
    assert outputs.fault is None
    assert captions(bucket, outputs) == [(0, "text 0"), (1, "text 1")]
    assert outputs.artifacts != partial.artifacts
    fresh = run(Bucket(tmp_path / "fresh"), FakeCaptioner(GOOD))
    assert outputs.artifacts == fresh.artifacts


def test_a_dead_captioner_is_a_retryable_error_and_saves_nothing(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    with pytest.raises(Unavailable, match="down"):
        run(bucket, FakeCaptioner({0: DOWN, 1: DOWN}))
    assert not [o.key for o in bucket.store.objects.walk("collections/") if "captioning" in o.key]


def test_a_captioner_that_will_never_answer_ends_the_step(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    captioner = FakeCaptioner({0: Denied("wrong key")})
    with pytest.raises(Denied):
        run(bucket, captioner)
    assert len(captioner.asked) == 1


def test_all_shots_refused_is_a_fault_not_an_error(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    outputs = run(bucket, FakeCaptioner({0: InvalidInput("no"), 1: InvalidInput("no")}))
    assert captions(bucket, outputs) == []
    assert outputs.fault is not None
    assert outputs.fault.message.startswith("2 of 2")


def test_a_dead_captioner_is_not_asked_for_hours() -> None:
    captioner = FakeCaptioner(dict.fromkeys(range(20), DOWN), pictures=0)
    asking = Asking(captioner, 1e9)
    for shot in range(20):
        assert asking.captions(_view(shot)) is None
    assert len(captioner.asked) == BREAK_AFTER
    assert len(asking.errors) == 20
    with pytest.raises(Unavailable):
        asking.check()


def test_refusals_do_not_count_as_a_dead_captioner() -> None:
    captioner = FakeCaptioner({i: InvalidInput("no") for i in range(20)}, pictures=0)
    asking = Asking(captioner, 1e9)
    for shot in range(20):
        asking.captions(_view(shot))
    assert len(captioner.asked) == 20
    asking.check()


def test_a_used_up_budget_leaves_the_rest_for_later() -> None:
    times = iter(range(0, 1000, 4))
    captioner = FakeCaptioner(GOOD, pictures=0)
    asking = Asking(captioner, 10.0, lambda: float(next(times)))
    found = [asking.captions(_view(shot)) for shot in range(5)]
    assert [answer is not None for answer in found] == [True, True, True, False, False]
    assert "VIDX_CAPTIONING_CHAT_BUDGET_S" in asking.errors[-1].message
    asking.check()


def test_timeouts_stay_timeouts() -> None:
    asking = Asking(FakeCaptioner({0: TimedOut("slow")}, pictures=0), 10.0)
    asking.captions(_view(0))
    with pytest.raises(TimedOut):
        asking.check()


def test_other_vectors_than_the_frames_are_incomplete(tmp_path: Path) -> None:
    with pytest.raises(Incomplete, match="space"):
        run(Bucket(tmp_path), FakeCaptioner(GOOD), FakeEncoder(AXES, space="another"))


def test_pictures_that_somebody_brings(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    stage = Describing(bucket.store, FakeCaptioner({3: [Candidate("text 3")]}), FakeEncoder())
    found = stage.caption([picture(1, 2), picture(2, 3), picture(3, 4)], FakeBrought().made_anew)
    assert found is not None
    assert found.brief == "text 3"
    assert stage.caption([picture(1, 9)], FakeBrought().made_anew) is None
    with pytest.raises(InvalidInput):
        stage.caption([], FakeBrought().made_anew)
    with pytest.raises(Conflict):
        Describing(bucket.store, ClassCaptioner(), FakeEncoder()).caption([picture(1)], FakeBrought().made_anew)


def _view(shot: int) -> View:
    return View()

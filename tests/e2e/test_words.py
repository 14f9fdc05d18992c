"""Words over the whole platform: from subtitles, sound and slides to moments, and corrected by a person."""

import json
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from services.core.times import SECOND, TimeRange
from services.pipeline import workflow
from tests.e2e.index import jobs
from tests.media import films, slides
from tests.media.films import SOUND_RATE, Cue, film
from tests.media.pictures import Picture, pan
from tests.media.slides import Slide
from tests.servers.platform import Platform

CUES = (
    Cue(500, 1900, "The lighthouse keeper waits for the evening boat."),
    Cue(2250, 3750, "A submarine comes up beside the pier."),
    Cue(6100, 7900, "Nobody has seen the harbour so quiet."),
)


def pictures(seed: int = 0, shots: int = 4) -> "chain[Picture]":
    """Shots of two seconds."""
    return chain.from_iterable(pan(seed + shot, 50, 320, 180) for shot in range(shots))


def index(platform: Platform, path: Path, collection: str, *more: str) -> dict:
    video = platform.messages("index", str(path), "--collection", collection, "--wait", *more)[-1]
    assert (video["state"], video.get("missingTracks")) == ("READY", None), video
    return video


def transcript(platform: Platform, name: str) -> list[dict]:
    (answer,) = platform.messages("transcript", name)
    return answer.get("segments", [])


def moments(platform: Platform, collection: str, text: str, *more: str) -> list[dict]:
    (answer,) = platform.messages("search", text, "--collection", collection, *more)
    return answer.get("moments", [])


def seconds(range_: dict[str, str]) -> tuple[float, float]:
    return float(range_.get("start", "0s")[:-1]), float(range_["end"][:-1])


def matched(moment: dict, track: str) -> list[str]:
    """Texts of a track that a moment was found by."""
    return [found["text"] for found in moment["evidence"] if found["track"] == track]


@pytest.fixture(scope="module")
def talk(tmp_path_factory) -> Path:
    """Eight seconds in four shots, with a subtitle stream."""
    return film(tmp_path_factory.mktemp("talk") / "talk.mkv", pictures(), cues=CUES)


def test_what_is_said_is_found_with_the_time_at_which_it_is_said(platform: Platform, talk: Path) -> None:
    video = index(platform, talk, "talks")
    found = transcript(platform, video["name"])
    assert [(s["text"], seconds(s["range"])) for s in found] == [
        (cue.text, (cue.start / 1000, cue.end / 1000)) for cue in CUES
    ]
    assert {(s["source"], s["language"]) for s in found} == {("SUBTITLE_STREAM", "en")}
    for query in ("submarine", '"comes up beside the pier"', "a vessel that can dive"):
        best = moments(platform, "talks", query, "--track", "speech")[0]
        assert seconds(best["range"]) == (2.25, 3.75), query
        assert matched(best, "SPEECH") == [CUES[1].text]
    assert matched(moments(platform, "talks", "submarine")[0], "SPEECH") == [CUES[1].text]
    assert moments(platform, "talks", '"pier beside"', "--track", "speech") == []
    assert "00:00:02,250 --> 00:00:03,750\n" in platform.run("transcript", video["name"], "--format", "srt")


def test_a_correction_is_found_and_nothing_that_does_not_depend_on_it_is_done_again(
    platform: Platform, talk: Path, tmp_path: Path
) -> None:
    name = index(platform, talk, "corrected")["name"]
    other = index(platform, film(tmp_path / "other.mkv", pictures(40), cues=CUES[:1]), "corrected")["name"]
    before, before_other = jobs(platform, name), jobs(platform, other)
    file = tmp_path / "corrected.json"
    said = platform.run("transcript", name, "--json")
    file.write_text(said.replace("submarine", "walrus"))
    platform.run("transcript", name, "--set", str(file), "--wait")
    found = transcript(platform, name)
    assert [s["text"] for s in found] == [cue.text.replace("submarine", "walrus") for cue in CUES]
    assert {(s["source"], s["language"]) for s in found} == {("EDITED", "en")}
    best = moments(platform, "corrected", '"walrus"', "--track", "speech")[0]
    assert (best["video"], seconds(best["range"])) == (name, (2.25, 3.75))
    assert moments(platform, "corrected", '"submarine"') == []
    after = jobs(platform, name)
    again = {step for step, _ in after if any(after[u] != before[u] for u in after if u[0] == step)}
    assert again == workflow.downstream({"transcription.subtitles"})
    assert jobs(platform, other) == before_other
    file.write_text('{"segments": []}')
    platform.run("transcript", name, "--set", str(file), "--wait")
    assert transcript(platform, name) == []
    assert moments(platform, "corrected", '"walrus"') == []
    platform.run("transcript", name, "--clear", "--wait")
    assert [s["source"] for s in transcript(platform, name)] == ["SUBTITLE_STREAM"] * 3
    assert moments(platform, "corrected", '"submarine"')


def test_a_subtitle_file_given_with_a_video_counts_before_its_own(
    platform: Platform, talk: Path, tmp_path: Path
) -> None:
    given = tmp_path / "café.srt"
    given.write_text("1\n00:00:01,000 --> 00:00:02,500\nA café on the quay.\n", "latin-1")
    video = index(platform, talk, "given", "--subtitles", str(given))
    assert video["subtitleFile"] == "café.srt"
    (only,) = [s for s in transcript(platform, video["name"]) if s["source"] == "SUBTITLE_FILE"]
    assert (only["text"], seconds(only["range"])) == ("A café on the quay.", (1.0, 2.5))
    given.write_text("1\n00:00:01,000 --> 00:00:02,500\nA bakery.\n\n2\n00:00:09,000 --> rubbish\nx\n")
    refused = platform.vidx("index", str(talk), "--collection", "given", "--subtitles", str(given))
    assert refused.returncode == 1
    assert "line 6" in refused.stderr
    assert transcript(platform, video["name"])[0]["text"] == "A café on the quay."
    given.write_text("1\n00:00:01,000 --> 00:00:02,500\nA bakery.\n")
    assert index(platform, talk, "given", "--subtitles", str(given))["name"] == video["name"]
    assert transcript(platform, video["name"])[0]["text"] == "A bakery."


@pytest.mark.parametrize("sound", ["none", "silence", "a tone"])
def test_a_film_in_which_nothing_is_said_has_an_empty_transcript(platform: Platform, tmp_path, sound: str) -> None:
    samples = {"none": None, "silence": np.zeros(SOUND_RATE * 4, np.int16), "a tone": films.tone(4)}[sound]
    seed = 60 + 2 * len(sound)
    video = index(platform, film(tmp_path / "quiet.mp4", pictures(seed, 2), sound=samples), "quiet")
    assert platform.messages("transcript", video["name"]) == [{"segments": [], "nextPageToken": "", "languages": []}]
    done = platform.vidx("transcript", video["name"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing is said\n")


def test_what_is_written_in_the_picture_is_found_while_it_is_seen(platform: Platform, tmp_path: Path) -> None:
    shown = (
        Slide(TimeRange(0, 2 * SECOND), ("Harvest festival", "Saturday morning")),
        Slide(TimeRange(2 * SECOND, 4 * SECOND), ("Railway museum", "closed in winter")),
    )
    frames = (slides.slide(slide.lines) for slide in shown for _ in range(20))
    video = index(platform, film(tmp_path / "slides.mp4", frames, rate=10), "slides")
    (found,) = platform.messages("text", video["name"])
    for reading, slide in zip(found["readings"], shown, strict=True):
        assert set(reading["text"].split()) == set(slide.words)
        assert seconds(reading["range"]) == pytest.approx(
            (slide.range.start / SECOND, slide.range.end / SECOND), abs=0.5
        )
    best = moments(platform, "slides", "museum of trains", "--track", "on-screen-text")[0]
    assert seconds(best["range"])[0] == pytest.approx(2, abs=0.5)
    assert "Railway museum" in matched(best, "ON_SCREEN_TEXT")[0]


def test_labels_of_a_collection_are_found_in_its_shots_and_counted(platform: Platform, tmp_path: Path) -> None:
    from services.cli.demo_films import Film, Scene, write

    scenes = (Scene("chelsea.png", 2, ""), Scene("rocket.jpg", 2, ""))
    write(Film("cat", scenes), tmp_path / "cat.mp4")
    platform.run("collections", "create", "labelled", "--shot-label", "a cat")
    name = index(platform, tmp_path / "cat.mp4", "labelled")["name"]

    def labels() -> list[list[str]]:
        (found,) = platform.messages("captions", name)
        by_shot = {d.get("shot", 0): [label["label"] for label in d.get("labels", [])] for d in found["descriptions"]}
        return [by_shot.get(shot, []) for shot in range(2)]

    assert labels() == [["a cat"], []]
    before = jobs(platform, name)
    platform.run("collections", "labels", "labelled", "a cat", "a rocket")
    platform.run("watch", name)
    assert labels() == [["a cat"], ["a rocket"]]
    after = jobs(platform, name)
    again = {step for step, _ in after if any(after[u] != before[u] for u in after if u[0] == step)}
    assert again == workflow.downstream({"captioning.assemble"})
    (answer,) = platform.messages("search", "something", "--collection", "labelled", "--facets")
    assert {f["label"]: int(f["count"]) for f in answer["facets"]} == {"a cat": 1, "a rocket": 1}
    (only,) = moments(platform, "labelled", "a picture", "--track", "visual", "--shot-label", "a rocket")
    assert seconds(only["range"]) == (2.0, 4.0)


def test_a_long_text_is_one_query_and_a_stopword_is_answered(platform: Platform, talk: Path) -> None:
    index(platform, talk, "talks")
    long = "The sea is calm tonight. " * 396 + "A submarine comes up. "
    assert len(long) > 9_900
    assert json.loads(platform.run("search", "the of and", "--collection", "talks", "--json")) is not None
    assert moments(platform, "talks", long[:10_000], "--track", "speech")

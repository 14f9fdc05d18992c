"""Chapters and summaries over the whole platform: from a talk of three topics to files of other tools."""

import itertools
import json
from pathlib import Path

import pytest

from services.core.times import SECOND, TimeRange, covers
from tests.e2e.index import jobs
from tests.media.films import film
from tests.media.pictures import scene
from tests.servers.platform import Platform

BREAD = """
A good loaf of bread begins with flour, water, salt and yeast.
Weigh the flour first, because a cup of flour is never the same twice.
The yeast wakes up in lukewarm water and soon begins to foam.
Knead the dough for ten minutes until it is smooth and springs back.
A wet dough sticks to the fingers, but it makes a lighter bread.
Cover the bowl with a cloth and let the dough rise in a warm kitchen.
After an hour the dough has doubled, and you can shape the loaf.
Flour the basket well, or the loaf will stick to it.
Cut the top of the loaf with a sharp knife before it goes into the oven.
The oven must be very hot, and steam keeps the crust soft at first.
When the crust is brown, the bread sounds hollow as you tap it.
Let the loaf cool on a rack, however good the kitchen smells.
Rye flour makes a darker and heavier bread than wheat flour.
Sourdough bread needs no yeast from a shop, only flour, water and patience.
Old bread is good for toast, and for crumbs in the kitchen.
"""
TIDES = """
Twice a day the sea comes up the beach, and twice it goes out again.
The tide follows the Moon, which pulls the water of the ocean towards it.
On the far side of the Earth the ocean bulges as well, away from the Moon.
When the Sun and the Moon pull together, the spring tide is highest.
At half Moon they pull across each other, and the neap tide is low.
Sailors read tide tables before they leave the harbour.
At low tide the boats in the harbour lie on the mud.
Crabs and mussels live between the tide marks on the rocks.
In a narrow bay the tide can rise by fifteen metres.
The current of the tide runs fastest in the middle of the strait.
A wave is not a tide, for the wind makes the waves of the sea.
Long ago the Moon was closer, and the tides of the ocean were stronger.
The tides slow the turning of the Earth by a little every century.
A power station in the river mouth makes electricity from the tide.
Walk back to the beach in time, before the sea closes the path.
"""
BICYCLE = """
A bicycle needs care, and most repairs take only a few tools.
Turn the bicycle upside down so that both wheels are free.
Loosen the nuts of the axle and lift the rear wheel out of the frame.
Push the tyre off the rim with two levers, but do not pinch the tube.
Pump up the inner tube and listen for the hole.
Rub the rubber with sandpaper, and let the glue dry before you press the patch on.
Feel along the inside of the tyre for the thorn or the glass.
The chain should be cleaned and oiled when it squeaks.
A chain that is worn out ruins the gears of the bicycle.
Turn the small screw at the gear lever until the chain runs quietly.
The brake pads must touch the rim and never the tyre.
Pull the brake cable tight and fix it with the bolt.
A wheel that wobbles is made true with a key for the spokes.
Check the pressure of both tyres every week with a pump.
Last of all, ride the bicycle around the yard and try the brakes.
"""
SENTENCE_S = 6
TOPICS = [text.strip().splitlines() for text in (BREAD, TIDES, BICYCLE)]
SENTENCES = list(itertools.chain.from_iterable(TOPICS))
EDGES = [sum(map(len, TOPICS[:i])) * SENTENCE_S for i in range(len(TOPICS) + 1)]
STEPS = {"chaptering.chapter", "chaptering.summarize"}


def stamp(seconds: int) -> str:
    return f"00:{seconds // 60:02}:{seconds % 60:02},000"


@pytest.fixture(scope="module")
def talk(platform: Platform, tmp_path_factory) -> str:
    """Name of a READY video: one still picture, and a subtitle file of three topics of a minute and a half each."""
    folder = tmp_path_factory.mktemp("talk")
    picture = scene(900, 160, 90)
    path = film(folder / "talk.mp4", itertools.repeat(picture, EDGES[-1] * 25), gop=10_000)
    srt = folder / "talk.srt"
    srt.write_text(
        "\n".join(
            f"{i + 1}\n{stamp(i * SENTENCE_S)} --> {stamp((i + 1) * SENTENCE_S)}\n{text}\n"
            for i, text in enumerate(SENTENCES)
        )
    )
    arguments = ["index", str(path), "--collection", "lectures", "--subtitles", str(srt), "--wait"]
    video = platform.messages(*arguments)[-1]
    assert video["state"] == "READY", video
    assert {s["state"] for s in video["stages"]} == {"SUCCEEDED"}, video["stages"]
    return str(video["name"])


def nanoseconds(time: str) -> int:
    return round(float(time.removesuffix("s")) * SECOND)


def ranges(found: list[dict]) -> list[TimeRange]:
    return [TimeRange(nanoseconds(one["range"]["start"]), nanoseconds(one["range"]["end"])) for one in found]


def chapters(platform: Platform, name: str, *more: str) -> list[dict]:
    """They cover the video, and each has a title."""
    (answer,) = platform.messages("chapters", name, *more)
    found = answer["chapters"]
    assert covers(ranges(found), TimeRange(0, EDGES[-1] * SECOND))
    assert all(one["title"].strip() and one["title"].isprintable() for one in found)
    return found


def starts(found: list[dict]) -> list[float]:
    return [r.start / SECOND for r in ranges(found)]


def redone(before: dict, after: dict) -> set[str]:
    return {step for step, _ in after if any(after[u] != before[u] for u in after if u[0] == step)}


def test_chapters_begin_where_the_topic_changes(platform: Platform, talk: str) -> None:
    found = chapters(platform, talk)
    assert starts(found) == pytest.approx(EDGES[:-1], abs=12)
    assert [one["name"] for one in found] == [f"{talk}/chapters/c{int(s * 1000)}" for s in starts(found)]
    assert not any(one["locked"] for one in found)
    assert len({one["title"] for one in found}) == 3


@pytest.mark.parametrize("count", [1, 2, 7])
def test_as_many_chapters_as_are_asked_for_are_shown_and_not_stored(platform: Platform, talk: str, count: int) -> None:
    before = jobs(platform, talk)
    assert len(chapters(platform, talk, "--count", str(count))) == count
    assert len(chapters(platform, talk)) == 3
    assert jobs(platform, talk) == before


def test_titles_are_found_where_they_are_spoken_of(platform: Platform, talk: str) -> None:
    titles = ["Baking bread", "Why the sea has tides", "How to repair a bicycle"]
    found = chapters(platform, talk, *itertools.chain.from_iterable(("--title", t) for t in titles))
    assert [one["title"] for one in found] == titles
    assert starts(found) == pytest.approx(EDGES[:-1], abs=12)


@pytest.mark.parametrize("format_", ["webvtt", "youtube", "ffmetadata", "srt", "json", "edl", "otio"])
def test_chapters_are_exported_in_every_format(platform: Platform, talk: str, format_: str, tmp_path: Path) -> None:
    found = chapters(platform, talk)
    text = platform.run("chapters", talk, "--format", format_)
    assert all(one["title"].split()[0].lower() in text.lower() for one in found)
    beginnings = {
        "webvtt": "WEBVTT",
        "youtube": "0:00 ",
        "ffmetadata": ";FFMETADATA1",
        "srt": "1\n00:00:00,000 --> ",
        "json": "{",
        "edl": "TITLE: ",
        "otio": "{",
    }
    assert text.startswith(beginnings[format_])
    file = tmp_path / "chapters"
    platform.run("chapters", talk, "--format", format_, "-o", str(file))
    assert file.read_text() == text


@pytest.mark.parametrize("length", ["short", "medium", "long"])
def test_summaries_rest_on_what_is_said(platform: Platform, talk: str, length: str) -> None:
    (summary,) = platform.messages("summary", talk, "--length", length)
    assert summary["sentences"]
    for sentence in summary["sentences"]:
        assert sentence["text"] in SENTENCES
        for range_ in ranges([{"range": r} for r in sentence["ranges"]]):
            said = SENTENCES.index(sentence["text"])
            assert range_.overlaps(TimeRange(said * SENTENCE_S * SECOND, (said + 1) * SENTENCE_S * SECOND))
            assert range_.end <= EDGES[-1] * SECOND


def test_a_chapter_a_range_and_a_focus_are_summed_up(platform: Platform, talk: str) -> None:
    (tides,) = platform.messages("summary", talk, "--chapter", "2")
    assert tides["sentences"]
    assert {one["text"] for one in tides["sentences"]} <= set(TOPICS[1])
    (part,) = platform.messages("summary", talk, "--range", "0:06-1:00", "--length", "short")
    assert {one["text"] for one in part["sentences"]} <= set(TOPICS[0])
    (focused,) = platform.messages("summary", talk, "--focus", "the Moon and the ocean", "--length", "short")
    assert len({one["text"] for one in focused["sentences"]} & set(TOPICS[1])) > len(focused["sentences"]) / 2


def test_a_chapter_that_is_set_stays_and_the_rest_is_fitted_around_it(
    platform: Platform, talk: str, tmp_path: Path
) -> None:
    before = jobs(platform, talk)
    mine = {"range": {"start": "180s", "end": "210s"}, "title": "Taking the tyre off"}
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"chapters": [mine]}))
    platform.run("chapters", talk, "--set", str(file), "--wait")
    after = jobs(platform, talk)
    assert redone(before, after) == STEPS
    found = chapters(platform, talk)
    (kept,) = [one for one in found if one["locked"]]
    assert (kept["title"], kept["range"], kept["titleSource"]) == (mine["title"], mine["range"], "EDITED")
    assert starts(found) == pytest.approx([0, 90, 180, 210], abs=12)
    platform.run("retry", talk, "--stage", "chaptering")
    platform.run("watch", talk)
    again = jobs(platform, talk)
    assert redone(after, again) == STEPS
    assert chapters(platform, talk) == found
    assert kept in chapters(platform, talk, "--count", "5")
    (summary,) = platform.messages("summary", talk, "--chapter", kept["name"].rpartition("/")[2])
    assert {one["text"] for one in summary["sentences"]} <= set(SENTENCES[30:35])


@pytest.mark.parametrize("format_", ["webvtt", "youtube", "ffmetadata", "json"])
def test_an_export_can_be_set_again_and_forgotten(platform: Platform, talk: str, format_: str, tmp_path: Path) -> None:
    platform.run("chapters", talk, "--clear", "--wait")
    first = chapters(platform, talk)
    assert not any(one["locked"] for one in first)
    file = tmp_path / "chapters"
    platform.run("chapters", talk, "--format", format_, "-o", str(file))
    file.write_text(file.read_text().replace(first[1]["title"], "Ebb and flow"))
    platform.run("chapters", talk, "--set", str(file), "--wait")
    found = chapters(platform, talk)
    assert [one["title"] for one in found] == [first[0]["title"], "Ebb and flow", first[2]["title"]]
    assert starts(found) == pytest.approx(starts(first), abs=0.5)
    assert all(one["locked"] for one in found)
    platform.run("chapters", talk, "--clear", "--wait")
    assert chapters(platform, talk) == first


def test_wrong_chapters_are_refused_and_change_nothing(platform: Platform, talk: str, tmp_path: Path) -> None:
    before, found = jobs(platform, talk), chapters(platform, talk)
    file = tmp_path / "wrong.json"
    for start, end in (("0s", "900s"), ("20s", "10s")):
        file.write_text(json.dumps({"chapters": [{"range": {"start": start, "end": end}, "title": "x"}]}))
        refused = platform.vidx("chapters", talk, "--set", str(file))
        assert (refused.returncode, "chapters.chapters[0].range" in refused.stderr) == (1, True)
    assert platform.vidx("summary", talk, "--chapter", "c1").returncode == 1
    assert (jobs(platform, talk), chapters(platform, talk)) == (before, found)


def test_a_question_is_answered_from_what_is_said_with_its_time(platform: Platform, talk: str) -> None:
    (answer,) = platform.messages("ask", "How does one find the hole in a tube?", "--collection", "lectures")
    cited = [one["citations"] for one in answer["sentences"]]
    assert "Pump up the inner tube and listen for the hole." in [one["text"] for one in answer["sentences"]]
    for one in itertools.chain.from_iterable(cited):
        said = SENTENCES.index(one["text"])
        assert one["video"] == talk
        assert ranges([one]) == [TimeRange(said * SENTENCE_S * SECOND, (said + 1) * SENTENCE_S * SECOND)]
    shown = platform.run("ask", "How does one find the hole in a tube?", "--collection", "lectures", "--video", talk)
    assert "talk.mp4" in shown
    asked = "Who won the football championship in Brazil?"
    assert platform.run("ask", asked, "--collection", "lectures") == "Not in these videos.\n"

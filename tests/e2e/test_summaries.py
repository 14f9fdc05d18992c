"""One summary of several videos over the whole platform."""

import itertools

import pytest

from tests.media.films import Cue, film
from tests.media.pictures import scene
from tests.servers.platform import Platform

SENTENCE_S = 3
BREAD = (
    "A good loaf of bread begins with flour, water, salt and a little yeast.",
    "Knead the dough for ten minutes until it is smooth and springs back.",
    "Cover the bowl with a cloth and let the dough rise in a warm kitchen.",
    "The oven must be very hot, and steam keeps the crust soft at first.",
    "When the crust is brown, the bread sounds hollow as you tap it.",
    "Let the loaf cool on a rack, however good the kitchen smells.",
)
TIDES = (
    "Twice a day the sea comes up the beach, and twice it goes out again.",
    "The tide follows the Moon, which pulls the water of the ocean towards it.",
    "When the Sun and the Moon pull together, the spring tide is highest.",
    "At low tide the boats in the harbour lie on the mud and wait.",
    "In a narrow bay the tide can rise by as much as fifteen metres.",
    "Walk back to the beach in time, before the sea closes the path.",
)
SAID = {"bread": BREAD, "silent": (), "tides": TIDES}


@pytest.fixture(scope="module")
def videos(platform: Platform, tmp_path_factory) -> dict[str, str]:
    """Names by title of READY videos: two talks with subtitles, and one picture without a word."""
    folder, found = tmp_path_factory.mktemp("several"), {}
    for title, said in SAID.items():
        cues = [Cue(i * SENTENCE_S * 1000, (i + 1) * SENTENCE_S * 1000, text) for i, text in enumerate(said)]
        pictures = itertools.repeat(scene(900 + len(found), 160, 90), len(BREAD) * SENTENCE_S * 25)
        path = film(folder / f"{title}.mkv", pictures, gop=10_000, cues=cues)
        (*_, video) = platform.messages("index", str(path), "--collection", "several", "--wait")
        assert video["state"] == "READY", video
        found[title] = str(video["name"])
    return found


def where(sentence: dict) -> str:
    """The range that a sentence must carry, as `vidx` shows it."""
    said = next(said for said in SAID.values() if sentence["text"] in said)
    start = said.index(sentence["text"]) * SENTENCE_S
    return f"0:00:{start:02}.000-0:00:{start + SENTENCE_S:02}.000"


def test_several_videos_are_summed_up_together(platform: Platform, videos: dict[str, str]) -> None:
    asked = [videos["tides"], videos["silent"], videos["bread"]]
    (summary,) = platform.messages("summary", *asked, "--length", "long")
    assert summary["videos"] == asked
    assert "range" not in summary
    titles = {videos["tides"]: "tides", videos["bread"]: "bread"}
    # Both talks are heard, in the order asked; the silent one does no harm.
    assert list(dict.fromkeys(s["video"] for s in summary["sentences"])) == list(titles)
    for sentence in summary["sentences"]:
        assert sentence["text"] in SAID[titles[sentence["video"]]]
    shown = platform.run("summary", *asked, "--length", "long").splitlines()
    assert shown == [f"{titles[s['video']]}.mkv\t{where(s)}\t{s['text']}" for s in summary["sentences"]]
    (focused,) = platform.messages("summary", *asked, "--focus", "the Moon and the sea", "--length", "short")
    assert {s["video"] for s in focused["sentences"]} == {videos["tides"]}
    refused = platform.vidx("summary", videos["tides"], f"{videos['tides']}x")
    assert (refused.returncode, "no video" in refused.stderr) == (1, True)

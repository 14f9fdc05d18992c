"""On-screen text of made films: decoded for real, read by RapidOCR."""

import re
import socket
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.captioning import rapid
from services.captioning.onscreen import OnScreen
from services.captioning.pillow import PillowPictures
from services.captioning.rapid import RapidReader
from services.core.jobs import Job, no_progress
from services.core.media import SampledFrames
from services.core.names import VideoName
from services.core.text import Box, OnScreenText
from services.core.times import SECOND, TimeRange
from services.decoding import pyav
from services.decoding.ports import Limits, Sampling
from services.runtime.artifacts import ArtifactStore
from services.runtime.settings import StoreSettings
from services.runtime.store import connect
from tests.media.films import film
from tests.media.pictures import hold, pan, scene
from tests.media.slides import DARK, Slide, Style, slide, slides_film, texts, write

VIDEO = VideoName("c", "v")
STYLES = (
    Style(28),
    Style(36, DARK.ink, DARK.paper),
    Style(36, DARK.ink, DARK.paper),
    Style(60),
    Style(28, DARK.ink, DARK.paper),
    Style(44, (150, 20, 20), (240, 220, 120)),
)


@pytest.fixture(scope="module")
def reader() -> RapidReader:
    return RapidReader(threads=1)


def frames_of(path: Path, folder: Path, objects: StoreSettings) -> ArtifactStore:
    """A store with the film's frames and JPEGs, as decoding writes them."""
    store = connect(objects)
    (folder / "made").mkdir()
    length = pyav.probe(path, Limits()).duration
    made = pyav.segment(path, Limits(), Sampling(), TimeRange(0, length), False, folder / "made")
    store.objects.put(f"{VIDEO}/jpegs", made.jpegs.read_bytes())
    store.save(f"{VIDEO}/frames", SampledFrames(f"{VIDEO}/jpegs", tuple(made.frames)))
    return store


def read(path: Path, folder: Path, reader: RapidReader, objects: StoreSettings) -> OnScreenText:
    store = frames_of(path, folder, objects)
    stage = OnScreen(store, PillowPictures(10_000_000), reader)
    job = Job(VIDEO, "captioning.text", 0, inputs={"frames": (f"{VIDEO}/frames",)})
    return store.load(stage.segment(job, no_progress).artifacts["readings"], OnScreenText)


def found_words(found: OnScreenText, shown: Sequence[Slide], within: int) -> tuple[int, int]:
    """How many of the slides' words were read, with a range that differs by at most `within` ns at both ends."""
    words = [(word.casefold(), one.range) for one in shown for word in one.words]
    read = [(set(re.findall(r"\w+", r.text.casefold())), r.range) for r in found.readings]
    hits = sum(
        any(
            word in text and abs(range_.start - at.start) <= within and abs(range_.end - at.end) <= within
            for text, at in read
        )
        for word, range_ in words
    )
    return hits, len(words)


def test_thirty_slides_are_read_each_while_it_is_shown(
    tmp_path: Path, reader: RapidReader, objects: StoreSettings
) -> None:
    path = tmp_path / "slides.mp4"
    shown = slides_film(path, texts(11, 30), STYLES, seed=11, rate=10, seconds=(1.2, 2.4))
    hits, words = found_words(read(path, tmp_path, reader, objects), shown, SECOND // 2)
    print(f"on-screen text: {hits} of {words} words found within half a second")
    assert hits >= 0.95 * words


def test_slides_that_differ_in_their_text_only_are_told_apart(
    tmp_path: Path, reader: RapidReader, objects: StoreSettings
) -> None:
    path = tmp_path / "slides.mp4"
    shown = slides_film(path, texts(5, 6), (Style(32),), seed=5, rate=10)
    found = read(path, tmp_path, reader, objects)
    assert [reading.range for reading in found.readings] == [one.range for one in shown]
    hits, words = found_words(found, shown, 0)
    assert hits >= 0.95 * words


def test_a_title_over_a_moving_scene_is_read(tmp_path: Path, reader: RapidReader, objects: StoreSettings) -> None:
    pictures = []
    for i, picture in enumerate(pan(3, 80, 1280, 720, reach=0.3)):
        image = Image.fromarray(picture)
        if 30 <= i < 60:
            image.paste((10, 10, 10), (60, 560, 900, 660))
            write(image, ["Professor Harbour of history"], Style(48, ink=(255, 255, 255)), (90, 580))
        pictures.append(np.asarray(image))
    (reading,) = read(film(tmp_path / "f.mp4", pictures, rate=10), tmp_path, reader, objects).readings
    assert reading.text == "Professor Harbour of history"
    # Frames of a moving scene are a second apart.
    assert abs(reading.range.start - 3 * SECOND) <= SECOND
    assert abs(reading.range.end - 6 * SECOND) <= SECOND
    assert reading.lines[0].box.top == pytest.approx(0.81, abs=0.05)


def test_text_that_is_turned_or_stands_in_a_narrow_column_is_read_where_a_glance_sees_one_place(
    reader: RapidReader,
) -> None:
    words = ["budget", "harbour", "mountain", "report", "history"]
    turned = Image.fromarray(scene(4, 597, 336))
    name = Image.fromarray(slide(["Budget of Harbour"], Style(30), 320, 60, top=0.2))
    turned.paste(name.rotate(270, expand=True), (400, 8))
    column = Image.fromarray(scene(4, 597, 336))
    column.paste(Image.fromarray(slide(words, Style(24), 130, 220, top=0.1)), (220, 60))
    for picture, place, wanted in (
        (turned, Box(0.67, 0.02, 0.77, 0.98), ["Budget of Harbour"]),
        (column, Box(0.37, 0.18, 0.59, 0.83), words),
    ):
        read = reader.read(np.asarray(picture), [place])
        assert [line.text for line in read] == wanted


def test_a_tall_texture_is_told_from_text_without_reading_the_picture(
    reader: RapidReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, whole = [], rapid.drawn
    monkeypatch.setattr(rapid, "drawn", lambda picture: sizes.append(picture.shape) or whole(picture))
    assert reader.read(scene(4, 597, 336), [Box(0.4, 0.1, 0.5, 0.9)]) == ()
    assert not sizes


def test_photographs_have_no_text(reader: RapidReader, objects: StoreSettings) -> None:
    data = pytest.importorskip("skimage.data")
    stage = OnScreen(connect(objects), PillowPictures(10_000_000), reader)
    for made in (data.chelsea, data.coffee, data.cat):
        assert stage.read(made()) == ()


def test_a_black_film_is_read_quickly_and_has_no_text(
    tmp_path: Path, reader: RapidReader, objects: StoreSettings
) -> None:
    black = np.zeros((180, 320, 3), np.uint8)
    assert read(film(tmp_path / "f.mp4", hold(black, 30), rate=10), tmp_path, reader, objects) == OnScreenText()


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    lines = RapidReader(threads=1).read(slide(["budget harbour"], Style(48)))
    assert [line.text for line in lines] == ["budget harbour"]

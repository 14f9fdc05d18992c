"""Many videos at once, on two workers a stage, give what one after the other gives."""

from pathlib import Path

import pytest

from tests.e2e.index import content, rows
from tests.media.films import film
from tests.media.pictures import pan
from tests.servers.platform import Platform

VIDEOS = 20


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> list[Path]:
    """Twenty films of four seconds and two shots."""
    folder = tmp_path_factory.mktemp("films")

    def pictures(seed: int):
        yield from pan(seed, 50, 160, 90)
        yield from pan(seed + 100, 50, 160, 90)

    return [film(folder / f"{i:02}.mp4", pictures(i)) for i in range(VIDEOS)]


def by_title(platform: Platform, collection: str) -> dict[str, list]:
    """Content of the index by the title of the video, which is the file's name."""
    titles = {v["name"].split("/")[-1]: v["title"] for v in platform.messages("list", "--collection", collection)}
    found: dict[str, list] = {title: [] for title in titles.values()}
    for row in rows(platform, collection):
        found[titles[row["video"]]].append(row)
    return {title: content(of_title) for title, of_title in found.items()}


def test_twenty_at_once_give_exactly_the_rows_of_one_by_one(platform: Platform, films: list[Path]) -> None:
    for path in films:
        platform.run("index", str(path), "--collection", "one-by-one", "--wait")
    together = platform.messages("index", *map(str, films), "--collection", "at-once", "--wait")
    assert [v["state"] for v in together] == ["READY"] * VIDEOS
    first, second = by_title(platform, "one-by-one"), by_title(platform, "at-once")
    assert len(first) == VIDEOS
    assert all(len(found) >= 4 for found in first.values())
    assert first == second


def test_the_same_folder_again_adds_nothing(platform: Platform, films: list[Path]) -> None:
    before = len(rows(platform, "at-once"))
    platform.run("index", str(films[0].parent), "--collection", "at-once", "--wait")
    assert len(platform.messages("list", "--collection", "at-once")) == VIDEOS
    assert len(rows(platform, "at-once")) == before

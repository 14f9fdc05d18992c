"""The main job: films in, moments out, at the right times."""

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from google.protobuf.field_mask_pb2 import FieldMask
from PIL import Image
from vidx.gateway.v1 import video_index_service_pb2 as pb
from vidx.gateway.v1.video_index_service_pb2_grpc import VideoIndexServiceStub

from services.pipeline.workflow import STAGES
from services.runtime.grpc_client import channel
from tests.e2e.index import objects, rows
from tests.media.films import film
from tests.servers.platform import Platform

SIZE = (320, 180)
SUBJECTS = {
    "a cat": "chelsea.png",
    "a cup of coffee": "coffee.png",
    "a motorcycle": "motorcycle_left.png",
    "a rocket": "rocket.jpg",
}
PHOTOS = Path(skimage.data.__file__).parent
SHOT_S = 3


def photo_film(path):
    """Three seconds a photograph, slowly moving, with hard cuts, at 25 frames a second."""

    def pictures():
        for name in SUBJECTS.values():
            photo = Image.open(PHOTOS / name).convert("RGB")
            scale = 1.2 * max(SIZE[0] / photo.width, SIZE[1] / photo.height)
            big = photo.resize((round(photo.width * scale), round(photo.height * scale)))
            for i in range(25 * SHOT_S):
                x, y = i * (big.width - SIZE[0]) // (25 * SHOT_S), (big.height - SIZE[1]) // 2
                yield np.asarray(big.crop((x, y, x + SIZE[0], y + SIZE[1])))

    return film(path, pictures())


@pytest.fixture(scope="module")
def video(platform: Platform, tmp_path_factory) -> dict:
    path = photo_film(tmp_path_factory.mktemp("films") / "photos.mp4")
    indexed = platform.messages("index", str(path), "--collection", "moments", "--label", "site=north", "--wait")[-1]
    assert indexed["state"] == "READY", indexed
    return indexed


def search(platform: Platform, query: str, *options: str) -> list[dict]:
    return platform.messages("search", query, "--collection", "moments", *options)[0].get("moments", [])


def test_a_ready_video_is_searchable_at_once_with_every_row_that_was_written(platform: Platform, video: dict) -> None:
    assert int(video["rowCount"]) == len(rows(platform, "moments", video["name"].split("/")[-1])) > 4
    assert video["duration"] == "12s"
    assert [s["state"] for s in video["stages"]] == ["SUCCEEDED"] * len(STAGES)


@pytest.mark.parametrize(("subject", "number"), [(s, i) for i, s in enumerate(SUBJECTS)])
def test_each_subject_is_found_in_its_own_shot_first(
    platform: Platform, video: dict, subject: str, number: int
) -> None:
    best = search(platform, subject)[0]
    assert best["video"] == video["name"]
    start, end = (float(best["range"].get(k, "0s")[:-1]) for k in ("start", "end"))
    assert (start, end) == pytest.approx((number * SHOT_S, (number + 1) * SHOT_S), abs=0.05)
    evidence = best["evidence"][0]
    assert evidence["track"] == "VISUAL"
    assert start <= float(evidence.get("frameTime", "0s")[:-1]) < end


def test_shots_lie_exactly_at_the_cuts(platform: Platform, video: dict) -> None:
    shots = platform.messages("shots", video["name"])[0]["shots"]
    assert [(s["range"].get("start", "0s"), s["range"]["end"]) for s in shots] == [
        ("0s", "3s"), ("3s", "6s"), ("6s", "9s"), ("9s", "12s"),
    ]  # fmt: skip


def test_filters_and_cut_offs_leave_out_what_does_not_match(platform: Platform, video: dict) -> None:
    assert search(platform, "a cat", "--label", "site=north")
    assert not search(platform, "a cat", "--label", "site=south")
    assert search(platform, "a cat", "--video", video["name"])
    assert not search(platform, "a cat", "--min-score", "1")
    assert len(search(platform, "a cat", "--limit", "2")) == 2
    scores = [m["score"] for m in search(platform, "a cat")]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= s <= 1 for s in scores)


def test_new_labels_are_searchable_when_the_video_is_ready_again(platform: Platform, video: dict) -> None:
    with channel(platform.address) as connection:
        change = pb.Video(name=video["name"], labels={"site": "north", "floor": "2"})
        request = pb.UpdateVideoRequest(video=change, update_mask=FieldMask(paths=["labels"]))
        VideoIndexServiceStub(connection).UpdateVideo(request, timeout=60)
    assert platform.messages("watch", video["name"])[-1]["state"] == "READY"
    assert search(platform, "a cat", "--label", "floor=2")


def test_queries_come_one_a_line_and_are_answered_one_a_line_in_order(platform: Platform, video: dict) -> None:
    queries = list(SUBJECTS) * 3
    lines = platform.run("search", "-", "--collection", "moments", "--json", stdin="\n".join(queries) + "\n")
    answers = [json.loads(line)["moments"][0] for line in lines.splitlines()]
    starts = [float(a["range"].get("start", "0s")[:-1]) for a in answers]
    assert starts == pytest.approx([0, 3, 6, 9] * 3, abs=0.05)


@pytest.mark.parametrize(
    ("query", "says"),
    [("", "empty"), ("   ", "empty"), ("x" * 10_001, "at most 10000")],
    ids=["empty", "blank", "too long"],
)
def test_a_query_that_is_none_is_refused_in_one_line(platform: Platform, video: dict, query: str, says: str) -> None:
    done = platform.vidx("search", query, "--collection", "moments")
    assert done.returncode != 0
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("query", ["a cat " * 1666, "猫" * 3000, "zxqv wrtp", "the of and", "\U0001f63a'\"\\%;--"])
def test_any_other_text_is_a_query(platform: Platform, video: dict, query: str) -> None:
    assert search(platform, query) is not None


def test_an_unknown_collection_or_video_is_told(platform: Platform, video: dict) -> None:
    for command in (["search", "x", "--collection", "none"], ["get", "collections/moments/videos/none"]):
        done = platform.vidx(*command)
        assert done.returncode != 0
        assert "none" in done.stderr


def test_a_frame_at_a_time_is_the_picture_that_a_player_shows(platform: Platform, video: dict, tmp_path) -> None:
    platform.run("frame", video["name"], "4.5", "-o", str(tmp_path / "f.jpg"))
    picture = Image.open(tmp_path / "f.jpg")
    assert picture.size == SIZE
    coffee = platform.vidx("frame", video["name"], "12", "-o", str(tmp_path / "g.jpg"))
    assert coffee.returncode != 0
    assert "12" in coffee.stderr


def test_a_deleted_video_is_gone_from_index_store_and_catalog_and_says_what_went(platform: Platform, tmp_path) -> None:
    path = photo_film(tmp_path / "gone.mp4")
    gone = platform.messages("index", str(path), "--collection", "gone", "--wait")[-1]
    id_ = gone["name"].split("/")[-1]
    assert rows(platform, "gone", id_)
    assert objects(platform, gone["name"])
    receipt = platform.messages("delete", gone["name"])[0]["removed"]
    assert (int(receipt["videos"]), int(receipt["rows"])) == (1, int(gone["rowCount"]))
    assert int(receipt["objects"]) >= 8
    assert rows(platform, "gone", id_) == []
    assert objects(platform, gone["name"]) == []
    assert platform.vidx("get", gone["name"]).returncode != 0

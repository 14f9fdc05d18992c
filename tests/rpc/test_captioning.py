"""The captioning service's gRPC door: a real server and stub, fakes behind; and its client of the embedding service."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from PIL import Image
from vidx.captioning.v1 import captioning_service_pb2 as pb
from vidx.captioning.v1 import captioning_service_pb2_grpc as pb_grpc
from vidx.embedding.v1 import embedding_service_pb2 as embedding_pb
from vidx.embedding.v1 import embedding_service_pb2_grpc as embedding_grpc
from vidx.media.v1 import media_pb2

from services.captioning import rpc, tasks
from services.captioning.assemble import Assembling
from services.captioning.describe import Describing
from services.captioning.embedding_client import EmbeddingClient
from services.captioning.onscreen import OnScreen
from services.captioning.pillow import PillowPictures
from services.captioning.ports import Candidate
from services.captioning.service import Captioning
from services.core.errors import InvalidInput, MediaLimit, NotFound, VidxError
from services.core.text import Captions
from services.runtime.grpc_client import call, channel
from services.runtime.grpc_server import create_server
from services.runtime.settings import ServerSettings
from services.runtime.text_embedding import TextEmbedding
from tests.fakes.captioning import VIDEO, Bucket, FakeBrought, FakeCaptioner, FakeEncoder, FakeReader, picture


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return Bucket(tmp_path)


@pytest.fixture
def stub(bucket: Bucket) -> Iterator[pb_grpc.CaptioningServiceStub]:
    encoder = FakeEncoder({"text 0": 0, "text 1": 1})
    captioner = FakeCaptioner({i: [Candidate(f"text {i}", "more")] for i in range(2)})
    stage = Captioning(
        OnScreen(bucket.store, PillowPictures(5_000), FakeReader({50: "budget"})),
        Describing(bucket.store, captioner, encoder),
        Assembling(bucket.store, encoder),
        FakeBrought(5_000),
    )
    server = create_server(ServerSettings(drain_s=0), [rpc.door(stage, tasks.steps(stage))])
    with channel(f"127.0.0.1:{server.port}") as connection:
        yield pb_grpc.CaptioningServiceStub(connection)
    server.stop()


def refused(method: grpc.UnaryUnaryMultiCallable, request: object) -> VidxError:
    with pytest.raises(VidxError) as caught:
        call(method, request, 60)
    return caught.value


def test_pictures_are_captioned(stub: pb_grpc.CaptioningServiceStub) -> None:
    caption = call(stub.Caption, pb.CaptionRequest(images=[picture(10, 1)]), 60).caption
    assert (caption.brief, caption.detailed, caption.model) == ("text 1", "more", "fake")
    assert not caption.HasField("range")
    assert not call(stub.Caption, pb.CaptionRequest(images=[picture(10, 7)]), 60).HasField("caption")


def test_a_wrong_number_of_pictures_is_an_invalid_argument(stub: pb_grpc.CaptioningServiceStub) -> None:
    for images in ([], [b"x"] * 9):
        error = refused(stub.Caption, pb.CaptionRequest(images=images))
        assert type(error) is InvalidInput
        assert list(error.fields) == ["images"]


def test_text_is_read_with_its_place(stub: pb_grpc.CaptioningServiceStub) -> None:
    (line,) = call(stub.ReadText, pb.ReadTextRequest(image=picture(50)), 60).lines
    assert (line.text, round(line.box.left, 3), round(line.confidence, 3)) == ("budget", 0.1, 0.9)
    assert not call(stub.ReadText, pb.ReadTextRequest(image=picture(0)), 60).lines


def test_hostile_pictures_are_invalid_arguments(stub: pb_grpc.CaptioningServiceStub, tmp_path: Path) -> None:
    assert type(refused(stub.ReadText, pb.ReadTextRequest(image=b"GIF89a"))) is InvalidInput
    Image.new("RGB", (100, 100)).save(tmp_path / "large.png")
    assert type(refused(stub.ReadText, pb.ReadTextRequest(image=(tmp_path / "large.png").read_bytes()))) is MediaLimit


def test_run_does_a_step(stub: pb_grpc.CaptioningServiceStub, bucket: Bucket) -> None:
    given = bucket.describe()
    job = media_pb2.Job(video=str(VIDEO), step=given.step, segment=0, attempt=1)
    for kind, keys in given.inputs.items():
        job.inputs[kind].keys.extend(keys)
    outputs = call(stub.Run, pb.RunRequest(job=job), 60).outputs
    assert dict(outputs.counts) == {"captions": 2}
    (key,) = outputs.artifacts["descriptions"].keys
    assert [c.brief for c in bucket.store.load(key, Captions).captions] == ["text 0", "text 1"]


def test_run_refuses_an_unknown_step_and_a_missing_input(stub: pb_grpc.CaptioningServiceStub) -> None:
    error = refused(stub.Run, pb.RunRequest(job=media_pb2.Job(video=str(VIDEO), step="embedding.segment")))
    assert list(error.fields) == ["job.step"]
    job = media_pb2.Job(video=str(VIDEO), step="captioning.text")
    job.inputs["frames"].keys.append(f"{VIDEO}/gone")
    assert type(refused(stub.Run, pb.RunRequest(job=job))) is NotFound


class Embeddings(embedding_grpc.EmbeddingServiceServicer):
    """Answers texts by their length."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.space = "s1"

    def EmbedText(self, request, context):  # noqa: N802
        assert request.text_spaces == [embedding_pb.JOINT]
        self.asked.append(len(request.texts))
        found = embedding_pb.TextVectors(
            vectors=[embedding_pb.Vector(values=[len(text), 0.0]) for text in request.texts],
            calibrations=[embedding_pb.Calibration(middle=0.5, spread=0.1) for _ in request.texts],
            space=self.space,
        )
        return embedding_pb.EmbedTextResponse(spaces=[found])


@pytest.fixture
def embeddings() -> Iterator[tuple[Embeddings, EmbeddingClient]]:
    served = Embeddings()
    service = embedding_pb.DESCRIPTOR.services_by_name["EmbeddingService"]
    door = (service, lambda server: embedding_grpc.add_EmbeddingServiceServicer_to_server(served, server))
    server = create_server(ServerSettings(drain_s=0), [door])
    with channel(f"127.0.0.1:{server.port}") as connection:
        yield served, EmbeddingClient(TextEmbedding(connection, 60), 1000)
    server.stop()


def test_texts_are_asked_for_once_and_64_at_a_time(embeddings: tuple[Embeddings, EmbeddingClient]) -> None:
    served, client = embeddings
    texts = ["x" * (i + 1) for i in range(100)]
    space, found = client.meanings([*texts, texts[0]])
    assert (space, served.asked) == ("s1", [64, 36])
    np.testing.assert_allclose([found[text].vector[0] for text in texts], range(1, 101))
    client.meanings(texts)
    assert served.asked == [64, 36]


def test_a_new_space_makes_what_is_remembered_worthless(embeddings: tuple[Embeddings, EmbeddingClient]) -> None:
    served, client = embeddings
    client.meanings(["a"])
    served.space = "s2"
    space, found = client.meanings(["a", "b"])
    assert (space, sorted(found)) == ("s2", ["a", "b"])
    assert served.asked == [1, 1, 2]

"""The embedding service's gRPC door: a real server and stub, fakes behind."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from vidx.embedding.v1 import embedding_service_pb2 as pb
from vidx.embedding.v1 import embedding_service_pb2_grpc as pb_grpc
from vidx.media.v1 import media_pb2

from services.core.errors import InvalidInput, NotFound, VidxError
from services.core.media import SampledFrame, SampledFrames, VideoInfo
from services.core.times import TimeRange
from services.core.vectors import from_npz
from services.embedding import rpc, tasks
from services.embedding.passages import TextSteps
from services.embedding.service import Embedding
from services.runtime.artifacts import ArtifactStore
from services.runtime.grpc_client import call, channel
from services.runtime.grpc_server import create_server
from services.runtime.settings import ServerSettings
from services.runtime.store_folder import FolderStore
from tests.fakes.embedding import FakeEncoder, FakePictures, model, texts, vector_of

VIDEO = "collections/c/videos/v"


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(FolderStore(tmp_path))


@pytest.fixture
def stub(artifacts: ArtifactStore) -> Iterator[pb_grpc.EmbeddingServiceStub]:
    encoder = FakeEncoder()
    joint, sentences = texts(encoder)
    stage = Embedding(artifacts, model(), encoder, FakePictures(), joint, sentences, brought=FakePictures())
    handlers = tasks.steps(stage, TextSteps(artifacts, sentences))
    server = create_server(ServerSettings(drain_s=0), [rpc.door(stage, handlers)])
    with channel(f"127.0.0.1:{server.port}") as connection:
        yield pb_grpc.EmbeddingServiceStub(connection)
    server.stop()


def refused(method: grpc.UnaryUnaryMultiCallable, request: object) -> VidxError:
    with pytest.raises(VidxError) as caught:
        call(method, request, 60)
    return caught.value


def test_texts_become_unit_vectors_with_the_curve_of_their_score(stub: pb_grpc.EmbeddingServiceStub) -> None:
    for text_space, space in ((pb.JOINT, model().joint), (pb.SENTENCE, model().sentence)):
        request = pb.EmbedTextRequest(texts=["a dog", "a cat"], text_spaces=[text_space])
        (response,) = call(stub.EmbedText, request, 60).spaces
        vectors = np.array([v.values for v in response.vectors])
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1], atol=1e-6)
        cosines = vectors @ space.background.T
        middles, spreads = ([getattr(c, field) for c in response.calibrations] for field in ("middle", "spread"))
        np.testing.assert_allclose(middles, cosines.mean(1) + space.centre * cosines.std(1), atol=1e-6)
        np.testing.assert_allclose(spreads, space.scale * cosines.std(1), atol=1e-6)
        assert response.space == space.name


def test_a_text_is_for_pictures_unless_it_is_asked_for_as_a_sentence(stub: pb_grpc.EmbeddingServiceStub) -> None:
    def ask(*spaces: pb.TextSpace.ValueType) -> list[pb.TextVectors]:
        return list(call(stub.EmbedText, pb.EmbedTextRequest(texts=["a dog"], text_spaces=spaces), 60).spaces)

    assert ask() == ask(pb.JOINT)
    # The cache, which the first answers filled, keeps the spaces apart.
    np.testing.assert_array_equal(ask(pb.SENTENCE)[0].vectors[0].values, [-v for v in ask()[0].vectors[0].values])
    assert ask(pb.SENTENCE, pb.JOINT) == ask(pb.SENTENCE) + ask(pb.JOINT)


@pytest.mark.parametrize("spaces", [[7], [0], [pb.JOINT, pb.JOINT]])
def test_an_unknown_or_repeated_space_is_an_invalid_argument(
    stub: pb_grpc.EmbeddingServiceStub, spaces: list[pb.TextSpace.ValueType]
) -> None:
    error = refused(stub.EmbedText, pb.EmbedTextRequest(texts=["a dog"], text_spaces=spaces))
    assert list(error.fields) == ["text_spaces"]


@pytest.mark.parametrize(("texts", "field"), [([""], "texts[0]"), ([], "texts"), (["a" * 10_001], "texts[0]")])
def test_bad_texts_are_invalid_arguments(stub: pb_grpc.EmbeddingServiceStub, texts: list[str], field: str) -> None:
    error = refused(stub.EmbedText, pb.EmbedTextRequest(texts=texts))
    assert type(error) is InvalidInput
    assert list(error.fields) == [field]


def test_pictures_become_unit_vectors_in_order(stub: pb_grpc.EmbeddingServiceStub) -> None:
    response = call(stub.EmbedImages, pb.EmbedImagesRequest(images=[b"\x01", b"\x02"]), 60)
    np.testing.assert_allclose([v.values for v in response.vectors], [vector_of(1), vector_of(2)], atol=1e-6)
    assert response.space == "fake-space"


def test_a_broken_picture_is_named(stub: pb_grpc.EmbeddingServiceStub) -> None:
    error = refused(stub.EmbedImages, pb.EmbedImagesRequest(images=[b"\x01", b""]))
    assert type(error) is InvalidInput
    assert list(error.fields) == ["images[1]"]


def test_run_does_a_step(stub: pb_grpc.EmbeddingServiceStub, artifacts: ArtifactStore) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("0.jpg")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"\x07"))
    artifacts.objects.put(f"{VIDEO}/t.tar", out.getvalue())
    frames = SampledFrames(f"{VIDEO}/t.tar", (SampledFrame(0, 0, TimeRange(0, 10)),))
    artifacts.save(f"{VIDEO}/f.pb", frames)
    job = media_pb2.Job(video=VIDEO, step="embedding.segment", segment=0, attempt=1)
    job.inputs["frames"].keys.append(f"{VIDEO}/f.pb")
    outputs = call(stub.Run, pb.RunRequest(job=job), 60).outputs
    assert dict(outputs.counts) == {"vectors": 1}
    (key,) = outputs.artifacts["frame_vectors"].keys
    np.testing.assert_allclose(from_npz(artifacts.objects.get(key))[0], [vector_of(7)], atol=1e-6)


def test_run_embeds_a_title(stub: pb_grpc.EmbeddingServiceStub, artifacts: ArtifactStore) -> None:
    artifacts.save(f"{VIDEO}/i.pb", VideoInfo(VIDEO, "a dog", 0))
    job = media_pb2.Job(video=VIDEO, step="embedding.title", attempt=1)
    job.inputs["info"].keys.append(f"{VIDEO}/i.pb")
    (key,) = call(stub.Run, pb.RunRequest(job=job), 60).outputs.artifacts["title_vectors"].keys
    vectors, space = from_npz(artifacts.objects.get(key))
    assert (vectors.shape, space) == ((1, 8), "sentences")


def test_run_refuses_an_unknown_step_and_a_missing_input(stub: pb_grpc.EmbeddingServiceStub) -> None:
    error = refused(stub.Run, pb.RunRequest(job=media_pb2.Job(video=VIDEO, step="decoding.plan")))
    assert list(error.fields) == ["job.step"]
    job = media_pb2.Job(video=VIDEO, step="embedding.segment")
    job.inputs["frames"].keys.append(f"{VIDEO}/gone.pb")
    assert type(refused(stub.Run, pb.RunRequest(job=job))) is NotFound

"""The embedding stage on a real Triton with the built-in pack."""

import io
import os
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import onnxruntime
import psutil
import pytest
from PIL import Image
from skimage import data
from tritonclient.grpc import InferenceServerClient
from vidx.embedding.v1 import embedding_service_pb2 as pb
from vidx.embedding.v1 import embedding_service_pb2_grpc as pb_grpc

from services.core.errors import Internal, TimedOut, Unavailable, VidxError
from services.core.jobs import Job, no_progress
from services.core.media import SampledFrame, SampledFrames
from services.core.names import VideoName
from services.core.times import TimeRange
from services.core.vectors import classes_from_npz, from_npz
from services.embedding import pack
from services.embedding.__main__ import build
from services.embedding.domain.windows import windows
from services.embedding.images import PillowPictures
from services.embedding.passages import TextSteps
from services.embedding.service import Embedding
from services.embedding.settings import EmbeddingSettings
from services.embedding.tokenizer import HfTokenizer
from services.packs.manifest import Manifest
from services.runtime.grpc_client import call, channel
from services.runtime.pictures import OPENING_BYTES
from services.runtime.sandbox import Sandbox
from services.runtime.settings import StoreSettings
from services.runtime.store import connect
from services.runtime.triton import Triton, TritonSettings
from tests.servers import stores
from tests.servers.ports import free_ports
from tests.servers.triton import built_pack, serving

# The first test may build the pack, which takes minutes on a machine that is busy with other things.
pytestmark = pytest.mark.timeout(900)

VIDEO = VideoName("c", "v")


@dataclass(frozen=True)
class Server:
    address: str
    pack: Path
    pid: int


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_pack(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def server(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(built, tmp_path_factory.mktemp("triton")) as (address, process):
        yield Server(address, built, process.pid)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, OPENING_BYTES, within=[]) as found:
        yield found


@pytest.fixture
def stages(server: Server, objects: StoreSettings, sandbox: Sandbox) -> tuple[Embedding, TextSteps]:
    return build(
        EmbeddingSettings(models=server.pack),
        TritonSettings(address=server.address),
        objects,
        sandbox,
    )


@pytest.fixture
def stage(stages: tuple[Embedding, TextSteps]) -> Embedding:
    return stages[0]


def jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92)
    return out.getvalue()


def noise(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    return jpeg(Image.fromarray(pixels).resize((560, 336)))


def test_photographs_are_nearest_to_their_words(stage: Embedding) -> None:
    photographs = [jpeg(Image.fromarray(take())) for take in (data.cat, data.coffee, data.rocket)]
    pictures = stage.embed_images(photographs)
    found = stage.embed_text(["a cat", "a cup of coffee on a table", "a rocket is launched"])
    scores = (found.vectors @ pictures.T - found.middles[:, None]) / found.spreads[:, None]
    assert scores.argmax(0).tolist() == scores.argmax(1).tolist() == [0, 1, 2]


def test_vectors_are_those_of_the_same_onnx_in_process(server: Server, stage: Embedding) -> None:
    manifest, _ = pack.read(server.pack)
    role = manifest.visual_encoder
    session = onnxruntime.InferenceSession(server.pack / role.model / role.version / "model.onnx")
    images = [noise(seed) for seed in range(20)]
    pictures = PillowPictures(role.height, role.width, 1_000_000)
    canvases = np.concatenate([pictures.canvases(image) for image in images])
    (wanted,) = session.run([role.output], {role.input: canvases})
    np.testing.assert_allclose(stage.embed_images(images), wanted, atol=1e-4)


def test_texts_of_any_length_are_unit_vectors(stage: Embedding) -> None:
    texts = ["snow", "a dog on a beach. " * 555, "雪" * 10_000, "word " * 2000, "x" * 10_000, "\x00 dog", "🏔" * 500]
    found = stage.embed_text([*texts, "snow"])
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-5)
    assert (found.spreads > 0).all()
    np.testing.assert_array_equal(found.vectors[0], found.vectors[-1])


def test_the_end_of_a_long_text_counts(stage: Embedding) -> None:
    start = "A man speaks of the weather and the harvest. " * 60
    for embed in (stage.embed_text, stage.embed_sentences):
        plain, ended = embed([start, start + "Whales swim in the ocean. " * 60]).vectors
        (whales,) = embed(["whales in the sea"]).vectors
        assert whales @ ended > whales @ plain + 0.1


@pytest.mark.parametrize(
    "text",
    [
        "a dog. " * 1400,
        "no stop at all " * 600,
        "雪が降る。" * 2000,
        "tab\tand\nline\n" * 700,
        "naïve café — “yes” …" * 500,
    ],
)
def test_windows_of_the_real_tokenizer_leave_nothing_out(server: Server, text: str) -> None:
    manifest, _ = pack.read(server.pack)
    role = manifest.text_encoder
    tokenizer = HfTokenizer(server.pack / role.tokenizer, role.max_tokens)
    tokens = tokenizer.tokens(text)
    found = windows(text, tokens, tokenizer.room)
    assert tuple(i for window in found for i in window) == tokens.ids
    assert len(found) > 1
    assert max(len(tokenizer.window(ids)) for ids in found) <= role.max_tokens


def test_a_segment_is_embedded(stage: Embedding, objects: StoreSettings) -> None:
    artifacts = connect(objects)
    files = [noise(seed) for seed in range(37)]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for pts, file in enumerate(files):
            info = tarfile.TarInfo(f"{pts}.jpg")
            info.size = len(file)
            tar.addfile(info, io.BytesIO(file))
    artifacts.objects.put(f"{VIDEO}/t.tar", out.getvalue())
    frames = tuple(SampledFrame(i, i, TimeRange(i, i + 1)) for i in range(len(files)))
    artifacts.save(f"{VIDEO}/f.pb", SampledFrames(f"{VIDEO}/t.tar", frames))
    job = Job(VIDEO, "embedding.segment", 0, inputs={"frames": (f"{VIDEO}/f.pb",)})
    outputs = stage.segment(job, no_progress)
    vectors, space = from_npz(artifacts.objects.get(outputs.artifacts["frame_vectors"]))
    assert space == stage.space
    np.testing.assert_allclose(vectors, stage.embed_images(files), atol=1e-4)
    classes = classes_from_npz(artifacts.objects.get(outputs.artifacts["frame_classes"]))
    assert classes.names.shape == (37, 5)
    assert (np.diff(classes.probabilities) <= 0).all()


def test_many_threads_share_a_client(server: Server, stage: Embedding) -> None:
    images = [noise(seed) for seed in range(6)]
    alone = stage.embed_images(images)
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(stage.embed_images(images))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for vectors in found:
        np.testing.assert_allclose(vectors, alone, atol=1e-4)


def client(address: str, **options: float) -> Triton:
    return Triton(TritonSettings(address=address, **options))


def canvases(manifest: Manifest, n: int) -> dict[str, np.ndarray]:
    role = manifest.visual_encoder
    return {role.input: np.zeros((n, role.height, role.width, 3), np.uint8)}


def test_a_refused_input_is_a_fault_of_ours(server: Server) -> None:
    with pytest.raises(Internal, match="model visual_encoder"):
        client(server.address).infer("visual_encoder", {"wrong": np.zeros((1, 2), np.uint8)})


def test_an_unknown_model_is_unavailable(server: Server) -> None:
    triton = client(server.address, attempts=1)
    with pytest.raises(Unavailable, match="model gone"):
        triton.infer("gone", {"x": np.zeros((1, 2), np.uint8)})
    with pytest.raises(Unavailable, match="model gone"):
        triton.served("gone")


def test_a_deadline_ends_a_call(server: Server) -> None:
    manifest, _ = pack.read(server.pack)
    with pytest.raises(TimedOut):
        client(server.address).infer("visual_encoder", canvases(manifest, 16), timeout_s=0.01)


def test_a_silent_server_is_not_waited_for(built: Path) -> None:
    manifest, _ = pack.read(built)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unavailable):
            client(address).infer("visual_encoder", canvases(manifest, 1), timeout_s=0.5)


def test_a_start_without_triton_says_where_it_looked(built: Path, objects: StoreSettings, sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    settings = TritonSettings(address=f"127.0.0.1:{port}", start_s=0)
    with pytest.raises(Unavailable, match=f"Triton at 127.0.0.1:{port} does not serve the pack builtin-"):
        build(EmbeddingSettings(models=built), settings, objects, sandbox)


def test_a_start_with_another_pack_says_so(server: Server) -> None:
    manifest, _ = pack.read(server.pack)
    other = manifest.model_copy(
        update={"visual_encoder": manifest.visual_encoder.model_copy(update={"version": "9", "height": 64})}
    )
    with pytest.raises(Unavailable, match="visual_encoder has versions 1, not 9"):
        pack.await_models(client(server.address), other, pack.read(server.pack)[1], 16, 0)


def test_a_restarted_server_is_found_again(built: Path, tmp_path: Path) -> None:
    """The client that saw the server die goes on when another one listens at the same address."""
    manifest, _ = pack.read(built)
    with serving(built, tmp_path) as (address, process):
        triton = client(address, attempts=1000)
        triton.infer("visual_encoder", canvases(manifest, 1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not triton.ready()
        found: list[dict[str, np.ndarray]] = []

        def ask() -> None:
            # As long as a server may take to start on a busy machine.
            found.append(triton.infer("visual_encoder", canvases(manifest, 1), timeout_s=300))

        waiting = threading.Thread(target=ask)
        waiting.start()
        with serving(built, tmp_path, int(address.rsplit(":", 1)[1])):
            waiting.join()
            assert triton.ready()
    assert found[0][manifest.visual_encoder.output].shape == (1, manifest.visual_encoder.dimension)


def served(address: str) -> int:
    """Inferences that a server has answered so far."""
    with InferenceServerClient(address) as one:
        (stats,) = one.get_inference_statistics("visual_encoder", client_timeout=60).model_stats
    return int(stats.inference_stats.success.count)


def test_several_servers_behind_one_address_share_the_work_and_one_may_die(built: Path, tmp_path: Path) -> None:
    """A name with several addresses, as Kubernetes gives for a headless service, is the same list to gRPC."""
    manifest, _ = pack.read(built)
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    (port,) = free_ports(1)
    with (
        serving(built, folders[0], port, "127.0.0.2") as (first, dying),
        serving(built, folders[1], port, "127.0.0.3") as (second, _),
    ):
        triton = client(f"ipv4:{first},{second}")
        asked = 0
        while min(shares := [served(first), served(second)]) < 4:
            triton.infer("visual_encoder", canvases(manifest, 1))
            asked += 1
            assert asked < 500, f"one server does all the work: {shares}"
        failed: list[VidxError] = []
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                try:
                    triton.infer("visual_encoder", canvases(manifest, 1))
                except VidxError as error:
                    failed.append(error)

        callers = [threading.Thread(target=ask) for _ in range(4)]
        for caller in callers:
            caller.start()
        dying.kill()
        dying.wait()
        before, deadline = served(second), time.monotonic() + 60
        while served(second) < before + 20:
            assert time.monotonic() < deadline, "the other server does not go on"
        done.set()
        for caller in callers:
            caller.join()
        assert failed == []
        assert triton.ready()


def test_a_dead_model_process_is_named_and_may_pass(built: Path, tmp_path: Path) -> None:
    manifest, _ = pack.read(built)
    with serving(built, tmp_path) as (address, process):
        triton = client(address, attempts=1)
        triton.infer("visual_encoder", canvases(manifest, 1))
        for child in psutil.Process(process.pid).children():
            child.kill()
        with pytest.raises(Unavailable, match="Stub process 'visual_encoder"):
            triton.infer("visual_encoder", canvases(manifest, 1))
        process.kill()


def process(server: Server, objects: StoreSettings, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "VIDX_EMBEDDING_MODELS": str(server.pack),
        "VIDX_TRITON_ADDRESS": server.address,
        **stores.environment(objects),
        **more,
    }


COMMAND = [sys.executable, "-m", "services.embedding", "--role", "serve"]


def test_the_process_serves_and_ends_in_order(server: Server, every_store: StoreSettings) -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    running = subprocess.Popen(COMMAND, env=process(server, every_store, VIDX_SERVER_ADDRESS=address))
    try:
        with channel(address) as connection:
            grpc.channel_ready_future(connection).result(120)
            stub = pb_grpc.EmbeddingServiceStub(connection)
            found = call(stub.EmbedText, pb.EmbedTextRequest(texts=["a cat on a sofa"]), 30)
        assert len(found.spaces[0].vectors[0].values) == pack.read(server.pack)[1].dimension
    finally:
        running.terminate()
        assert running.wait(120) == 0


def test_a_process_that_cannot_start_says_why_in_one_line(server: Server, objects: StoreSettings) -> None:
    wrong = process(server, objects, VIDX_EMBEDDING_BATCH="1000", VIDX_TRITON_START_S="0")
    done = subprocess.run(COMMAND, env=wrong, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"embedding cannot start: Triton at {server.address} does not serve the pack")
    assert "VIDX_EMBEDDING_BATCH" in line

"""The Triton client and the encoder on it, against a small gRPC server that speaks Triton's protocol."""

import threading
from collections.abc import Iterator
from concurrent import futures

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as pb_grpc

from services.core.errors import Exhausted, Internal, TimedOut, Unavailable, VidxError
from services.embedding.triton import TritonEncoder
from services.runtime.triton import Tensor, Triton, TritonSettings
from tests.fakes.embedding import MANIFEST


class Script(pb_grpc.GRPCInferenceServiceServicer):
    """Answers each inference with the next of `answers`: array `y`, arrays by name, or a status with its message."""

    def __init__(self) -> None:
        self.answers: list[np.ndarray | dict[str, np.ndarray] | tuple[grpc.StatusCode, str]] = []
        self.requests: list[pb.ModelInferRequest] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def ModelInfer(self, request, context):  # noqa: N802
        self.requests.append(request)
        self.go_on.wait(30)
        answer = self.answers.pop(0)
        if isinstance(answer, tuple):
            context.abort(*answer)
        response = pb.ModelInferResponse(model_name=request.model_name)
        given = answer if isinstance(answer, dict) else {"y": answer}
        for name, array in given.items():
            response.outputs.add(name=name, datatype="FP32", shape=array.shape)
            response.raw_output_contents.append(array.astype(np.float32).tobytes())
        return response

    def ServerReady(self, request, context):  # noqa: N802
        return pb.ServerReadyResponse(ready=True)

    def ModelMetadata(self, request, context):  # noqa: N802
        response = pb.ModelMetadataResponse(name=request.name, versions=["1", "2"])
        response.inputs.add(name="x", datatype="UINT8", shape=[-1, 4, 8, 3])
        response.outputs.add(name="y", datatype="FP32", shape=[-1, 3])
        return response

    def ModelConfig(self, request, context):  # noqa: N802
        response = pb.ModelConfigResponse()
        response.config.max_batch_size = 16
        response.config.parameters["digest"].string_value = "d1"
        return response


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def triton(script: Script) -> Iterator[Triton]:
    server = grpc.server(futures.ThreadPoolExecutor(4))
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(script, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    client = Triton(TritonSettings(address=f"127.0.0.1:{port}", attempts=3))
    yield client
    client.close()
    script.go_on.set()
    server.stop(0).wait()


def ask(triton: Triton, **options: float) -> np.ndarray:
    return triton.infer("see", {"x": np.zeros((1, 2), np.uint8)}, version="2", **options)["y"]


def test_arrays_go_in_and_come_out(triton: Triton, script: Script) -> None:
    script.answers = [np.arange(6).reshape(2, 3)]
    rows = np.asarray(np.arange(12).reshape(4, 3).T, np.int64)
    np.testing.assert_array_equal(triton.infer("see", {"x": rows}, version="2")["y"], [[0, 1, 2], [3, 4, 5]])
    (request,) = script.requests
    assert (request.model_name, request.model_version) == ("see", "2")
    assert (request.inputs[0].name, request.inputs[0].datatype, list(request.inputs[0].shape)) == ("x", "INT64", [3, 4])
    assert request.raw_input_contents[0] == rows.tobytes()


def test_unavailable_is_tried_again(triton: Triton, script: Script) -> None:
    script.answers = [(grpc.StatusCode.UNAVAILABLE, "loading")] * 2 + [np.ones((1, 3))]
    assert ask(triton).shape == (1, 3)
    assert len(script.requests) == 3


def test_unavailable_for_good_is_said_after_the_last_try(triton: Triton, script: Script) -> None:
    script.answers = [(grpc.StatusCode.UNAVAILABLE, "loading")] * 9
    with pytest.raises(Unavailable, match=r"model see at .*loading"):
        ask(triton)
    assert len(script.requests) == 3


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "unexpected shape", Internal),
        (grpc.StatusCode.INTERNAL, "out of luck", Internal),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "too large", Exhausted),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "late", TimedOut),
    ],
)
def test_other_failures_are_not_tried_again(
    triton: Triton, script: Script, status: grpc.StatusCode, message: str, kind: type[VidxError]
) -> None:
    script.answers = [(status, message)] * 2
    with pytest.raises(VidxError, match=message) as caught:
        ask(triton)
    assert type(caught.value) is kind
    assert len(script.requests) == 1


def test_a_server_that_does_not_answer_is_left_at_the_deadline(triton: Triton, script: Script) -> None:
    script.answers = [np.ones((1, 3))]
    script.go_on.clear()
    with pytest.raises(TimedOut):
        ask(triton, timeout_s=0.2)


def test_nobody_at_the_address_is_unavailable() -> None:
    client = Triton(TritonSettings(address="127.0.0.1:1", attempts=2))
    with pytest.raises(Unavailable):
        ask(client)
    assert not client.ready()


def test_a_server_says_what_it_serves(triton: Triton) -> None:
    assert triton.ready(60)
    served = triton.served("see", 60)
    assert served.versions == ("1", "2")
    assert served.inputs == {"x": Tensor("UINT8", (-1, 4, 8, 3))}
    assert served.outputs == {"y": Tensor("FP32", (-1, 3))}
    assert (served.max_batch, served.parameters) == (16, {"digest": "d1"})


def test_pictures_are_encoded(triton: Triton, script: Script) -> None:
    script.answers = [np.array([[3, 4, 0], [0, 0, 1]])]
    vectors = TritonEncoder(triton, MANIFEST).encode_images(np.zeros((2, 4, 8, 3), np.uint8))
    np.testing.assert_allclose(vectors, [[0.6, 0.8, 0], [0, 0, 1]], atol=1e-6)
    assert script.requests[0].model_version == "2"
    assert [output.name for output in script.requests[0].outputs] == ["y"]


def test_pictures_are_classified_by_the_same_inference(triton: Triton, script: Script) -> None:
    script.answers = [{"p": np.array([[0.25, 0.75]]), "y": np.array([[0, 2, 0]])}]
    encoder = TritonEncoder(triton, MANIFEST, 2)
    vectors, probabilities = encoder.classify_images(np.zeros((1, 4, 8, 3), np.uint8))
    np.testing.assert_array_equal(vectors, [[0, 1, 0]])
    np.testing.assert_array_equal(probabilities, [[0.25, 0.75]])
    (request,) = script.requests
    assert [output.name for output in request.outputs] == ["y", "p"]


@pytest.mark.parametrize("answer", [np.ones((1, 3)), np.full((1, 2), np.nan)], ids=["columns", "nan"])
def test_probabilities_that_do_not_fit_are_a_fault(triton: Triton, script: Script, answer: np.ndarray) -> None:
    script.answers = [{"y": np.ones((1, 3)), "p": answer}]
    with pytest.raises(Internal, match="model see"):
        TritonEncoder(triton, MANIFEST, 2).classify_images(np.zeros((1, 4, 8, 3), np.uint8))


def test_sentences_are_another_output_of_the_same_model(triton: Triton, script: Script) -> None:
    script.answers = [{"z": np.eye(1, 3)}]
    np.testing.assert_array_equal(TritonEncoder(triton, MANIFEST).encode_sentences([(7,)]), [[1, 0, 0]])
    assert script.requests[0].model_name == "read"
    assert [output.name for output in script.requests[0].outputs] == ["z"]


def test_windows_of_text_are_padded_and_masked(triton: Triton, script: Script) -> None:
    script.answers = [np.eye(2, 3)]
    TritonEncoder(triton, MANIFEST).encode_texts([(7, 8, 9), (5,)])
    (request,) = script.requests
    sent = {
        tensor.name: np.frombuffer(raw, np.int64).reshape(tensor.shape).tolist()
        for tensor, raw in zip(request.inputs, request.raw_input_contents, strict=True)
    }
    assert sent == {"i": [[7, 8, 9], [5, 0, 0]], "m": [[1, 1, 1], [1, 0, 0]]}


@pytest.mark.parametrize(
    "answer",
    [np.ones((1, 4)), np.zeros((1, 3)), np.full((1, 3), np.nan)],
    ids=["columns", "zero", "nan"],
)
def test_an_answer_that_is_no_unit_vector_a_picture_is_a_fault(
    triton: Triton, script: Script, answer: np.ndarray
) -> None:
    script.answers = [answer]
    with pytest.raises(Internal, match="model see"):
        TritonEncoder(triton, MANIFEST).encode_images(np.zeros((1, 4, 8, 3), np.uint8))


def test_the_answer_of_another_call_is_asked_for_again_by_whoever_called(triton: Triton, script: Script) -> None:
    script.answers = [np.ones((2, 3))]
    with pytest.raises(Unavailable, match="model see answered 2 rows to a call with 1"):
        TritonEncoder(triton, MANIFEST).encode_images(np.zeros((1, 4, 8, 3), np.uint8))


def test_a_model_with_both_text_roles_is_asked_once(triton: Triton, script: Script) -> None:
    script.answers = [{"y": np.array([[3, 4, 0]]), "z": np.array([[0, 0, 2]])}]
    joint, sentence = TritonEncoder(triton, MANIFEST).encode_both([(101, 5, 102)])
    assert joint[0].tolist() == pytest.approx([0.6, 0.8, 0])
    assert sentence[0].tolist() == [0, 0, 1]
    assert [output.name for output in script.requests[0].outputs] == ["y", "z"]


def test_two_text_models_are_asked_one_after_the_other(triton: Triton, script: Script) -> None:
    other = MANIFEST.sentence_encoder.model_copy(update={"model": "compare"})
    script.answers = [np.array([[3, 4, 0]]), {"z": np.array([[0, 0, 2]])}]
    encoder = TritonEncoder(triton, MANIFEST.model_copy(update={"sentence_encoder": other}))
    joint, sentence = encoder.encode_both([(101, 5, 102)])
    assert [request.model_name for request in script.requests] == ["read", "compare"]
    assert (joint[0].tolist(), sentence[0].tolist()) == (pytest.approx([0.6, 0.8, 0]), [0, 0, 1])

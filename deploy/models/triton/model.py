"""Runs the `model.onnx` beside this file in Triton's Python backend; the same file serves every model.

Parameters of config.pbtxt: `intra_op_threads`, ONNX Runtime's threads for one call (0: the machine's cores, at most 4),
and `cpu_batch_size`, the rows of one call: a CPU gains nothing from more, and memory grows with them.
"""

import json
import os
import sys
from collections import defaultdict
from typing import Any

# Triton's stub is an isolated interpreter, which ignores PYTHONPATH: without this it sees no virtual environment.
sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import triton_python_backend_utils as pb  # noqa: E402


class TritonPythonModel:
    def initialize(self, args: dict[str, str]) -> None:
        config = json.loads(args["model_config"])
        threads, self.rows = (
            int(config["parameters"][name]["string_value"]) for name in ("intra_op_threads", "cpu_batch_size")
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or min(4, os.cpu_count() or 1)
        options.inter_op_num_threads = 1
        # Threads that spin between calls would take the cores from decoding on the same machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = os.path.join(args["model_repository"], args["model_version"], "model.onnx")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = [item["name"] for item in config["input"]]
        self.outputs = [item["name"] for item in config["output"]]

    def execute(self, requests: list[Any]) -> list[Any]:
        """Requests of one shape run as one batch; an error answers only the requests of its batch.

        Each is answered with the outputs that it names, which a batch computes together.
        """
        groups: dict[tuple[tuple[int, ...], ...], list[int]] = defaultdict(list)
        feeds = []
        for index, request in enumerate(requests):
            feed = [pb.get_input_tensor_by_name(request, name).as_numpy() for name in self.inputs]
            groups[tuple(array.shape[1:] for array in feed)].append(index)
            feeds.append(feed)
        responses: list[Any] = [None] * len(requests)
        for members in groups.values():
            asked = {i: set(requests[i].requested_output_names()) for i in members}
            names = [name for name in self.outputs if any(name in wanted for wanted in asked.values())]
            try:
                answers = self.run([feeds[i] for i in members], names)
            except Exception as error:
                for i in members:
                    responses[i] = pb.InferenceResponse(error=pb.TritonError(str(error)))
                continue
            for i, arrays in zip(members, answers, strict=True):
                responses[i] = pb.InferenceResponse(
                    [pb.Tensor(n, a) for n, a in zip(names, arrays, strict=True) if n in asked[i]]
                )
        return responses

    def run(self, feeds: list[list[np.ndarray]], names: list[str]) -> list[list[np.ndarray]]:
        joined = feeds[0] if len(feeds) == 1 else [np.concatenate(arrays) for arrays in zip(*feeds, strict=True)]
        parts = [
            self.session.run(names, {n: a[i : i + self.rows] for n, a in zip(self.inputs, joined, strict=True)})
            for i in range(0, len(joined[0]), self.rows)
        ]
        results = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
        ends = np.cumsum([len(feed[0]) for feed in feeds])[:-1]
        return [list(arrays) for arrays in zip(*(np.split(result, ends) for result in results), strict=True)]

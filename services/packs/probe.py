"""Tiny inferences that show whether a Triton's models live; its readiness endpoints do not notice a dead one."""

import http.client
import json
import math
import struct
from dataclasses import dataclass
from typing import Any, Literal

HOST = "127.0.0.1"
Health = Literal["well", "dead", "late"]
"""`dead` is said by Triton itself; `late` is no answer within the deadline, whatever the cause."""

# One element of each type that a model may take, in Triton's binary form. Ones: a mask of zeros has no mean.
_ONE = {"UINT8": b"\1", "INT32": struct.pack("<i", 1), "INT64": struct.pack("<q", 1), "FP32": struct.pack("<f", 1)}
_DEAD = "stub process"


@dataclass(frozen=True)
class Probe:
    """A request to one model, of the smallest shape that it takes."""

    model: str
    header: bytes
    data: bytes

    def send(self, port: int, deadline_s: float) -> tuple[Health, str]:
        """The model's health, and what was answered when that is not `well`."""
        body = self.header + self.data
        headers = {"Inference-Header-Content-Length": str(len(self.header))}
        try:
            status, answer = _post(port, f"/v2/models/{self.model}/infer", body, headers, deadline_s)
        except (OSError, http.client.HTTPException) as error:
            return "late", str(error) or type(error).__name__
        text = answer[:500].decode("utf-8", "replace")
        # A model that refuses the request for another reason lives.
        return ("dead", text) if status != 200 and _DEAD in text.lower() else ("well", "")


def of_models(port: int, deadline_s: float) -> list[Probe]:
    """A probe for every model that is ready; OSError or HTTPException when the server does not answer."""
    listed = json.loads(_post(port, "/v2/repository/index", b'{"ready": true}', {}, deadline_s)[1])
    return [_of(json.loads(_get(port, f"/v2/models/{model['name']}/config", deadline_s))) for model in listed]


def _of(config: dict[str, Any]) -> Probe:
    inputs, data = [], b""
    for item in config["input"]:
        datatype = item["data_type"].removeprefix("TYPE_")
        shape = [1 if int(n) < 0 else int(n) for n in item["dims"]]
        if config["max_batch_size"]:
            shape.insert(0, 1)
        part = _ONE[datatype] * math.prod(shape)
        size = {"binary_data_size": len(part)}
        inputs.append({"name": item["name"], "shape": shape, "datatype": datatype, "parameters": size})
        data += part
    header = {"inputs": inputs, "parameters": {"binary_data_output": True}}
    return Probe(config["name"], json.dumps(header).encode(), data)


def _get(port: int, path: str, deadline_s: float) -> bytes:
    return _ask(port, "GET", path, None, {}, deadline_s)[1]


def _post(port: int, path: str, body: bytes, headers: dict[str, str], deadline_s: float) -> tuple[int, bytes]:
    return _ask(port, "POST", path, body, headers, deadline_s)


def _ask(
    port: int, method: str, path: str, body: bytes | None, headers: dict[str, str], deadline_s: float
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=deadline_s)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()

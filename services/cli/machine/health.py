"""Whether a program is ready for use."""

import http.client
import socket
from typing import Any

from services.cli.machine.ports import HOST
from services.cli.machine.programs import Program
from services.cli.machine.supervisor import Process

CHECK_S = 1.0


def ready(program: Program, process: Process) -> bool:
    """True when the program runs and answers as its kind does."""
    if process.state not in ("STARTING", "RUNNING"):
        return False
    if program.check == "alive":
        return process.state == "RUNNING"
    try:
        with socket.create_connection((HOST, program.port), CHECK_S) as connection:
            if program.check == "tcp":
                return True
            if program.check == "redis":
                connection.settimeout(CHECK_S)
                connection.sendall(b"PING\r\n")
                return connection.recv(5) == b"+PONG"
        return _http(program.port) if program.check == "http" else _grpc(program.port)
    except OSError:
        return False


def _http(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=CHECK_S)
    try:
        connection.request("GET", "/v2/health/ready")
        return connection.getresponse().status == 200
    except http.client.HTTPException:
        return False
    finally:
        connection.close()


def _grpc(port: int) -> bool:
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel(f"{HOST}:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=CHECK_S)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

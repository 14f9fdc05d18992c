"""`python -m services.runtime.probe HOST:PORT [SERVICE]`: exits with 0 when the gRPC server there is SERVING.

For container engines that ask by a command; with VIDX_CLIENT_* it speaks TLS as a client does.
"""

import argparse
import sys
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.runtime import grpc_client
from services.runtime.settings import ClientSettings, read


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m services.runtime.probe", description=__doc__)
    parser.add_argument("address", metavar="HOST:PORT")
    parser.add_argument("service", nargs="?", default="", help="a gRPC service; the whole server when none is named")
    parser.add_argument(
        "--name", default="", help="that the server's certificate is for; that of the address by default"
    )
    parser.add_argument("--timeout", type=float, default=5.0, metavar="SECONDS")
    args = parser.parse_args()
    with grpc_client.channel(args.address, read(ClientSettings), retries=False, name=args.name) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(service=args.service), timeout=args.timeout)
        except grpc.RpcError as error:
            print(f"{args.address}: {error.code().name}: {error.details()}", file=sys.stderr)
            return 1
    state = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    print(state)
    return 0 if state == "SERVING" else 1


if __name__ == "__main__":
    sys.exit(main())

"""`python -m services.search.lite --data-dir DIR --port PORT`: milvus-lite, made quick where its version is known."""

import argparse
import os
from importlib.metadata import version

KNOWN = "3.2.2"
"""The version whose insides `lite` knows; others run as they are."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    args = parser.parse_args()
    # Searches that run side by side use the cores; threads of each would only wait for one another.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    if version("milvus-lite") == KNOWN:
        from services.search.lite.server import serve

        serve(args.data_dir, f"{args.host}:{args.port}")
    else:
        from milvus_lite.adapter.grpc.server import run_server

        # One worker: the engine has no lock between writers.
        run_server(args.data_dir, args.host, args.port, max_workers=1)


if __name__ == "__main__":
    main()

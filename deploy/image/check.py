"""`make image-check`: installs each image's content as the Dockerfile does, starts it there, and weighs it.

`install.sh` fills an empty prefix. From there, with nothing of this checkout in reach, every module of the service is
imported, `--help` is asked, and what needs no other server is started until its health check answers.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
BASE_MB = 117
"""Debian 12 without documents and locales, Python 3.11 and CA certificates, as `buildah images` gave it."""
BUDGETS_MB = {
    "gateway": 250,
    "pipeline": 230,
    "decoding": 395,
    "embedding": 355,
    "transcription": 450,
    "captioning": 590,
    "chaptering": 380,
    "search": 305,
    "packs": 1555,
}
"""Of a whole image, the base with it: a twentieth more than it weighed. `packs` has PyTorch, without CUDA."""
ALONE = {
    "gateway": {
        "VIDX_CATALOG_URL": "sqlite:///{scratch}/catalog.db",
        "VIDX_ACCESS_AUTHENTICATION": "on",
        **{
            f"VIDX_GATEWAY_{name}_ADDRESS": "127.0.0.1:1"
            for name in ("SEARCH", "DECODING", "TRANSCRIPTION", "CHAPTERING")
        },
    },
    "decoding": {},
    "chaptering": {"VIDX_CHAPTERING_EMBEDDING_ADDRESS": "127.0.0.1:1"},
}
"""Services whose gRPC server starts without any other server, and what they must be told."""
OPTIONAL = ("services.transcription.faster_whisper", "services.search.lite")
"""Modules that only a pack asks for, or one machine without a cluster: they have an extra of their own."""
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module("services." + sys.argv[1])
assert package.__file__.startswith(sys.prefix), package.__file__
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith(".__main__") and not module.name.startswith(tuple(sys.argv[2:])):
        importlib.import_module(module.name)
"""
START_S = 120.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("services", nargs="*", default=[], metavar="SERVICE", help=f"of {', '.join(BUDGETS_MB)}; all")
    parser.add_argument("--keep", type=Path, help="folder for the prefixes; a temporary one that goes when not given")
    args = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory(prefix="vidx-image-") as temporary:
        for service in args.services or BUDGETS_MB:
            prefix = (args.keep or Path(temporary)) / service
            try:
                said = check(service, prefix)
                megabytes = BASE_MB + size(prefix) // 1_000_000
                wrong = "" if megabytes <= BUDGETS_MB[service] else ": over its budget"
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired, AssertionError) as error:
                print(f"{service}: {error} {getattr(error, 'stderr', '') or ''}"[-2000:])
                failed = True
                continue
            finally:
                if args.keep is None:
                    shutil.rmtree(prefix, ignore_errors=True)
            failed = failed or bool(wrong)
            print(f"{service}: {megabytes} MB with its base, of {BUDGETS_MB[service]}; {said}{wrong}", flush=True)
    return 1 if failed else 0


def check(service: str, prefix: Path) -> str:
    """What the service did there."""
    install = [str(HERE / "install.sh"), service, str(prefix)]
    subprocess.run(["sh", *install], check=True, env={**os.environ, "PYTHON": sys.executable}, timeout=3600)
    with tempfile.TemporaryDirectory(prefix="vidx-run-") as scratch:
        clean = {"PATH": f"{prefix}/bin:/usr/bin:/bin", "HOME": scratch}
        python = [str(prefix / "bin/python")]
        run([*python, "-c", IMPORT_ALL, service, *OPTIONAL], clean, scratch)
        run([str(prefix / "bin/vidx-service"), "--help"], clean, scratch)
        torch = list(prefix.glob("lib/python*/site-packages/torch"))
        assert bool(torch) == (service == "packs"), f"PyTorch: {torch}"
        assert not list(prefix.glob("lib/python*/site-packages/pip")), "pip is left"
        if service not in ALONE:
            return "imports all, shows its help"
        serve(service, prefix, clean, scratch)
        return "imports all, serves, and ends at SIGTERM"


def run(command: list[str], env: dict[str, str], folder: str) -> None:
    subprocess.run(command, env=env, cwd=folder, check=True, capture_output=True, text=True, timeout=600)


def serve(service: str, prefix: Path, clean: dict[str, str], scratch: str) -> None:
    """Until its health check answers; then SIGTERM, after which it ends in order."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{probe.getsockname()[1]}"
    own = {name: value.format(scratch=scratch) for name, value in ALONE[service].items()}
    shared = {
        "VIDX_SERVER_ADDRESS": at,
        "VIDX_STORE_URL": f"folder://{scratch}/store",
        "VIDX_QUEUE_URL": "redis://127.0.0.1:1/0",
    }
    log = Path(scratch) / "log"
    with log.open("w") as out:
        command = [str(prefix / "bin/vidx-service"), "--role", "serve"]
        process = subprocess.Popen(command, env={**clean, **shared, **own}, cwd=scratch, stdout=out, stderr=out)
    try:
        ask = [str(prefix / "bin/python"), "-m", "services.runtime.probe", at]
        deadline = time.monotonic() + START_S
        while subprocess.run(ask, env=clean, cwd=scratch, capture_output=True, timeout=60).returncode != 0:
            over = process.poll() is not None or time.monotonic() > deadline
            assert not over, f"does not serve: {log.read_text()[-1500:]}"
        process.terminate()
        assert process.wait(60) == 0, f"ended with {process.returncode}: {log.read_text()[-1500:]}"
    finally:
        process.kill()
        process.wait()


def size(folder: Path) -> int:
    """Bytes of the files below, as an image layer holds them."""
    return sum(os.lstat(file).st_size for file in folder.rglob("*") if not file.is_dir() or file.is_symlink())


if __name__ == "__main__":
    sys.exit(main())

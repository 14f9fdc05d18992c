"""How to start, on one machine, the Triton binary of the `nvidia-pytriton` wheel on a built pack."""

import hashlib
import importlib.util
import os
import signal
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path

from services.core import errors

HOST = "127.0.0.1"
_PROCESSES = ("tritonserver", "triton_python_backend_stub")


def command(
    manifest_dir: Path,
    *,
    http_port: int,
    grpc_port: int,
    metrics_port: int,
    scratch: Path,
    host: str = HOST,
) -> tuple[list[str], dict[str, str]]:
    """The argv, and what to add to the environment, of a Triton that serves the pack built at `manifest_dir`.

    It listens on `host` alone, refuses to start when a model does not load, and is ready (/v2/health/ready) when all
    do. A backend folder is laid out in `scratch`, a folder of this server alone. `NotFound` when the wheel or its stub
    for this Python is missing.
    """
    # Imported here, not above: what only clears must not carry pydantic.
    from services.packs import manifest as manifests

    manifest_dir = manifest_dir.resolve()
    built = manifests.load(manifest_dir)
    if built.backend != "python":
        raise errors.InvalidInput(
            f"{manifest_dir} is built for the {built.backend} backend; Triton's wheel has only the Python backend"
        )
    packages, server = _server()
    argv = [
        str(server / "bin/tritonserver"),
        f"--model-repository={manifest_dir}",
        f"--backend-directory={_backends(server, scratch)}",
        # Named by the folder, so that what an ended server left is found, and nothing of another one.
        f"--backend-config=python,shm-region-prefix-name={region(scratch)}",
        "--backend-config=python,shm-default-byte-size=16777216",
        "--model-control-mode=explicit",
        "--disable-auto-complete-config",
        "--strict-readiness=true",
        "--exit-on-error=true",
        "--exit-timeout-secs=10",
        "--allow-gpu-metrics=false",
        # Nothing here is on a GPU, and the pinned pool would reserve 256 MiB.
        "--pinned-memory-pool-byte-size=0",
        "--log-info=false",
    ]
    argv += [f"--load-model={name}" for name in built.models]
    for door, port in (("http", http_port), ("grpc", grpc_port), ("metrics", metrics_port)):
        argv += [f"--{door}-address={host}", f"--{door}-port={port}"]
    return argv, _environment(packages)


def clear(scratch: Path) -> None:
    """End by force what is left of a server with this `scratch`, and free the memory that it and its models shared."""
    prefix = region(scratch)
    for entry in Path("/proc").glob("[0-9]*"):
        # The server names its region in an option, and each model's process in an argument.
        with suppress(OSError):
            name, *rest = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            if Path(name).name in _PROCESSES and any(prefix in argument for argument in rest):
                os.kill(int(entry.name), signal.SIGKILL)
    for file in Path("/dev/shm").glob(f"{prefix}*"):
        file.unlink(missing_ok=True)


def region(scratch: Path) -> str:
    """What the names of the shared memory of the server with this `scratch` begin with, under /dev/shm."""
    return f"vidx-{hashlib.sha256(os.fsencode(scratch.absolute())).hexdigest()[:12]}-"


def _server() -> tuple[Path, Path]:
    """Where the wheel was installed, and the server's folder in it. Found without importing the wheel."""
    found = importlib.util.find_spec("pytriton")
    if found is None or not found.submodule_search_locations:
        raise errors.NotFound("Triton is not installed: pip install nvidia-pytriton")
    package = Path(found.submodule_search_locations[0])
    return package.parent, package / "tritonserver"


def _backends(server: Path, scratch: Path) -> Path:
    """A backend folder with the Python backend and the stub that is linked to this Python's library."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = server / "python_backend_stubs" / version / "triton_python_backend_stub"
    if not stub.is_file():
        raise errors.NotFound(f"Triton's wheel has no Python backend stub for Python {version}")
    folder = scratch / "backends" / "python"
    folder.mkdir(parents=True, exist_ok=True)
    for file in (*(server / "backends/python").iterdir(), stub):
        link = folder / file.name
        if file.is_file() and not link.is_symlink():
            link.symlink_to(file)
    return folder.parent


def _environment(packages: Path) -> dict[str, str]:
    # The stub embeds a bare interpreter: it must be told of the virtual environment, and of Python's own library.
    paths = dict.fromkeys([str(packages), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    libraries = [str(packages / "nvidia_pytriton.libs"), str(sysconfig.get_config_var("LIBDIR") or "")]
    inherited = os.environ.get("LD_LIBRARY_PATH", "")
    return {
        "LD_LIBRARY_PATH": ":".join(filter(None, [*libraries, inherited])),
        "PYTHONPATH": ":".join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

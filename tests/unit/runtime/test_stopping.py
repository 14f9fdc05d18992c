"""A server ends in order when it is asked to, whichever of its threads the signal reaches, and however early."""

import subprocess
import sys

import pytest

SERVER = """
import signal, threading
from services.runtime.grpc_server import asked_to_end, create_server
from services.runtime.settings import ServerSettings

asked = asked_to_end()
server = create_server(ServerSettings(drain_s=0), [])


def send():
    # The kernel may hand a process's signal to any of its threads: here, to one that never runs handlers.
    signal.pthread_kill(threading.get_ident(), signal.{name})


threading.Thread(target=send, daemon=True).start()
server.serve_until(asked)
print("ended in order")
"""
STARTING = """
import os, signal
from services.runtime import service

# The last that a process does before it waits for its end; it has begun to answer by then.
service.settle = lambda: os.kill(os.getpid(), signal.{name})
service.run("any", "serve", [], {}, 1)
print("ended in order")
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("program", [SERVER, STARTING], ids=["by another thread", "while it starts"])
def test_a_signal_ends_the_server_in_order(program: str, name: str) -> None:
    code = program.replace("{name}", name)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "ended in order"), done.stderr

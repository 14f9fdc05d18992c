"""A server ends in order when it is asked to, whichever of its threads the signal reaches."""

import subprocess
import sys

import pytest

SERVER = """
import signal, threading
from services.runtime.grpc_server import create_server
from services.runtime.settings import ServerSettings

server = create_server(ServerSettings(drain_s=0), [])
listening = threading.Event()
install = signal.signal


def installed(*arguments):
    before = install(*arguments)
    if arguments[0] == signal.SIGINT:
        listening.set()
    return before


def send():
    # The kernel may hand a process's signal to any of its threads: here, to one that never runs handlers.
    listening.wait()
    signal.pthread_kill(threading.get_ident(), signal.{name})


signal.signal = installed
threading.Thread(target=send, daemon=True).start()
server.wait_for_signal()
print("ended in order")
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_that_another_thread_receives_ends_the_server(name: str) -> None:
    code = SERVER.replace("{name}", name)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "ended in order"), done.stderr

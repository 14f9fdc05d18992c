"""Where an import may lead: public addresses only, allowed folders only, and always to an end."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from services.core.errors import Denied, InvalidInput, NotFound, TimedOut, Unavailable, VidxError
from services.gateway import importer as module
from services.gateway.importer import Importer, public_address
from services.gateway.settings import ImportSettings


def resolves_to(monkeypatch, *addresses: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 80)) for a in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
        "::1", "::", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused_even_beside_a_public_one(monkeypatch, address: str) -> None:
    for addresses in ([address], ["93.184.216.34", address]):
        resolves_to(monkeypatch, *addresses)
        with pytest.raises(Denied):
            public_address("host", 80)


def test_the_first_public_address_is_taken_as_the_system_orders_them(monkeypatch) -> None:
    resolves_to(monkeypatch, "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946")
    assert public_address("host", 80) == "93.184.216.34"


@contextmanager
def web_server(answer) -> Iterator[str]:
    """A server on loopback whose GET is `answer(handler)`; its address."""

    class Handler(BaseHTTPRequestHandler):
        do_GET = answer  # noqa: N815
        log_message = lambda *_: None  # noqa: E731

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def loopback_is_public(monkeypatch) -> None:
    monkeypatch.setattr(module, "public_address", lambda host, port: host)


def fetch(uri: str, timeout_s: float = 30.0) -> bytes:
    with Importer(ImportSettings(http=True, timeout_s=timeout_s)).open(uri) as (stream, _):
        return b"".join(iter(lambda: stream.read(1 << 20), b""))


@pytest.mark.usefixtures("loopback_is_public")
def test_a_file_of_the_web_arrives_whole_whether_its_length_is_told_or_not() -> None:
    film = bytes(range(256)) * 10_000

    def answer(handler) -> None:
        handler.send_response(200)
        if handler.path == "/told":
            handler.send_header("Content-Length", str(len(film)))
        handler.end_headers()
        handler.wfile.write(film)

    def chunked(handler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for at in range(0, len(film), 60_000):
            part = film[at : at + 60_000]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        handler.wfile.write(b"0\r\n\r\n")

    with web_server(answer) as address:
        assert fetch(f"{address}/told") == film
        assert fetch(f"{address}/untold") == film
    with web_server(chunked) as address:
        assert fetch(address) == film


@pytest.mark.usefixtures("loopback_is_public")
def test_a_server_that_sends_a_byte_now_and_then_is_given_up_at_the_deadline() -> None:
    over = threading.Event()

    def drip(handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not over.wait(0.05):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    with web_server(drip) as address:
        try:
            with pytest.raises(TimedOut):
                fetch(address, timeout_s=0.5)
        finally:
            over.set()


@pytest.mark.usefixtures("loopback_is_public")
def test_a_download_that_breaks_off_is_told_and_redirects_are_followed_with_care() -> None:
    def answer(handler) -> None:
        if handler.path == "/short":
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            handler.wfile.write(b"x")
            return
        handler.send_response(302)
        handler.send_header("Location", {"/file": "file:///etc/passwd", "/odd": "http://["}.get(handler.path, "/loop"))
        handler.end_headers()

    with web_server(answer) as address:
        with pytest.raises(Unavailable):
            fetch(f"{address}/short")
        for path in ("file", "odd", "loop"):
            with pytest.raises(InvalidInput):
                fetch(f"{address}/{path}")


def test_a_redirect_to_a_private_address_is_refused(monkeypatch) -> None:
    addresses = iter(["127.0.0.1"])

    def once(host: str, port: int) -> str:
        return next(addresses, None) or public_address(host, port)

    monkeypatch.setattr(module, "public_address", once)

    def answer(handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", f"http://localhost:{handler.server.server_port}/secret")
        handler.end_headers()

    with web_server(answer) as address, pytest.raises(Denied):
        fetch(address)


@pytest.mark.parametrize("uri", ["http://例え.jp/x", "http://h:99999999/", "http://[::1", "http:///x"])
def test_an_odd_web_address_is_refused_in_words(monkeypatch, uri: str) -> None:
    monkeypatch.setattr(module, "public_address", lambda host, port: "127.0.0.1")
    monkeypatch.setattr(module.urllib3.connection.HTTPConnection, "connect", lambda self: None)
    with pytest.raises(VidxError):
        fetch(uri)


def test_odd_paths_of_files_are_refused_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe")
    opens = Importer(ImportSettings(folders=(str(folder),))).open
    for name in ("loop", "pipe", "x" * 5000, "x" * 300, ""):
        with pytest.raises(NotFound), opens(f"file://{folder}/{name}"):
            pass


def test_a_folder_that_becomes_a_link_while_a_file_is_opened_leads_nowhere(tmp_path: Path, monkeypatch) -> None:
    folder, secret = tmp_path / "films", tmp_path / "secret"
    for made in (folder / "a", secret):
        made.mkdir(parents=True)
        (made / "x.mp4").write_bytes(b"secret")
    is_file = Path.is_file

    def swap(path: Path) -> bool:
        found = is_file(path)
        monkeypatch.undo()
        (folder / "a" / "x.mp4").unlink()
        (folder / "a").rmdir()
        (folder / "a").symlink_to(secret)
        return found

    monkeypatch.setattr(Path, "is_file", swap)
    with (
        pytest.raises(Denied),
        Importer(ImportSettings(folders=(str(folder),))).open(f"file://{folder}/a/x.mp4"),
    ):
        pass

"""Where an import may lead: public addresses only, allowed folders only, and always to an end."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path

import pytest

from services.core.errors import Denied, InvalidInput, NotFound, TimedOut, Unavailable, VidxError
from services.gateway import web
from services.gateway.importer import Importer
from services.gateway.settings import ImportSettings
from services.gateway.web import address_of


def resolves_to(monkeypatch, *addresses: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 80)) for a in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
        "::1", "::", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused_even_beside_a_public_one(monkeypatch, address: str) -> None:
    for addresses in ([address], ["93.184.216.34", address]):
        resolves_to(monkeypatch, *addresses)
        with pytest.raises(Denied):
            address_of("host", 80)


def test_the_first_public_address_is_taken_as_the_system_orders_them(monkeypatch) -> None:
    resolves_to(monkeypatch, "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946")
    assert address_of("host", 80) == "93.184.216.34"


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


HERE = ip_network("127.0.0.1/32")


def fetch(uri: str, **settings) -> bytes:
    """What an importer gets that may reach 127.0.0.1, and no other address that is not public."""
    allowed = ImportSettings(**{"http": True, "timeout_s": 30.0, "networks": (HERE,), **settings})
    with Importer(allowed).open(uri) as (stream, _):
        return b"".join(iter(lambda: stream.read(1 << 20), b""))


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


def forward(locations: dict[str, str]):
    """A GET that redirects by the path, and answers with a film where there is nothing to redirect to."""

    def answer(handler) -> None:
        location = locations.get(handler.path)
        handler.send_response(200 if location is None else 302)
        if location is not None:
            handler.send_header("Location", location.replace("PORT", str(handler.server.server_port)))
        handler.end_headers()
        if location is None:
            handler.wfile.write(b"film")

    return answer


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.2", "127.2", "2130706434", "0177.0.0.2", "0x7f000002", "0", "10.0.0.1", "169.254.169.254",
        "100.64.0.1", "[::1]", "[::ffff:127.0.0.2]", "[::ffff:7f00:2]", "[64:ff9b::7f00:2]", "[2002:7f00:2::]",
        "[fe80::1]", "[fd00::1]",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused_in_every_spelling_also_after_a_redirect(host: str) -> None:
    with web_server(forward({"/on": f"http://{host}:PORT/film"})) as address:
        port = address.rsplit(":", 1)[1]
        for uri in (f"http://{host}:{port}/film", f"{address}/on"):
            with pytest.raises(Denied, match="not on the public internet"):
                fetch(uri)


def test_redirects_are_followed_to_the_film_and_no_further_than_five() -> None:
    steps = {f"/{n}": f"/{n + 1}" for n in range(1, 6)}
    with web_server(forward(steps)) as address:
        assert fetch(f"{address}/1") == b"film"
    with web_server(forward({**steps, "/6": "/7"})) as address, pytest.raises(InvalidInput, match="more than 5"):
        fetch(f"{address}/1")


def test_a_name_is_looked_up_once_and_what_it_means_later_does_not_matter(monkeypatch) -> None:
    asked = []
    real = socket.getaddrinfo

    def turning(host, *rest, **more):
        if host != "films.test":
            return real(host, *rest, **more)
        asked.append(host)
        # The second answer leads to a service of the machine's own.
        return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", turning)
    with web_server(forward({"/again": "http://films.test:PORT/film"})) as address:
        named = address.replace("127.0.0.1", "films.test")
        assert fetch(f"{named}/film") == b"film"
        assert asked == ["films.test"]
        asked.clear()
        with pytest.raises(Denied):
            fetch(f"{named}/again")
        assert asked == ["films.test"] * 2


def test_only_allowed_hosts_and_schemes_are_asked() -> None:
    seen = []

    def answer(handler) -> None:
        seen.append(handler.headers["Host"])
        forward({})(handler)

    with web_server(answer) as address:
        for settings in (
            {"hosts": ("films.org",)},
            {"hosts": ("*.0.0.1.org",)},
            {"schemes": ("https",)},
            {"http": False},
        ):
            with pytest.raises(Denied):
                fetch(f"{address}/film", **settings)
        assert seen == []
        assert fetch(f"{address}/film", hosts=("films.org", "127.0.0.1")) == b"film"
    assert web._is_of("a.films.org", "*.films.org")
    assert not web._is_of("films.org", "*.films.org")
    assert not web._is_of("evilfilms.org", "*.films.org")


def test_a_redirect_from_https_to_http_is_refused() -> None:
    with pytest.raises(Denied, match="https: to http:"):
        web._parts("http://films.org/a", ImportSettings(http=True), "https")


@pytest.mark.parametrize("part", ["head", "chunk"])
def test_a_server_whose_head_never_ends_is_given_up_at_the_deadline(part: str) -> None:
    over = threading.Event()

    def drip(handler) -> None:
        if part == "chunk":
            handler.protocol_version = "HTTP/1.1"
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            handler.wfile.write(b"1;")
        else:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not over.wait(0.05):
            try:
                handler.wfile.write(b"x")
                handler.wfile.flush()
            except OSError:
                return

    with web_server(drip) as address:
        try:
            with pytest.raises(TimedOut):
                fetch(address, timeout_s=0.5)
        finally:
            over.set()


@pytest.mark.parametrize("uri", ["http://例え.jp/x", "http://h:99999999/", "http://[::1", "http:///x"])
def test_an_odd_web_address_is_refused_in_words(monkeypatch, uri: str) -> None:
    monkeypatch.setattr(web, "address_of", lambda *_: "127.0.0.1")
    monkeypatch.setattr(web.urllib3.connection.HTTPConnection, "connect", lambda self: None)
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

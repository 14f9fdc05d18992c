"""`vidx keys` against the real gateway, and the key that every command sends."""

import json
from pathlib import Path

import pytest
import structlog

from services.catalog.keys import Keys, Wanted
from services.core.access import Scope
from tests.fakes.house import House
from tests.fakes.public_api import serving


@pytest.fixture
def admin(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A gateway that asks for keys, and the command line with the first one, which is kept in a file."""
    keys = Keys(house.database)
    file = tmp_path / "key"
    file.write_text(keys.create(Wanted("first", Scope.ADMIN, None))[1] + "\n")
    with serving(house, tmp_path, keys) as gateway, structlog.testing.capture_logs():
        monkeypatch.setenv("VIDX_ADDRESS", gateway.address)
        monkeypatch.setenv("VIDX_API_KEY_FILE", str(file))
        yield gateway


def test_a_key_is_made_used_rotated_and_revoked(admin, vidx, monkeypatch: pytest.MonkeyPatch) -> None:
    made = vidx("keys", "create", "reader", "--scope", "read", "-c", "c", "--expires", "90d")
    assert (made.status, len(made.lines)) == (0, 1)
    key = made.lines[0]
    id_ = key.split("_")[1]
    assert key not in made.err
    assert made.err == f"keys/{id_}: this is the only time that it is shown\n"
    monkeypatch.setenv("VIDX_API_KEY", key)
    assert vidx("collections", "list").lines[0].startswith("c\t")
    refused = vidx("collections", "create", "mine")
    assert (refused.status, "needs the scope 'admin'" in refused.err) == (1, True)
    assert vidx("list", "-c", "other").err == "vidx: no collections/other; create it first\n"
    monkeypatch.delenv("VIDX_API_KEY")
    first, second = vidx("keys", "list").lines
    assert first.split("\t")[1:4] == ["admin", "all", "valid"]
    assert second.split("\t")[:3] == [id_, "read", "c"]
    assert second.split("\t")[3].startswith("until ")
    later = json.loads(vidx("keys", "rotate", id_, "--keep", "1h", "--json").lines[0])
    assert later["secret"] != key
    assert vidx("keys", "revoke", later["key"]["name"]).lines == [f"{later['key']['name']} is revoked"]
    monkeypatch.setenv("VIDX_API_KEY", later["secret"])
    ended = vidx("collections", "list")
    assert (ended.status, "has ended" in ended.err) == (1, True)
    monkeypatch.setenv("VIDX_API_KEY", key)
    assert vidx("collections", "list").status == 0


def test_streams_carry_the_key_as_well(admin, vidx, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"a film")
    assert vidx("index", str(film), "-c", "c", "--json").status == 0


def test_who_may_add_videos_but_make_no_collection_adds_them_where_one_is(admin, vidx, monkeypatch, tmp_path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"a film")
    key = vidx("keys", "create", "writer", "--scope", "write", "-c", "c", "-c", "new").lines[0]
    monkeypatch.setenv("VIDX_API_KEY", key)
    assert vidx("index", str(film), "-c", "c").status == 0
    done = vidx("index", str(film), "-c", "new")
    assert (done.status, "CreateCollection needs the scope 'admin'" in done.err) == (1, True)


def test_without_a_key_a_command_says_what_is_missing(admin, vidx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIDX_API_KEY_FILE")
    done = vidx("collections", "list")
    assert (done.status, "send a key or a token" in done.err) == (1, True)


def test_a_key_does_not_go_to_another_machine_in_plain_text(vidx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDX_ADDRESS", "192.0.2.1:50051")
    monkeypatch.setenv("VIDX_API_KEY", "vidx_a_b")
    done = vidx("collections", "list")
    assert (done.status, "VIDX_CLIENT_TLS_CA" in done.err) == (1, True)
    assert "vidx_a_b" not in done.err


@pytest.mark.parametrize("text", ["two words", "ä", "a\nb"])
def test_what_is_no_key_is_told_without_being_shown(vidx, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("VIDX_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("VIDX_API_KEY", text)
    done = vidx("collections", "list")
    assert (done.status, "holds no key" in done.err, text in done.err) == (1, True, False)


def test_wrong_usage_is_told(vidx) -> None:
    assert vidx("keys", "create", "t", "--scope", "read").status == 2
    assert vidx("keys", "create", "t", "--scope", "read", "-c", "a", "--all-collections").status == 2
    assert vidx("keys", "create", "t", "--scope", "read", "-c", "a", "--expires", "soon").status == 2

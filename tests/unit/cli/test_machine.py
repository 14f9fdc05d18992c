"""What runs on one machine, without running it."""

import configparser
import json
import os
import shlex
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from services.cli.home import Home, Running, State
from services.cli.machine import launch, logs, models, ports, processes, programs, supervisor
from services.cli.machine.programs import PARTS, STAGES, Options, Program
from services.core.errors import InvalidInput, NotFound
from services.pipeline import workflow

NAMES = programs.port_names(Options(workers={"decoding": 3}))
HERE = dict(zip(NAMES, range(20001, 20001 + len(NAMES)), strict=True))


@pytest.fixture
def plan(monkeypatch, tmp_path):
    monkeypatch.setattr(programs, "_triton", lambda *_: Program("triton", ["t"], {}, "http", 1))
    return lambda **options: {
        p.name: p for p in programs.plan(Home(tmp_path), HERE, tmp_path / "pack", Options(**options))
    }


def test_every_service_is_told_where_its_peers_are(plan, tmp_path):
    found = plan()
    assert list(found) == [*PARTS, *STAGES, "pipeline", "gateway"]
    assert STAGES == workflow.STAGES
    env = found["gateway"].env
    assert env["VIDX_SERVER_ADDRESS"] == f"127.0.0.1:{HERE['gateway']}"
    for stage, asked in (
        ("search", "GATEWAY"), ("decoding", "GATEWAY"), ("transcription", "GATEWAY"), ("search", "PIPELINE"),
        ("embedding", "SEARCH"), ("embedding", "CAPTIONING"),
    ):  # fmt: skip
        assert env[f"VIDX_{asked}_{stage.upper()}_ADDRESS"] == found[stage].env["VIDX_SERVER_ADDRESS"]
    for stage in ("embedding", "transcription", "captioning"):
        assert found[stage].env[f"VIDX_{stage.upper()}_MODELS"] == str(tmp_path / "pack")
    assert env["VIDX_STORE_URL"] == f"folder://{tmp_path}/store"
    assert env["VIDX_CATALOG_URL"] == f"sqlite:///{tmp_path}/catalog.db"
    assert found["search"].env["VIDX_SEARCH_MILVUS_URI"] == f"http://127.0.0.1:{found['milvus'].port}"


def test_what_the_user_set_besides_is_inherited_and_written_nowhere(plan, monkeypatch):
    monkeypatch.setenv("VIDX_CAPTIONING_CHAT_KEY", "secret")
    monkeypatch.setenv("VIDX_TRANSCRIPTION_API_KEY", "secret")
    found = plan().values()
    assert "secret" not in str(list(found))
    became: dict[str, str] = {}
    monkeypatch.setattr(launch.os, "execvpe", lambda file, argv, env: became.update(env))
    monkeypatch.setattr(launch, "FILE", os.devnull)
    monkeypatch.setattr(launch.json, "load", lambda file: {"captioning": {"argv": ["x"], "env": {"A": "b"}}})
    monkeypatch.setattr(sys, "argv", ["launch", "captioning"])
    before = os.umask(0)
    launch.main()
    assert os.umask(before) == 0o077
    assert (became["VIDX_CAPTIONING_CHAT_KEY"], became["A"]) == ("secret", "b")


def test_everything_listens_on_loopback_only(plan):
    for program in plan().values():
        assert "0.0.0.0" not in " ".join([*program.argv, *program.env.values()])
    assert "--host 127.0.0.1" in " ".join(plan()["milvus"].argv)
    assert "--bind 127.0.0.1" in " ".join(plan()["redis"].argv)


def test_more_workers_of_a_stage_are_processes_without_a_server(plan):
    found = plan(workers={"decoding": 3})
    assert found["decoding"].argv[-1] == "all"
    for name in ("decoding-2", "decoding-3"):
        assert found[name].argv[-1] == "work"
        assert "VIDX_SERVER_ADDRESS" not in found[name].env
    assert "embedding-2" not in found


@pytest.mark.parametrize("workers", [{"gateway": 2}, {"decoding": 0}, {"decoding": 65}])
def test_workers_of_what_has_none_are_refused(plan, workers):
    with pytest.raises(InvalidInput, match="the stages are"):
        plan(workers=workers)


def test_given_store_catalog_and_import_folders_are_passed_on(plan):
    env = plan(store="s3://h:1/b", catalog="postgresql+psycopg://x", imports=("films",))["pipeline"].env
    assert (env["VIDX_STORE_URL"], env["VIDX_CATALOG_URL"]) == ("s3://h:1/b", "postgresql+psycopg://x")
    assert json.loads(env["VIDX_IMPORT_FOLDERS"]) == [os.path.abspath("films")]


def test_ports_differ_and_stay_as_they_were_while_they_are_free():
    first = ports.choose(["a", "b", "c"], {})
    assert len(set(first.values())) == 3
    assert ports.choose(["c", "a", "b"], first) == first
    with socket.create_server(("127.0.0.1", first["a"])):
        again = ports.choose(["a", "b"], first)
    assert again["a"] != first["a"]
    assert again["b"] == first["b"]


def test_what_a_program_writes_is_for_its_owner_alone(tmp_path):
    write = "import pathlib; pathlib.Path('kept').touch(); pathlib.Path('folder').mkdir()"
    (tmp_path / launch.FILE).write_text(json.dumps({"p": {"argv": [sys.executable, "-c", write], "env": {}}}))
    subprocess.run([sys.executable, "-m", launch.__name__, "p"], cwd=tmp_path, umask=0o022, timeout=60, check=True)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("kept", "folder")] == [0o600, 0o700]


def test_configuration_launches_each_program_and_holds_nothing_else_of_it():
    hostile = Program("redis", ["a b", "%(x)s; #"], {"K": 'quo"te\n'}, "alive")
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"))
    parser.read_string(supervisor.configuration([hostile], "/run/50%.sock"))
    command = shlex.split(parser["program:redis"]["command"].replace("%%", "%"))
    assert command == [sys.executable, "-m", "services.cli.machine.launch", "redis"]
    assert parser["unix_http_server"]["file"] == "/run/50%%.sock"
    assert parser["program:redis"]["autorestart"] == "true"


def test_state_survives_and_a_broken_file_is_no_state(tmp_path: Path):
    home = Home(tmp_path / "new")
    assert home.state() == State()
    state = State({"gateway": 1}, Running(2, 3.5, "/s"))
    home.save(state)
    assert home.state() == state
    for text in ("", "{", "[]", '{"ports": 1}', '{"ports": {}, "running": {"pid": 1}}'):
        home.state_file.write_text(text)
        assert home.state() == State()


def test_another_process_with_the_same_id_is_not_ours():
    mine = processes.started(os.getpid())
    assert processes.is_same(os.getpid(), mine)
    assert not processes.is_same(os.getpid(), mine - 100)
    assert processes.left_over(os.getsid(0), mine - 1e6, Path("/nowhere")) == []


def test_a_process_stays_ours_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch):
    mine, before = processes.started(os.getpid()), psutil.boot_time()
    # What Linux says of the time of its start moves with the clock.
    monkeypatch.setattr(psutil, "boot_time", lambda: before - 3600)
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: before - 3600)
    assert processes.is_same(os.getpid(), mine)


def test_tail_reads_the_last_lines_of_a_large_file(tmp_path: Path):
    file = tmp_path / "a.log"
    file.write_bytes(b"".join(b"line %d\n" % i for i in range(50_000)) + b"caf\xe9")
    assert logs.tail(file, 3) == ["line 49998", "line 49999", "caf�"]
    assert logs.tail(file, 0) == []
    assert logs.tail(tmp_path / "none.log", 3) == []


def test_follow_goes_on_over_rotation_and_waits_for_whole_lines(tmp_path: Path, monkeypatch):
    idle = threading.Semaphore(0)
    go_on = threading.Semaphore(0)

    def sleep(_: float) -> None:
        idle.release()
        assert go_on.acquire(timeout=60)

    # In this module alone: threads that other tests have left sleep too.
    monkeypatch.setattr(logs, "time", SimpleNamespace(sleep=sleep))
    file = tmp_path / "a.log"
    file.write_text("old\n")
    lines: list[tuple[str, str]] = []
    stream = logs.follow({"a": file})

    def read() -> None:
        for _ in range(3):
            lines.append(next(stream))

    reader = threading.Thread(target=read)
    reader.start()
    steps = [lambda: _append(file, "one\nha"), lambda: _append(file, "lf\n"), lambda: _rotate(file, "new\n")]
    for step in steps:
        assert idle.acquire(timeout=60)
        step()
        go_on.release()
    reader.join(60)
    assert lines == [("a", "one"), ("a", "half"), ("a", "new")]


def _append(file: Path, text: str) -> None:
    with file.open("a") as out:
        out.write(text)


def _rotate(file: Path, text: str) -> None:
    file.rename(file.with_suffix(".log.1"))
    file.write_text(text)


def test_pack_is_found_by_name_and_by_file():
    assert models.find("builtin").is_file()
    assert models.find("/some/where.toml") == Path("/some/where.toml")
    for name in ("nonsense", "../builtin", "a/b"):
        with pytest.raises(NotFound, match="builtin"):
            models.find(name)

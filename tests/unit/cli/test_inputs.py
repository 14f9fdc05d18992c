"""What people type."""

import os
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.inputs import Label, Length, Range, Time, is_address, sources
from services.cli.upload import title_of


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("0", 0),
        ("12.5", 12_500_000_000),
        ("12.5s", 12_500_000_000),
        (".25", 250_000_000),
        ("2:03", 123_000_000_000),
        ("1:02:03.5", 3_723_500_000_000),
        ("0:00:00.000000001", 1),
        ("0.1", 100_000_000),
    ],
)
def test_time_is_read_exactly(text, ns):
    assert Time().convert(text, None, None) == ns


@pytest.mark.parametrize("text", ["", "-1", "1y", "1:2:3:4", "1e3", "nan", ":", "1.2.3", "1:2:", "٣"])
def test_what_is_not_a_time_is_refused(text):
    with pytest.raises(click.BadParameter):
        Time().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("90", 90_000_000_000),
        ("60s", 60_000_000_000),
        ("2m", 120_000_000_000),
        ("1:30", 90_000_000_000),
        ("1h", 3_600_000_000_000),
        ("1h5m", 3_900_000_000_000),
        ("1m30s", 90_000_000_000),
        ("1m1.5s", 61_500_000_000),
        ("0.1", 100_000_000),
        ("0:00:00.000000001", 1),
    ],
)
def test_length_is_read_exactly(text, ns):
    assert Length().convert(text, None, None) == ns


@pytest.mark.parametrize("text", ["", "0", "0s", "0:00", "-1", "1d", "m", "5s2m", "1:2:3:4", "1e3", "9" * 40, "٣"])
def test_what_is_no_length_is_refused(text):
    with pytest.raises(click.BadParameter):
        Length().convert(text, None, None)


def test_range_is_two_times_in_order():
    assert Range().convert("0:30-1:02:03.5", None, None) == (30_000_000_000, 3_723_500_000_000)
    assert Range().convert("1-2s", None, None) == (1_000_000_000, 2_000_000_000)


@pytest.mark.parametrize("text", ["", "1", "1-", "-1", "2-1", "1-1", "1-2-3", "a-b"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(click.BadParameter):
        Range().convert(text, None, None)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 10**9 - 1))
def test_time_is_read_as_a_clock_writes_it(hours, minutes, seconds, nanos):
    text = f"{hours}:{minutes:02d}:{seconds:02d}.{nanos:09d}"
    assert Time().convert(text, None, None) == (hours * 3600 + minutes * 60 + seconds) * 10**9 + nanos


def test_label_splits_at_its_first_equals_sign():
    assert Label().convert("key=a=b", None, None) == ("key", "a=b")
    assert Label().convert("key=", None, None) == ("key", "")
    for text in ("key", "=value"):
        with pytest.raises(click.BadParameter):
            Label().convert(text, None, None)


def test_folder_is_walked_for_video_files_in_order(tmp_path: Path):
    for name in ("b.mp4", "a.MKV", "notes.txt", ".hidden.mp4", "deep/c.webm", ".cache/d.mp4"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    named = str(tmp_path / "notes.txt")
    found = list(sources([named, str(tmp_path), "s3://bucket/key"]))
    assert found == [named, *(str(tmp_path / name) for name in ("a.MKV", "b.mp4", "deep/c.webm")), "s3://bucket/key"]


def test_folder_without_a_video_is_refused(tmp_path: Path):
    with pytest.raises(click.UsageError, match="no video file"):
        list(sources([str(tmp_path)]))


def test_address_is_told_from_a_file():
    assert is_address("https://host/a.mp4")
    assert is_address("file:///a.mp4")
    assert not is_address("a.mp4")
    assert not is_address("c:/a.mp4")


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/films/a b.mp4", "a b.mp4"),
        ("/films/a\nb'\"\x1b[31m.mp4", "a�b'\"�[31m.mp4"),
        (os.fsdecode(b"/films/caf\xe9.mp4"), "caf�.mp4"),
        ("/films/" + "x" * 600, "x" * 500),
    ],
)
def test_title_is_the_base_name_made_printable(path, title):
    assert title_of(path) == title
    title_of(path).encode()

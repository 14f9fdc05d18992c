"""`python -m services.cli.demo [--video FILE]`: the platform from a video file to a found moment, in one go.

It uses nothing but the `vidx` command, as a person would: start, index, read, search, ask, stop. Everything it makes
lies in one folder, `.demo` where it is started; the second time the model pack is there already.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from services.cli.demo_films import FILMS, Film, write
from services.cli.output import printable
from services.core.artifacts import digest

COLLECTION = "demo"
STARTING_S = "300"
"""Seconds that the platform may take to start, on a machine that has other things to do as well."""
QUESTIONS = (
    ("a cat", "chelsea.png"),
    ("a photographer with a tripod", "camera.png"),
    ("who was the first woman in command of a space shuttle", "astronaut.png"),
    ('"one dark spot"', "hubble_deep_field.jpg"),
    ("opening hours on Sunday", "hours"),
)
"""What is asked, and the picture that is the right answer: seen, seen and said, said, said word for word, and read."""
TOLD = (("chapters",), ("summary", "--length", "short"))
"""The commands that tell what is in a film, of every film."""
MOST_TOLD = 20
"""Lines of theirs that are shown."""
ASKED = "Why is gravel round?"
"""What the films are asked."""
WORDS = {"transcript": "museum.mp4", "captions": "home.mp4", "text": "museum.mp4"}
"""The commands that show words, each with the film to show it on."""
BEGINNING = 4
"""Lines of a command's output that are shown."""
GENERAL_QUESTIONS = ("people", "a face", "a car on a road", "a room inside a house", "trees and sky")
"""What is looked for in a film that nobody here knows."""
GENERAL_QUESTION = "What is this film about?"


@click.command()
@click.option("--video", type=click.Path(exists=True, dir_okay=False), help="A film of yours instead of the demo's.")
@click.option("--folder", type=click.Path(file_okay=False), default=".demo", show_default=True)
def main(video: str | None, folder: str) -> None:
    """Start the platform, index films, show what is in them, find five moments, ask a question, stop the platform."""
    root = Path(folder).absolute()
    vidx = Vidx(root / "home")
    files = [Path(video).absolute()] if video else _films(root / "films")
    try:
        _title("Starting the platform")
        vidx.show("up", "--detach", "--timeout", STARTING_S)
        if any(c["name"] == f"collections/{COLLECTION}" for c in vidx.messages("collections", "list")):
            # So that there is something to see the second time as well.
            vidx.show("collections", "delete", COLLECTION, "--force")
        _title(f"Indexing {len(files)} film{'s' if len(files) > 1 else ''}")
        vidx.show("index", "--collection", COLLECTION, "--wait", *map(str, files))
        videos = vidx.messages("list", "--collection", COLLECTION)
        _title("In words: what is said, seen and read")
        for film in videos:
            for command in WORDS if video else [c for c in WORDS if WORDS[c] == film["title"]]:
                click.echo(f"  {command} of {printable(film['title'])}:")
                vidx.show_beginning(command, film["name"])
        _title("Chapters and a short summary of each film")
        for film in videos:
            for command, *more in TOLD:
                click.echo(f"  {command} of {printable(film['title'])}:")
                vidx.show_beginning(command, film["name"], *more, lines=MOST_TOLD)
        _title("Asking (score, time, film, what matched, picture)")
        asking = Asking(vidx, {film["name"]: printable(film["title"]) for film in videos}, root / "thumbnails")
        if video:
            asking.in_general()
        else:
            asking.with_known_truth()
        _title("A question that the films answer themselves")
        question = GENERAL_QUESTION if video else ASKED
        click.echo(f"  {question}")
        vidx.show_beginning("ask", question, "--collection", COLLECTION)
        _title("Where the time went (seconds of worker time)")
        _timings(videos)
    finally:
        _title("Stopping")
        vidx.show("down")


class Vidx:
    """The command line, on a home of its own."""

    def __init__(self, home: Path) -> None:
        inherited = {key: value for key, value in os.environ.items() if key != "VIDX_ADDRESS"}
        self._env = {**inherited, "VIDX_HOME": str(home)}

    def show(self, *arguments: str) -> None:
        """Run a command for everybody to see."""
        done = subprocess.run([sys.executable, "-m", "services.cli", *arguments], env=self._env)
        if done.returncode:
            raise SystemExit(f"the demo ends here: `vidx {arguments[0]}` failed")

    def show_beginning(self, *arguments: str, lines: int = BEGINNING) -> None:
        """Run a command for the first lines that it prints."""
        command = [sys.executable, "-m", "services.cli", *arguments]
        done = subprocess.run(command, env=self._env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in done.stdout.splitlines()[:lines]:
            click.echo(f"    {line}")

    def messages(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command with --json for its messages."""
        command = [sys.executable, "-m", "services.cli", *arguments, "--json"]
        done = subprocess.run(command, env=self._env, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(f"the demo ends here: `vidx {arguments[0]}` failed")
        return [json.loads(line) for line in done.stdout.splitlines()]


def _films(folder: Path) -> list[Path]:
    files = []
    for film in FILMS:
        # Films that an earlier version made are not these.
        file = folder / digest(film) / f"{film.name}.mp4"
        if not file.exists():
            click.echo(f"making {file}")
            file.parent.mkdir(parents=True, exist_ok=True)
            write(film, file)
        files.append(file)
    return files


class Asking:
    """Questions to the films, whose titles are given by name."""

    def __init__(self, vidx: Vidx, titles: dict[str, str], thumbnails: Path) -> None:
        self._vidx = vidx
        self._titles = titles
        self._thumbnails = thumbnails

    def with_known_truth(self) -> None:
        """Ask the demo's questions and say which were answered right."""
        films = {f"{film.name}.mp4": film for film in FILMS}
        right = 0
        for question, picture in QUESTIONS:
            moments = self._search(question)
            first = moments[0] if moments else None
            hit = first is not None and _shows(films[self._titles[first["video"]]], picture, first["range"])
            right += hit
            click.echo(f"    {'right' if hit else 'wrong'}: the first is {'' if hit else 'not '}the shot that shows it")
        click.echo(f"\n  {right} of {len(QUESTIONS)} questions answered right")

    def in_general(self) -> None:
        """Ask what may be asked of any film."""
        for name, title in self._titles.items():
            click.echo(f"  {title} has {len(self._vidx.messages('shots', name)[0].get('shots', []))} shots")
        for question in GENERAL_QUESTIONS:
            self._search(question)

    def _search(self, question: str) -> list[dict[str, Any]]:
        """Print the three best moments and where their pictures lie."""
        folder = self._thumbnails / "-".join(question.replace('"', "").split())
        for old in folder.glob("*.jpg"):
            old.unlink()
        arguments = ["--collection", COLLECTION, "--limit", "3", "--thumbnails", str(folder)]
        moments: list[dict[str, Any]] = self._vidx.messages("search", question, *arguments)[0].get("moments", [])
        click.echo(f"\n  {question}")
        for moment, picture in zip(moments, sorted(folder.glob("*.jpg")), strict=True):
            start, end = _range(moment["range"])
            matched = ", ".join(e["track"].lower().replace("_", " ") for e in moment["evidence"])
            where = f"{self._titles[moment['video']]:10}  {matched:30}  {os.path.relpath(picture)}"
            click.echo(f"    {moment.get('score', 0.0):.2f}  {start:6.2f} s - {end:6.2f} s  {where}")
        return moments


def _shows(film: Film, picture: str, range_: dict[str, str]) -> bool:
    """True when more than half of the range lies in the shot of the picture."""
    shot = film.shot(picture)
    start, end = _range(range_)
    return shot is not None and min(end, shot[1]) - max(start, shot[0]) > (end - start) / 2


def _range(range_: dict[str, str]) -> tuple[float, float]:
    return float(range_.get("start", "0s")[:-1]), float(range_["end"][:-1])


def _timings(videos: list[dict[str, Any]]) -> None:
    for video in videos:
        stages = [f"{stage['stage']} {float(stage.get('busy', '0s')[:-1]):.1f}" for stage in video["stages"]]
        click.echo(f"  {printable(video['title']):24} {video['duration']:>12} of film: {', '.join(stages)}")


def _title(text: str) -> None:
    click.echo(f"\n== {text}")


if __name__ == "__main__":
    main()

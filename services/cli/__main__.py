"""`vidx`: finds the command, runs it, and turns every failure into one line and an exit status."""

import importlib
import os
import sys
from collections.abc import Sequence

import click

from services.core.errors import VidxError

COMMANDS = {
    "up": ("machine", "Start the platform on this machine."),
    "down": ("machine", "Stop it; nothing stays running."),
    "status": ("machine", "What runs, what waits, what failed, and when it is done."),
    "logs": ("machine", "What the services wrote."),
    "bench": ("bench", "How fast the running platform is."),
    "doctor": ("doctor", "What does not fit between catalog, store and index; mend it."),
    "models": ("models", "Build model packs."),
    "keys": ("keys", "Keys of the gateway: create, list, rotate, revoke."),
    "quota": ("keys", "What a collection may have, and has."),
    "audit": ("audit", "Who changed what, or tried to."),
    "webhooks": ("webhooks", "Tell others when videos are READY, FAILED or deleted."),
    "collections": ("collections", "Create, list, label and delete collections."),
    "index": ("index", "Add videos: files, folders or addresses."),
    "search": ("search", "Find moments by text."),
    "shots": ("videos", "A video's shots."),
    "transcript": ("words", "What is said in a video; put a corrected transcript in."),
    "captions": ("words", "What is seen in a video's shots, in words."),
    "text": ("words", "What is written in a video's picture."),
    "chapters": ("chapters", "A video's chapters; set them by hand, or save them for another tool."),
    "summary": ("chapters", "What videos, a chapter or a part of one say, in a few sentences."),
    "skim": ("skim", "A short version of a video: what it keeps, or as MP4."),
    "highlights": ("highlights", "The moments of a video that stand out, or answer a query."),
    "ask": ("chapters", "Ask the videos of a collection a question."),
    "get": ("videos", "One video: state, stages, error."),
    "list": ("videos", "The videos of a collection."),
    "watch": ("videos", "Follow a video until it is READY, FAILED or CANCELLED."),
    "retry": ("videos", "Start a FAILED or CANCELLED video again, or fill in what is missing."),
    "cancel": ("videos", "Stop the work on a video."),
    "delete": ("videos", "Remove videos and all that was made of them."),
    "url": ("videos", "An address to play a video from, where the store has addresses."),
    "frame": ("videos", "Save the frame shown at a time as JPEG."),
}
"""Command to its module and its line in the help. Modules are imported on use, so that help is quick."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"services.cli.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Index videos and find moments in them.

    The platform of this machine is started by `vidx up`; VIDX_ADDRESS=host:port names another one, VIDX_API_KEY or
    VIDX_API_KEY_FILE the key for it, VIDX_CLIENT_TLS_CA the file of its CA. What is kept here lies in VIDX_HOME
    (~/.local/share/vidx).
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        status = cli.main(arguments, prog_name="vidx", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        _say(error.format_message())
        return error.exit_code
    except VidxError as error:
        _say(error.message)
        return 1
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; without this Python complains once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        _say(f"{error.strerror or error}: {error.filename!r}" if error.filename is not None else str(error))
        return 1


def _say(message: str) -> None:
    from services.cli.output import complain

    complain(message)


if __name__ == "__main__":
    sys.exit(main())

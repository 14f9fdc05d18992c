"""`vidx models`: build model packs."""

import click

from services.cli.output import say


@click.group("models")
def models_command() -> None:
    """Build model packs."""


@models_command.command("build")
@click.argument("pack", default="builtin")
@click.option("--out", type=click.Path(file_okay=False), envvar="VIDX_MODELS", help="Where; VIDX_HOME/models.")
@click.option("--json", "json", is_flag=True, help="Print the pack's manifest as JSON.")
def build(pack: str, out: str | None, json: bool) -> None:
    """Build PACK, a name such as `builtin` or a TOML file, for the model server of this machine.

    Nothing is done when it is built already. Prints the folder.
    """
    from services.cli.home import home
    from services.cli.machine import models

    folder, manifest = models.build(pack, out or home().models, lambda line: click.echo(line, err=True))
    say(manifest.model_dump_json() if json else str(folder))

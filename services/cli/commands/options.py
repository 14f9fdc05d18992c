"""Arguments that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def collection(command: F) -> F:
    """--collection C"""
    return click.option(
        "--collection", "-c", default="default", show_default=True, metavar="C", help="The collection's id."
    )(command)


def as_json(command: F) -> F:
    """--json"""
    return click.option("--json", "json", is_flag=True, help="Print the API's messages as JSON, one a line.")(command)


def name(command: F) -> F:
    """NAME: collections/C/videos/V, or V with --collection"""
    return click.argument("name")(collection(command))

"""Arguments that several commands share."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
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


def span(ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    """A time such as 30m, 12h or 90d, as an option's callback."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d{1,5})([mhd])", value)
    if not found:
        raise click.BadParameter(f"{value!r} is not a time such as 30m, 12h or 90d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})

"""`uatwin call`, `uatwin read` and `uatwin write` on the command line."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from server.call_command import running, variables
from server.call_command.connecting import Whom

Url = Annotated[
    str | None,
    typer.Option(
        help="The endpoint, opc.tcp://HOST:4840/uatwin.",
        envvar="UATWIN_URL",
        show_default="the bridge that runs here",
    ),
]
PlantName = Annotated[str | None, typer.Option("--plant", help="Which one, where several run here.", metavar="NAME")]
User = Annotated[
    str | None,
    typer.Option(
        help="Log in; the password is asked for, or taken from UATWIN_PASSWORD.",
        envvar="UATWIN_USER",
        metavar="NAME",
        show_default="anonymous, who may read",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def call(
    twin: Annotated[
        str | None, typer.Argument(help="A twin: its path, or the end of it. Without it: the twins.", metavar="TWIN")
    ] = None,
    method: Annotated[
        str | None, typer.Argument(help="One of its methods. Without it: what it has.", metavar="METHOD")
    ] = None,
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Arguments, in any order.", metavar="Name=value")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Shorten nothing.")] = False,
    describe: Annotated[bool, typer.Option("--describe", help="Do not call; show what it takes and gives.")] = False,
    as_json: AsJson = False,
    csv: Annotated[Path | None, typer.Option(help="Write the tables into this file, more beside it.")] = None,
    user: User = None,
    url: Url = None,
    plant: PlantName = None,
) -> None:
    """Call a method of a twin: analytics, what-if, commands. Exit code 0: there is a valid result."""
    wish = running.Wish(everything, as_json, csv, describe)
    raise typer.Exit(running.call(_whom(url, plant, user), twin, method, arguments or (), wish))


def read(
    paths: Annotated[list[str], typer.Argument(help="Variables: Pump1/Speed, or with more of their path.")],
    as_json: AsJson = False,
    user: User = None,
    url: Url = None,
    plant: PlantName = None,
) -> None:
    """Read values with unit, status and time. Exit code 0: all are Good."""
    raise typer.Exit(variables.read(_whom(url, plant, user), paths, as_json))


def write(
    path: Annotated[str, typer.Argument(help="A command: Pump1/SpeedSetpoint, or with more of its path.")],
    value: Annotated[str, typer.Argument(help="A number, text, or the name of a state.")],
    user: User = None,
    url: Url = None,
    plant: PlantName = None,
) -> None:
    """Write a value to a command. Exit code 0: the device has it."""
    raise typer.Exit(variables.write(_whom(url, plant, user), path, value))


def _whom(url: str | None, plant: str | None, user: str | None) -> Whom:
    if user is None:
        return Whom(url, plant)
    password = os.environ.get("UATWIN_PASSWORD")
    if password is None and not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask for the password; set UATWIN_PASSWORD")
    return Whom(url, plant, user, typer.prompt("Password", hide_input=True, err=True) if password is None else password)

"""The sub-commands of `uatwin history`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from server.history_command.times import ticks_of

history = typer.Typer(no_args_is_help=True, help="Values out of the history of a plant, and back into it.")

PlantFile = Annotated[
    Path | None,
    typer.Argument(help="The plant file; without it, the plant whose bridge runs here.", metavar="PLANT.yaml"),
]
_ALL: tuple[str, ...] = ("**",)


def _time(text: str) -> str:
    try:
        ticks_of(text, datetime.now(UTC))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return text


@history.command("export")
def export_values(
    out: Annotated[Path, typer.Option(help="File to write: .parquet or .csv.")],
    plant: PlantFile = None,
    tags: Annotated[
        list[str] | None, typer.Option(help="Paths of tags or patterns: Cooling/**, **/Pump1/*. Default: all.")
    ] = None,
    start: Annotated[
        str, typer.Option("--from", help="2026-11-22T10:00, or 24h for so long ago.", callback=_time)
    ] = "24h",
    end: Annotated[str, typer.Option("--to", help="The same; 0s is now.", callback=_time)] = "0s",
    force: Annotated[bool, typer.Option(help="Write over a file that is there.")] = False,
) -> None:
    """Write values into a file that pandas reads, while the bridge runs or not."""
    from server.history_command.exporting import export

    now = datetime.now(UTC)
    raise typer.Exit(export(plant, tags or _ALL, ticks_of(start, now), ticks_of(end, now), out, force))


@history.command("import")
def import_values(
    file: Annotated[Path, typer.Argument(help="A .csv or .parquet file, as export writes it.", metavar="FILE")],
    plant: PlantFile = None,
) -> None:
    """Fill values of the past in, while the bridge runs or not; those that are there already are not doubled."""
    from server.history_command.importing import import_values as take

    raise typer.Exit(take(file, plant))

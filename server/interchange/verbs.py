"""The sub-commands of `uatwin import` and `uatwin export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from server.interchange import commands
from server.interchange.modbus_addresses import NOTATIONS, Notation
from server.interchange.tag_lists import ListOptions

imports = typer.Typer(no_args_is_help=True, help="Make a plant file of a tag list or a Thing Description.")
exports = typer.Typer(no_args_is_help=True, help="Write the tags of a plant file as a tag list.")

Out = Annotated[Path | None, typer.Option(help="Write it here; without it, to the screen.")]
Force = Annotated[bool, typer.Option(help="Write over a file that is there.")]


def _notation(text: str) -> str:
    if text not in NOTATIONS:
        raise typer.BadParameter(f"{text} is none of {', '.join(NOTATIONS)}")
    return text


def _order(text: str | None) -> str | None:
    if text not in (None, "big", "little"):
        raise typer.BadParameter(f"{text} is none of big, little")
    return text


@imports.command("csv")
def import_csv(
    tags: Annotated[Path, typer.Argument(help="The tag list, as KEPServerEX, Ignition and others export it.")],
    driver: Annotated[str, typer.Option(help="modbus, mqtt or coap.")],
    host: Annotated[str, typer.Option(help="Name or address of the device or broker.")],
    port: Annotated[
        int | None, typer.Option(help="Its port.", min=1, max=65535, show_default="that of the driver")
    ] = None,
    unit: Annotated[int | None, typer.Option(help="Modbus: unit identifier.", min=0, max=255)] = None,
    connection: Annotated[str, typer.Option(help="Name of the connection.")] = "device",
    twin: Annotated[
        str | None, typer.Option(help="Twin of tags that are in no group.", show_default="name of the file")
    ] = None,
    addresses: Annotated[
        str,
        typer.Option(help="Modbus: how bare numbers count: auto, zero_based, one_based, modicon.", callback=_notation),
    ] = "auto",
    word_order: Annotated[
        str | None, typer.Option(help="Modbus: order of the registers of a value, big or little.", callback=_order)
    ] = None,
    byte_order: Annotated[
        str | None, typer.Option(help="Modbus: order of the bytes in a register, big or little.", callback=_order)
    ] = None,
    rate_s: Annotated[float, typer.Option("--rate", help="Seconds between readings where the list says none.")] = 1.0,
    read_only: Annotated[bool, typer.Option(help="Import no commands, whatever the list allows.")] = False,
    out: Out = None,
    force: Force = False,
) -> None:
    """Make a plant file of a tag list; every line that is not understood is told."""
    given = {"port": port, "unit": unit, "word_order": word_order, "byte_order": byte_order}
    settings = _settings(driver, host, given)
    notation: Notation = addresses  # type: ignore[assignment]
    options = ListOptions(connection, settings, twin or _name_of(tags), notation, rate_s, read_only)
    raise typer.Exit(commands.import_csv(tags, options, out, force))


@imports.command("td")
def import_td(
    thing: Annotated[Path, typer.Argument(help="A W3C Thing Description (JSON) with Modbus, MQTT or CoAP forms.")],
    out: Out = None,
    force: Force = False,
) -> None:
    """Make a plant file of a Thing Description; everything that is not in it is told."""
    raise typer.Exit(commands.import_td(thing, out, force))


@exports.command("csv")
def export_csv(
    plant: Annotated[Path, typer.Argument(help="The plant file (YAML).")],
    connection: Annotated[str | None, typer.Option(help="Whose tags, where there are several connections.")] = None,
    out: Out = None,
    force: Force = False,
) -> None:
    """Write the tags of a connection in the columns of common OPC servers."""
    raise typer.Exit(commands.export_csv(plant, connection, out, force))


def _settings(driver: str, host: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"driver": driver, "host": host} | {key: value for key, value in given.items() if value is not None}


def _name_of(file: Path) -> str:
    return file.stem.replace(".", "_")

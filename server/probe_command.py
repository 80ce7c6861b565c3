"""`uatwin probe`: asks the devices once and shows what came, tag by tag."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from drivers.data_types import DataType
from drivers.readings import TICKS_PER_SECOND, UNIX_EPOCH_TICKS
from drivers.status import is_bad, is_good, name
from nodesets.units import unit
from server.acquisition.probe import Answer, Probe, probe
from server.config.errors import did_you_mean
from server.config.load import PlantFileError, load_plant
from server.config.plant import Connection, Plant

_FAILED: Final = 1
_WRONG_INPUT: Final = 2
_PLAIN_WIDTH: Final = 100
"""Columns where the output is no terminal."""
_GAP: Final = 2
_SHORTEST_RAW: Final = 12
_LONGEST_RAW: Final = 40


def probe_devices(file: Path, connection: str | None, as_json: bool, wait_s: float) -> int:
    """Ask one connection of a plant file, or all, and print what came; returns the exit code: 0 all Good, 1 not, 2
    wrong input."""
    try:
        plant = load_plant(file)
    except PlantFileError as error:
        print(error, file=sys.stderr)
        return _WRONG_INPUT
    if connection is not None and connection not in plant.connections:
        print(f"there is no connection {connection}{did_you_mean(connection, plant.connections)}", file=sys.stderr)
        return _WRONG_INPUT
    probes = asyncio.run(probe(plant, () if connection is None else (connection,), wait_s))
    if as_json:
        for one in probes:
            _print_json(one)
    else:
        _print_tables(plant, probes)
    return 0 if all(one.works for one in probes) else _FAILED


def _print_json(one: Probe) -> None:
    """One object a tag, and one for a connection that was not reached."""
    if one.error:
        print(json.dumps({"connection": one.connection, "error": one.error}, ensure_ascii=False))
        return
    for answer in one.answers:
        told = {
            "connection": one.connection,
            "tag": answer.tag.path,
            "raw": answer.raw or None,
            "value": _json_value(answer),
            "unit": answer.tag.unit,
            "status": None if answer.status is None else name(answer.status),
        }
        print(json.dumps(told, ensure_ascii=False))


def _json_value(answer: Answer) -> Any:
    value = answer.value.tolist() if isinstance(answer.value, np.ndarray) else answer.value
    if answer.tag.data_type is DataType.DateTime and isinstance(value, int):
        return _time(value)
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value.hex() if isinstance(value, bytes) else value


def _print_tables(plant: Plant, probes: Sequence[Probe]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PLAIN_WIDTH)
    for one in probes:
        console.print(_head(plant.connections[one.connection], one), soft_wrap=True)
        if not one.error:
            console.print(_table(one, console.width))


def _head(connection: Connection, one: Probe) -> Text:
    host = getattr(connection.settings, "host", "")
    where = f"{one.connection} ({connection.driver}{' ' + host if host else ''})"
    if one.error:
        return Text(f"{where}: {one.error}", "red")
    return Text(f"{where}: {one.good} of {one.tags} tags Good", "green" if one.works else "yellow")


def _table(one: Probe, width: int) -> Table:
    """Raw takes what the other columns leave."""
    cells = [
        (answer.tag.path, answer.raw, _shown(answer), unit(answer.tag.unit).symbol if answer.tag.unit else "")
        for answer in one.answers
    ]
    statuses = [_status(answer) for answer in one.answers]
    others = sum(max((len(row[column]) for row in cells), default=0) for column in (0, 2, 3))
    others += max(map(len, statuses), default=0) + 4 * _GAP
    longest = min(max(width - others, _SHORTEST_RAW), _LONGEST_RAW)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    table.add_column("Tag", overflow="fold")
    table.add_column("Raw", no_wrap=True)
    table.add_column("Value", justify="right", overflow="fold")
    table.add_column("Unit", no_wrap=True)
    table.add_column("Status", no_wrap=True)
    for (path, raw, value, symbol), status in zip(cells, statuses, strict=True):
        raw = raw if len(raw) <= longest else raw[: longest - 3] + "..."
        table.add_row(Text(path), Text(raw), Text(value), Text(symbol), status)
    return table


def _status(answer: Answer) -> Text:
    if answer.status is None:
        return Text("command, not reported" if answer.works else "no value came", "dim" if answer.works else "red")
    colour = "green" if is_good(answer.status) else "red" if is_bad(answer.status) else "yellow"
    return Text(name(answer.status), colour)


def _shown(answer: Answer) -> str:
    value, tag = answer.value, answer.tag
    if value is None:
        return ""
    if tag.states and isinstance(value, int) and 0 <= value < len(tag.states):
        return f"{int(value)} {tag.states[value]}"
    if tag.data_type is DataType.DateTime and isinstance(value, int):
        return _time(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.7g}" if tag.data_type is DataType.Float else f"{value:.12g}"
    if isinstance(value, np.ndarray):
        return np.array2string(value, separator=", ", threshold=8, max_line_width=10_000)
    return value.hex(" ").upper() if isinstance(value, bytes) else str(value)


def _time(ticks: int) -> str:
    return datetime.fromtimestamp((ticks - UNIX_EPOCH_TICKS) / TICKS_PER_SECOND, UTC).isoformat()

"""What `uatwin read` and `uatwin write` do; each returns its exit code."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from asyncua import ua

from server.call_command import machines
from server.call_command.arguments import Declared, Surroundings, WrongArguments, variant_of
from server.call_command.connecting import Whom, connected
from server.call_command.desk import Desk, Held
from server.call_command.exits import FAILED, run
from server.call_command.finding import NotThere, Tree, find_variable
from server.call_command.values import plain, shown

_LAST_KIND: Final = 25


def read(whom: Whom, paths: Sequence[str], as_json: bool) -> int:
    """Print values with unit, status and time. Exit code 1 when one is not Good."""
    return run(_read(whom, paths, as_json))


async def _read(whom: Whom, paths: Sequence[str], as_json: bool) -> int:
    async with connected(whom) as desk:
        tree = Tree(desk)
        found, wrong = [], []
        for path in paths:
            try:
                found.append(await find_variable(desk, tree, path))
            except NotThere as error:
                wrong.append(str(error))
        if wrong:
            raise NotThere("\n".join(wrong))
        values = await desk.read(found)
        about = [await _about(desk, path) for path in found]
    lines = [_line(one, value) for one, value in zip(about, values, strict=True)]
    if as_json:
        print(machines.lines_as_json(lines))
    else:
        width = max(len(str(one["path"])) for one in lines)
        for one in lines:
            text = one["state"] or shown(one["value"])
            print(
                f"{one['path']:<{width}}  {text} {one['unit']}".rstrip() + f"  {one['status']}  {_clock(one)}".rstrip()
            )
    return 0 if all(value.good for value in values) else FAILED


def _clock(line: Mapping[str, Any]) -> str:
    """By this computer's clock."""
    return shown(datetime.fromisoformat(line["time"])) if line["time"] else ""


def _line(about: Declared, held: Held) -> dict[str, Any]:
    named = isinstance(held.value, int) and 0 <= held.value < len(about.states)
    return {
        "path": about.name,
        "value": plain(held.value),
        "unit": about.unit,
        "state": about.states[int(held.value)] if named else "",
        "status": held.status.name,
        "time": plain(held.time),
    }


def write(whom: Whom, path: str, text: str) -> int:
    """Write a value to a command; exit code 0 when the device has it."""
    return run(_write(whom, path, text))


async def _write(whom: Whom, words: str, text: str) -> int:
    async with connected(whom) as desk:
        path = await find_variable(desk, Tree(desk), words)
        about = await _about(desk, path)
        try:
            value = variant_of(about, [text], Surroundings(datetime.now(UTC), desk.node_id))
        except ValueError as error:
            raise WrongArguments([f"{path}: {error}"]) from error
        status, words = await desk.write(path, value)
    if status.is_good():
        told = f": {words}" if words else ""
        print(f"{path} = {text} {about.unit}".rstrip() + f": {status.name}{told}")
        return 0
    cure = "; log in with --user as an operator" if status.value == ua.StatusCodes.BadUserAccessDenied else ""
    print(f"{path}: {status.name}: {(words or status.doc).rstrip('.')}{cure}", file=sys.stderr)
    return FAILED


async def _about(desk: Desk, path: str) -> Declared:
    """Type, unit and states of a variable."""
    (kind,) = await desk.read([path], ua.AttributeIds.DataType)
    (rank,) = await desk.read([path], ua.AttributeIds.ValueRank)
    unit = await desk.value(f"{path}.EngineeringUnits")
    identifier = kind.value.Identifier if kind.value is not None else None
    return Declared(
        path,
        ua.VariantType(identifier)
        if isinstance(identifier, int) and identifier <= _LAST_KIND
        else ua.VariantType.String,
        int(rank.value or 0) > 0,
        str(unit.DisplayName.Text) if unit is not None else "",
        "",
        await _states(desk, path),
    )


async def _states(desk: Desk, path: str) -> tuple[str, ...]:
    """Names of the values of a discrete variable (Part 8, 5.3.3), counted from 0; none of another one."""
    names = await desk.value(f"{path}.EnumStrings")
    if names is None and (values := await desk.value(f"{path}.EnumValues")) is not None:
        counted = [one.Value for one in values] == list(range(len(values)))
        names = [one.DisplayName for one in values] if counted else []
    if names is None:
        pair = [await desk.value(f"{path}.{name}") for name in ("FalseState", "TrueState")]
        names = pair if all(one is not None for one in pair) else []
    return tuple(str(one.Text) for one in names)

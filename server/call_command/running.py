"""What `uatwin call`, `read` and `write` do; each returns its exit code."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from asyncua import ua
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from server.call_command import asking, help, machines
from server.call_command.arguments import Declared, Surroundings, WrongArguments, variant_of
from server.call_command.asking import Halted, Outcome, Refused, Watch
from server.call_command.connecting import NotConnected, Whom, connected
from server.call_command.desk import Desk, Held
from server.call_command.finding import Method, NotThere, Tree, find_variable, methods_of, pick
from server.call_command.showing import Showing
from server.call_command.values import plain, shown

FAILED: Final = 1
WRONG_INPUT: Final = 2
_INTERRUPTED: Final = 130
_LAST_KIND: Final = 25


@dataclass(frozen=True, slots=True)
class Wish:
    """How the results are wanted. everything: nothing shortened; describe: only what the method takes and gives."""

    everything: bool = False
    as_json: bool = False
    csv: Path | None = None
    describe: bool = False


def call(whom: Whom, twin: str | None, method: str | None, arguments: Sequence[str], wish: Wish) -> int:
    """Call a method, or show what there is to call."""
    return _run(_call(whom, twin, method, arguments, wish))


async def _call(whom: Whom, twin: str | None, name: str | None, arguments: Sequence[str], wish: Wish) -> int:
    console = Console(highlight=False)
    async with connected(whom) as desk:
        tree = Tree(desk)
        if twin is None:
            await help.show_twins(console, tree, wish.everything)
            return 0
        path = await tree.find(twin)
        methods = await methods_of(desk, path)
        if name is None:
            help.show_methods(console, path, methods)
            return 0
        method = pick(methods, name, path)
        if wish.describe:
            help.show_method(console, method, with_results=True)
            return 0
        with _watching(console, method) as watch:
            outcome = await asking.call(desk, method, arguments, watch)
    return _told(console, method, outcome, wish)


def _told(console: Console, method: Method, outcome: Outcome, wish: Wish) -> int:
    if wish.as_json:
        print(machines.as_json(method.path, outcome))
    elif outcome.valid:
        Showing(console, wish.everything).results(outcome.results)
        _footer(console, method, outcome)
    else:
        reason = str(outcome.value("Reason") or "")
        print(f"{method.path}: there is no result: {reason}", file=sys.stderr)
    if wish.csv is not None and outcome.valid:
        for file in machines.write_csv(wish.csv, outcome.results):
            print(f"wrote {file}", file=sys.stderr)
    return 0 if outcome.valid else FAILED


def _footer(console: Console, method: Method, outcome: Outcome) -> None:
    """Done; what is to be kept in mind, by which model, from how good data."""
    if method.is_command or outcome.status.value:
        console.print(Text.assemble((outcome.status.name, "bold green"), f": {outcome.words}" if outcome.words else ""))
    if reason := outcome.value("Reason"):
        console.print(Text.assemble(("keep in mind: ", "bold yellow"), str(reason)))
    told = []
    if model := outcome.value("ModelId"):
        told.append(f"by model {model}")
    quality = outcome.value("DataQuality")
    if isinstance(quality, float) and quality == quality:
        told.append(f"{shown(quality)} % of the readings behind it were Good")
    if told:
        console.print("; ".join(told), style="dim")


@contextmanager
def _watching(console: Console, method: Method) -> Iterator[Watch]:
    """A bar while a job goes on, where somebody looks."""
    if not console.is_terminal:
        yield lambda state, percent: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{method.name}", total=100.0, visible=False)

        def watch(state: str, percent: float) -> None:
            bar.update(task, completed=percent, description=f"{method.name} {state.lower()}", visible=True)

        yield watch


# -- read and write ---------------------------------------------------------------------------------------------------


def read(whom: Whom, paths: Sequence[str], as_json: bool) -> int:
    """Print values with unit, status and time. Exit code 1 when one is not Good."""
    return _run(_read(whom, paths, as_json))


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
            print(f"{one['path']:<{width}}  {text} {one['unit']}".rstrip() + f"  {one['status']}  {one['time'] or ''}")
    return 0 if all(value.good for value in values) else FAILED


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
    return _run(_write(whom, path, text))


async def _write(whom: Whom, words: str, text: str) -> int:
    async with connected(whom) as desk:
        path = await find_variable(desk, Tree(desk), words)
        about = await _about(desk, path)
        try:
            value = variant_of(about, [text], Surroundings(datetime.now(UTC), desk.node_id))
        except ValueError as error:
            raise WrongArguments([f"{path}: {error}"]) from error
        status = await desk.write(path, value)
    if status.is_good():
        print(f"{path} = {text} {about.unit}".rstrip() + f": {status.name}")
        return 0
    cure = "; log in with --user as an operator" if status.value == ua.StatusCodes.BadUserAccessDenied else ""
    print(f"{path}: {status.name}: {status.doc}{cure}", file=sys.stderr)
    return FAILED


async def _about(desk: Desk, path: str) -> Declared:
    """Type, unit and states of a variable."""
    (kind,) = await desk.read([path], ua.AttributeIds.DataType)
    (rank,) = await desk.read([path], ua.AttributeIds.ValueRank)
    unit, names = await desk.value(f"{path}.EngineeringUnits"), await desk.value(f"{path}.EnumStrings")
    if names is None:
        pair = [await desk.value(f"{path}.{name}") for name in ("FalseState", "TrueState")]
        names = pair if all(one is not None for one in pair) else []
    identifier = kind.value.Identifier if kind.value is not None else None
    return Declared(
        path,
        ua.VariantType(identifier)
        if isinstance(identifier, int) and identifier <= _LAST_KIND
        else ua.VariantType.String,
        int(rank.value or 0) > 0,
        str(unit.DisplayName.Text) if unit is not None else "",
        "",
        tuple(str(one.Text) for one in names),
    )


# -- exits ------------------------------------------------------------------------------------------------------------


def _run(work: Coroutine[Any, Any, int]) -> int:
    """The exit code; what went wrong is told on stderr."""
    try:
        return asyncio.run(work)
    except (NotThere, WrongArguments) as error:
        return _failed(str(error), WRONG_INPUT)
    except (NotConnected, Refused) as error:
        return _failed(str(error), FAILED)
    except Halted as halted:
        return _failed(str(halted), _INTERRUPTED)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (OSError, TimeoutError, ua.UaError) as error:
        return _failed(f"the bridge was lost: {error or type(error).__name__}", FAILED)


def _failed(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code

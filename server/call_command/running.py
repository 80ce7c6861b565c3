"""What `uatwin call` does, from the connection to what is printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from server.call_command import asking, help, machines
from server.call_command.asking import Outcome, Watch
from server.call_command.connecting import Whom, connected
from server.call_command.exits import FAILED, run
from server.call_command.finding import Method, Tree, methods_of, pick
from server.call_command.showing import Showing
from server.call_command.values import shown


@dataclass(frozen=True, slots=True)
class Wish:
    """How the results are wanted. everything: nothing shortened; describe: only what the method takes and gives."""

    everything: bool = False
    as_json: bool = False
    csv: Path | None = None
    describe: bool = False


def call(whom: Whom, twin: str | None, method: str | None, arguments: Sequence[str], wish: Wish) -> int:
    """Call a method, or show what there is to call."""
    return run(_call(whom, twin, method, arguments, wish))


async def _call(whom: Whom, twin: str | None, name: str | None, arguments: Sequence[str], wish: Wish) -> int:
    console = Console(highlight=False, markup=False)
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
    if method.is_command or outcome.silent or outcome.status.value:
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

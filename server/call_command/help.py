"""What twins there are, what methods a twin has, and how each is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from server.call_command.arguments import declared
from server.call_command.finding import Method, Tree
from server.call_command.tables import COMMON

_MOST_TWINS: Final = 40
_INDENT: Final = "  "


async def show_twins(console: Console, tree: Tree, everything: bool) -> None:
    """The twins, indented by where they stand."""
    twins: list[str] = []
    waiting = list(reversed(await tree.children("")))
    while waiting and (everything or len(twins) < _MOST_TWINS):
        twins.append(waiting.pop())
        waiting += reversed(await tree.children(twins[-1]))
    for path in twins:
        console.print(Text(_INDENT * path.count("/") + path.rpartition("/")[2], style="bold"))
    if waiting:
        console.print("There are more: --all shows them, uatwin call TWIN what one can do.", style="dim")
    else:
        console.print("uatwin call TWIN shows what one can do; the end of its path is enough.", style="dim")


def show_methods(console: Console, twin: str, methods: Sequence[Method]) -> None:
    """Each method with its arguments."""
    if not methods:
        console.print(f"{twin} has no methods")
        return
    for title, chosen in (
        ("Commands", [one for one in methods if one.is_command]),
        ("Analytics", [one for one in methods if not one.is_command and one.owner != twin]),
        ("Methods", [one for one in methods if one.owner == twin]),
    ):
        if chosen:
            console.print(Text(f"{title} of {twin}", style="bold underline"))
            for one in chosen:
                show_method(console, one, with_results=False)
    example = next((one for one in methods if one.inputs), methods[0])
    argument = f" {example.inputs[0].Name}=..." if example.inputs else ""
    console.print(f"For example: uatwin call {twin} {example.name}{argument}", style="dim")
    console.print("Lists: A,B. Times: now, -2h, 2026-11-22T10:00. What is left out has its default.", style="dim")


def show_method(console: Console, method: Method, *, with_results: bool) -> None:
    """What it does, its arguments, and its results where these are wanted."""
    console.print(Text.assemble((method.name, "bold cyan"), f"  {method.description}"))
    grid = Table.grid(padding=(0, 2))
    for argument in method.inputs:
        one = declared(argument)
        grid.add_row("  " + one.name, Text(one.what, style="dim"), one.description)
    if method.inputs:
        console.print(grid)
    if with_results and method.outputs:
        console.print(Text("gives", style="dim"))
        grid = Table.grid(padding=(0, 2))
        for argument in method.outputs:
            if argument.Name not in COMMON[-1:]:
                one = declared(argument)
                grid.add_row("  " + one.name, Text(one.what, style="dim"), one.description)
        console.print(grid)

"""GetMaterialBalance: in, out, lost and in stock along the flow, the yield of each stage, and what is missing where."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from analytics.arguments import Context, Job
from analytics.errors import NotAvailable
from analytics.function import Argument, ArgumentType, Function
from analytics.process.asking import Asked, job, span_of
from analytics.process.flows import Node, balance, materials_of
from analytics.process.oee import SPAN, column
from analytics.process.stations import WHOLE, shown
from analytics.series import Series


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError."""
    having = {station.path for of_one in materials_of(context.stations).values() for station, _ in of_one}
    stations = [one for one in context.stations if one.path in having]
    return job("GetMaterialBalance", stations, span_of(arguments, context), context)


def run(series: Mapping[str, Series], start_ticks: int | None, end_ticks: int, asked: Asked) -> tuple[Any, ...]:
    """The results of GetMaterialBalance in their order. Raises NotAvailable."""
    rows = balance(asked, series, asked.span(series))
    told = [one for one in rows if math.isfinite(one.missing)]
    if not any(math.isfinite(one.into[0]) or math.isfinite(one.out[0]) for one in rows):
        raise NotAvailable("no meter has told anything in that time; see their quality")
    open_ones = [one for one in rows if one not in told]
    said = [f"{_name(one)}: {one.material} is not measured on all sides, so it has no balance" for one in open_ones]
    return (
        [_name(one) for one in rows],
        [one.material for one in rows],
        [one.unit for one in rows],
        [one.into[0] for one in rows],
        [one.out[0] for one in rows],
        [one.lost[0] for one in rows],
        [one.stock[0] for one in rows],
        [one.missing for one in rows],
        [one.uncertainty for one in rows],
        [100.0 * one.yield_ for one in rows],
        [100.0 * one.rolled for one in rows],
        _summary(rows),
        bool(told),
        "; ".join(said),
    )


def _name(node: Node) -> str:
    if node.is_link:
        return f"{' + '.join(map(shown, node.fed_by))} > {shown(node.path)}"
    return WHOLE if node.is_whole else shown(node.path)


def _summary(rows: Sequence[Node]) -> str:
    """One sentence for each material."""
    by_material: dict[str, list[Node]] = {}
    for one in rows:
        by_material.setdefault(one.material, []).append(one)
    return " ".join(_sentence(of_one) for of_one in by_material.values())


def _sentence(rows: Sequence[Node]) -> str:
    whole, parts = rows[-1], [one for one in rows if not one.is_whole]
    material = rows[0].material[0].upper() + rows[0].material[1:]
    said = f"{material}: "
    if whole.out[0] > 0 and math.isfinite(whole.yield_):
        said += f"{100 * whole.yield_:.1f} % of what went in came out; "
    if not any(math.isfinite(one.missing) for one in rows):
        return said + "it is not measured on all sides."
    if any(one.does_not_close for one in rows):
        return said + _missing(max(parts, key=lambda one: (one.does_not_close, _size(one.missing))))
    wasteful = max(parts, key=lambda one: _size(one.lost[0]))
    if _size(wasteful.lost[0]):
        said += f"{_amount(wasteful.lost[0], wasteful)} lost on purpose at {_name(wasteful)}, most of all; "
    return said + "it closes within the uncertainty of the meters."


def _missing(node: Node) -> str:
    amount, either = _amount(abs(node.missing), node), f"{node.uncertainty:.2g} {node.symbol}".strip()
    if node.missing < 0:
        why = "a meter is wrong, or an inlet has none"
        return f"{amount} more came out than went in {_where(node)} (± {either}): {why}."
    return f"{amount} missing {_where(node)} (± {either}): a leak, an outlet without a meter, or a wrong meter."


def _where(node: Node) -> str:
    if node.is_link:
        return f"between {' + '.join(map(shown, node.fed_by))} and {shown(node.path)}"
    return f"at {_name(node)}"


def _size(value: float) -> float:
    return abs(value) if math.isfinite(value) else 0.0


def _amount(value: float, node: Node) -> str:
    return f"{value:.4g} {node.symbol}".strip()


def with_materials(context: Context) -> bool:
    """Every twin where the flow of something is measured."""
    return bool(materials_of(context.stations))


GET_MATERIAL_BALANCE: Final = Function(
    "GetMaterialBalance",
    "What of each material went in, came out, was lost and is in stock along the flow; yields; what is missing where",
    SPAN,
    (
        column(
            "Nodes", "Twins (. is this one), ways between them (A > B), and all together (*)", kind=ArgumentType.String
        ),
        column("Materials", "What is balanced", kind=ArgumentType.String),
        column("AmountUnits", "UNECE common codes", kind=ArgumentType.String),
        column("In", "What went in; NaN: not measured"),
        column("Out", "What came out; NaN: not measured"),
        column("Lost", "Lost where it is measured: scrapped, drained, evaporated"),
        column("StockChange", "In stock at the end more than at the begin"),
        column("Missing", "In - Out - Lost - StockChange"),
        column("Uncertainty", "Of Missing, about 95 %"),
        column("Yield", "Out of what went in and is not in stock", "P1"),
        column("RolledYield", "From the begin of the flow to here", "P1"),
        Argument("Summary", ArgumentType.String, description="In a sentence for each material"),
    ),
    plan,
    needs=with_materials,
)

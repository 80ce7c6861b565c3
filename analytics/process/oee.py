"""GetOEE: availability, effectiveness and quality of every machine and of the process, and where the time was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from analytics.arguments import Context, Job
from analytics.errors import NotAvailable
from analytics.function import ONE_DIMENSION, Argument, ArgumentType, Function
from analytics.process.asking import Asked, job, span_of, stops_of
from analytics.process.effectiveness import Unit, unit
from analytics.process.stations import State, in_order, shown
from analytics.process.timeline import Span
from analytics.series import Series

_STOPS: Final = 2


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError."""
    span, stops = span_of(arguments, context), stops_of(arguments[_STOPS], _STOPS)
    return job("GetOEE", [one for one in context.stations if one.state], span, context, stops=stops)


def run(
    series: Mapping[str, Series], start_ticks: int | None, end_ticks: int, asked: Asked, stops: Sequence[Span]
) -> tuple[Any, ...]:
    """The results of GetOEE in their order. Raises NotAvailable."""
    span = asked.span(series)
    units = [unit(asked, series, one, span, stops) for one in asked.stations]
    if not any(one.pbt_s for one in units):
        raise NotAvailable("no state is known in that time, or all of it was planned stops")
    decisive = constraint(units)
    shares = figures_of_line(decisive, units)
    losses = sorted(
        ((shown(one.station.path), kind, lost / 60) for one in units for kind, lost in one.losses()),
        key=lambda row: -row[2],
    )
    remarks = [remark for one in units for remark in one.remarks]
    return (
        *(100.0 * share for share in shares),
        shown(decisive.station.path),
        [shown(one.station.path) for one in units],
        *_columns(units),
        *([row[column] for row in losses] for column in range(3)),
        _summary(decisive, shares, losses),
        decisive.pbt_s > float(decisive.seconds[State.unknown]),
        "; ".join(remarks),
    )


def constraint(units: Sequence[Unit]) -> Unit:
    """The unit whose figures are those of the process: the twin that was asked itself, where it has a state; else the
    one that the flow needs most, with the highest availability x effectiveness: what a machine that could not be had
    any faster is busy with at best (compare the overall throughput effectiveness of Muthiah and Huang, 2007). Of equals
    it is the one that waits least for others."""
    own = [one for one in units if not one.station.path]

    def needed(one: Unit) -> tuple[float, float]:
        waited = float(one.seconds[[State.starved, State.blocked]].sum())
        return round(np.nan_to_num(one.availability * one.effectiveness, nan=-1.0), 3), -waited

    return own[0] if own else max(units, key=needed)


def figures_of_line(decisive: Unit, units: Sequence[Unit]) -> tuple[float, float, float, float]:
    """OEE, availability, effectiveness and quality ratio of the process: what comes out of the decisive unit must
    still become good in those behind it."""
    quality = decisive.quality * _quality_behind(decisive, units)
    if decisive.availability == 0:
        return 0.0, 0.0, decisive.effectiveness, quality
    oee = decisive.availability * decisive.effectiveness * quality
    return oee, decisive.availability, decisive.effectiveness, quality


def _quality_behind(decisive: Unit, units: Sequence[Unit]) -> float:
    """Share of what comes out of a unit that all behind it leave good; of several ways, weighed by what they made."""
    by_path = {one.station.path: one for one in units}
    behind: dict[str, float] = {}
    for station in reversed(in_order([one.station for one in units])):
        next_ones = [by_path[path] for path in station.feeds if path in behind]
        weights = [max(np.nan_to_num(one.produced), 1e-9) for one in next_ones]
        shares = [np.nan_to_num(one.quality, nan=1.0) * behind[one.station.path] for one in next_ones]
        behind[station.path] = float(np.average(shares, weights=weights)) if next_ones else 1.0
    return behind[decisive.station.path]


def _columns(units: Sequence[Unit]) -> list[list[float]]:
    seconds = np.array([one.seconds for one in units]) / 60.0
    return [
        [100.0 * one.oee for one in units],
        [100.0 * one.availability for one in units],
        [100.0 * one.effectiveness for one in units],
        [100.0 * one.quality for one in units],
        [100.0 * one.nee for one in units],
        [one.pbt_s / 60.0 for one in units],
        *(seconds[:, state].tolist() for state in (State.running, State.setup, State.down)),
        [one.adet_s / 60.0 for one in units],
        seconds[:, State.planned].tolist(),
        seconds[:, State.unknown].tolist(),
        [one.produced for one in units],
        [one.good for one in units],
    ]


def _summary(
    decisive: Unit, shares: tuple[float, float, float, float], losses: Sequence[tuple[str, str, float]]
) -> str:
    oee, *parts = (f"{100 * share:.1f} %" if np.isfinite(share) else "not known" for share in shares)
    name = shown(decisive.station.path)
    said = f"OEE {oee}: availability {parts[0]}, effectiveness {parts[1]}, quality {parts[2]}"
    lost = [row for row in losses if row[0] == name][:2]
    if lost:
        said += f"; lost most at {name}: " + ", ".join(f"{kind} {minutes:.1f} min" for _, kind, minutes in lost)
    return said


def with_states(context: Context) -> bool:
    """Every twin where something says what it is doing."""
    return any(one.state for one in context.stations)


def column(name: str, description: str, unit: str | None = None, kind: ArgumentType = ArgumentType.Double) -> Argument:
    """A result with a value for each of several."""
    return Argument(name, kind, ONE_DIMENSION, description, unit)


SPAN: Final = (
    Argument("Start", ArgumentType.DateTime, description="Null: as far back as the values reach, a day at most"),
    Argument("End", ArgumentType.DateTime, description="Null: now"),
)
GET_OEE: Final = Function(
    "GetOEE",
    "Overall equipment effectiveness with the times and quantities of ISO 22400-2, and where the time was lost",
    (
        *SPAN,
        Argument(
            "PlannedStops",
            ArgumentType.DateTime,
            ONE_DIMENSION,
            "Pairs of begin and end that are no planned busy time, besides the states that say so",
        ),
    ),
    (
        Argument("OEE", ArgumentType.Double, description="Of the process", unit="P1"),
        Argument("Availability", ArgumentType.Double, description="APT / PBT", unit="P1"),
        Argument("Effectiveness", ArgumentType.Double, description="PRI x PQ / APT (performance)", unit="P1"),
        Argument("QualityRatio", ArgumentType.Double, description="GQ / PQ, to the end of the flow", unit="P1"),
        Argument("Constraint", ArgumentType.String, description="The work unit these four are of"),
        column("Units", "Work units: twins with a state; . is this twin", kind=ArgumentType.String),
        column("UnitOEE", "Of each unit", "P1"),
        column("UnitAvailability", "Of each unit", "P1"),
        column("UnitEffectiveness", "Of each unit", "P1"),
        column("UnitQualityRatio", "Of each unit", "P1"),
        column("NEE", "Net equipment effectiveness: setup counts as in use", "P1"),
        column("PBT", "Planned busy time with a known state", "MIN"),
        column("APT", "Actual production time", "MIN"),
        column("AUST", "Actual unit setup time", "MIN"),
        column("ADOT", "Actual unit down time", "MIN"),
        column("ADET", "Actual unit delay time: starved, blocked, stopped", "MIN"),
        column("PlannedStopTime", "Not planned to be busy", "MIN"),
        column("UnknownTime", "The state is not known: left out of all ratios", "MIN"),
        column("PQ", "Produced quantity"),
        column("GQ", "Good quantity"),
        column("LossUnits", "Where time was lost, largest first", kind=ArgumentType.String),
        column("LossKinds", "Breakdowns, Setup, Starved, ...", kind=ArgumentType.String),
        column("LossTimes", "How much", "MIN"),
        Argument("Summary", ArgumentType.String, description="In a sentence"),
    ),
    plan,
    needs=with_states,
)

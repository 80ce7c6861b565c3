"""FindBottleneck: which machine holds the flow up, who waits for it, and what would help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import Context, Job
from analytics.errors import NotAvailable
from analytics.function import Argument, ArgumentType, Function
from analytics.process.active_periods import active_periods, bottlenecks
from analytics.process.asking import Asked, job, span_of
from analytics.process.oee import SPAN, column
from analytics.process.stations import State, Station, feeders, shown
from analytics.process.timeline import Timeline, timeline
from analytics.series import TICKS_PER_SECOND, Series

_CLEAR: Final = 0.05
"""A second machine that limits the flow almost as long, by this share of the time, is named as well."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Of one machine; shares are fractions of the known time. mean_s: of its active periods."""

    station: Station
    sole: float
    shifting: float
    shares: npt.NDArray[np.float64]
    active: float
    mean_s: float

    @property
    def total(self) -> float:
        """Share of the time in which it was a bottleneck."""
        return self.sole + self.shifting


def plan(arguments: Sequence[object], context: Context) -> Job:
    """Raises ArgumentError."""
    return job("FindBottleneck", _machines(context), span_of(arguments, context), context)


def run(series: Mapping[str, Series], start_ticks: int | None, end_ticks: int, asked: Asked) -> tuple[Any, ...]:
    """The results of FindBottleneck in their order. Raises NotAvailable."""
    span = asked.span(series)
    lines = [timeline(series[one.state], one, span, asked.longest_s[one.state]) for one in asked.stations]
    findings = _findings(asked.stations, lines)
    ranked = sorted(findings, key=lambda one: (-one.total, -one.mean_s))
    if not ranked[0].total:
        raise NotAvailable("no machine was active in that time: nothing held the flow up but that nothing came")
    unknown = [one for one in findings if one.shares[State.unknown] > 0.01]
    said = [
        f"the state of {shown(one.station.path)} is not known for {100 * one.shares[State.unknown]:.0f} % of the time"
        for one in unknown
    ]
    return (
        shown(ranked[0].station.path),
        [shown(one.station.path) for one in ranked],
        *_columns(ranked),
        _sentence(ranked, findings),
        all(one.shares[State.unknown] <= 0.5 for one in findings),
        "; ".join(said),
    )


def _findings(stations: Sequence[Station], lines: Sequence[Timeline]) -> list[Finding]:
    periods = [active_periods(line, one.waiting_is_told) for one, line in zip(stations, lines, strict=True)]
    found = bottlenecks(periods)
    whole_s = max(float(lines[0].edges[-1] - lines[0].edges[0]) / TICKS_PER_SECOND, 1e-9)
    findings = []
    for number, (station, line) in enumerate(zip(stations, lines, strict=True)):
        lengths = np.diff(periods[number], axis=1) / TICKS_PER_SECOND
        findings.append(
            Finding(
                station,
                float(found.sole_s[number]) / whole_s,
                float(found.shifting_s[number]) / whole_s,
                line.seconds() / whole_s,
                float(lengths.sum()) / whole_s,
                float(lengths.mean()) if len(lengths) else 0.0,
            )
        )
    return findings


def _columns(ranked: Sequence[Finding]) -> list[list[float]]:
    percent = 100.0 * np.array([one.shares for one in ranked])
    return [
        [100.0 * one.sole for one in ranked],
        [100.0 * one.shifting for one in ranked],
        [100.0 * one.active for one in ranked],
        *(percent[:, state].tolist() for state in (State.running, State.starved, State.blocked, State.down)),
        percent[:, State.unknown].tolist(),
        [one.mean_s for one in ranked],
    ]


def _sentence(ranked: Sequence[Finding], findings: Sequence[Finding]) -> str:
    first = ranked[0]
    said = (
        f"{shown(first.station.path)} holds the flow up: it is the bottleneck {100 * first.total:.0f} % of the time "
        f"({100 * first.sole:.0f} % alone)"
    )
    rivals = [shown(one.station.path) for one in ranked[1:] if first.total - one.total < _CLEAR]
    if rivals:
        said += f", {' and '.join(rivals)} almost as long"
    return f"{said}{_who_waits(first, findings)}. {_cure(first)}"


def _who_waits(first: Finding, findings: Sequence[Finding]) -> str:
    """Those right before it that are blocked, and right behind it that are starved: what a bottleneck looks like."""
    before = {one.path for one in feeders([one.station for one in findings])[first.station.path]}
    waits = [(one, State.blocked) for one in findings if one.station.path in before]
    waits += [(one, State.starved) for one in findings if one.station.path in first.station.feeds]
    said = [
        f"{shown(one.station.path)} is {state.name} {100 * one.shares[state]:.0f} %"
        for one, state in waits
        if one.shares[state] > 0.01
    ]
    return f"; {', '.join(said)}" if said else ""


def _cure(first: Finding) -> str:
    """What its active time consists of besides running, the largest first."""
    parts = [(float(first.shares[state]), state) for state in (State.down, State.setup)]
    if first.station.waiting_is_told:
        parts.append((float(first.shares[State.stopped]), State.stopped))
    share, state = max(parts, key=lambda part: part[0])
    running = 100 * float(first.shares[State.running])
    if share < 0.02:
        return f"It runs {running:.0f} % of the time: only a shorter cycle, or a second machine, brings more"
    words = {State.down: "its breakdowns", State.setup: "its setup", State.stopped: "its other stops"}
    return f"Of its time {words[state]} take {100 * share:.0f} %, running {running:.0f} %: begin with {words[state]}"


def _machines(context: Context) -> list[Station]:
    """Those with a state, without a twin that only sums others up: the one asked, where those below have states."""
    having = [one for one in context.stations if one.state]
    below = [one for one in having if one.path]
    return below if len(below) > 1 else having


def with_machines(context: Context) -> bool:
    """Twins with machines that have a state, where one feeds another: side by side nobody holds anybody up."""
    machines = _machines(context)
    return any(feeders(machines).values())


FIND_BOTTLENECK: Final = Function(
    "FindBottleneck",
    "Which machine holds the flow up, by the longest active period; who waits for it; what to do about it",
    SPAN,
    (
        Argument("Bottleneck", ArgumentType.String, description="The first of Units"),
        column("Units", "Machines, those that hold the flow up longest first", kind=ArgumentType.String),
        column("SoleShare", "Of the time, the only bottleneck", "P1"),
        column("ShiftingShare", "Of the time, one of several while the bottleneck moves", "P1"),
        column("ActiveShare", "Not waiting for others", "P1"),
        column("RunningShare", "Working", "P1"),
        column("StarvedShare", "Waiting for what comes in", "P1"),
        column("BlockedShare", "Waiting for room behind it", "P1"),
        column("DownShare", "Broken down", "P1"),
        column("UnknownShare", "The state is not known", "P1"),
        column("MeanActivePeriod", "Length of its active periods", "SEC"),
        Argument("Summary", ArgumentType.String, description="In a sentence, with what to begin with"),
    ),
    plan,
    needs=with_machines,
)

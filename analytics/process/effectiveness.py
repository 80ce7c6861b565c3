"""The times, quantities and ratios of one machine, by the names of ISO 22400-2:2014."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.process.asking import Asked
from analytics.process.stations import Meter, State, Station, shown
from analytics.process.timeline import Span, Timeline, timeline
from analytics.series import Series

MINOR_S: Final = 300.0
"""A stop without a reason that ends sooner is a minor one (Nakajima: five to ten minutes)."""
_STOPS: Final = (
    (State.down, "Breakdowns"),
    (State.setup, "Setup"),
    (State.starved, "Starved"),
    (State.blocked, "Blocked"),
)
_MUCH: Final = 0.01
NAN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Unit:
    """Figures of one work unit. seconds: float64[8] by State, only within what was asked. minor_s: of the stops without
    a reason, the short ones. produced, good: PQ and GQ in counts, NaN where they are not counted. ideal: what could
    have been made in the actual production time, NaN where that is not known. remarks: what is to be kept in mind."""

    station: Station
    seconds: npt.NDArray[np.float64]
    minor_s: float = 0.0
    produced: float = NAN
    good: float = NAN
    ideal: float = NAN
    remarks: tuple[str, ...] = ()

    @property
    def pbt_s(self) -> float:
        """Planned busy time of which the state is known."""
        return float(self.seconds[: State.planned].sum())

    @property
    def apt_s(self) -> float:
        """Actual production time."""
        return float(self.seconds[State.running])

    @property
    def adet_s(self) -> float:
        """Actual unit delay time: it could have worked and did not."""
        return float(self.seconds[[State.starved, State.blocked, State.stopped]].sum())

    @property
    def availability(self) -> float:
        """APT / PBT."""
        return _share(self.apt_s, self.pbt_s)

    @property
    def effectiveness(self) -> float:
        """PRI x PQ / APT, where PRI is the planned run time per item."""
        return _share(self.produced, self.ideal)

    @property
    def quality(self) -> float:
        """GQ / PQ; 1 where nothing was made, for then nothing was wrong."""
        return 1.0 if self.produced == 0 else _share(self.good, self.produced)

    @property
    def oee(self) -> float:
        """Availability x effectiveness x quality ratio; 0 where it was not running at all."""
        return self._times(self.availability)

    @property
    def nee(self) -> float:
        """The same with setup as part of the time in use: (APT + AUST) / PBT in place of availability."""
        return self._times(_share(self.apt_s + float(self.seconds[State.setup]), self.pbt_s))

    def losses(self) -> list[tuple[str, float]]:
        """Seconds of planned busy time that were lost, by kind; with the time that good items needed at best they make
        up all of it."""
        found = [(name, float(self.seconds[state])) for state, name in _STOPS]
        found += [("MinorStops", self.minor_s), ("OtherStops", float(self.seconds[State.stopped]) - self.minor_s)]
        if np.isfinite(self.effectiveness):
            net_s = min(self.effectiveness, 1.0) * self.apt_s
            found.append(("ReducedSpeed", self.apt_s - net_s))
            if np.isfinite(self.quality):
                found.append(("Rejects", net_s * (1.0 - self.quality)))
        return [(name, seconds) for name, seconds in found if seconds > 1e-6]

    def _times(self, in_use: float) -> float:
        if in_use == 0:
            return 0.0
        return in_use * self.effectiveness * self.quality


def unit(asked: Asked, series: Mapping[str, Series], station: Station, span: Span, stops: Sequence[Span]) -> Unit:
    """The figures of a machine that has a state."""
    line = timeline(series[station.state], station, span, asked.longest_s[station.state], stops)
    seconds, busy = line.seconds(), line.known()
    produced, good, remarks = _made(asked, series, station, line, busy)
    ideal = _ideal(asked, series, station, line)
    made = Unit(station, seconds, _minor_s(line), produced, good, ideal, tuple(remarks))
    return Unit(station, seconds, made.minor_s, produced, good, ideal, (*remarks, *_remarks(made)))


def _made(
    asked: Asked, series: Mapping[str, Series], station: Station, line: Timeline, busy: npt.NDArray[np.bool_]
) -> tuple[float, float, list[str]]:
    """PQ and GQ within the planned busy time that is known, and what is to be said of the counters."""
    remarks: list[str] = []

    def sum_of(meter: Meter | None) -> float:
        if meter is None:
            return NAN
        told = asked.course(series, meter)
        if not len(told.ticks):
            remarks.append(f"{meter.signal} has no values")
            return NAN
        if told.corrections:
            remarks.append(f"{meter.signal} was set back by a little {told.corrections} times, which counts as nothing")
        return float(told.between(line.edges)[busy].sum())

    count, good, rejects = (sum_of(one) for one in (station.count, station.good, station.rejects))
    if station.count is None:
        return good + (rejects if station.rejects else 0.0), good, remarks
    if station.good is None:
        return count, max(count - rejects, 0.0) if station.rejects else count, remarks
    return count, good, remarks


def _ideal(asked: Asked, series: Mapping[str, Series], station: Station, line: Timeline) -> float:
    """What could have been made in the actual production time."""
    running = line.where(State.running)
    if station.ideal_meter is not None:
        return float(asked.course(series, station.ideal_meter).between(line.edges)[running].sum()) or NAN
    return station.ideal * float(line.lengths_s()[running].sum()) or NAN


def _minor_s(line: Timeline) -> float:
    lengths = line.lengths_s()
    return float(lengths[line.where(State.stopped) & (lengths < MINOR_S)].sum())


def _remarks(one: Unit) -> list[str]:
    name, said = shown(one.station.path), []
    unknown = float(one.seconds[State.unknown])
    if (share := _share(unknown, unknown + one.pbt_s)) > _MUCH:
        said.append(f"the state of {name} is not known for {100 * share:.0f} % of the time, which is left out")
    if one.station.counted and not (one.station.ideal or one.station.ideal_meter):
        said.append(f"{name} has no ideal_cycle_s or ideal_rate, hence no effectiveness and no OEE")
    elif one.effectiveness > 1 + _MUCH:
        said.append(f"{name} ran at {100 * one.effectiveness:.0f} % of its ideal rate: the ideal is set too low")
    if one.station.counted and len(one.station.counts) == 1:
        said.append(f"{name} counts no rejects: all it made is taken as good")
    return said


def _share(part: float, of: float) -> float:
    return part / of if of > 0 else NAN

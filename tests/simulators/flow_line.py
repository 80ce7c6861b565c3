"""A line of machines with buffers between, simulated part by part, as the courses of its states and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analytics.process.asking import Asked
from analytics.process.stations import Meter, State, Station, signals_of_all
from analytics.series import TICKS_PER_SECOND, Series

BEGIN = 134_000_000_000_000_000
STATES = {int(one): one for one in State if one not in (State.unknown, State.stopped)}
LONGEST_S = 1e8


def at(seconds: float) -> int:
    """A time of the simulation in ticks."""
    return BEGIN + round(seconds * TICKS_PER_SECOND)


def series(changes: Iterable[tuple[float, float]]) -> Series:
    """Values from seconds on; None and NaN are Bad."""
    rows = sorted(changes, key=lambda row: row[0])
    ticks = np.array([at(second) for second, _ in rows], np.int64)
    values = np.array([value for _, value in rows], np.float64)
    return Series(ticks, values, np.where(np.isfinite(values), 0, 0x80000000).astype(np.uint32))


def machine(path: str, *feeds: str, **other: object) -> Station:
    """A machine with a State, a Count and Rejects."""
    count, rejects = Meter(f"{path}/Count"), Meter(f"{path}/Rejects")
    told = {"count": count, "rejects": rejects, **other}
    return Station(path, f"{path}/State", STATES, feeds=feeds, **told)  # type: ignore[arg-type]


def asked(stations: Sequence[Station], start: float | None, end: float, longest_s: float = LONGEST_S) -> Asked:
    """What a worker would be told."""
    longest = dict.fromkeys(signals_of_all(stations), longest_s)
    return Asked(tuple(stations), None if start is None else at(start), at(end), longest)


@dataclass
class Made:
    """What happened at one machine: states from seconds on; when each part was finished."""

    states: list[tuple[float, State]] = field(default_factory=list)
    finished: list[float] = field(default_factory=list)

    def state(self) -> Series:
        """Its State; what lasted no time is left out, as a poll would not see it."""
        ends = [second for second, _ in self.states[1:]] + [float("inf")]
        return series([row for row, end in zip(self.states, ends, strict=True) if end > row[0]])

    def count(self) -> Series:
        """Its Count."""
        return series([(0.0, 0.0), *((second, number) for number, second in enumerate(self.finished, 1))])


def simulate(
    parts: int, service: Sequence[Callable[[], float]], repair: Sequence[Callable[[], float]], buffer: int = 3
) -> list[Made]:
    """Parts that go through all machines, one after the other. service: seconds for a part; repair: seconds a machine
    is down while it has the part. A machine that is ready keeps its part (blocked) until there is room behind it."""
    made = [Made([(0.0, State.starved)]) for _ in service]
    started = np.zeros((len(service) + 1, parts))
    gone = np.zeros((len(service), parts))
    last = len(service) - 1
    for part in range(parts):
        for one in range(len(service)):
            free = gone[one, part - 1] if part else 0.0
            came = gone[one - 1, part] if one else 0.0
            begin = max(free, came)
            down, work = repair[one](), service[one]()
            ready = begin + down + work
            room = started[one + 1, part - buffer] if one < last and part >= buffer else 0.0
            started[one, part], gone[one, part] = begin, max(ready, room)
            made[one].states += [
                (free, State.starved), (begin, State.down), (begin + down, State.running),
                (ready, State.blocked), (gone[one, part], State.starved),
            ]  # fmt: skip
            made[one].finished.append(ready)
    return made


def line(names: Sequence[str], made: Sequence[Made]) -> tuple[list[Station], dict[str, Series]]:
    """The machines, each feeding the next, and their series."""
    following = [*names[1:], ""]
    stations = [
        machine(name, *([next_one] if next_one else [])) for name, next_one in zip(names, following, strict=True)
    ]
    courses: dict[str, Series] = {}
    for name, one in zip(names, made, strict=True):
        courses |= {f"{name}/State": one.state(), f"{name}/Count": one.count(), f"{name}/Rejects": series([(0.0, 0.0)])}
    return stations, courses


def named(names: Sequence[str], results: Sequence[object]) -> Mapping[str, object]:
    """Results by name."""
    return dict(zip(names, results, strict=True))

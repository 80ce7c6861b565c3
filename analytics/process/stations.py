"""What a plant says of its twins in the flow of work: states, counts, ideal rates, meters, and who feeds whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

HERE: Final = "."
"""How results name the twin that was asked itself."""
WHOLE: Final = "*"
"""How they name all twins together."""


class State(IntEnum):
    """What a machine is doing. stopped: none of the others; planned: not meant to work; unknown: nobody can say."""

    running = 0
    setup = 1
    starved = 2
    blocked = 3
    down = 4
    stopped = 5
    planned = 6
    unknown = 7


@dataclass(frozen=True, slots=True)
class Meter:
    """A signal that tells an amount. factor: what one of it is in the unit wanted. per_s: it is a flow, so much in that
    many seconds; 0: a counter, or a level. rolls_at: where a counter begins anew, 0 for nowhere. uncertainty: standard
    uncertainty as a fraction of the amount."""

    signal: str
    factor: float = 1.0
    per_s: float = 0.0
    rolls_at: float = 0.0
    uncertainty: float = 0.0


@dataclass(frozen=True, slots=True)
class Material:
    """What of one material goes in and out of a twin, is lost on purpose (drained, evaporated, scrapped) and is in
    stock there, all in one unit (a common code; symbol: what people write for it)."""

    name: str
    unit: str
    ins: tuple[Meter, ...] = ()
    outs: tuple[Meter, ...] = ()
    losses: tuple[Meter, ...] = ()
    stocks: tuple[Meter, ...] = ()
    symbol: str = ""

    @property
    def meters(self) -> tuple[Meter, ...]:
        """All of them."""
        return (*self.ins, *self.outs, *self.losses, *self.stocks)


@dataclass(frozen=True, slots=True)
class Station:
    """A twin in the flow. path: of the twin, as the paths of its signals and those it feeds.

    state: signal whose values `states` explains ("" for none); a value not in it is `stopped`. count, good, rejects:
    everything made, what of it was right, what was not; one or two of them. unit: of the counts. ideal: counts a
    second at best, 0 where it is not known or ideal_meter tells. items: pieces in one count. feeds: twins that take
    what comes out. materials: what is balanced.
    """

    path: str
    state: str = ""
    states: Mapping[int, State] = field(default_factory=dict)
    count: Meter | None = None
    good: Meter | None = None
    rejects: Meter | None = None
    unit: str = ""
    ideal: float = 0.0
    ideal_meter: Meter | None = None
    items: float = 1.0
    feeds: tuple[str, ...] = ()
    materials: tuple[Material, ...] = ()

    @property
    def counts(self) -> tuple[Meter, ...]:
        """Those there are."""
        return tuple(one for one in (self.count, self.good, self.rejects) if one is not None)

    @property
    def counted(self) -> bool:
        """Whether it says how much was made."""
        return self.count is not None or self.good is not None

    @property
    def waiting_is_told(self) -> bool:
        """Whether one of its states is that it waits for others."""
        return not {State.starved, State.blocked}.isdisjoint(self.states.values())

    def signals(self) -> Iterator[str]:
        """All it names, some perhaps twice."""
        if self.state:
            yield self.state
        yield from (one.signal for one in self.counts)
        if self.ideal_meter is not None:
            yield self.ideal_meter.signal
        yield from (one.signal for material in self.materials for one in material.meters)

    def seen_from(self, twin: str) -> Station:
        """With the paths from a twin on: "" for itself, and from the root with a / for what is not below it."""
        start = f"{twin}/"

        def rename(path: str) -> str:
            if path == twin:
                return ""
            return path.removeprefix(start) if path.startswith(start) else f"/{path}"

        return self._renamed(rename)

    def _renamed(self, rename: Callable[[str], str]) -> Station:

        def moved(meter: Meter) -> Meter:
            return replace(meter, signal=rename(meter.signal))

        def moved_or_none(meter: Meter | None) -> Meter | None:
            return moved(meter) if meter is not None else None

        def all_moved(meters: Iterable[Meter]) -> tuple[Meter, ...]:
            return tuple(moved(one) for one in meters)

        return replace(
            self,
            path=rename(self.path),
            state=rename(self.state) if self.state else "",
            count=moved_or_none(self.count),
            good=moved_or_none(self.good),
            rejects=moved_or_none(self.rejects),
            ideal_meter=moved_or_none(self.ideal_meter),
            feeds=tuple(rename(one) for one in self.feeds),
            materials=tuple(
                replace(
                    one,
                    ins=all_moved(one.ins),
                    outs=all_moved(one.outs),
                    losses=all_moved(one.losses),
                    stocks=all_moved(one.stocks),
                )
                for one in self.materials
            ),
        )


def signals_of_all(stations: Iterable[Station]) -> tuple[str, ...]:
    """What they name, each once."""
    return tuple(dict.fromkeys(signal for one in stations for signal in one.signals()))


def feeders(stations: Sequence[Station]) -> dict[str, list[Station]]:
    """By path, those of them that feed each of them."""
    found: dict[str, list[Station]] = {one.path: [] for one in stations}
    for one in stations:
        for fed in one.feeds:
            if fed in found:
                found[fed].append(one)
    return found


def in_order(stations: Sequence[Station]) -> list[Station]:
    """Feeders first; of those that go round in a circle the one named first begins."""
    before = feeders(stations)
    done: dict[str, Station] = {}
    waiting = {one.path: one for one in stations}
    while waiting:
        ready = [one for one in waiting.values() if all(feeder.path in done for feeder in before[one.path])]
        for one in ready or [next(iter(waiting.values()))]:
            done[one.path] = waiting.pop(one.path)
    return list(done.values())


def shown(path: str) -> str:
    """The name of a twin in results."""
    return path or HERE

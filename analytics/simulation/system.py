"""Several models as one: which feeds which, and what all of them say at one moment or at many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analytics.simulation.loops import NoSolution, solve
from analytics.simulation.model import Port
from analytics.simulation.order import groups
from analytics.simulation.parts import Part, port_names
from analytics.simulation.wiring import Term

Matrix = npt.NDArray[np.float64]
Moment = tuple[list[Any], list[dict[str, Any]]]
"""Values by slot, and the inputs of each part by port."""


class ModelError(Exception):
    """Models that cannot be put together or have no solution; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that a system gives. name: path of its tag, else "path:port". value = (port - offset) / factor: what
    the model says in the tag's unit; unit: of the port."""

    name: str
    part: int
    port: Port
    factor: float = 1.0
    offset: float = 0.0


@dataclass(slots=True)
class _Feed:
    """An input port: constant + sum of factor x slot."""

    port: str
    constant: float
    terms: list[tuple[int, float]]


class System:
    """Models that feed each other. Build it once, ask it often; it is not for several threads.

    A tag that one part gives feeds all inputs bound to it. inputs: names of what must come from outside: tags, and
    ports ("path:port") that are bound to nothing and have a default. states: names in the order of `start` and
    `derivatives`. signals: what it gives, of every output and state. forced: names (of tags or ports) whose value is
    given from outside although a part gives it or a constant feeds it. Raises ModelError.
    """

    def __init__(self, parts: Sequence[Part], forced: Sequence[str] = ()) -> None:
        self.parts = tuple(parts)
        self.port_names = port_names(self.parts)
        self.forced = frozenset(forced)
        self.signals = tuple(self._signals())
        self._given = self._producers()
        self.inputs: tuple[str, ...] = ()
        self._outside: dict[str, int] = {}
        self._slots: dict[tuple[int, str], int] = {}
        self._state_slots: list[int] = []
        self.states = tuple(self._allot())
        self._feeds = [self._fed(at) for at in range(len(self.parts))]
        self.inputs = tuple(self._outside)
        self._groups = self._ordered()
        self._still = self._unmoved()
        self._guess: dict[int, Matrix] = {}

    # -- putting together ---------------------------------------------------------------------------------------------

    def _signals(self) -> list[Signal]:
        found = []
        for at, part in enumerate(self.parts):
            for port in part.model.given:
                term = part.outputs.get(port.name)
                if term is None:
                    found.append(Signal(self.port_names[at, port.name], at, port))
                else:
                    found.append(Signal(term.path, at, port, term.factor, term.offset))
        return found

    def _producers(self) -> dict[str, Signal]:
        """Signals by name; a tag that is given twice is a mistake."""
        found: dict[str, Signal] = {}
        for one in self.signals:
            if one.name in found:
                first, second = self.parts[found[one.name].part], self.parts[one.part]
                raise ModelError(f"{one.name} is given by two models, {_title(first)} and {_title(second)}")
            found[one.name] = one
        for at, part in enumerate(self.parts):
            for port in part.model.given:  # a port that is a tag can be meant by its own name, too
                found.setdefault(self.port_names[at, port.name], Signal("", at, port))
        return found

    def _allot(self) -> list[str]:
        """Slots of states and outputs; the names of the states that are integrated."""
        names = []
        for at, part in enumerate(self.parts):
            for port in part.model.states:
                self._slots[at, port.name] = len(self._slots)
                self._state_slots.append(self._slots[at, port.name])
                names.append(next(one.name for one in self.signals if (one.part, one.port) == (at, port)))
        for at, part in enumerate(self.parts):
            for port in part.model.outputs:
                self._slots[at, port.name] = len(self._slots)
        return names

    def _external(self, name: str) -> int:
        """The slot of a value from outside: behind all others, by negative numbers."""
        return -1 - self._outside.setdefault(name, len(self._outside))

    def _fed(self, at: int) -> list[_Feed]:
        feeds = []
        for port, source in self.parts[at].inputs.items():
            own = self.port_names[at, port]
            if own in self.forced:
                feeds.append(_Feed(port, 0.0, [(self._external(own), 1.0)]))
                continue
            feed = _Feed(port, source.constant, [])
            for term in source.terms:
                self._add(feed, term, self.parts[at])
            feeds.append(feed)
        return feeds

    def _add(self, feed: _Feed, term: Term, part: Part) -> None:
        feed.constant += term.offset
        signal = None if term.name in self.forced else self._given.get(term.name)
        if signal is None and term.port and term.name not in self.forced:
            raise ModelError(
                f"{feed.port} of {_title(part)} takes {term.name}, which no model in use gives; take a twin that both "
                "belong to, or give it in Names and Values"
            )
        if signal is None:
            feed.terms.append((self._external(term.name), term.factor))
            return
        slot = self._slots[signal.part, signal.port.name]
        feed.terms.append((slot, term.factor / signal.factor))
        feed.constant -= term.factor * signal.offset / signal.factor

    def _ordered(self) -> list[tuple[list[int], list[int]]]:
        """Groups of parts, with the slots to be guessed where a group goes round in a circle."""
        held = {
            self._slots[at, port.name]
            for at, part in enumerate(self.parts)
            for port in part.model.given
            if part.stepper is not None or port in part.model.states
        }
        owner = {slot: at for (at, _), slot in self._slots.items() if slot not in held}
        takes = [{slot for feed in feeds for slot, _ in feed.terms if slot in owner} for feeds in self._feeds]
        needs = {at: {owner[slot] for slot in slots} for at, slots in enumerate(takes)}
        found = []
        for group in groups(needs):
            place = {at: number for number, at in enumerate(group)}
            torn = {
                slot for at in group for slot in takes[at] if owner[slot] in place and place[owner[slot]] >= place[at]
            }
            found.append((group, sorted(torn)))
        return found

    def _unmoved(self) -> list[bool]:
        """Which groups depend on inputs from outside only."""
        moved = set(self._state_slots) | {
            self._slots[at, port.name]
            for at, part in enumerate(self.parts)
            if part.stepper is not None
            for port in part.model.given
        }
        still = []
        for group, _ in self._groups:
            still.append(not any(slot in moved for at in group for feed in self._feeds[at] for slot, _ in feed.terms))
            if not still[-1] or any(self.parts[at].dynamic for at in group):
                moved |= {self._slots[at, port.name] for at in group for port in self.parts[at].model.given}
                still[-1] = False
        return still

    # -- what it says -------------------------------------------------------------------------------------------------

    def evaluate(
        self,
        t: float,
        states: Sequence[Any],
        inputs: Mapping[str, Any],
        held: Mapping[tuple[int, str], Any] | None = None,
        before: Moment | None = None,
    ) -> Moment:
        """All values by slot, and the inputs of each part. states, inputs: floats, or arrays over time; held: outputs
        of parts that go on by steps; before: what came out with the same inputs and other states, so that what depends
        on neither states nor held is not computed again. Raises ModelError where values that depend on each other have
        no solution."""
        values: list[Any] = [0.0] * (len(self._slots) + len(self._outside)) if before is None else list(before[0])
        for slot, value in zip(self._state_slots, states, strict=True):
            values[slot] = value
        for name, number in self._outside.items():
            values[-1 - number] = inputs[name]
        for (at, port), value in (held or {}).items():
            values[self._slots[at, port]] = value
        fed: list[dict[str, Any]] = [{}] * len(self.parts) if before is None else list(before[1])
        width = max(
            (np.size(one) for one in (*states, *inputs.values(), *(held or {}).values()) if np.ndim(one)), default=0
        )
        for number, (group, torn) in enumerate(self._groups):
            if before is not None and self._still[number]:
                continue
            if torn:
                self._circle(number, t, width, values, fed)
            else:
                self._compute(group[0], t, values, fed)
        return values, fed

    def derivatives(
        self,
        t: float,
        states: Sequence[Any],
        inputs: Mapping[str, Any],
        held: Mapping[tuple[int, str], Any] | None = None,
        before: Moment | None = None,
    ) -> list[Any]:
        """Of the states, per second."""
        values, fed = self.evaluate(t, states, inputs, held, before)
        rates: list[Any] = []
        for at, part in enumerate(self.parts):
            if part.model.derivatives is not None:
                moved = part.model.derivatives(t, self._own(at, values), fed[at], part.parameters)
                rates.extend(moved[port.name] for port in part.model.states)
        return rates

    def told(self, values: Sequence[Any]) -> dict[str, Any]:
        """The signals by name, in the units of their tags."""
        return {
            one.name: (values[self._slots[one.part, one.port.name]] - one.offset) / one.factor for one in self.signals
        }

    def port_value(self, values: Sequence[Any], part: int, port: str) -> Any:
        """An output or state of a part in its own unit."""
        return values[self._slots[part, port]]

    def input_name(self, part: int, port: str) -> str:
        """What an input is called for people: its tag where one alone feeds it, else "path:port"."""
        terms = self.parts[part].inputs[port].terms
        return terms[0].name if len(terms) == 1 else self.port_names[part, port]

    def _own(self, at: int, values: Sequence[Any]) -> dict[str, Any]:
        return {port.name: values[self._slots[at, port.name]] for port in self.parts[at].model.states}

    def _compute(self, at: int, t: float, values: list[Any], fed: list[dict[str, Any]]) -> None:
        u = {}
        for feed in self._feeds[at]:
            total: Any = feed.constant
            for slot, factor in feed.terms:
                total = total + factor * values[slot]
            u[feed.port] = total
        fed[at] = u
        part = self.parts[at]
        if part.stepper is None and part.model.outputs:
            found = part.model.compute(t, self._own(at, values), u, part.parameters)
            for port in part.model.outputs:
                values[self._slots[at, port.name]] = found[port.name]

    def _circle(self, number: int, t: float, width: int, values: list[Any], fed: list[dict[str, Any]]) -> None:
        """width: of arrays over time, 0 for one moment."""
        group, torn = self._groups[number]

        def again(z: Matrix) -> Matrix:
            for slot, row in zip(torn, z, strict=True):
                values[slot] = row if width else float(row[0])
            for at in group:
                self._compute(at, t, values, fed)
            return np.array([np.broadcast_to(values[slot], (width or 1,)) for slot in torn], np.float64)

        known = self._guess.get(number, np.zeros((len(torn), 1)))
        try:
            z = solve(again, np.array(np.broadcast_to(known, (len(torn), width or 1))))
        except NoSolution:
            names = ", ".join(_title(self.parts[at]) for at in group)
            raise ModelError(f"{names} feed each other, and no values were found that fit all of them") from None
        self._guess[number] = z[:, -1:]
        again(z)


def _title(part: Part) -> str:
    return f"{part.name} of {part.twin}"

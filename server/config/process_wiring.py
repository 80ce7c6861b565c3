"""Ties what a plant file says of a twin in the flow of work to tags and twins that exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from analytics.process.stations import Material, Meter, State, Station
from analytics.process.units import PIECES, Measure, measure, ratio
from drivers.data_types import DataType, value_range
from nodesets.units import unit
from server.config.analytics import is_numeric
from server.config.build import Builder
from server.config.drafts import Draft
from server.config.errors import Place, Problems, did_you_mean
from server.config.names import absolute
from server.config.plant import Relation, Tag
from server.config.process_parts import ProcessDraft
from server.config.process_spec import SIDES, STATES, MeterSpec

FLOW: Final = "IsPhysicallyConnectedTo"
"""ReferenceType that shows what feeds what, from the one to the other (OPC 10000-23, 4.7)."""
_WORDS: Final = ("count", "good", "rejects")
_COUNTERS: Final = {
    kind: float(2**bits)
    for kind, bits in ((DataType.Byte, 8), (DataType.UInt16, 16), (DataType.UInt32, 32), (DataType.UInt64, 64))
}
"""Where counters of these types begin anew."""
_HOUR_S: Final = 3600.0
Find = Callable[..., Tag | None]
"""(draft, text, place, what) -> the tag that a text means; what is wrong is reported."""


class ProcessWiring:
    """Makes the Station of a twin; what is wrong is reported."""

    def __init__(self, built: Builder, problems: Problems, find: Find) -> None:
        self._built = built
        self._problems = problems
        self._find = find

    def station(self, draft: Draft) -> Station | None:
        """What a twin is in the flow; None where nothing is said of it."""
        if not draft.process:
            return None
        return _Reading(self, draft).station()

    def relations(self, draft: Draft, station: Station | None, given: Sequence[Relation]) -> tuple[Relation, ...]:
        """Its relations, with one to each twin it feeds."""
        there = {one.target for one in given if one.reference_type == FLOW}
        fed = [path for path in (station.feeds if station else ()) if path not in there]
        return (*given, *(Relation(FLOW, path) for path in fed))

    def tag(self, draft: Draft, text: str, place: Place) -> Tag | None:
        """A tag of the twin or of one below it."""
        tag = self._find(draft, text, place)
        if tag is None:
            return None
        if not tag.path.startswith(f"{draft.path}/"):
            message = f"{text} is not below {draft.name}; a process is told by tags of the twin and of those below it"
            self.add(draft, place, f"{message}: let the twin above tell it, or feeds: lead to who has it")
        elif tag.command is not None:
            self.add(draft, place, f"{text} is a command; give the tag that shows what is")
        elif tag.array_length:
            self.add(draft, place, f"{text} is an array; one value is needed")
        else:
            return tag
        return None

    def twin(self, draft: Draft, text: str, place: Place) -> str | None:
        """The path of a twin that is fed."""
        path = absolute(draft.path, text)
        if path == draft.path:
            self.add(draft, place, f"{text} is the twin itself; feeds leads to the next one")
        elif path in self._built.drafts:
            return path
        elif not self._built.incomplete:
            above = (path or "").rpartition("/")[0]
            names = [one for one in self._built.drafts if one.rpartition("/")[0] == above]
            nearest = did_you_mean(path or text, names)
            self.add(draft, place, f"there is no twin {text} (that is /{path}){nearest}")
        return None

    def add(self, draft: Draft, place: Place, message: str) -> None:
        """Report something."""
        self._problems.add(place, message, draft.label, "process" if draft.label else "")


class _Reading:
    """The texts about one twin, those of its type first; what stands in a later one counts."""

    def __init__(self, wiring: ProcessWiring, draft: Draft) -> None:
        self._wiring = wiring
        self._draft = draft
        self._of = {key: one for one in draft.process for key in one.spec.model_fields_set}
        self._last = draft.process[-1]

    def station(self) -> Station:
        """All of it."""
        state, states = self._states()
        units: dict[str, Measure] = {}
        counts = {word: self._count(word, units) for word in _WORDS}
        self._check_counts(units)
        told = next((units[word] for word in _WORDS if word in units), Measure(""))
        ideal, ideal_meter = self._ideal(told)
        return Station(
            self._draft.path,
            state,
            states,
            **counts,
            unit=told.unit,
            ideal=ideal,
            ideal_meter=ideal_meter,
            items=self._get("items") or 1.0,
            feeds=tuple(dict.fromkeys(self._fed())),
            materials=tuple(self._materials()),
        )

    def _get(self, key: str) -> Any:
        """What counts under a key of ProcessSpec."""
        return getattr(self._from(key).spec, key)

    def _from(self, key: str) -> ProcessDraft:
        return self._of.get(key, self._last)

    def _add(self, message: str, key: str, *loc: str | int) -> None:
        self._wiring.add(self._draft, self._from(key).place(key, *loc), message)

    def _fed(self) -> Iterator[str]:
        for number, text in enumerate(self._get("feeds")):
            path = self._wiring.twin(self._draft, text, self._from("feeds").place("feeds", number))
            if path is not None:
                yield path

    # -- states --------------------------------------------------------------------------------------------------------

    def _states(self) -> tuple[str, dict[int, State]]:
        named = {key: self._get(key) for key in STATES if self._get(key)}
        text = self._get("state")
        if text is None:
            for key in named:
                self._add(f"{key} names states of a tag; give state: the tag", key)
            return "", {}
        place = self._from("state").place("state")
        if "running" not in named:
            self._add("running is missing; give the states in which it works", "state")
        tag = self._wiring.tag(self._draft, text, place)
        if tag is None:
            return "", {}
        if not tag.states:
            self._add(f"{text} has no states; give the tag states: [...], or another tag", "state")
            return "", {}
        return tag.path, dict(self._numbered(named, tag))

    def _numbered(self, named: dict[str, tuple[str, ...]], tag: Tag) -> Iterator[tuple[int, State]]:
        for key, names in named.items():
            for number, name in enumerate(names):
                if name in tag.states:
                    yield tag.states.index(name), State[key]
                else:
                    nearest = did_you_mean(name, tag.states)
                    self._add(f"{name} is no state of {tag.name}{nearest}", key, number)

    # -- counts --------------------------------------------------------------------------------------------------------

    def _count(self, word: str, units: dict[str, Measure]) -> Meter | None:
        given = self._get(word)
        if given is None:
            return None
        found = self._meter(given, self._from(word).place(word))
        if found is None:
            return None
        meter, units[word] = found
        return replace(meter, uncertainty=0.0)

    def _check_counts(self, units: dict[str, Measure]) -> None:
        if self._get("rejects") is not None and self._get("count") is None and self._get("good") is None:
            self._add("rejects alone do not tell how much was made; give count or good as well", "rejects")
        given = [(word, units[word]) for word in _WORDS if word in units]
        for word, one in given[1:]:
            if one.unit != given[0][1].unit or bool(one.per_s) != bool(given[0][1].per_s):
                message = f"{word} is in {_said(one)}, and {given[0][0]} in {_said(given[0][1])}; both must be the same"
                self._add(f"{message}: give {{tag: ..., factor: ..., unit: ...}}", word)

    def _ideal(self, told: Measure) -> tuple[float, Meter | None]:
        """Counts a second at best, or the meter that tells it."""
        cycle_s, rate = self._get("ideal_cycle_s"), self._get("ideal_rate")
        if cycle_s is not None and rate is not None and self._of["ideal_rate"] is not self._of["ideal_cycle_s"]:
            self._add("the type gives one of ideal_cycle_s and ideal_rate, the twin the other; give one", "ideal_rate")
        if cycle_s is None and rate is None:
            return 0.0, None
        if not any(self._get(word) is not None for word in ("count", "good")):
            self._add("an ideal is compared with a count; give count or good", _given(cycle_s))
            return 0.0, None
        if cycle_s is not None:
            return 1.0 / cycle_s, None
        if not isinstance(rate, (str, MeterSpec)):
            return rate / (told.per_s or _HOUR_S), None
        found = self._meter(rate, self._from("ideal_rate").place("ideal_rate"))
        if found is None:
            return 0.0, None
        meter, measured = found
        per_s = measured.per_s or told.per_s or _HOUR_S
        return 0.0, replace(meter, factor=meter.factor * (ratio(measured.unit, told.unit) or 1.0), per_s=per_s)

    # -- meters --------------------------------------------------------------------------------------------------------

    def _materials(self) -> Iterator[Material]:
        for name, balance in self._get("balance").items():
            wanted = ""
            sides: dict[str, tuple[Meter, ...]] = {}
            for side, attribute in SIDES.items():
                found = []
                for number, given in enumerate(getattr(balance, "in_" if side == "in" else side)):
                    place = self._from("balance").place("balance", name, side, number)
                    meter = self._meter(given, place, stock=side == "stock")
                    if meter is not None:
                        wanted = wanted or meter[1].unit
                        found.append(self._in_unit(*meter, wanted, place))
                sides[attribute] = tuple(found)
            yield Material(name, wanted, **sides, symbol=_symbol(wanted))

    def _meter(self, given: str | MeterSpec, place: Place, stock: bool = False) -> tuple[Meter, Measure] | None:
        """A meter and what it measures."""
        spec = MeterSpec(tag=given) if isinstance(given, str) else given
        tag = self._wiring.tag(self._draft, spec.tag, place)
        if tag is None or not self._is_number(tag, spec.tag, place):
            return None
        told = measure(tag.unit, spec.per)
        if stock and told.per_s:
            message = f"{spec.tag} is a flow ({_said(told)}); stock is what is in it, such as the volume of a tank"
            self._wiring.add(self._draft, place, message)
        rolls_at = 0.0 if told.per_s or stock else _COUNTERS.get(tag.data_type, 0.0)
        meter = Meter(tag.path, spec.factor, told.per_s, rolls_at, spec.uncertainty / 100.0)
        return meter, Measure(spec.unit or told.unit, told.per_s)

    def _in_unit(self, meter: Meter, told: Measure, wanted: str, place: Place) -> Meter:
        factor = ratio(told.unit, wanted)
        if factor is None:
            message = f"it measures {_symbol(told.unit)}, and the meters before it {_symbol(wanted)}"
            self._wiring.add(self._draft, place, f"{message}; give {{tag: ..., factor: ..., unit: {wanted}}}")
        return replace(meter, factor=meter.factor * (factor or 1.0))

    def _is_number(self, tag: Tag, text: str, place: Place) -> bool:
        if is_numeric(tag) and value_range(tag.data_type) is not None:
            return True
        self._wiring.add(self._draft, place, f"{text} is a {tag.data_type.name}; a number is needed")
        return False


def _given(cycle_s: float | None) -> str:
    return "ideal_rate" if cycle_s is None else "ideal_cycle_s"


def _symbol(code: str) -> str:
    return "pieces" if code in PIECES else unit(code).symbol if code else ""


def _said(told: Measure) -> str:
    times = {1.0: "/s", 60.0: "/min", 3600.0: "/h"}
    return f"{_symbol(told.unit)}{times.get(told.per_s, '')}"

"""Alarms: evaluates the rules again and again, and tells those who listen what has changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from drivers.readings import now_ticks
from server.alarms.data_quality import DataQuality
from server.alarms.definitions import AlarmDefinition, Transitions
from server.alarms.engine import AlarmEngine
from server.alarms.hygiene import Hygiene
from server.config.diagnostics import RULES
from server.config.plant import Plant, Tag
from server.tags.figure_tags import FigureTags
from server.tags.table import TagTable

PERIOD_S: Final = 0.5
"""How often rules are evaluated, which is how late an alarm may be on top of its delay."""
_SMOOTHING: Final = 0.1
_SHOWN: Final = {
    "ActiveAlarms": "active",
    "AlarmsPerHour": "per_hour",
    "Chattering": "chattering",
    "Fleeting": "fleeting",
    "Stale": "stale",
    "Flooding": "flooding",
    "Floods": "floods",
}
"""Tags of `Objects/Rules` to figures of `behaviour`."""


class Alarms:
    """The alarms of a plant, from its rules and from those added at run time. quality: judges the data before each
    evaluation; None: not at all. clock: the server's, in ticks.

    pass_ms: what an evaluation takes, on the average of the latest; worst_ms: at most.
    """

    def __init__(
        self,
        plant: Plant,
        table: TagTable,
        quality: DataQuality | None = None,
        *,
        period_s: float = PERIOD_S,
        clock: Callable[[], int] = now_ticks,
    ) -> None:
        self._clock = clock
        self._period_s = period_s
        self._plant = plant
        self._quality = quality
        self._added: dict[str, AlarmDefinition] = {}
        self._told: list[Callable[[Transitions, Sequence[AlarmDefinition | None]], None]] = []
        self._changed: list[Callable[[Sequence[AlarmDefinition]], None]] = []
        self.engine = AlarmEngine(of_plant(plant), table, _rows(plant), quality)
        self.hygiene = Hygiene()
        self._figures = FigureTags(plant.services.get(RULES, ()), table)
        self._table = table
        self.pass_ms = 0.0
        self.worst_ms = 0.0

    @property
    def definitions(self) -> tuple[AlarmDefinition, ...]:
        """All that there are now."""
        return tuple(one for one in self.engine.definitions if one is not None)

    def on_transitions(self, listener: Callable[[Transitions, Sequence[AlarmDefinition | None]], None]) -> None:
        """Call listener(transitions, definitions by index) after each evaluation that found something."""
        self._told.append(listener)

    def on_definitions(self, listener: Callable[[Sequence[AlarmDefinition]], None]) -> None:
        """Call listener(definitions) when there are other alarms than before."""
        self._changed.append(listener)

    def adopt(self, plant: Plant, added: Iterable[AlarmDefinition] = ()) -> None:
        """Go on with a changed plant, and with these from elsewhere; what is the same goes on where it stands, timers
        and all."""
        self._plant = plant
        self._figures = FigureTags(plant.services.get(RULES, ()), self._table)
        self._added = {definition.path: definition for definition in added}
        if self._quality is not None:
            self._quality.adopt(plant)
        self._lay_out()

    def add(self, definitions: Iterable[AlarmDefinition]) -> None:
        """Have these as well."""
        self._added |= {definition.path: definition for definition in definitions}
        self._lay_out()

    def remove(self, paths: Iterable[str]) -> None:
        """Have these, which were added, no more."""
        for path in paths:
            self._added.pop(path, None)
        self._lay_out()

    async def run(self) -> None:
        """Evaluate until cancelled."""
        while True:
            self.evaluate()
            self.show()
            await asyncio.sleep(self._period_s)

    def show(self) -> None:
        """Fill the tags that tell how the alarms fare."""
        behaviour = self.behaviour(0)
        shown = {name: behaviour[key] for name, key in _SHOWN.items()}
        count = sum(one is not None for one in self.engine.definitions)
        self._figures.show({"Alarms": count, "PassTime": round(self.pass_ms, 1), **shown})

    def evaluate(self) -> Transitions:
        """Evaluate once, and tell."""
        began, now = time.perf_counter(), self._clock()
        if self._quality is not None:
            self._quality.update(now)
        found = self.engine.evaluate(now)
        took_ms = (time.perf_counter() - began) * 1000.0
        self.pass_ms += _SMOOTHING * (took_ms - self.pass_ms)
        self.worst_ms = max(self.worst_ms, took_ms)
        self.hygiene.note(found, len(self.engine.definitions), now)
        if len(found):
            for listener in self._told:
                listener(found, self.engine.definitions)
        return found

    def behaviour(self, worst: int) -> dict[str, Any]:
        """How the alarms behave by the words of ISA-18.2, with the worst of them, as data."""
        now, hygiene = self._clock(), self.hygiene
        return {
            "per_hour": hygiene.per_hour(now),
            "active": hygiene.active,
            "chattering": int(hygiene.chattering(now).sum()),
            "stale": int(hygiene.stale(now).sum()),
            "flooding": hygiene.flooding,
            "floods": hygiene.floods,
            "fleeting": hygiene.fleeting,
            "worst": [asdict(one) for one in hygiene.worst(self.engine.definitions, now, worst)],
        }

    def _lay_out(self) -> None:
        self.engine.adopt([*self._added.values(), *of_plant(self._plant)], _rows(self._plant))
        for listener in self._changed:
            listener(self.definitions)


def of_plant(plant: Plant) -> tuple[AlarmDefinition, ...]:
    """The alarms that a plant file makes."""
    return tuple(plant.sections.get("rules") or ())


def tags_of(plant: Plant) -> Iterator[Tag]:
    """The tags that there are: not those that a reload has left without an owner."""
    for twin in plant.walk():
        yield from (*twin.telemetry, *twin.commands, *twin.analytics, *twin.diagnostics)
    for connection in plant.connections.values():
        yield from connection.diagnostics
    for service in plant.services.values():
        yield from service


def _rows(plant: Plant) -> Callable[[str], int]:
    """Rows of tags by path; built when first asked, for a plant may have many tags and few rules."""
    known: dict[str, int] = {}

    def row_of(path: str) -> int:
        if not known:
            known.update((tag.path, tag.row) for tag in tags_of(plant))
        return known.get(path, -1)

    return row_of

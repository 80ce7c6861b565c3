"""All scenarios: made, listed, told and ended; each lives until it is deleted, too old, or the bridge stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np

from analytics.errors import ArgumentError, NotAvailable
from analytics.simulation.advance import Beginning
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from server.config.diagnostics import SCENARIOS
from server.config.plant import Twin
from server.config.scenario_settings import ScenarioSettings
from server.scenarios.copying import tags_of
from server.scenarios.making import Made, make
from server.scenarios.room import Room
from server.scenarios.scenario import BEAT_S, Runs, Scenario
from server.scenarios.stage import Stage
from server.scenarios.wish import NAMES, TooManyScenarios, Wish, given_of, roots_of, speed_of, wish_of

_log = logging.getLogger(__name__)
_AT_ONCE: Final = 1
"""Scenarios that compute at the same time: a worker is left to those who call."""
_BEGIN_S: Final = 60.0


class News(StrEnum):
    """What can happen to a scenario."""

    created = "created"
    deleted = "deleted"
    expired = "expired"
    failed = "failed"


Listener = Callable[[Scenario, News], None]


@dataclass(slots=True, eq=False)
class _Alive:
    made: Made
    task: asyncio.Task[None]
    ending: bool = False

    @property
    def scenario(self) -> Scenario:
        return self.made.scenario


class Scenarios:
    """clock: the wall clock in ticks, by which they grow old."""

    def __init__(self, stage: Stage, runs: Runs, clock: Callable[[], int] = now_ticks) -> None:
        self.clock = clock
        self._stage = stage
        self._runs = runs
        self._room = Room(stage.table, stage.held)
        self._alive: dict[str, _Alive] = {}
        self._of_row: dict[int, Scenario] = {}
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._making = asyncio.Lock()
        self._listeners: list[Listener] = []
        self._last_number = 0
        self._ended = False

    def on_news(self, listener: Listener) -> None:
        """Call listener(scenario, news) for all that happens to one. It must not raise."""
        self._listeners.append(listener)

    @property
    def every(self) -> Sequence[Scenario]:
        """All there are, oldest first."""
        return [one.scenario for one in self._alive.values()]

    async def run(self) -> None:
        """Delete what is too old until cancelled, then end all."""
        try:
            while True:
                await self.tend()
                await asyncio.sleep(BEAT_S)
        finally:
            self._ended = True
            tasks = [one.task for one in self._alive.values()]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    async def tend(self) -> None:
        """Delete what is too old now."""
        now = self.clock()
        for one in [one for one in self.every if one.expires_ticks <= now]:
            await self._end(one.copy.id, News.expired)

    async def create(self, arguments: Sequence[Any]) -> Scenario:
        """With the arguments of CreateScenario, Twin as a path. Raises ArgumentError, TooManyScenarios, NotAvailable
        and what a worker raises."""
        async with self._making:
            self._refuse_more(roots_of(arguments, self._stage))
            wish = wish_of(arguments, self._stage, self._settings, self._alive)
            beginning = await self._begun(wish)
            wish = self._still(arguments, wish)
            scenario = self._shown(wish, beginning)
        self._tell(scenario, News.created)
        return scenario

    async def delete(self, scenario_id: str) -> None:
        """Raises ArgumentError where there is none."""
        self._find(scenario_id)
        await self._end(scenario_id, News.deleted)

    def set_speed(self, scenario_id: str, speed: Any) -> None:
        """Raises ArgumentError."""
        self._find(scenario_id).scenario.set_speed(speed_of(speed, 1, self._settings))

    def hold(self, scenario_id: str, names: Any, values: Any) -> None:
        """Raises ArgumentError."""
        one = self._find(scenario_id)
        given = given_of(names, values, one.scenario.copy.uses, one.made.wish.above, 1)
        one.scenario.hold(given)
        if given.keys() & one.made.values.keys() - one.scenario.copy.tags.keys():
            one.made.bind_anew(self._stage, given)

    # -- for other parts of the bridge --------------------------------------------------------------------------------

    def has(self, row: int) -> bool:
        """Whether a row is one of a scenario's."""
        return row in self._of_row

    def ticks_at(self, path: str) -> int:
        """The time at a twin: that of its scenario for a copy."""
        name = path.split("/", 2)[1] if path.startswith(f"{SCENARIOS}/") else ""
        alive = self._alive.get(name)
        return alive.scenario.ticks if alive is not None else now_ticks()

    async def write(self, row: int, value: object) -> None:
        """A command of a copy. Raises CommandRefused; KeyError for a row that is no scenario's."""
        self._of_row[row].write(row, value)

    async def read_rows(self, rows: Sequence[int]) -> Readings:
        """There is no device to be asked."""
        raise LookupError(f"rows {rows} are fed by no connection")

    def can_read(self, row: int) -> bool:
        """There is no device to be asked."""
        return False

    # -- making and ending --------------------------------------------------------------------------------------------

    @property
    def _settings(self) -> ScenarioSettings:
        return self._stage.plant().sections.get(SCENARIOS.lower()) or ScenarioSettings()

    def _find(self, scenario_id: str) -> _Alive:
        found = self._alive.get(scenario_id)
        if found is None:
            known = ", ".join(self._alive) or "none"
            raise ArgumentError(
                0, int(Status.BadNodeIdUnknown), f"there is no scenario {scenario_id!r}; there are {known}"
            )
        return found

    def _refuse_more(self, roots: Sequence[Twin]) -> None:
        settings = self._settings
        if len(self._alive) >= settings.most:
            raise TooManyScenarios(f"there are {len(self._alive)} scenarios, and {settings.most} may be; delete one")
        tags = sum(len(one.scenario.copy.tags) for one in self._alive.values())
        more = sum(1 for _ in tags_of(roots))
        if tags + more > settings.most_tags:
            raise TooManyScenarios(
                f"it would have {more} tags, and {settings.most_tags - tags} are left of {settings.most_tags}; delete "
                "one, or copy less"
            )

    async def _begun(self, wish: Wish) -> Beginning:
        async def keywords() -> Mapping[str, Any]:
            return {"uses": wish.machines, "twin": wish.above, "given": wish.given, "present": wish.present}

        try:
            beginning: Beginning = await self._runs.run("BeginScenario", keywords, _BEGIN_S, owner="scenarios")
        except ArgumentError as error:
            raise ArgumentError(NAMES, error.status, error.message) from None
        return beginning

    def _still(self, arguments: Sequence[Any], wish: Wish) -> Wish:
        """The wish as it is now, for the plant file may have been taken over meanwhile."""
        self._refuse_more(roots_of(arguments, self._stage))
        now = wish_of(arguments, self._stage, self._settings, self._alive)
        if now.machines != wish.machines or self._ended:
            raise NotAvailable("the plant has changed meanwhile; call again")
        return replace(now, present=wish.present, given=wish.given)

    def _shown(self, wish: Wish, beginning: Beginning) -> Scenario:
        scenario_id = wish.name or self._numbered()
        made = make(scenario_id, wish, beginning, self._stage, self._room, self._settings.max_speed, self.clock)
        scenario = made.scenario
        self._of_row.update(dict.fromkeys((tag.row for tag in made.tags), scenario))
        task = asyncio.create_task(self._keep_running(scenario), name=f"scenario {scenario_id}")
        self._alive[scenario_id] = _Alive(made, task)
        return scenario

    def _numbered(self) -> str:
        """A name that no scenario ever had, so that nobody takes a new one for an old one."""
        while True:
            self._last_number += 1
            if f"Scenario{self._last_number}" not in self._alive:
                return f"Scenario{self._last_number}"

    async def _keep_running(self, scenario: Scenario) -> None:
        await scenario.run(self._runs, self._turn, lambda one: self._tell(one, News.failed))

    async def _end(self, scenario_id: str, news: News) -> None:
        alive = self._alive.get(scenario_id)
        if alive is None or alive.ending:
            return
        alive.ending = True
        await alive.scenario.stop(alive.task)
        path, rows = alive.scenario.copy.graft.path, np.array([tag.row for tag in alive.made.tags], np.int32)
        for row in rows.tolist():
            del self._of_row[row]
        self._stage.space.prune(path)
        self._stage.table.vacate(rows, Status.BadNodeIdUnknown)
        await self._stage.let_go(path, frozenset(rows.tolist()))
        await asyncio.to_thread(self._stage.recent.forget, rows)
        self._room.give_back(alive.made.tags)
        del self._alive[scenario_id]
        self._tell(alive.scenario, news)

    def _tell(self, scenario: Scenario, news: News) -> None:
        why = f": {scenario.reason}" if news is News.failed else ""
        _log.info("scenario %s %s%s", scenario.copy.id, news.value, why)
        for listener in self._listeners:
            listener(scenario, news)

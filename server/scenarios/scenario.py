"""One scenario: what its models are at, what they are told, and the beat on which they go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Final, Protocol

import numpy as np

from analytics.errors import AnalyticsError
from analytics.simulation.advance import Beginning, Moment
from analytics.simulation.wiring import ModelUse
from drivers.readings import TICKS_PER_SECOND, Readings, now_ticks
from drivers.status import Status
from server.address_space.grafts import Graft
from server.commands.limits import CommandRefused
from server.config.diagnostics import SPEED
from server.config.plant import Tag
from server.scenarios.columns import Columns
from server.tags.figure_tags import FigureTags
from server.tags.table import TagTable

BEAT_S: Final = 1.0
_LONGEST_S: Final = 60.0
"""A beat that has not ended by then ends the scenario."""


class State(IntEnum):
    """As the Variable State shows it."""

    running = 0
    paused = 1
    failed = 2


class Runs(Protocol):
    """Runs functions of `analytics.jobs`: `analytics.worker.Worker`."""

    async def run(
        self,
        function_name: str,
        keywords: Callable[[], Awaitable[Mapping[str, Any]]],
        timeout_s: float,
        *,
        owner: str = "",
    ) -> Any:
        """The result. Raises AnalyticsError."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Copy:
    """What was made of which twin. twin: path, "" for the whole plant. graft: the nodes. tags: the copies by the paths
    of the originals. uses: the models in use, bound to the plant's tags."""

    id: str
    twin: str
    graft: Graft
    tags: Mapping[str, Tag]
    uses: Sequence[ModelUse]


class Scenario:
    """Runs the models of a copy. values: of their inputs, by path of the plant. Everything is simulated time but what
    Age and ExpiresAt tell. Not for several threads."""

    def __init__(
        self,
        copy: Copy,
        beginning: Beginning,
        values: Mapping[str, float],
        speed: float,
        expires_ticks: int,
        table: TagTable,
        clock: Callable[[], int] = now_ticks,
    ) -> None:
        self.copy = copy
        self.speed = speed
        self.reason = _beyond(beginning.moment)
        self.failed = False
        self.factor = 0.0
        self.ticks = self.created_ticks = clock()
        self.expires_ticks = expires_ticks
        self.titles = beginning.titles
        self.inputs = beginning.inputs
        self._table = table
        self._values = dict(values)
        self._forced = list(beginning.forced)
        self._moment = beginning.moment
        self._jumps: dict[str, float] = {}
        self._clock = clock
        self._told: list[float] | None = None
        own = {tag.name: tag for tag in copy.graft.tags}
        self._own = own
        self._figures = FigureTags([tag for tag in own.values() if not tag.array_length], table)
        self._columns = Columns({path: tag for path, tag in copy.tags.items() if not table.in_side[tag.row]})
        self._commands = _commands(copy)
        self._stopping = asyncio.Event()

    @property
    def state(self) -> State:
        """What it is doing."""
        return State.failed if self.failed else State.running if self.speed > 0 else State.paused

    @property
    def given(self) -> frozenset[str]:
        """The tags that its models give, by path of the plant."""
        return frozenset(self._moment.names)

    async def run(self, runs: Runs, turn: asyncio.Semaphore, failed: Callable[[Scenario], None]) -> None:
        """Go on beat by beat until `stop`. turn: how many may compute at the same time. failed: told when it does."""
        began = time.monotonic() - BEAT_S
        while not self._stopping.is_set():
            before, began = began, time.monotonic()
            if self.state is State.running:
                seconds = self.speed * BEAT_S
                try:
                    async with turn:
                        await self._beat(runs, seconds)
                    self.factor = seconds / max(time.monotonic() - began, began - before, BEAT_S)
                except AnalyticsError as error:
                    self._fail(str(error))
                    failed(self)
            self.show()
            await self._rest(began + BEAT_S - time.monotonic())

    async def stop(self, task: asyncio.Task[None]) -> None:
        """End `run`, which is that task, after the beat that is under way: to break one off costs a worker process."""
        self._stopping.set()
        await asyncio.wait([task], timeout=_LONGEST_S)
        task.cancel()
        await asyncio.wait([task])

    def set_speed(self, speed: float) -> None:
        """From the next beat on; one that failed tries again."""
        self.speed = speed
        self._go_on()

    def hold(self, values: Mapping[str, float]) -> None:
        """Hold inputs at other values from the next beat on, by path of the plant; a state begins there anew."""
        for name, value in values.items():
            if name in self._moment.states:
                self._jumps[name] = value
                continue
            if name not in self.inputs:
                self.inputs = (*self.inputs, name)
                self._forced.append(name)
            self._values[name] = value
        self._go_on()

    def write(self, row: int, value: object) -> None:
        """A command of the copy. Raises CommandRefused for one that changes nothing."""
        name = self._commands.get(row)
        if name is None or not isinstance(value, bool | int | float):
            raise CommandRefused(Status.BadNotSupported, "no model takes it: it would change nothing in the scenario")
        if name == SPEED:
            self.set_speed(float(value))
        else:
            self.hold({name: float(value)})

    def show(self) -> None:
        """Commit what it says of itself, as far as it changed."""
        self._figures.show(
            {
                "State": int(self.state),
                "Reason": self.reason,
                "Twin": self.copy.twin,
                "SimulatedTime": self.ticks,
                SPEED: self.speed,
                "RealTimeFactor": round(self.factor, 3) if self.state is State.running else 0.0,
                "Age": round((self._clock() - self.created_ticks) / TICKS_PER_SECOND, 1),
                "ExpiresAt": self.expires_ticks,
            }
        )
        told = self.input_values()
        if told != self._told:
            self._told = told
            self._commit_lists({"Inputs": list(self.inputs), "InputValues": told, "Models": list(self.titles)})

    def commit(self) -> None:
        """Show what the models say, and what they are told."""
        told = [name for name in self._values if name not in self.given]
        values = np.concatenate([self._moment.values, np.array([self._values[name] for name in told], np.float64)])
        self._table.commit(self._columns.readings((*self._moment.names, *told), values, self.ticks))

    def input_values(self) -> list[float]:
        """Of the inputs, in their order."""
        return [self._values.get(name, float("nan")) for name in self.inputs]

    def _commit_lists(self, lists: Mapping[str, Sequence[Any]]) -> None:
        side = {self._own[name].row: one for name, one in lists.items() if name in self._own}
        batch = Readings.uniform(list(side), Status.Good, self._clock())
        self._table.commit(replace(batch, side=dict(enumerate(side.values()))))

    async def _beat(self, runs: Runs, seconds: float) -> None:
        async def keywords() -> Mapping[str, Any]:
            return {
                "uses": tuple(self.copy.uses),
                "forced": tuple(self._forced),
                "inputs": dict(self._values),
                "states": self._moment.states | jumps,
                "duration_s": seconds,
            }

        jumps, self._jumps = self._jumps, {}
        moment: Moment = await runs.run("AdvanceScenario", keywords, _LONGEST_S, owner="scenarios")
        self.reason = _beyond(moment)
        self._moment = moment
        self.ticks += round(seconds * TICKS_PER_SECOND)
        self.commit()

    def _fail(self, why: str) -> None:
        """Its values are the last ones that could be had."""
        self.failed, self.factor, self.reason = True, 0.0, why
        self._table.mark(self._columns.rows, Status.UncertainLastUsableValue, Status.BadNotConnected)

    def _go_on(self) -> None:
        if self.failed:
            self.failed, self.reason = False, ""

    async def _rest(self, seconds: float) -> None:
        """Until the next beat, or until it is to stop."""
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._stopping.wait()
        except TimeoutError:
            return


def _beyond(moment: Moment) -> str:
    names = ", ".join(moment.beyond)
    return f"extrapolated, for outside of the validity of its model: {names}" if names else ""


def _commands(copy: Copy) -> dict[int, str]:
    """What each command of the copy stands for, by row: an input of the models by path of the plant, or the speed."""
    sets = {command: tag for use in copy.uses for command, tag in use.commands.items()}
    fed = {term.path for use in copy.uses for source in use.inputs.values() for term in source.terms if not term.port}
    found = {tag.row: SPEED for tag in copy.graft.tags if tag.name == SPEED}
    for path, tag in copy.tags.items():
        name = sets.get(path) or (path if path in fed else "")
        if tag.command is not None and name:
            found[tag.row] = name
    return found

"""HealthScore of every twin, all at once every few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.arguments import NO_LIMITS, Signal
from analytics.health_index import Layout, health
from analytics.latest import ANOMALY_SCORE, HEALTH_SCORE, REMAINING_LIFE
from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from server.analysis.surroundings import limits_of
from server.config.alarm_definitions import AlarmDefinition
from server.config.analytics import is_numeric
from server.config.plant import Plant
from server.history.recent import is_measured
from server.tags.table import TagTable

PERIOD_S: Final = 5.0
_SMOOTHED_S: Final = 30.0
Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class _Inputs:
    """Rows of the signals (int32[n]) of the layout, and of the Variables of its twins (int32[t], -1 where one has
    none)."""

    layout: Layout
    signals: Rows
    scores: Rows
    lives: Rows
    outputs: Rows


class HealthScores:
    """Fills the tags HealthScore. definitions: gives the alarms there are now."""

    def __init__(
        self, plant: Plant, table: TagTable, definitions: Callable[[], Iterable[AlarmDefinition]] = tuple
    ) -> None:
        self._plant = plant
        self._table = table
        self._definitions = definitions
        self._inputs: _Inputs | None = None
        self._smooth = np.empty(0)

    def adopt(self, plant: Plant) -> None:
        """Go on with a changed plant, whose rows fit the table."""
        self._plant = plant
        self.forget()

    def forget(self) -> None:
        """The limits have changed."""
        self._inputs = None

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self.update()
            await asyncio.sleep(PERIOD_S)

    async def update(self) -> None:
        """Judge what is in force now."""
        inputs = self._inputs
        if inputs is None:
            inputs = self._inputs = await asyncio.to_thread(_survey, self._plant, tuple(self._definitions()))
            self._smooth = np.full(len(inputs.signals), np.nan)
        if not len(inputs.outputs):
            return
        values, scores, lives = (self._measured(rows) for rows in (inputs.signals, inputs.scores, inputs.lives))
        share = 1.0 - np.exp(-PERIOD_S / _SMOOTHED_S)
        self._smooth = np.where(np.isnan(self._smooth), values, self._smooth + share * (values - self._smooth))
        found = await asyncio.to_thread(health, inputs.layout, self._smooth[None], scores[None], lives[None])
        if self._inputs is inputs:
            self._commit(inputs.outputs, found.whole[0])

    def _measured(self, rows: Rows) -> npt.NDArray[np.float64]:
        there = np.maximum(rows, 0)
        values = self._table.as_float(there)
        values[(rows < 0) | ~is_measured(self._table.status[there])] = np.nan
        return values

    def _commit(self, outputs: Rows, index: npt.NDArray[np.float64]) -> None:
        has = outputs >= 0
        rows, known = outputs[has], np.isfinite(index[has])
        status = np.where(known, np.uint32(Status.Good), np.uint32(Status.BadDataUnavailable))
        cells = to_cells(np.where(known, index[has], 0.0), DataType.Double)
        self._table.commit(Readings(rows, cells, status, np.full(len(rows), now_ticks(), np.int64)))


def _survey(plant: Plant, definitions: Iterable[AlarmDefinition]) -> _Inputs:
    limits = limits_of(definitions)
    twins = list(plant.walk())
    at = {twin.path: number for number, twin in enumerate(twins)}
    owned = [(number, tag) for number, twin in enumerate(twins) for tag in twin.telemetry if is_numeric(tag)]
    signals = [Signal(range=tag.range, limits=limits.get(tag.path, NO_LIMITS)) for _, tag in owned]
    parents = [at.get(twin.path.rpartition("/")[0], -1) for twin in twins]
    layout = Layout.of(signals, [number for number, _ in owned], parents, [twin.scope for twin in twins])

    def rows(name: str) -> Rows:
        found = [next((tag.row for tag in twin.analytics if tag.name == name), -1) for twin in twins]
        return np.array(found, np.int32)

    return _Inputs(
        layout,
        np.array([tag.row for _, tag in owned], np.int32),
        rows(ANOMALY_SCORE),
        rows(REMAINING_LIFE),
        rows(HEALTH_SCORE),
    )

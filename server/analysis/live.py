"""Live results: the anomaly score of every twin with a model each second, other results as often as they are due."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.anomaly_data import KIND
from analytics.anomaly_live import Scorer
from analytics.catalog import CATALOG
from analytics.errors import AnalyticsError
from analytics.function import ONE_DIMENSION, ArgumentType, Function
from analytics.latest import ANOMALY_SCORE, CANDIDATE_SCORE, LATEST, Latest
from analytics.models import Model, ModelRecord, ModelState
from drivers.data_types import DataType, to_cells
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from server.analysis.library import Library
from server.analysis.surroundings import Surveyor
from server.config.plant import Plant, Twin
from server.history.recent import is_measured
from server.tags.table import TagTable

_log = logging.getLogger(__name__)
PERIOD_S: Final = 1.0
_SCORES: Final = {ModelState.active: ANOMALY_SCORE, ModelState.candidate: CANDIDATE_SCORE}
Call = Callable[[Twin, str, Sequence[Any]], Awaitable[Sequence[Any]]]
Rows = npt.NDArray[np.int32]


class Live:
    """Fills the tags of `analytics.latest`. call: a method of a twin to its end, for results that a function gives.

    A score is Good, Uncertain where maintenance has made the model's baseline worthless, BadDataUnavailable while it is
    not known, and BadNotConnected where no model is.
    """

    def __init__(self, plant: Plant, table: TagTable, library: Library, call: Call) -> None:
        self._table = table
        self._library = library
        self._call = call
        self._surveyor = Surveyor()
        self._scorer = Scorer({})
        self._inputs: Rows = np.empty(0, np.int32)
        self._outputs: Rows = np.empty(0, np.int32)
        self._good = np.empty(0, np.uint32)
        self._stale = True
        self._turn = asyncio.Lock()
        self.adopt(plant)
        library.on_change(lambda _twin: self._note())

    def adopt(self, plant: Plant) -> None:
        """Score this plant from now on; its rows fit the table."""
        self._twins = {twin.path: twin for twin in plant.walk()}
        self._surveyor.forget()
        self._note()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_scoring(), name="anomaly scores")
            for one in LATEST:
                if one.function:
                    tasks.create_task(self._keep_calling(one), name=f"latest {one.name}")

    async def score(self, now_s: float | None = None) -> None:
        """Score what is in force now, after taking over models that have changed. now_s: ever increasing; None: the
        monotonic clock."""
        async with self._turn:
            await self._score(time.monotonic() if now_s is None else now_s)

    async def _score(self, now_s: float) -> None:
        if self._stale:
            await self._rebuild()
        if not len(self._outputs):
            return
        values = self._table.as_float(np.maximum(self._inputs, 0))
        values[(self._inputs < 0) | ~is_measured(self._table.status[np.maximum(self._inputs, 0)])] = np.nan
        ticks = now_ticks()
        now = await asyncio.to_thread(self._scorer.push, values, now_s)
        if not self._stale:
            known = np.isfinite(now.score)
            status = np.where(known, self._good, np.uint32(Status.BadDataUnavailable))
            cells = to_cells(np.where(known, now.score, 0.0), DataType.Double)
            self._table.commit(Readings(self._outputs, cells, status, np.full(len(cells), ticks, np.int64)))

    async def _keep_scoring(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self.score()
            due = max(due + PERIOD_S, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _rebuild(self) -> None:
        self._stale = False
        records = [one for one in self._library.in_use(KIND) if self._output(one) is not None]
        models: dict[str, Model] = {}
        for record in records:
            try:
                models[_key(record)] = await self._library.model(record)
            except AnalyticsError as error:
                _log.error("%s of %s is not scored: %s", record.id, record.twin, error)
        used = [one for one in records if _key(one) in models]
        self._scorer = await asyncio.to_thread(Scorer, models, self._scorer)
        rows = {_key(one): self._surveyor.of(self._twins[one.twin]).rows for one in used}
        self._inputs = np.array([rows[key].get(signal, -1) for key, signal in self._scorer.inputs], np.int32)
        self._outputs = np.array([self._output(one) for one in used], np.int32)
        doubtful = [Status.Uncertain if one.invalid_since_ticks else Status.Good for one in used]
        self._good = np.array(doubtful, np.uint32)
        idle = np.setdiff1d(self._rows_of(_SCORES.values()), self._outputs).astype(np.int32)
        self._table.mark(idle, Status.BadNotConnected, Status.BadNotConnected)

    def _output(self, record: ModelRecord) -> int | None:
        twin = self._twins.get(record.twin)
        wanted = _SCORES[record.state]
        tags = twin.analytics if twin is not None else ()
        return next((tag.row for tag in tags if tag.name == wanted), None)

    def _rows_of(self, names: Iterable[str]) -> Rows:
        wanted = set(names)
        every = (tag for twin in self._twins.values() for tag in twin.analytics)
        return np.array([tag.row for tag in every if tag.name in wanted], np.int32)

    def _note(self) -> None:
        self._stale = True

    # -- results of functions -----------------------------------------------------------------------------------------

    async def _keep_calling(self, latest: Latest) -> None:
        while True:
            for twin in self._concerned(latest):
                await self.refresh(latest, twin)
                await asyncio.sleep(0)
            await asyncio.sleep(latest.every_s)

    async def refresh(self, latest: Latest, twin: Twin) -> None:
        """Call the function and put its result into the Variable of a twin."""
        function = CATALOG[latest.function]
        names = [one.name for one in function.own]
        try:
            results = await self._call(twin, function.name, nothing_given(function))
        except AnalyticsError as error:
            _log.warning("%s of %s: %s", latest.name, twin.path, error)
            return
        row = next((tag.row for tag in twin.analytics if tag.name == latest.name), None)
        value, valid = float(results[names.index(latest.result)]), bool(results[len(names)])
        if row is None or row >= len(self._table):
            return
        status = Status.Good if valid and np.isfinite(value) else Status.BadDataUnavailable
        cells = to_cells(np.array([value if np.isfinite(value) else 0.0]), DataType.Double)
        stamp, columns = np.array([now_ticks()], np.int64), np.array([status], np.uint32)
        self._table.commit(Readings(np.array([row], np.int32), cells, columns, stamp))

    def _concerned(self, latest: Latest) -> Sequence[Twin]:
        if latest.kind:
            having = {one.twin for one in self._library.in_use(latest.kind) if one.state is ModelState.active}
        else:
            having = set(self._twins)
        return [twin for path, twin in self._twins.items() if path in having and twin.analytics]


def nothing_given(function: Function) -> list[Any]:
    """The arguments of a call that leaves all open."""
    return [[] if one.value_rank == ONE_DIMENSION else _OPEN[one.data_type] for one in function.arguments]


_OPEN: Final[Mapping[ArgumentType, Any]] = {
    ArgumentType.Boolean: False,
    ArgumentType.Int32: 0,
    ArgumentType.UInt32: 0,
    ArgumentType.Double: 0.0,
    ArgumentType.String: "",
    ArgumentType.DateTime: None,
    ArgumentType.ByteString: b"",
    ArgumentType.NodeId: "",
}


def _key(record: ModelRecord) -> str:
    return f"{record.twin}/{record.id}"

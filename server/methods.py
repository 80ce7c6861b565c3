"""Analytics methods: from a call on a twin to a job in the worker and its results."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from analytics.arguments import Answer, Context
from analytics.catalog import CATALOG
from analytics.errors import NotAvailable
from analytics.worker import Worker
from drivers.data_types import DataType, has_cell
from drivers.readings import now_ticks
from server.config.plant import Tag, Twin
from server.history.recent import Recent

LONGEST_S: Final = 120.0
"""A method that takes longer is ended with BadTimeout."""
_NOT_NUMERIC: Final = (DataType.Boolean, DataType.DateTime)


class Analytics:
    """Runs the functions of `analytics.catalog` on the recent values of a twin's signals."""

    def __init__(self, recent: Recent, worker: Worker) -> None:
        self._recent = recent
        self._worker = worker
        self._signals: dict[str, Mapping[str, int]] = {}

    async def call(self, twin: Twin, name: str, arguments: Sequence[object]) -> Sequence[object]:
        """The results in the catalog's order: arrays, texts, booleans; DateTimes in ticks. Raises AnalyticsError."""
        rows = self._rows(twin)
        function = CATALOG[name]
        if function.plan is None:
            raise NotAvailable(f"{name} is not there yet")
        job = function.plan(arguments, Context(tuple(rows), now_ticks()))
        if isinstance(job, Answer):
            return (*job.results, job.model, float("nan"), "")
        wanted = {signal: rows[signal] for signal in job.signals}
        series = await asyncio.to_thread(self._recent.series, wanted.values(), job.start_ticks, job.end_ticks)
        keywords = job.keywords({signal: series[row] for signal, row in wanted.items()})
        results: Sequence[object] = await self._worker.run(job.function, keywords, LONGEST_S)
        return (*results, job.model, float("nan"), "")

    def adopt(self) -> None:
        """The plant has changed: look at the twins' signals anew."""
        self._signals.clear()

    def _rows(self, twin: Twin) -> Mapping[str, int]:
        """Rows of all numeric telemetry of the twin and of those below it, by the path below the twin."""
        known = self._signals.get(twin.path)
        if known is None:
            start = len(twin.path) + 1
            every = (tag for below in twin.walk() for tag in below.telemetry if _is_numeric(tag))
            known = self._signals[twin.path] = {tag.path[start:]: tag.row for tag in every}
        return known


def _is_numeric(tag: Tag) -> bool:
    return has_cell(tag.data_type) and not tag.array_length and tag.data_type not in _NOT_NUMERIC

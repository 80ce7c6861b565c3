"""Diagnostics: how good the tags of each twin are and how each connection is doing, as tags like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from drivers.data_types import WIRE, DataType, to_cells
from drivers.errors import ConnectFailed, DeviceTimeout, DriverError, LinkLost, Malformed, Refused
from drivers.link import Link
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from server.config.plant import Plant, Tag, Twin
from server.tags.table import TagTable

PERIOD_S: Final = 1.0
_NOT_GOOD: Final = np.uint32(0x40000000)


def _errors(kind: type[DriverError]) -> Callable[[Link], float]:
    return lambda link: link.errors[kind.__name__]


_OF_LINK: Final[dict[str, Callable[[Link], float]]] = {
    "State": lambda link: link.state,
    "LastErrorTime": lambda link: link.last_error.ticks if link.last_error else 0,
    "Requests": lambda link: link.driver.traffic.requests,
    "Errors": lambda link: link.error_total,
    "ConnectFailures": _errors(ConnectFailed),
    "LinkLosses": _errors(LinkLost),
    "Timeouts": _errors(DeviceTimeout),
    "Refusals": _errors(Refused),
    "Malformed": lambda link: max(link.errors[Malformed.__name__], link.driver.traffic.malformed),
    "Reconnects": lambda link: link.reconnects,
    "SilentUnits": lambda link: link.silent_units,
    "MissedPolls": lambda link: link.missed,
    "LatencyP50": lambda link: 1000.0 * link.latency_s(0.5),
    "LatencyP99": lambda link: 1000.0 * link.latency_s(0.99),
    "BytesSent": lambda link: link.driver.traffic.bytes_sent,
    "BytesReceived": lambda link: link.driver.traffic.bytes_received,
}
LAST_ERROR: Final = "LastError"


class Diagnostics:
    """Fills the diagnostics tags that the plant has, once per second, and only those whose value changed.

    GoodFraction (percent Good), BadTags (number not Good) and QualityProblems (number of those that `doubtful` names,
    as bool by row) count the telemetry of a twin and of all below it; a twin without any is 100 % good. A connection's
    are those of `server.config.diagnostics`; State is a LinkState.
    """

    def __init__(
        self,
        plant: Plant,
        table: TagTable,
        links: Mapping[str, Link],
        doubtful: Callable[[], npt.NDArray[np.bool_]] | None = None,
    ) -> None:
        self._table = table
        self._doubtful = doubtful
        self.adopt(plant, links)

    def adopt(self, plant: Plant, links: Mapping[str, Link]) -> None:
        """Tell about this plant and these links from now on; the rows fit the table."""
        twins = list(plant.walk())
        self._rows, self._first, self._last = _spans(plant.twins)
        self._of_twins = _columns((k, tag) for k, twin in enumerate(twins) for tag in twin.diagnostics)
        known = [connection for connection in plant.connections.values() if connection.name in links]
        self._links = [links[connection.name] for connection in known]
        self._of_links = _columns((k, tag) for k, connection in enumerate(known) for tag in connection.diagnostics)

    async def run(self) -> None:
        """Update until cancelled."""
        while True:
            self.update()
            await asyncio.sleep(PERIOD_S)

    def update(self) -> int:
        """Commit what has changed since the last time; returns how many tags that were."""
        ticks = now_ticks()
        parts = [*self._twin_parts(ticks), *self._link_parts(ticks)]
        return sum(len(part) for part in parts if len(part) and self._table.commit(part))

    def _twin_parts(self, ticks: int) -> Iterable[Readings]:
        bad = self._counted(self._table.status[self._rows] >= _NOT_GOOD)
        tags = np.maximum(self._last - self._first, 1)
        values = {"GoodFraction": 100.0 * (1.0 - bad / tags), "BadTags": bad}
        if self._doubtful is not None:
            values["QualityProblems"] = self._counted(self._doubtful()[self._rows])
        for (name, data_type), (index, rows) in self._of_twins.items():
            if name in values:
                yield self._changed(rows, values[name][index], data_type, ticks)

    def _counted(self, which: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """How many are true of each twin's telemetry, by two look-ups in the running total."""
        total = np.zeros(len(which) + 1, np.int64)
        np.cumsum(which, out=total[1:])
        return total[self._last] - total[self._first]

    def _link_parts(self, ticks: int) -> Iterable[Readings]:
        for link in self._links:
            link.take_over_malformed()
        for (name, data_type), (index, rows) in self._of_links.items():
            if name == LAST_ERROR:
                yield self._changed_text(rows, [str(self._links[k].last_error or "") for k in index.tolist()], ticks)
            elif name in _OF_LINK:
                value_of = _OF_LINK[name]
                values = np.array([value_of(self._links[k]) for k in index.tolist()])
                known = ~np.isnan(values)
                yield self._changed(rows[known], values[known], data_type, ticks)

    def _changed(
        self, rows: npt.NDArray[np.int32], values: npt.NDArray[Any], data_type: DataType, ticks: int
    ) -> Readings:
        """Good readings of the rows that show something else now."""
        cells = to_cells(values.astype(WIRE[data_type]), data_type)
        new = (cells != self._table.value[rows]) | (self._table.status[rows] != Status.Good)
        row = rows[new]
        return Readings(row, cells[new], np.zeros(len(row), np.uint32), np.full(len(row), ticks, np.int64))

    def _changed_text(self, rows: npt.NDArray[np.int32], texts: list[str], ticks: int) -> Readings:
        shown = self._table.side
        new = [(row, text) for row, text in zip(rows.tolist(), texts, strict=True) if shown.get(row) != text]
        batch = Readings.uniform([row for row, _ in new], Status.Good, ticks)
        side = dict(enumerate(text for _, text in new))
        return Readings(batch.row, batch.value, batch.status, batch.source_ticks, side)


def _spans(roots: Iterable[Twin]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Telemetry rows of all twins, parents first, and of each twin where its own and its descendants' begin and end:
    walked in this order they lie side by side."""
    rows: list[int] = []
    spans: list[list[int]] = []

    def walk(twin: Twin) -> None:
        span = [len(rows), 0]
        spans.append(span)
        rows.extend(tag.row for tag in twin.telemetry)
        for child in twin.children:
            walk(child)
        span[1] = len(rows)

    for root in roots:
        walk(root)
    first, last = np.array(spans, np.intp).reshape(-1, 2).T
    return np.array(rows, np.int32), first, last


def _columns(
    tags: Iterable[tuple[int, Tag]],
) -> dict[tuple[str, DataType], tuple[npt.NDArray[np.intp], npt.NDArray[np.int32]]]:
    """By name and type of the tag: the numbers of their owners, and their rows."""
    found: dict[tuple[str, DataType], list[tuple[int, int]]] = {}
    for owner, tag in tags:
        found.setdefault((tag.name, tag.data_type), []).append((owner, tag.row))
    return {
        key: (np.array([owner for owner, _ in pairs], np.intp), np.array([row for _, row in pairs], np.int32))
        for key, pairs in found.items()
    }

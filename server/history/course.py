"""What analytics read of a stored tag: every value, or, of a long time, pieces that are spread evenly over it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from analytics.arguments import FULL, PIECE
from analytics.series import Series
from drivers.data_types import DataType, floats
from drivers.status import Status
from server.history.store import HistoryStore, Samples

_BAD: Final = np.uint32(0x80000000)
_OLD: Final = (np.uint32(Status.UncertainLastUsableValue), np.uint32(Status.UncertainNoCommunicationLastUsableValue))
_GOLDEN: Final = 0.6180339887498949
"""How far each piece lies behind the one before, in parts of what is between them, beside that: no daily or hourly
course repeats with it."""


def course(store: HistoryStore, tag: int, start_ticks: int, end_ticks: int, pieces: int = 0) -> Series:
    """Values of a numeric tag from start to end, both inclusive. pieces: of more than FULL values only so many pieces
    of PIECE values; the last one holds the latest. Raises StoreError."""
    if not pieces:
        return series_of(store.read(tag, start_ticks, end_ticks))
    first = store.read(tag, start_ticks, end_ticks, FULL + 1)
    if len(first) <= FULL:
        return series_of(first)
    last = store.read(tag, start_ticks, end_ticks, PIECE, forward=False)
    begin, end = int(first.source_ticks[0]), int(last.source_ticks[-1])
    parts = [series_of(one) for one in _pieces(store, tag, begin, end - 1, pieces - 1)]
    parts.append(_reversed(series_of(last)))
    return Series(
        np.concatenate([one.ticks for one in parts]),
        np.concatenate([one.values for one in parts]),
        np.concatenate([one.status for one in parts]),
    )


def _pieces(store: HistoryStore, tag: int, begin: int, end: int, count: int) -> Iterator[Samples]:
    """A piece in each of `count` equal parts of a time; a part that has few values is told whole."""
    for number in range(count):
        low, high = (begin + (end + 1 - begin) * at // count for at in (number, number + 1))
        share = number * _GOLDEN % 1.0
        found = store.read(tag, low + round(0.9 * share * (high - low)), high - 1, PIECE)
        yield found if len(found) == PIECE else store.read(tag, low, high - 1, PIECE)


def series_of(samples: Samples) -> Series:
    """Samples of a numeric tag for the analytics: NaN where a value is no measurement (Bad, or a last usable one)."""
    values = floats(samples.cells, np.full(len(samples), samples.data_type, np.uint8))
    status = samples.status
    no_measurement = (status >= _BAD) | np.isin(status & np.uint32(0xFFFF0000), _OLD)
    values[no_measurement | (samples.data_type > DataType.Double)] = np.nan
    return Series(samples.source_ticks, values, status)


def _reversed(one: Series) -> Series:
    return Series(one.ticks[::-1], one.values[::-1], one.status[::-1])

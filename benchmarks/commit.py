"""Rows per second into the tag table, in batches of 50,000 Doubles as a plant at full size brings them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import numpy as np

from benchmarks.processes import Result
from drivers.data_types import DataType
from drivers.readings import Readings, now_ticks
from server.tags.table import TagTable


async def run(rows: int = 50_000, batches: int = 1_000) -> AsyncIterator[Result]:
    """Rows in order of a device, not of the table; every hundredth batch has some Bad readings."""
    table = TagTable([DataType.Double] * rows)
    table.on_commit(lambda batch: None)
    expected = np.zeros(rows)
    took_s = []
    for batch in _batches(rows, batches):
        began = time.perf_counter()
        table.commit(batch)
        took_s.append(time.perf_counter() - began)
        good = batch.status == 0
        expected[batch.row[good]] = batch.value[good].view(np.float64)
    held = table.as_float(np.arange(rows, dtype=np.int32))
    yield {
        "rows": rows,
        "rows_per_s": round(rows * batches / sum(took_s)),
        "p50_ms": round(float(np.median(took_s)) * 1000, 3),
        "worst_ms": round(max(took_s) * 1000, 3),
        "good": np.array_equal(held, expected) and table.readings == rows * batches,
    }


def _batches(rows: int, batches: int) -> Iterator[Readings]:
    generator = np.random.default_rng(1)
    order = generator.permutation(rows).astype(np.int32)
    for number in range(batches):
        values = generator.random(rows)
        status = np.zeros(rows, np.uint32)
        if number % 100 == 99:
            status[: rows // 50] = 0x8031_0000
        yield Readings(order, values.view(np.uint64), status, np.full(rows, now_ticks()))

"""A process that writes history until it is killed: batch after batch into the store, or commits into a bridge's table.

python -m tests.simulators.history_writer store|bridge FILE
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks.plants import doubles
from drivers.readings import Readings, now_ticks
from server.config.history import HistorySettings
from server.history.history import History
from server.history.sqlite_store import SqliteStore
from server.history.store import Block
from server.tags.table import TagTable

TAGS = 200
STEP_TICKS = 1_000_000


def batch_ticks(number: int) -> int:
    """The SourceTimestamp of all values of a batch."""
    return 134_000_000_000_000_000 + number * STEP_TICKS


def _store(file: Path) -> None:
    """Say the number of each batch once it is durable; every eighth one goes into pages, which are joined."""
    store = SqliteStore(file, pending_values=8 * TAGS)
    tags = store.tag_ids([(f"A/T{n}", 11) for n in range(TAGS)])
    for number in count():
        ticks = np.full(TAGS, batch_ticks(number))
        store.append(Block(tags, ticks, ticks, np.full(TAGS, number, np.uint64), np.zeros(TAGS, np.uint32)))
        print(number, flush=True)
        store.tidy(0.01)


async def _bridge(file: Path) -> None:
    """Say the time of each commit."""
    plant = doubles(TAGS)
    settings = HistorySettings(path=file, paths=frozenset(tag.path for tag in plant.tags))
    table = TagTable([11] * TAGS)
    history = History(replace(plant, sections={"history": settings}), table, file.parent)
    writing = asyncio.create_task(history.run())
    rows = np.arange(TAGS, dtype=np.int32)
    while not writing.done():
        ticks = now_ticks()
        values = np.full(TAGS, time.monotonic()).view(np.uint64)
        table.commit(Readings(rows, values, np.zeros(TAGS, np.uint32), np.full(TAGS, ticks)))
        print(ticks, flush=True)
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    if sys.argv[1] == "store":
        _store(Path(sys.argv[2]))
    else:
        asyncio.run(_bridge(Path(sys.argv[2])))

"""Values per second into the history and out of it, and what one takes on disk, beside asyncua's and a plain SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import psutil
from asyncua import ua
from asyncua.server.history_sql import HistorySQLite

from analytics.aggregates import processed
from benchmarks.history_data import DOUBLES, FLOAT32, START, Machines
from benchmarks.plants import doubles
from benchmarks.processes import Result
from drivers.readings import TICKS_PER_SECOND
from server.config.history import HistorySettings
from server.config.plant import Plant
from server.history.course import series_of
from server.history.intake import Intake
from server.history.kept import kept_of
from server.history.sqlite_store import SqliteStore
from server.history.writer import Writer
from server.tags.table import TagTable

_COMMIT: Final = 1_000_000
"""Values that are written down together: what a second brings at the rate aimed at."""
_SAMPLED: Final = 20
_DAY_S: Final = 86_400
_BAD: Final = 0x80000000
_MINUTE: Final = 60 * TICKS_PER_SECOND


async def run(
    tags: int = 50_000, seconds: int = 3_600, day_tags: int = 100, day_s: int = _DAY_S, stock_s: float = 3.0
) -> AsyncIterator[Result]:
    """An hour of 50,000 tags as quickly as it goes, from the table's commit to the disk; then reads; then a day of a
    machine; then the same values into the two others for a few seconds."""
    with tempfile.TemporaryDirectory(prefix="uatwin-bench-history-") as name:
        folder = Path(name)
        result = await asyncio.to_thread(_hour, folder, tags, seconds)
        result |= await asyncio.to_thread(_day, folder, day_tags, day_s)
        result |= await asyncio.to_thread(_sizes, folder, min(tags, 5_000), min(seconds, 1_200))
        result |= await asyncio.to_thread(_plain, folder, tags, stock_s)
        result |= await _stock(folder, stock_s)
    result["ratio"] = round(result["values_per_s"] / result["stock_values_per_s"])
    result["good"] = bool(result.pop("hour_good") and result.pop("day_good"))
    yield result


class _Filling:
    """Commits what machines bring to a table, and writes it down in the same thread. spent_s: time that both took."""

    def __init__(self, file: Path, machines: Machines, pending: int | None = None) -> None:
        self.file, self._machines = file, machines
        plant = _plant(machines, file)
        self._table = TagTable(machines.data_types.astype(np.uint8))
        self._intake = Intake(self._table, 8 * _COMMIT)
        self._kept = kept_of(plant, file.parent)
        self._intake.want(self._kept.wanted)
        self._writer = (
            Writer() if pending is None else Writer(lambda _, path: SqliteStore(path, pending_values=pending))
        )
        self._writer.write(self._kept, [])
        self._most = pending or _COMMIT
        self.spent_s, self.cpu_s, self.worst_s = 0.0, 0.0, 0.0
        self.peak = self._rss()

    def fill(self, seconds: int, sampled: npt.NDArray[np.intp]) -> npt.NDArray[np.uint64]:
        """Returns the cells of some rows, [seconds, rows]."""
        kept = np.empty((seconds, len(sampled)), np.uint64)
        for number, batch in enumerate(self._machines.seconds(seconds)):
            kept[number] = batch.value[sampled]
            last = number == seconds - 1
            self._timed(lambda batch=batch, last=last: self._take(batch, last))  # type: ignore[misc]
            self.peak = max(self.peak, self._rss())
        return kept

    def close(self) -> None:
        """Let go of the file."""
        self._writer.close()

    def _take(self, batch: object, last: bool) -> None:
        self._table.commit(batch)  # type: ignore[arg-type]
        if self._intake.waiting >= self._most or last:
            self._writer.write(self._kept, self._intake.drain())
            self._writer.tend()

    def _timed(self, work: Callable[[], None]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        took = time.perf_counter() - wall
        self.spent_s += took
        self.cpu_s += time.process_time() - cpu
        self.worst_s = max(self.worst_s, took)

    @staticmethod
    def _rss() -> int:
        return int(psutil.Process().memory_info().rss)


def _plant(machines: Machines, file: Path) -> Plant:
    plant = doubles(machines.tags)
    tags = tuple(
        replace(tag, data_type=kind) for tag, kind in zip(plant.tags, machines.data_types.tolist(), strict=True)
    )
    settings = HistorySettings(path=file, paths=frozenset(tag.path for tag in tags))
    return replace(plant, tags=tags, sections={"history": settings})


def _hour(folder: Path, tags: int, seconds: int) -> Result:
    before = _Filling._rss()
    filling = _Filling(folder / "hour.sqlite", Machines(tags))
    sampled = np.random.default_rng(3).choice(tags, _SAMPLED, replace=False)
    given = filling.fill(seconds, sampled)
    filling.close()
    store = SqliteStore(filling.file)
    end = START + seconds * TICKS_PER_SECOND
    took, cpu, good = [], [], True
    for place, row in enumerate(sampled.tolist()):
        began, cpu_began = time.perf_counter(), time.process_time()
        found = store.read(row + 1, START, end)
        took.append(time.perf_counter() - began)
        cpu.append(time.process_time() - cpu_began)
        good &= np.array_equal(found.cells, given[:, place]) and not found.status.any()
    values, size = store.figures().values, filling.file.stat().st_size
    store.close()
    return {
        "tags": tags,
        "values": values,
        "values_per_s": round(tags * seconds / filling.spent_s),
        "cpu_us_per_value": round(1e6 * filling.cpu_s / values, 3),
        "worst_commit_s": round(filling.worst_s, 2),
        "memory_mb": round((filling.peak - before) / 1e6),
        "bytes_per_value": round(size / values, 2),
        "read_hour_ms": round(1000 * float(np.median(took)), 2),
        "read_hour_worst_ms": round(1000 * max(took), 2),
        "read_hour_cpu_ms": round(1000 * float(np.median(cpu)), 2),
        "hour_good": good and values == tags * seconds,
    }


def _day(folder: Path, tags: int, seconds: int) -> Result:
    """Pages become as large as they do in a plant of 50,000 tags: they are begun every 20 s."""
    filling = _Filling(folder / "day.sqlite", Machines(tags), pending=20 * tags)
    given = filling.fill(seconds, np.array([0]))
    filling.close()
    store = SqliteStore(filling.file)
    end, read_s, took, cpu = START + seconds * TICKS_PER_SECOND, [], [], []
    for _ in range(_SAMPLED):
        began, cpu_began = time.perf_counter(), time.process_time()
        samples = store.read(1, START, end)
        read_s.append(time.perf_counter() - began)
        averages = processed("Average", series_of(samples), START, end, _MINUTE)
        took.append(time.perf_counter() - began)
        cpu.append(time.process_time() - cpu_began)
    store.close()
    expected = given[: len(averages) * 60, 0].view(np.float64).reshape(-1, 60).mean(1)
    return {
        "processed_day_ms": round(1000 * float(np.median(took)), 2),
        "processed_day_cpu_ms": round(1000 * float(np.median(cpu)), 2),
        "read_day_ms": round(1000 * float(np.median(read_s)), 2),
        "day_good": len(samples) == seconds
        and bool((averages.status < _BAD).all())
        and np.allclose(averages.values[1:-1], expected[1:-1]),
    }


def _sizes(folder: Path, tags: int, seconds: int) -> Result:
    """Bytes a value of other values than those devices usually deliver."""
    found = {}
    for name, machines in (
        ("float32_bytes_per_value", Machines(tags, FLOAT32)),
        ("double_bytes_per_value", Machines(tags, DOUBLES)),
        ("own_times_bytes_per_value", Machines(tags, own_times=True)),
    ):
        filling = _Filling(folder / f"{name}.sqlite", machines, pending=20 * tags)
        filling.fill(seconds, np.array([0]))
        filling.close()
        store = SqliteStore(filling.file)
        while store.tidy(1.0):
            pass
        store.retain(0, 1 << 60)
        store.close()
        found[name] = round(filling.file.stat().st_size / (tags * seconds), 2)
    return found


def _plain(folder: Path, tags: int, seconds: float) -> Result:
    """A row per value in SQLite, with the index that finds a tag's values, and a commit each second of the plant."""
    file = folder / "plain.sqlite"
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(
        "CREATE TABLE value (tag INTEGER, source INTEGER, server INTEGER, value REAL, status INTEGER, "
        "PRIMARY KEY (tag, source)) WITHOUT ROWID"
    )
    rows, spent = 0, 0.0
    for batch in Machines(tags).seconds(100_000):
        columns = (batch.row, batch.source_ticks, batch.source_ticks, batch.value.view(np.float64), batch.status)
        began = time.perf_counter()
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO value VALUES (?, ?, ?, ?, ?)", zip(*(one.tolist() for one in columns), strict=True)
        )
        connection.execute("COMMIT")
        spent += time.perf_counter() - began
        rows += len(batch)
        if spent > seconds:
            break
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return {
        "plain_values_per_s": round(rows / spent),
        "plain_bytes_per_value": round(file.stat().st_size / rows, 1),
    }


async def _stock(folder: Path, seconds: float) -> Result:
    """asyncua's HistorySQLite; it takes one value at a time, and NodeIds that are numbers."""
    history = HistorySQLite(str(folder / "stock.sqlite"))
    await history.init()
    nodes = [ua.NodeId(number + 1, 2) for number in range(20)]  # type: ignore[arg-type]
    for node in nodes:
        await history.new_historized_node(node, period=None, count=0)
    written, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        value = ua.DataValue(ua.Variant(written * 0.1, ua.VariantType.Double))
        await history.save_node_value(nodes[written % len(nodes)], value)
        written += 1
    took = time.perf_counter() - began
    await history.stop()
    return {"stock_values_per_s": round(written / took)}

"""History over a table: what is kept, what is seen when, and how it fares when the store refuses."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drivers.data_types import DataType, to_cells
from drivers.readings import Readings
from drivers.secret import Secret
from drivers.status import Status
from server.config.diagnostics import HISTORY, history_diagnostics
from server.config.history import HistorySettings
from server.config.history_spec import PostgresSpec
from server.config.plant import Plant, Tag
from server.history.history import History
from server.history.intake import PIECE, Intake
from server.history.sqlite_store import SqliteStore
from server.history.store import StoreError, UpdateKind
from server.history.writer import HistoryState
from server.tags.table import TagTable
from tests.simulators.disks import small_disk
from tests.simulators.waiting import until

ALWAYS = (-(2**63), 2**63 - 1)
T0 = 134_000_000_000_000_000


def plant_of(kept: list[str], *, tags: int = 4, **settings: object) -> Plant:
    """Tags A/T0, A/T1, ... of which some are kept, and the tags about the history behind them."""
    own = tuple(Tag(row, f"T{row}", f"A/T{row}", DataType.Double) for row in range(tags))
    about = history_diagnostics(tags)
    given = HistorySettings(paths=frozenset(kept), **settings)  # type: ignore[arg-type]
    return Plant("P", "", None, {}, (), (*own, *about), {"history": given}, {HISTORY: about})


def table_of(plant: Plant) -> TagTable:
    return TagTable([int(tag.data_type) for tag in plant.tags])


def say(table: TagTable, row: int, value: float, ticks: int, status: int = 0) -> None:
    cells = to_cells([value], DataType.Double)
    table.commit(Readings(np.array([row], np.int32), cells, np.array([status], np.uint32), np.array([ticks])))


@asynccontextmanager
async def running(plant: Plant, table: TagTable, folder: Path, **options: int) -> AsyncIterator[History]:
    history = History(plant, table, folder, **options)
    task = asyncio.create_task(history.run())
    try:
        yield history
    finally:
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled() or task.exception() is None


async def test_a_read_sees_what_was_committed_a_moment_ago(tmp_path: Path) -> None:
    plant = plant_of(["A/T0", "A/T2"])
    table = table_of(plant)
    async with running(plant, table, tmp_path) as history:
        for k in range(5):
            say(table, 0, k, T0 + k)
            say(table, 1, k, T0 + k)
            found = await history.read(0, *ALWAYS)
            assert found.cells.view(np.float64).tolist() == list(range(k + 1))
        assert found.server_ticks.tolist()[-1] == table.server_ticks[0]
        assert [history.historized(row) for row in range(4)] == [True, False, True, False]
        with pytest.raises(StoreError, match="no values of this tag are kept"):
            await history.read(1, *ALWAYS)
        assert (await history.before(0, T0 + 3)).source_ticks.tolist() == [T0 + 2]
        assert (await history.after(0, T0 + 3)).source_ticks.tolist() == [T0 + 4]
        series = await history.series([0, 2])
        assert (series[0].values.tolist(), len(series[2])) == ([0, 1, 2, 3, 4], 0)


async def test_what_is_pending_at_the_end_is_written(tmp_path: Path) -> None:
    plant = plant_of(["A/T0"])
    table = table_of(plant)
    async with running(plant, table, tmp_path) as history:
        await until(lambda: history.writer.state is HistoryState.writing)
        say(table, 0, 5.0, T0)
    store = SqliteStore(tmp_path / "values.sqlite")
    assert store.read(1, *ALWAYS).cells.view(np.float64).tolist() == [5.0]
    store.close()
    with pytest.raises(StoreError, match="the bridge stops"):
        await history.read(0, *ALWAYS)


async def test_a_bad_reading_has_no_value_and_is_nan_for_the_analytics(tmp_path: Path) -> None:
    plant = plant_of(["A/T0"])
    table = table_of(plant)
    async with running(plant, table, tmp_path) as history:
        say(table, 0, 1.5, T0)
        say(table, 0, 99.0, T0 + 1, Status.BadNoCommunication)
        table.mark(np.array([0], np.int32), Status.UncertainLastUsableValue, Status.BadNoCommunication)
        found = await history.read(0, *ALWAYS)
        assert found.status.tolist() == [0, Status.BadNoCommunication, Status.UncertainLastUsableValue]
        assert found.cells.view(np.float64).tolist() == [1.5, 0.0, 1.5]
        np.testing.assert_array_equal((await history.series([0]))[0].values, [1.5, np.nan, np.nan])


async def test_a_changed_plant_is_followed_without_a_gap(tmp_path: Path) -> None:
    plant = plant_of(["A/T0"])
    table = table_of(plant)
    async with running(plant, table, tmp_path) as history:
        say(table, 0, 1.0, T0)
        history.adopt(plant_of(["A/T1"]))
        say(table, 0, 2.0, T0 + 1)
        say(table, 1, 3.0, T0 + 1)
        assert len(await history.read(1, *ALWAYS)) == 1
        history.adopt(plant_of(["A/T0", "A/T1"], path=tmp_path / "other.sqlite"))
        say(table, 0, 4.0, T0 + 2)
        assert (await history.read(0, *ALWAYS)).cells.view(np.float64).tolist() == [4.0]
    store = SqliteStore(tmp_path / "values.sqlite")
    assert [store.read(tag, *ALWAYS).cells.view(np.float64).tolist() for tag in (1, 2)] == [[1.0], [3.0]]
    store.close()


async def test_changes_by_users_pass_the_writer(tmp_path: Path) -> None:
    plant = plant_of(["A/T0"])
    table = table_of(plant)
    async with running(plant, table, tmp_path) as history:
        say(table, 0, 1.0, T0)
        samples = await history.read(0, *ALWAYS)
        statuses = await history.update(0, samples, UpdateKind.insert, "eve")
        assert statuses.tolist() == [0x809F0000]
        assert await history.delete(0, T0, T0 + 1, "eve") == 1
        assert list((await history.modified(0, *ALWAYS)).users) == ["eve"]
        assert len(await history.read(0, *ALWAYS)) == 0


async def test_a_full_disk_stops_the_history_and_nothing_else_and_it_goes_on_by_itself(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk:
        plant = plant_of([f"A/T{row}" for row in range(200)], tags=200)
        table = table_of(plant)
        row_of = {tag.name: tag.row for tag in plant.tags[200:]}
        noise, number = np.random.default_rng(1), 0
        async with running(plant, table, disk.folder, capacity=2 * PIECE) as history:
            while table.python_value(row_of["State"]) != HistoryState.stopped:
                number = _commit(table, noise, number, 20)
                await asyncio.sleep(0.05)
            assert "make room" in str(table.python_value(row_of["LastError"]))
            assert len(await history.read(0, *ALWAYS)) > 0
            while history.lost < PIECE:
                number = _commit(table, noise, number, 20)
            await until(lambda: int(str(table.python_value(row_of["LostValues"]))) >= PIECE)
            disk.make_room()
            await until(lambda: table.python_value(row_of["State"]) == HistoryState.writing)
            number = _commit(table, noise, number, 1)
            found = (await history.read(0, *ALWAYS)).source_ticks
            assert found[-1] == T0 + number - 1
            assert abs(number - len(found) - history.lost / 200) <= 1
            await until(lambda: table.python_value(row_of["LastError"]) == "")


def _commit(table: TagTable, noise: np.random.Generator, number: int, times: int) -> int:
    """Values that cannot be made smaller for each of the 200 tags, so many times; returns the next number."""
    rows = np.arange(200, dtype=np.int32)
    for ticks in range(T0 + number, T0 + number + times):
        cells = noise.integers(0, 2**63, 200).astype(np.uint64)
        table.commit(Readings(rows, cells, np.zeros(200, np.uint32), np.full(200, ticks)))
    return number + times


async def test_a_database_that_is_away_is_told_and_disturbs_nobody(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    plant = plant_of(["A/T0"], postgres=PostgresSpec(host=str(tmp_path)))
    table = table_of(plant)
    async with running(plant, table, tmp_path) as history:
        await until(lambda: history.writer.state is HistoryState.stopped)
        say(table, 0, 1.0, T0)
        assert table.python_value(0) == 1.0
        with pytest.raises(StoreError, match=r"PostgreSQL .*see history: postgres in the plant file"):
            await history.read(0, *ALWAYS)


def test_a_password_that_is_not_there_is_called_so_with_its_place() -> None:
    pytest.importorskip("psycopg")
    from server.history.postgres_link import PostgresLink

    link = PostgresLink(PostgresSpec(host="db", password=Secret(env="NO_SUCH_VARIABLE")))
    wanted = r"^PostgreSQL db:5432/uatwin: .*the environment variable NO_SUCH_VARIABLE is not set$"
    with pytest.raises(StoreError, match=wanted), link.reading():
        pass


async def test_without_a_section_nothing_is_kept_and_the_state_says_off(tmp_path: Path) -> None:
    plant = replace(plant_of([]), sections={})
    table = table_of(plant)
    async with running(plant, table, tmp_path) as history:
        say(table, 0, 1.0, T0)
        await until(lambda: table.python_value(4) == HistoryState.off)
        assert not history.historized(0)
        with pytest.raises(StoreError, match="the plant file has no section history"):
            await history.read(0, *ALWAYS)
    assert os.listdir(tmp_path) == []


def test_readings_that_nobody_takes_are_dropped_oldest_first_and_counted() -> None:
    table = TagTable([int(DataType.Double)])
    intake = Intake(table, 2 * PIECE)
    intake.want(np.array([True]))
    count = 3 * PIECE + 5
    ticks = np.arange(count)
    table.commit(Readings(np.zeros(count, np.int32), np.zeros(count, np.uint64), np.zeros(count, np.uint32), ticks))
    assert intake.lost + intake.waiting == count
    assert intake.waiting <= 2 * PIECE
    pieces = intake.drain()
    assert (intake.waiting, intake.oldest_ticks) == (0, np.iinfo(np.int64).max)
    intake.put_back(pieces)
    assert intake.oldest_ticks == intake.lost
    assert sum(piece.count for piece in pieces) == count - intake.lost
    intake.close()

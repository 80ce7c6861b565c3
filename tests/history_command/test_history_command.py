"""`uatwin history`: out of the store of a plant and back into one, while its bridge runs or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from drivers.data_types import DataType, to_cells
from drivers.readings import TICKS_PER_SECOND, ticks_from_unix
from server.app import Bridge
from server.cli import app
from server.config.load import load_plant
from server.control import listening, socket_path
from server.history.sqlite_store import SqliteStore
from server.history_command.exporting import parts
from server.history_command.times import ticks_of
from server.remote import Remote
from server.services.options import UaServerOptions
from tests.simulators.bridge import at_work
from tests.simulators.histories import Value, block, values_of

PLANT = """
plant: {name: Exports}
server: {data_dir: data}
connections: {line: {driver: modbus, host: 127.0.0.1, port: 1}}
history: {except: [P/Unkept]}
twins:
  P:
    scope: asset
    connection: line
    telemetry:
      Double: {type: Double, point: {address: 0, type: float64}}
      Float: {type: Float, point: {address: 10}}
      Counter: {type: UInt64, point: {address: 20, type: uint64}}
      Small: {type: Int16, point: {address: 30}}
      Flag: {type: Boolean, point: {address: 40, table: coil}}
      Name: {type: String, point: {address: 50, type: string, length: 8}}
      Curve: {type: Double, array_length: 3, point: {address: 60, type: float64}}
      Unkept: {type: Double, point: {address: 80, type: float64}}
"""
HEAD = "tag,time,value\n"
T0 = ticks_from_unix(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
ALWAYS = (-(2**63), 2**63 - 1)
SECOND = TICKS_PER_SECOND
GIVEN: dict[str, tuple[DataType, list[object]]] = {
    "P/Double": (DataType.Double, [0.1 + 0.2, -1e300, float("inf")]),
    "P/Float": (DataType.Float, [23.7, 1e-30, 0.0]),
    "P/Counter": (DataType.UInt64, [0, 2**53 + 1, 2**64 - 1]),
    "P/Small": (DataType.Int16, [-32768, 0, 32767]),
    "P/Flag": (DataType.Boolean, [1, 0, 1]),
    "P/Name": (DataType.String, ['Grüße, "quoted"', "", "0012"]),
    "P/Curve": (DataType.Double, [np.array([1.5, 2.5, 0.1]), np.array([0.0, 1.0, 2.0]), np.zeros(3)]),
}


@pytest.fixture
def plant_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    return made(tmp_path / "first")


def made(folder: Path) -> Path:
    folder.mkdir()
    (folder / "plant.yaml").write_text(PLANT)
    return folder / "plant.yaml"


@contextmanager
def store_of(plant_file: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(plant_file.parent / "data" / "history" / "values.sqlite")
    try:
        yield store
    finally:
        store.close()


def filled(plant_file: Path) -> None:
    """Three values of each tag, a second apart, and then a Bad one."""
    with store_of(plant_file) as store:
        for path, (data_type, told) in GIVEN.items():
            tag = int(store.tag_ids([(path, int(data_type))])[0])
            in_side = path in ("P/Name", "P/Curve")
            numbers = np.zeros(3) if in_side else np.array(told, np.uint64 if path == "P/Counter" else None)
            cells = to_cells(numbers, DataType.Double if in_side else data_type).tolist()
            values = [Value(T0 + k * SECOND, cell, k << 30, T0 + k * SECOND + 7) for k, cell in enumerate(cells[:2])]
            values += [Value(T0 + 2 * SECOND, cells[2], 0, T0), Value(T0 + 3 * SECOND, 0, 0x80310000, T0)]
            store.append(block([(tag, one) for one in values], dict(enumerate(told)) if in_side else {}))


def uatwin(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["history", *map(str, arguments)])


def exported(plant_file: Path, name: str, *more: object) -> Path:
    out = plant_file.parent / name
    result = uatwin("export", plant_file, "--from", "2026-02-28", "--to", "2026-03-02", "--out", out, *more)
    assert result.exit_code == 0, result.output
    return out


@pytest.mark.parametrize(
    ("name", "read"), [("all.csv", pd.read_csv), ("all.parquet", pd.read_parquet)], ids=["csv", "parquet"]
)
def test_what_is_exported_is_read_by_pandas(plant_file: Path, name: str, read: Callable[[Path], pd.DataFrame]) -> None:
    filled(plant_file)
    table = read(exported(plant_file, name))
    assert len(table) == 4 * len(GIVEN)
    small = table[table["tag"] == "P/Small"]
    assert small["value"].tolist()[:3] == [-32768.0, 0.0, 32767.0]
    assert small["value"].isna().tolist() == [False, False, False, True]
    assert small["status"].tolist() == ["Good", "Uncertain", "Good", "BadNoCommunication"]
    times = pd.to_datetime(small["time"], utc=True)
    assert times.iloc[1] == pd.Timestamp("2026-03-01T00:00:01Z")
    assert table[table["tag"] == "P/Name"]["text"].iloc[0] == 'Grüße, "quoted"'


@pytest.mark.parametrize("name", ["all.csv", "all.parquet"])
def test_what_was_exported_can_be_filled_in_elsewhere_and_twice_is_once(plant_file: Path, name: str) -> None:
    filled(plant_file)
    out, other = exported(plant_file, name), made(plant_file.parent / "other")
    for _ in range(2):
        result = uatwin("import", out, other)
        assert (result.exit_code, f"{4 * len(GIVEN)} values" in result.output) == (0, True), result.output
    with store_of(plant_file) as first, store_of(other) as second:
        for path, (data_type, _) in GIVEN.items():
            one, two = (
                store.read(int(store.tag_ids([(path, int(data_type))])[0]), *ALWAYS) for store in (first, second)
            )
            assert values_of(one) == values_of(two), path
            assert {k: np.asarray(v).tolist() for k, v in one.side.items()} == {
                k: np.asarray(v).tolist() for k, v in two.side.items()
            }


def test_tags_and_times_choose_what_is_exported(plant_file: Path) -> None:
    filled(plant_file)
    out = plant_file.parent / "some.csv"
    span = ("--from", "2026-03-01T00:00:01Z", "--to", "2026-03-01T00:00:02Z")
    assert uatwin("export", plant_file, "--tags", "P/F*", "--tags", "P/Small", *span, "--out", out).exit_code == 0
    table = pd.read_csv(out)
    assert table["tag"].unique().tolist() == ["P/Flag", "P/Float", "P/Small"]
    assert len(table) == 6
    assert "exists already" in uatwin("export", plant_file, "--out", out).stderr
    nothing = exported(plant_file, "none.csv", "--tags", "P/Double", "--from", "2020-01-01", "--to", "2020-01-02")
    assert len(pd.read_csv(nothing)) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("export", "--out", "x.xlsx"), "what it is to be is told by its end, .csv or .parquet"),
        (("export", "--tags", "P/Smal", "--out", "x.csv"), "this history has no tag P/Smal; did you mean P/Small?"),
        (("export", "--from", "yesterday", "--out", "x.csv"), "yesterday is no time"),
    ],
)
def test_what_cannot_be_exported_is_told(plant_file: Path, arguments: tuple[str, ...], words: str) -> None:
    filled(plant_file)
    result = uatwin(arguments[0], plant_file, *arguments[1:])
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tag,time\nP/Small,2026-03-01\n", "it needs the columns tag, time, and value or text"),
        (f"{HEAD}P/Smal,2026-03-01,1\nP/Unkept,2026-03-01,1\n", "no values of P/Smal are kept; did you mean P/Small?"),
        (f"{HEAD}P/Smal,2026-03-01,1\nP/Unkept,2026-03-01,1\n", "no values of P/Unkept are kept"),
        (f"{HEAD}P/Small,2026-03-01,1\nP/Small,2026-03-01,40000\n", "line 3: P/Small: 40000 is no Int16"),
        (f"{HEAD}P/Small,soon,1\n", "line 2: time: soon is no time; write 2026-11-22T09:00:00.5Z"),
        ("tag,time,value,status\nP/Small,2026-03-01,1,Fine\n", "status Fine is no StatusCode"),
        ("tag,time,text\nP/Curve,2026-03-01,[1;2]\n", "line 2: P/Curve: [1;2] is no Double[3]"),
    ],
)
def test_a_wrong_file_changes_nothing_and_says_what_is_wrong(plant_file: Path, text: str, words: str) -> None:
    filled(plant_file)
    file = plant_file.parent / "wrong.csv"
    file.write_text(text)
    result = uatwin("import", file, plant_file)
    assert result.exit_code == 2
    assert words in result.stderr
    with store_of(plant_file) as store:
        assert store.figures().values == 4 * len(GIVEN)


def test_without_a_plant_there_must_be_one_bridge_that_runs(plant_file: Path) -> None:
    result = uatwin("export", "--out", "x.csv")
    assert (result.exit_code, "no bridge runs here; say which plant is meant" in result.stderr) == (2, True)
    missing = uatwin("export", plant_file, "--out", plant_file.parent / "x.csv")
    assert (missing.exit_code, "there is no such history" in missing.stderr) == (2, True)


async def test_a_bridge_that_runs_takes_values_in_and_gives_them_out(plant_file: Path, tmp_path: Path) -> None:
    plant = load_plant(plant_file)
    options = UaServerOptions(
        pki_dir=tmp_path / "pki", endpoint_url="opc.tcp://127.0.0.1:0", data_dir=plant_file.parent / "data"
    )
    bridge = Bridge(plant, options)
    file = tmp_path / "past.csv"
    file.write_text("tag,time,value,text\nP/Small,2026-03-01T00:00:00Z,7,\nP/Name,2026-03-01T00:00:00Z,,Otto\n")
    row = next(tag.row for tag in plant.tags if tag.path == "P/Small")
    async with at_work(bridge), listening(socket_path(plant.name), Remote(bridge, plant_file).verbs):
        result = await asyncio.to_thread(uatwin, "import", file)
        assert result.exit_code == 0, result.stderr
        assert (await bridge.history.read(row, T0, T0)).cells.tolist() == [7]
        out = tmp_path / "out.parquet"
        span = ("--from", "2026-02-28", "--to", "2026-03-02")
        result = await asyncio.to_thread(uatwin, "export", *span, "--out", out)
        assert result.exit_code == 0, result.stderr
    table = pd.read_parquet(out)
    assert dict(zip(table["tag"], table["value"].fillna(0), strict=True)) == {"P/Name": 0.0, "P/Small": 7.0}


def test_a_long_course_is_taken_in_parts_and_values_of_one_time_stay_together(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "h.sqlite")
    store.tag_ids([("A", 11)])
    store.append(block([(1, Value(T0 + k // 5, k)) for k in range(23)]))
    found = [values_of(part) for part in parts(store, 1, *ALWAYS, most=3)]
    assert [one for part in found for one in part] == values_of(store.read(1, *ALWAYS))
    assert [len({one.source for one in part}) for part in found] == [1] * 5
    store.close()


def test_times_are_local_or_with_a_zone_or_so_long_ago() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert ticks_of("2026-03-01T00:00:00Z", now) == T0
    assert ticks_of("2026-03-01T01:00:00.5+01:00", now) == T0 + SECOND // 2
    assert ticks_of("12h", now) == ticks_of("0.5 d", now) == T0
    local = datetime(2026, 3, 1).astimezone()
    assert ticks_of("2026-03-01", now) == ticks_from_unix(local.timestamp())

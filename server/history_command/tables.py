"""Values as a table of people's columns, and back: tag, time, value, text, status, server_time.

value: a number, empty where there is none. text: what is no number: text, bytes as hexadecimal digits, arrays as JSON,
and whole numbers beyond 2**53 as digits. status: the name of the StatusCode. Times are UTC with 100 ns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from drivers.data_types import CELL_VIEW, WIRE, DataType, floats, has_cell, to_cells, value_range
from drivers.readings import UNIX_EPOCH_TICKS
from drivers.status import Status
from drivers.status import name as status_name
from server.history.store import Block, Samples

COLUMNS: Final = ("tag", "time", "value", "text", "status", "server_time")
Places = npt.NDArray[np.intp]
_EXACT: Final = 2.0**53
_BAD: Final = 0x80000000
_NAMES: Final[Mapping[str, int]] = {status.name: int(status) for status in Status}


def frame_of(path: str, samples: Samples) -> pd.DataFrame:
    """The values of one tag."""
    count = len(samples)
    values = floats(samples.cells, np.full(count, samples.data_type, np.uint8))
    text = np.full(count, None, object)
    exact = np.abs(values) < _EXACT
    if samples.data_type in (DataType.Int64, DataType.UInt64, DataType.DateTime) and not exact.all():
        whole = samples.cells.view(CELL_VIEW[DataType(samples.data_type)])
        text[~exact] = [str(one) for one in whole[~exact].tolist()]
    for index, value in samples.side.items():
        text[index] = _written(value)
    values[samples.status >= _BAD] = np.nan
    if samples.side or not has_cell(DataType(samples.data_type)):
        values[:] = np.nan
    codes, inverse = np.unique(samples.status, return_inverse=True)
    names = np.array([status_name(int(code)) for code in codes], object)[inverse] if count else np.empty(0, object)
    return pd.DataFrame(
        {
            "tag": pd.Categorical.from_codes(np.zeros(count, np.int8), [path]),
            "time": _times(samples.source_ticks),
            "value": values,
            "text": text,
            "status": names,
            "server_time": _times(samples.server_ticks),
        }
    )


def _times(ticks: npt.NDArray[np.int64]) -> npt.NDArray[np.datetime64]:
    return ((ticks - UNIX_EPOCH_TICKS) * 100).view("datetime64[ns]")


def _written(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, str):
        return value
    plain = value.tolist() if isinstance(value, np.ndarray) else value
    return json.dumps(plain, default=lambda one: one.hex())


class Wrong(Exception):
    """A table that cannot be taken: the messages are for people."""


def blocks_of(frame: pd.DataFrame, types: Mapping[str, tuple[DataType, int]], numbers: Mapping[str, int]) -> Block:
    """A table as a batch. types: by path the type and the length of its array; numbers: by path what stands for the tag
    in the batch. Raises Wrong with everything that is wrong, by line of the frame's index."""
    missing = [name for name in ("tag", "time") if name not in frame.columns]
    if missing or not {"value", "text"} & set(frame.columns):
        have = ", ".join(map(str, frame.columns))
        raise Wrong(f"it needs the columns tag, time, and value or text; status and server_time may be; it has {have}")
    source = _ticks(frame, "time")
    server = _ticks(frame, "server_time") if "server_time" in frame.columns else source
    status = _statuses(frame)
    cells, side = np.zeros(len(frame), np.uint64), dict[int, object]()
    tags = frame["tag"].astype(str).to_numpy()
    tag = np.zeros(len(frame), np.int32)
    for path in pd.unique(pd.Series(tags)):
        places = np.flatnonzero(tags == path)
        tag[places] = numbers[path]
        data_type, length = types[path]
        good = places[status[places] < _BAD]
        if has_cell(data_type) and not length:
            cells[good] = _cells(frame, good, data_type, path)
        else:
            side.update(_sides(frame, good, data_type, length, path))
    return Block(tag, source, server, cells, status, side)


def _ticks(frame: pd.DataFrame, column: str) -> npt.NDArray[np.int64]:
    times = pd.to_datetime(frame[column], utc=True, format="ISO8601", errors="coerce").dt.as_unit("ns")
    wrong = np.flatnonzero(times.isna())
    if len(wrong):
        given = frame[column].iloc[wrong[0]]
        raise Wrong(f"line {frame.index[wrong[0]]}: {column}: {given} is no time; write 2026-11-22T09:00:00.5Z")
    since: npt.NDArray[np.int64] = times.astype("int64").to_numpy()
    return since // 100 + UNIX_EPOCH_TICKS


def _statuses(frame: pd.DataFrame) -> npt.NDArray[np.uint32]:
    if "status" not in frame.columns:
        return np.zeros(len(frame), np.uint32)
    codes, known = pd.factorize(frame["status"], use_na_sentinel=False)
    statuses: npt.NDArray[np.uint32] = np.array([_status(one) for one in known], np.uint32)[codes]
    return statuses


def _status(given: object) -> int:
    if given is None or given != given or given == "":
        return 0
    text = str(given)
    if text in _NAMES:
        return _NAMES[text]
    try:
        return int(text, 0)
    except ValueError:
        raise Wrong(f"status {text} is no StatusCode; write Good, Uncertain, Bad, ... or 0x80000000") from None


def _cells(frame: pd.DataFrame, places: Places, data_type: DataType, path: str) -> npt.NDArray[np.uint64]:
    values = np.full(len(places), np.nan)
    if "value" in frame.columns:
        values = pd.to_numeric(frame["value"].iloc[places], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if data_type in (DataType.Float, DataType.Double):
        return to_cells(values, data_type)
    text = frame["text"].iloc[places] if "text" in frame.columns else pd.Series(np.full(len(places), None, object))
    digits: npt.NDArray[np.bool_] = text.notna().to_numpy()
    low, high = value_range(data_type) or (0, 1 if data_type is DataType.Boolean else 2**63)
    _refuse(frame, places, ~digits & ~((values >= low) & (values <= high)), path, data_type)
    cells = np.zeros(len(places), CELL_VIEW[data_type])
    cells[~digits] = np.rint(values[~digits]).astype(cells.dtype)
    cells[digits] = [int(one) for one in text[digits]]
    return cells.view(np.uint64)


def _refuse(frame: pd.DataFrame, places: Places, wrong: npt.NDArray[np.bool_], path: str, data_type: DataType) -> None:
    if wrong.any():
        first = places[np.flatnonzero(wrong)[0]]
        given = frame["value"].iloc[first] if "value" in frame.columns else "an empty field"
        more = f" (and {int(wrong.sum()) - 1} more)" if wrong.sum() > 1 else ""
        raise Wrong(f"line {frame.index[first]}: {path}: {given} is no {data_type.name}{more}")


def _sides(frame: pd.DataFrame, places: Places, data_type: DataType, length: int, path: str) -> dict[int, object]:
    if "text" not in frame.columns:
        raise Wrong(f"{path}: the column text is missing; text, bytes and arrays stand there")
    read = _reader(data_type, length)
    side = {}
    for place, text in zip(places.tolist(), frame["text"].iloc[places], strict=True):
        try:
            side[place] = read(text if isinstance(text, str) else "")
        except (ValueError, TypeError) as error:
            kind = f"{data_type.name}[{length}]" if length else data_type.name
            raise Wrong(f"line {frame.index[place]}: {path}: {text} is no {kind} ({error})") from error
    return side


def _reader(data_type: DataType, length: int) -> Callable[[str], object]:
    one: Callable[[Any], object] = bytes.fromhex if data_type is DataType.ByteString else str
    if not length:
        return one
    if has_cell(data_type):
        return lambda text: np.array(json.loads(text), WIRE[data_type])
    return lambda text: [one(each) for each in json.loads(text)]

"""`uatwin history export`: values of tags into a file that pandas reads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import Progress

from server.config.errors import did_you_mean
from server.config.patterns import is_pattern, matching
from server.history.open_store import open_to_read
from server.history.store import HistoryStore, Samples, StoredTag, StoreError
from server.history_command.places import NoHistory, find
from server.history_command.tables import frame_of

FAILED: Final = 1
WRONG_INPUT: Final = 2
_AT_ONCE: Final = 500_000
"""Values that are in memory at a time."""
_SCHEMA: Final = pa.schema(
    [
        ("tag", pa.dictionary(pa.int32(), pa.string())),
        ("time", pa.timestamp("ns", "UTC")),
        ("value", pa.float64()),
        ("text", pa.string()),
        ("status", pa.dictionary(pa.int32(), pa.string())),
        ("server_time", pa.timestamp("ns", "UTC")),
    ]
)


class Table(Protocol):
    """A file that grows by tables of values."""

    def write(self, frame: pd.DataFrame) -> None:
        """Add rows."""
        ...

    def close(self) -> None:
        """All is written."""
        ...


def export(plant_file: Path | None, patterns: Sequence[str], start: int, end: int, out: Path, force: bool) -> int:
    """Write the values with start <= SourceTimestamp <= end (ticks), tag by tag; returns the exit code."""
    if out.suffix not in _TABLES:
        return _refuse(f"{out}: what it is to be is told by its end, {' or '.join(_TABLES)}")
    if out.exists() and not force:
        return _refuse(f"{out} exists already; choose another, or write over it with --force")
    try:
        place = find(plant_file)
        store = open_to_read(place.settings.postgres, place.file)
    except (NoHistory, StoreError) as error:
        return _refuse(str(error))
    try:
        chosen = _chosen(store.tags(), patterns)
        rows = _write(store, chosen, start, end, out)
    except NoHistory as error:
        return _refuse(str(error))
    except (StoreError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED
    finally:
        store.close()
    print(f"{out}: {rows} values of {len(chosen)} tag{'s' if len(chosen) != 1 else ''}")
    return 0


def _write(store: HistoryStore, tags: Sequence[StoredTag], start: int, end: int, out: Path) -> int:
    rows = 0
    console = Console(stderr=True)
    with _opened(out) as table, Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("tags", total=len(tags))
        for tag in tags:
            for samples in parts(store, tag.number, start, end):
                table.write(frame_of(tag.path, samples))
                rows += len(samples)
            progress.update(task, advance=1, description=f"{rows} values")
    return rows


def parts(store: HistoryStore, tag: int, start: int, end: int, most: int = _AT_ONCE) -> Iterator[Samples]:
    """The values of a tag in time order, about `most` at a time; values of one time stay together."""
    while True:
        found = store.read(tag, start, end, most)
        last = int(found.source_ticks[-1]) if len(found) else 0
        if len(found) < most:
            if len(found):
                yield found
            return
        if last > int(found.source_ticks[0]):
            yield store.read(tag, start, last - 1)
            start = last
        else:
            yield store.read(tag, last, last)
            start = last + 1


def _chosen(tags: Sequence[StoredTag], patterns: Sequence[str]) -> list[StoredTag]:
    """The tags meant, sorted by path. Raises NoHistory for a pattern that no tag fits."""
    paths = [tag.path for tag in tags]
    for pattern in patterns:
        if not matching([pattern], paths):
            near = "" if is_pattern(pattern) else did_you_mean(pattern, paths)
            raise NoHistory(f"this history has no tag {pattern}{near}; patterns are like Cooling/** or **/Load")
    wanted = set(matching(patterns, paths))
    return sorted((tag for tag in tags if tag.path in wanted), key=lambda tag: (tag.path, tag.data_type))


@contextmanager
def _opened(out: Path) -> Iterator[Table]:
    """What fails half-way leaves no file that looks whole."""
    partial = out.with_name(f".{out.name}.part")
    table = _TABLES[out.suffix](partial)
    try:
        yield table
        table.close()
        partial.replace(out)
    except BaseException:
        table.close()
        partial.unlink(missing_ok=True)
        raise


class _Csv:
    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._head = True

    def write(self, frame: pd.DataFrame) -> None:
        for name in ("time", "server_time"):
            frame[name] = frame[name].dt.strftime("%Y-%m-%dT%H:%M:%S.") + _fraction(frame[name])
        frame.to_csv(self._file, index=False, header=self._head, lineterminator="\n")
        self._head = False

    def close(self) -> None:
        if self._head and not self._file.closed:
            self._file.write(",".join(_SCHEMA.names) + "\n")
        self._file.close()


def _fraction(times: pd.Series) -> pd.Series:
    return (times.astype("int64") // 100 % 10_000_000).astype(str).str.zfill(7) + "Z"


class _Parquet:
    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, _SCHEMA, compression="zstd")

    def write(self, frame: pd.DataFrame) -> None:
        for name in ("time", "server_time"):
            frame[name] = frame[name].dt.tz_localize("UTC")
        self._writer.write_table(pa.Table.from_pandas(frame, _SCHEMA, preserve_index=False))

    def close(self) -> None:
        self._writer.close()


_TABLES: Final[Mapping[str, Callable[[Path], Table]]] = {".csv": _Csv, ".parquet": _Parquet}


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return WRONG_INPUT

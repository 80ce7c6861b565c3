"""`uatwin history import`: values from a file into the history of a plant, whether its bridge runs or not."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import Progress

from server.config.errors import did_you_mean
from server.history.back_fill import Fill, write_fill
from server.history.open_store import open_store
from server.history.store import StoreError
from server.history_command.places import NoHistory, Place, asking, find
from server.history_command.tables import Wrong, blocks_of

FAILED: Final = 1
WRONG_INPUT: Final = 2
_AT_ONCE: Final = 200_000
Taker = Callable[[Fill], None]


def import_values(file: Path, plant_file: Path | None) -> int:
    """Values go to their place in time; those that are there already are not doubled. Returns the exit code."""
    try:
        place = find(plant_file)
        _refuse_wrong(file, place)
        rows = _running(file, place) if place.running else _stopped(file, place)
    except (NoHistory, Wrong) as error:
        print(f"{file}: {error}" if isinstance(error, Wrong) else error, file=sys.stderr)
        return WRONG_INPUT
    except (StoreError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED
    print(f"{file}: {rows} values are in the history of {place.plant.name}")
    return 0


def _refuse_wrong(file: Path, place: Place) -> None:
    """Look through the whole file first, so that a wrong one changes nothing. Raises Wrong."""
    problems: dict[str, None] = {}
    for frame in _frames(file):
        try:
            _fill(frame, place)
        except Wrong as error:
            problems.update(dict.fromkeys(str(error).split("\n")))
    if problems:
        raise Wrong(f"\n{file}: ".join(problems))


def _stopped(file: Path, place: Place) -> int:
    store = open_store(place.settings.postgres, place.file)
    try:
        return _each(file, place, lambda fill: store.append(fill.block_for(store)))
    finally:
        store.close()


def _running(file: Path, place: Place) -> int:
    with tempfile.TemporaryDirectory(prefix="uatwin-import-") as folder:
        part = Path(folder) / "part"

        def hand_over(fill: Fill) -> None:
            part.write_bytes(write_fill(fill))
            asking(place.plant.name, {"do": "fill_history", "file": str(part)})

        return _each(file, place, hand_over)


def _each(file: Path, place: Place, take: Taker) -> int:
    rows = 0
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("values", total=None)
        for frame in _frames(file):
            take(_fill(frame, place))
            rows += len(frame)
            progress.update(task, description=f"{rows} values")
    return rows


def _fill(frame: pd.DataFrame, place: Place) -> Fill:
    """A part of the file as values of known tags. Raises Wrong with everything that is wrong with its tags."""
    kept = {tag.path: tag for tag in place.plant.tags if tag.path in place.settings.paths}
    if "tag" in frame.columns:
        paths = [str(path) for path in pd.unique(frame["tag"].astype(str))]
        unknown = [f"no values of {path} are kept{did_you_mean(path, kept)}" for path in paths if path not in kept]
        if unknown:
            raise Wrong("\n".join(unknown))
    else:
        paths = []
    types = {path: (kept[path].data_type, kept[path].array_length) for path in paths}
    numbers = {path: number for number, path in enumerate(paths)}
    block = blocks_of(frame, types, numbers)
    return Fill([(path, int(kept[path].data_type)) for path in paths], block)


def _frames(file: Path) -> Iterator[pd.DataFrame]:
    """Parts of the file; the index counts its lines. Raises Wrong for a file that cannot be read."""
    try:
        if file.suffix == ".parquet":
            yield from _parquet_frames(file)
        elif file.suffix == ".csv":
            for frame in pd.read_csv(file, chunksize=_AT_ONCE, dtype={"tag": str, "text": str, "status": str}):
                frame.index += 2  # the first line has the names
                yield frame
        else:
            raise Wrong("what it is must be told by its end, .csv or .parquet")
    except FileNotFoundError:
        raise Wrong("there is no such file") from None
    except (ValueError, OSError, pa.ArrowException) as error:
        raise Wrong(f"it cannot be read: {error}") from error


def _parquet_frames(file: Path) -> Iterator[pd.DataFrame]:
    row = 1
    with pq.ParquetFile(file) as table:
        for batch in table.iter_batches(_AT_ONCE):
            frame = batch.to_pandas()
            frame.index = pd.RangeIndex(row, row + len(frame))
            row += len(frame)
            yield frame

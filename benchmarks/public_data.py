"""Public industrial data that some benchmarks and tests rest on; it is no part of the repository."""

from __future__ import annotations

import csv
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.series import Series
from benchmarks.processes import ROOT

_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)


def folder(name: str) -> Path | None:
    """The folder of a data set, below $UATWIN_DATA or `../shared/data` beside the checkout; None where it is not."""
    place = Path(os.environ.get("UATWIN_DATA") or ROOT.parent / "shared" / "data") / name
    return place if place.is_dir() else None


def absent(name: str) -> str:
    """What to tell who has not got it."""
    return f"no folder {name} below $UATWIN_DATA or {ROOT.parent / 'shared' / 'data'}"


def table(file: Path, delimiter: str) -> tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[np.float64]]]:
    """A CSV file whose first column is a time: ticks (UTC), and the other columns by name."""
    with file.open(newline="", encoding="utf-8") as text:
        names, *lines = csv.reader(text, delimiter=delimiter)
    ticks = np.array([ticks_of(line[0]) for line in lines], np.int64)
    values = np.array([line[1:] for line in lines], np.float64)
    return ticks, {name: values[:, column] for column, name in enumerate(names[1:])}


def ticks_of(text: str) -> int:
    """An ISO time, taken as UTC, in ticks."""
    since = datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 10_000_000 + since.microseconds * 10


def series(ticks: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> Series:
    """A signal that was always Good."""
    return Series(ticks, values, np.zeros(len(ticks), np.uint32))

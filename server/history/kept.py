"""Which rows of the table have a history, and under which names a store knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from server.config.history import HistorySettings, is_number
from server.config.plant import Plant

FILE_NAME: Final = "values.sqlite"


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """file: of the embedded store. wanted: bool per row of the table; on_change: of them the numeric commands, of
    which only changes are kept. rows: int32, those that are wanted; names: their path and built-in type."""

    settings: HistorySettings | None
    file: Path
    wanted: npt.NDArray[np.bool_]
    on_change: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int32]
    names: Sequence[tuple[str, int]]


def kept_of(plant: Plant, folder: Path) -> Kept:
    """Of a plant, resolved or renumbered. folder: where the embedded store lies when the plant file names no path."""
    settings: HistorySettings | None = plant.sections.get("history")
    paths = settings.paths if settings is not None else frozenset[str]()
    tags = [tag for tag in plant.tags if tag.path in paths]
    rows = np.array([tag.row for tag in tags], np.int32)
    wanted = np.zeros(len(plant.tags), np.bool_)
    wanted[rows] = True
    on_change = np.zeros(len(plant.tags), np.bool_)
    on_change[[tag.row for tag in tags if tag.command is not None and is_number(tag)]] = True
    file = settings.path if settings is not None and settings.path is not None else folder / FILE_NAME
    return Kept(settings, file, wanted, on_change, rows, [(tag.path, int(tag.data_type)) for tag in tags])

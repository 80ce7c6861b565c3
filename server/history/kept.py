"""Which rows of the table have a history, and under which names a store knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from server.config.history import HistorySettings
from server.config.plant import Plant


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """wanted: bool per row of the table. rows: int32, those that are wanted; names: their path and built-in type."""

    settings: HistorySettings | None
    plant_name: str
    wanted: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int32]
    names: Sequence[tuple[str, int]]


def kept_of(plant: Plant) -> Kept:
    """Of a plant, resolved or renumbered: a row whose tag is gone is not wanted, for nothing comes to it any more."""
    settings: HistorySettings | None = plant.sections.get("history")
    paths = settings.paths if settings is not None else frozenset[str]()
    tags = [tag for tag in plant.tags if tag.path in paths]
    rows = np.array([tag.row for tag in tags], np.int32)
    wanted = np.zeros(len(plant.tags), np.bool_)
    wanted[rows] = True
    return Kept(settings, plant.name, wanted, rows, [(tag.path, int(tag.data_type)) for tag in tags])

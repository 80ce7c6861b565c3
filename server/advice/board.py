"""Shows how the optimisation of each twin stands in the Variables under its Analytics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from drivers.data_types import DataType, has_cell, to_cells
from drivers.readings import Readings, now_ticks
from drivers.status import Status
from server.advice.modes import Modes
from server.advice.proposals import ProposalBook
from server.advice.saving import Savings
from server.config.optimization import Mode
from server.config.optimization_tags import (
    ENERGY_SAVED,
    ENERGY_SAVED_HIGH,
    ENERGY_SAVED_LOW,
    LAST_PROPOSAL,
    MODE,
    MODE_REASON,
    POWER_SAVED,
)
from server.config.plant import Tag
from server.tags.table import TagTable

_MODES: Final = tuple(Mode)
_NAMES: Final = frozenset(
    (MODE, MODE_REASON, LAST_PROPOSAL, POWER_SAVED, ENERGY_SAVED, ENERGY_SAVED_LOW, ENERGY_SAVED_HIGH)
)
Shown = tuple[Any, int]
"""A value and its StatusCode."""


class Board:
    """PowerSaved is Good while it is known; BadDataUnavailable while it cannot be known (GetOptimization says why);
    BadNotConnected where no proposal was ever applied, as the energies are then."""

    def __init__(self, table: TagTable, book: ProposalBook, modes: Modes, savings: Savings) -> None:
        self._table = table
        self._book = book
        self._modes = modes
        self._savings = savings
        for part in (book, modes, savings):
            part.on_change(self.show)

    def show_all(self) -> None:
        """Of every twin."""
        for path in self._modes.twins:
            self.show(path)

    def show(self, path: str) -> None:
        """Of one twin."""
        twin = self._modes.twins.get(path)
        tags = [tag for tag in twin.analytics if tag.name in _NAMES] if twin is not None else []
        tags = [tag for tag in tags if tag.row < len(self._table)]
        if tags:
            shown = self._values(path)
            self._table.commit(_readings(tags, [shown[tag.name] for tag in tags]))

    def _values(self, path: str) -> Mapping[str, Shown]:
        counted, proposals = self._savings.of(path), self._book.of(path)
        values: dict[str, Shown] = {
            MODE: (_MODES.index(self._modes.of(path).mode), Status.Good),
            MODE_REASON: (self._modes.words(path), Status.Good),
            LAST_PROPOSAL: (proposals[-1].id if proposals else "", Status.Good),
        }
        if counted is None:
            nothing = (0.0, Status.BadNotConnected)
            return values | dict.fromkeys((POWER_SAVED, ENERGY_SAVED, ENERGY_SAVED_LOW, ENERGY_SAVED_HIGH), nothing)
        now = Status.BadDataUnavailable if self._savings.why_not(path) else Status.Good
        return values | {
            POWER_SAVED: (counted.kw, now),
            ENERGY_SAVED: (counted.kwh, Status.Good),
            ENERGY_SAVED_LOW: (counted.low, Status.Good),
            ENERGY_SAVED_HIGH: (counted.high, Status.Good),
        }


def _readings(tags: list[Tag], shown: list[Shown]) -> Readings:
    cells = [_cell(value, tag.data_type) for tag, (value, _) in zip(tags, shown, strict=True)]
    side = {at: value for at, (value, _) in enumerate(shown) if not has_cell(tags[at].data_type)}
    return Readings(
        np.array([tag.row for tag in tags], np.int32),
        np.array(cells, np.uint64),
        np.array([status for _, status in shown], np.uint32),
        np.full(len(tags), now_ticks(), np.int64),
        side,
    )


def _cell(value: Any, data_type: DataType) -> int:
    return int(to_cells([value], data_type)[0]) if has_cell(data_type) else 0

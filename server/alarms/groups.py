"""Sorts alarm definitions into groups that are measured together, and lays out their channels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.readings import TICKS_PER_SECOND
from server.alarms.definitions import AlarmDefinition, Kind, Level, OnBad
from server.alarms.measures import (
    Deviations,
    Expressions,
    Group,
    Indices,
    Qualities,
    QualityFlags,
    Rates,
    Silences,
    States,
)
from server.alarms.timers import Settings
from server.config.expressions import Expression
from server.config.rule_spec import QUALITIES

ABOVE: Final = (Level.high, Level.high_high, Level.active)
_HALF: Final = 0.5
"""The limit of what is 0 or 1."""
Numbered = Sequence[tuple[int, AlarmDefinition]]
RowOf = Callable[[str], int]
"""From the path of a tag to its row, -1 where there is none."""


def quality_mask(names: Sequence[str]) -> int:
    """The flags of data-quality problems by name."""
    return sum(1 << QUALITIES.index(name) for name in names)


def groups_of(numbered: Numbered, row_of: RowOf, qualities: Qualities | None) -> list[Group]:
    """The groups of alarms that can be evaluated: those whose tags there are. numbered: by the alarms' indices."""
    sorted_out: dict[tuple[Kind, Hashable], list[tuple[int, AlarmDefinition, list[int]]]] = defaultdict(list)
    for index, definition in numbered:
        rows = [row_of(path) for path in _inputs(definition)]
        if rows and min(rows) >= 0 and not (definition.kind is Kind.quality and qualities is None):
            shape = (definition.expression, tuple(definition.inputs))
            sorted_out[definition.kind, shape].append((index, definition, rows))
    return [
        _group(kind, np.array([one[0] for one in some], np.intp), [one[1] for one in some], _rows(some), qualities)
        for (kind, _), some in sorted_out.items()
    ]


def _inputs(definition: AlarmDefinition) -> list[str]:
    if definition.kind is Kind.expression:
        return list(definition.inputs.values())
    return [path for path in (definition.input_path, definition.setpoint_path) if path]


def _rows(some: list[tuple[int, AlarmDefinition, list[int]]]) -> npt.NDArray[np.int32]:
    return np.array([rows for _, _, rows in some], np.int32)


def _group(
    kind: Kind, alarms: Indices, some: list[AlarmDefinition], rows: npt.NDArray[np.int32], qualities: Qualities | None
) -> Group:
    if kind is Kind.deviation:
        return Deviations(alarms, rows)
    if kind is Kind.rate_of_change:
        return Rates(alarms, rows, np.array([one.window_s for one in some]))
    if kind is Kind.no_signal:
        return Silences(alarms, rows, np.array([one.no_signal_s for one in some]))
    if kind is Kind.expression:
        return Expressions(alarms, rows, Expression(some[0].expression))
    if kind is Kind.quality and qualities is not None:
        return QualityFlags(alarms, rows, [quality_mask(one.qualities) for one in some], qualities)
    if kind is Kind.state:
        values = [one.normal if one.abnormal is None else one.abnormal for one in some]
        return States(alarms, rows, np.array(values, np.float64), [one.abnormal is None for one in some])
    return Group(alarms, rows)


def channels_of(numbered: Numbered) -> Settings:
    """A channel for each limit of each alarm; one for alarms that have none."""
    parts = [
        (index, int(level), 1.0 if level in ABOVE else -1.0, limit, one.deadband if one.limits else 0.0, one)
        for index, one in numbered
        for level, limit in _limits(one).items()
    ]
    sign = np.array([part[2] for part in parts], np.float64)
    return Settings(
        np.array([part[0] for part in parts], np.intp),
        np.array([part[1] for part in parts], np.uint8),
        sign,
        np.array([part[3] for part in parts], np.float64) * sign,
        np.array([part[4] for part in parts], np.float64),
        _ticks([part[5].on_delay_s for part in parts]),
        _ticks([part[5].off_delay_s for part in parts]),
        np.array([part[5].on_bad is OnBad.reset for part in parts], np.bool_),
    )


def _limits(definition: AlarmDefinition) -> Mapping[Level, float]:
    return definition.limits or {Level.active: _HALF}


def _ticks(seconds: Sequence[float]) -> npt.NDArray[np.int64]:
    return np.round(np.array(seconds, np.float64) * TICKS_PER_SECOND).astype(np.int64)

"""Many numbers of one message at once: picked, checked and scaled as an array instead of one by one. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, itemgetter
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from drivers.batch import Column
from drivers.data_types import DataType, to_cells, value_range
from drivers.json_path import MISSING, Steps, resolve
from drivers.mqtt.presence import Presence
from drivers.payload import SENML, Extractor
from drivers.payload_fields import Unusable

_LEAST: Final = 8
"""Below this many, an array costs more than it saves."""
_EXACT: Final = frozenset(
    {
        *(DataType.Float, DataType.Double),
        *(DataType.SByte, DataType.Byte, DataType.Int16, DataType.UInt16, DataType.Int32, DataType.UInt32),
    }
)
"""Types whose every value a float64 holds exactly."""
_WHOLE: Final = _EXACT - {DataType.Float, DataType.Double}
_NUMBERS: Final = frozenset({float, int})
_SHARED: Final = attrgetter("timestamp", "timestamp_unit", "quality", "quality_code")

Member = tuple[int, Extractor, Column, Presence | None]
"""row, how it is read, where its readings go, who says whether its device is there."""


class Wide:
    """Tags that read single numbers of one message and share its timestamp, quality and availability.

    It takes a message whole or not at all: anything but finite numbers within the types' ranges is left to the way of
    single tags, which knows what to say about each.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        by_parent: dict[Steps, list[Member]] = {}
        for member in members:
            by_parent.setdefault(member[1].steps[:-1], []).append(member)
        ordered = [member for siblings in by_parent.values() for member in siblings]
        ordered_types = [member[1].data_type for member in ordered]
        self.rows = [member[0] for member in ordered]
        self._pickers: list[tuple[Steps, Callable[[Any], Any]]] = [
            (parent, _picker([member[1].steps[-1] for member in siblings])) for parent, siblings in by_parent.items()
        ]
        self._fields = ordered[0][1]
        self._presence = ordered[0][3]
        self._scale = np.array([member[1].scale for member in ordered])
        self._offset = np.array([member[1].offset for member in ordered])
        self._plain = bool(np.all(self._scale == 1) and np.all(self._offset == 0))
        limits = np.array([value_range(kind) for kind in ordered_types], float)
        self._low, self._high = limits[:, 0], limits[:, 1]
        self._whole = np.array([kind in _WHOLE for kind in ordered_types])
        self._unscaled = self._whole & (self._scale == 1) & (self._offset == 0)
        self._any_unscaled = bool(self._unscaled.any())
        self._columns = [self._part(kind, ordered) for kind in dict.fromkeys(ordered_types)]

    @classmethod
    def of(cls, members: Sequence[Member]) -> Self | None:
        """The largest group that can go together; None where it would not pay."""
        groups: dict[object, list[Member]] = {}
        for member in members:
            fields = member[1]
            if fields.data_type in _EXACT and not fields.array_length and fields.steps and fields.format not in SENML:
                groups.setdefault((_SHARED(fields), member[3]), []).append(member)
        largest = max(groups.values(), key=len, default=[])
        return cls(largest) if len(largest) >= _LEAST else None

    def take(self, parsed: object, now: int) -> bool:
        """One parsed message that arrived now (OPC UA ticks); False where it must go the other way."""
        if self._presence is not None and self._presence.offline:
            return False
        try:
            raw = self._pick(parsed)
            if not _NUMBERS.issuperset(map(type, raw)):
                return False
            ticks, status = self._fields.stamp(parsed, now)
            values = np.array(raw, float)
        except (KeyError, IndexError, TypeError, OverflowError, Unusable):
            return False
        if status & 0x80000000 or not self._fits(values):
            return False
        if not self._plain:
            values = values * self._scale + self._offset
            np.rint(values, out=values, where=self._whole)
        if not np.all((values >= self._low) & (values <= self._high)):
            return False
        for kind, index, rows, good, column in self._columns:
            part = values if len(self._columns) == 1 else values[index]
            column.add_block(rows, to_cells(part, kind), good if status == 0 else good + np.uint32(status), ticks)
        return True

    def _pick(self, parsed: object) -> list[object]:
        picked: list[object] = []
        for parent, picker in self._pickers:
            node = resolve(parent, parsed)
            if node is MISSING or isinstance(node, (str, bytes)):
                raise KeyError(parent)
            picked += picker(node)
        return picked

    def _fits(self, raw: npt.NDArray[np.float64]) -> bool:
        """Whether what is to be a whole number without scaling is one."""
        return not self._any_unscaled or bool(np.all(np.rint(raw) == raw, where=self._unscaled))

    @staticmethod
    def _part(
        kind: DataType, ordered: Sequence[Member]
    ) -> tuple[DataType, npt.NDArray[np.intp], npt.NDArray[np.int32], npt.NDArray[np.uint32], Column]:
        index = [at for at, member in enumerate(ordered) if member[1].data_type is kind]
        rows = np.array([ordered[at][0] for at in index], np.int32)
        return kind, np.array(index), rows, np.zeros(len(rows), np.uint32), ordered[index[0]][2]


def _picker(steps: Sequence[str | int]) -> Callable[[Any], Any]:
    """One C call that gets all members or elements of a node, as a tuple."""
    if len(steps) == 1:
        step = steps[0]
        return lambda node: (node[step],)
    return itemgetter(*steps)

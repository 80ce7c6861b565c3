"""Where the tags of a connection lie, by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.driver import Binding
from drivers.modbus.address import TABLES, locate
from drivers.modbus.layout import Definition, Layout, layout_of
from drivers.modbus.settings import ModbusConnection, ModbusPoint, Table


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Where n tags lie, by column: row int32, unit, table (index in TABLES), start and size int64, rate_s float64;
    factor: int64, where the register with the power of ten is, -1 for none; alone: bool, read in a request of its own.
    """

    row: npt.NDArray[np.int32]
    unit: npt.NDArray[np.int64]
    table: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    rate_s: npt.NDArray[np.float64]
    factor: npt.NDArray[np.int64]
    alone: npt.NDArray[np.bool_]
    layouts: Sequence[Layout]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def end(self) -> npt.NDArray[np.int64]:
        """One past the last register or bit of each."""
        return self.start + self.size

    @staticmethod
    def of(connection: ModbusConnection, bindings: Sequence[Binding]) -> Targets:
        """The columns of bindings that have no problems (`check`)."""
        points = [item.point for item in bindings]
        places = [locate(connection.addresses, point.table, point.address) for point in points]
        layouts = [
            layout_of(Definition.of(item, table, connection)) for item, (table, _) in zip(bindings, places, strict=True)
        ]
        return Targets(
            np.array([item.row for item in bindings], np.int32),
            np.array([connection.unit if point.unit is None else point.unit for point in points], np.int64),
            np.array([TABLES.index(table) for table, _ in places], np.int64),
            np.array([start for _, start in places], np.int64),
            np.array([layout.size for layout in layouts], np.int64),
            np.array([item.rate_s for item in bindings], np.float64),
            np.array(
                [_factor(connection, table, point) for point, (table, _) in zip(points, places, strict=True)], np.int64
            ),
            np.array([point.read_alone for point in points], np.bool_),
            layouts,
        )

    def at(self, chosen: npt.NDArray[np.intp]) -> Targets:
        """Some of them."""
        return Targets(
            self.row[chosen],
            self.unit[chosen],
            self.table[chosen],
            self.start[chosen],
            self.size[chosen],
            self.rate_s[chosen],
            self.factor[chosen],
            self.alone[chosen],
            [self.layouts[index] for index in chosen],
        )


def _factor(connection: ModbusConnection, table: Table, point: ModbusPoint) -> int:
    if point.scale_from is None:
        return -1
    return locate(connection.addresses, table, point.scale_from)[1]

"""Between stored values and the numbers that aggregates work on: cells to series, and results back to cells."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.series import Series
from drivers.data_types import DataType, floats, to_cells, value_range
from server.history.store import Samples

NUMERIC: Final = frozenset(range(DataType.Boolean, DataType.Double + 1))
"""Built-in types that can be calculated with; a Boolean as 0 and 1 (Part 13, 4.2.2)."""


def series_of(samples: Samples) -> Series:
    """The values as numbers, NaN where they are none."""
    values = floats(samples.cells, np.full(len(samples), samples.data_type, np.uint8))
    values[(samples.status >= np.uint32(0x8000_0000)) | (samples.data_type not in NUMERIC)] = np.nan
    return Series(samples.source_ticks, values, samples.status)


def cells_of(values: npt.NDArray[np.float64], data_type: DataType) -> npt.NDArray[np.uint64]:
    """Numbers as cells of a numeric type, whole ones rounded to the nearest; NaN, which stands for null, as 0.

    Raises OverflowError when one does not fit the type.
    """
    known = np.where(np.isnan(values), 0.0, values)
    if data_type is DataType.Boolean:
        return to_cells(np.rint(np.clip(known, 0, 1)).astype("<u8"), data_type)
    if data_type in (DataType.Float, DataType.Double):
        return to_cells(known, data_type)
    limits = value_range(data_type)
    assert limits is not None
    whole = np.rint(known)
    if (whole < limits[0]).any() or (whole > limits[1]).any():
        raise OverflowError(f"a result does not fit {data_type.name}")
    largest = np.nextafter(float(2**63 if limits[0] < 0 else 2**64), 0)
    return to_cells(np.minimum(whole, largest).astype("<i8" if limits[0] < 0 else "<u8"), data_type)

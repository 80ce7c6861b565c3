"""Brings numbers of any type into a tag's data type, as columns, and says which do not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from drivers.data_types import WIRE, DataType, value_range

Numbers = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


def fit(values: Numbers, data_type: DataType) -> tuple[Numbers, Mask | None]:
    """The values in the type's wire dtype, and which of them it can hold (None: all can). Those that it cannot are 0.

    Fractions are rounded to the nearest whole number (a half to the even one); NaN fits Float and Double only.
    """
    wire = WIRE[data_type]
    if data_type is DataType.Boolean:
        return _to_boolean(values)
    if wire.kind == "f":
        return _to_float(values, wire)
    if values.dtype.kind == "f":
        return _float_to_whole(values, data_type)
    return _whole_to_whole(values, data_type)


def _to_boolean(values: Numbers) -> tuple[Numbers, Mask | None]:
    holds = ~np.isnan(values) if values.dtype.kind == "f" else None
    return (values != 0).astype("u1"), holds


def _to_float(values: Numbers, wire: np.dtype[Any]) -> tuple[Numbers, Mask | None]:
    if values.dtype == wire:
        return values, None
    result = values.astype(wire)
    if values.dtype.kind != "f" or values.dtype.itemsize < wire.itemsize:
        return result, None
    holds = np.isfinite(result) | ~np.isfinite(values)
    return _zero_where_not(result, holds), holds


def _float_to_whole(values: Numbers, data_type: DataType) -> tuple[Numbers, Mask]:
    lowest, highest = _limits(data_type)
    whole = np.rint(values.astype("f8"))
    holds: Mask = (whole >= float(lowest)) & (whole < float(highest + 1))  # exact: both are powers of two, or 0
    return _zero_where_not(whole, holds).astype(WIRE[data_type]), holds


def _whole_to_whole(values: Numbers, data_type: DataType) -> tuple[Numbers, Mask | None]:
    wire = WIRE[data_type]
    if np.can_cast(values.dtype, wire):
        return values.astype(wire), None
    lowest, highest = _limits(data_type)
    holds: Mask = (values >= lowest) & (values <= highest)
    return _zero_where_not(values, holds).astype(wire), holds


def _limits(data_type: DataType) -> tuple[int, int]:
    limits = value_range(data_type)
    if limits is None:
        raise TypeError(f"{data_type.name} is not a number")
    return int(limits[0]), int(limits[1])


def _zero_where_not(values: Numbers, holds: Mask) -> Numbers:
    return np.where(holds, values, values.dtype.type(0))

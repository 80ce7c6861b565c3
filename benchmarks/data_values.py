"""Looks at encoded DataValues by column: many Good Doubles at once, whatever timestamps come with them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

_VALUE, _STATUS, _SOURCE, _SERVER = 1, 2, 4, 8
_DOUBLE = 11


@cache
def _layout(mask: int, before: tuple[str, str] | None) -> np.dtype[np.void]:
    fields = [before] if before else []
    fields += [("mask", "u1"), ("type", "u1"), ("value", "<f8")]
    fields += [(name, kind) for bit, name, kind in (
        (_STATUS, "status", "<u4"), (_SOURCE, "source", "<i8"), (_SERVER, "server", "<i8"),
    ) if mask & bit]  # fmt: skip
    return np.dtype(fields)


def as_records(
    data: bytes | memoryview, count: int, before: tuple[str, str] | None = None
) -> npt.NDArray[np.void] | None:
    """Records with `value` and what else there is, or None unless all are Good Doubles of one layout that fill `data`.

    before: a field that precedes each DataValue.
    """
    offset = np.dtype(before[1]).itemsize if before else 0
    mask = data[offset]
    if not mask & _VALUE or mask & ~(_VALUE | _STATUS | _SOURCE | _SERVER):
        return None
    layout = _layout(mask, before)
    if layout.itemsize * count != len(data):
        return None
    records: npt.NDArray[Any] = np.frombuffer(data, layout, count)
    same = (records["mask"] == mask).all() and (records["type"] == _DOUBLE).all()
    good = not mask & _STATUS or not records["status"].any()
    return records if same and good else None

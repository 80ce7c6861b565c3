"""Encodes historical values as the DataValues of HistoryData, by column where they fit cells."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.ua.ua_binary import variant_to_binary

from drivers.data_types import DataType, has_cell
from drivers.status import is_bad
from server.address_space.values import array_variant, cell_variant
from server.history.store import Samples
from server.services import index_range
from server.services.data_values import SERVER, SOURCE, STATUS, VALUE, Columns
from server.services.history_pages import extension_object

LONGEST: Final = 30
"""Bytes of the longest DataValue with a scalar of 8 bytes."""


def empty(data_type: int) -> Samples:
    """No values."""
    none = np.zeros(0, np.int64)
    return Samples(data_type, none, none, np.zeros(0, np.uint64), np.zeros(0, np.uint32))


def missing(data_type: int, ticks: int, status: int) -> Samples:
    """One value that there is not, and why."""
    at = np.array([ticks], np.int64)
    return Samples(data_type, at, at, np.zeros(1, np.uint64), np.array([status], np.uint32))


def join(parts: Sequence[Samples], data_type: int) -> Samples:
    """One after the other."""
    filled = [part for part in parts if len(part)]
    if len(filled) == 1:
        return filled[0]
    side: dict[int, object] = {}
    place = 0
    for part in filled:
        side |= {place + index: value for index, value in part.side.items()}
        place += len(part)
    if not filled:
        return empty(data_type)
    return Samples(
        data_type,
        np.concatenate([part.source_ticks for part in filled]),
        np.concatenate([part.server_ticks for part in filled]),
        np.concatenate([part.cells for part in filled]),
        np.concatenate([part.status for part in filled]),
        side,
    )


def cut(samples: Samples, first: int, last: int) -> Samples:
    """Those from first up to last, last not included."""
    if first == 0 and last >= len(samples):
        return samples
    side = {index - first: value for index, value in samples.side.items() if first <= index < last}
    return _taken(samples, slice(first, last), side)


def pick(samples: Samples, places: npt.NDArray[np.intp]) -> Samples:
    """Those at these places, in this order."""
    old = enumerate(places.tolist() if samples.side else ())
    return _taken(samples, places, {new: samples.side[place] for new, place in old if place in samples.side})


def _taken(samples: Samples, which: slice | npt.NDArray[np.intp], side: dict[int, object]) -> Samples:
    return Samples(
        samples.data_type,
        samples.source_ticks[which],
        samples.server_ticks[which],
        samples.cells[which],
        samples.status[which],
        side,
    )


def by_cell(samples: Samples) -> bool:
    """Whether every value lies in its cell."""
    return not samples.side and has_cell(DataType(samples.data_type))


def data_values(samples: Samples, stamps: int, room: int, wanted: str | None = None) -> tuple[bytes, int]:
    """The encoded DataValues one after the other, as many as there is room for but at least one, and their number.
    stamps: SOURCE, SERVER or both; wanted: an IndexRange."""
    if by_cell(samples):
        samples = cut(samples, 0, max(1, room // LONGEST))
        return columns(samples, stamps).encode(keep_order=True), len(samples)
    out: list[bytes] = []
    for index in range(len(samples)):
        encoded = _one(samples, index, stamps, wanted)
        room -= len(encoded)
        if room < 0 and out:
            break
        out.append(encoded)
    return b"".join(out), len(out)


def columns(samples: Samples, stamps: int) -> Columns:
    """Values that lie in their cells, ready to be encoded."""
    count = len(samples)
    asked = np.full(count, stamps, np.uint8)
    if stamps & SERVER:
        asked[samples.server_ticks == 0] &= np.uint8(0xFF ^ SERVER)
    kinds = np.full(count, samples.data_type, np.uint8)
    return Columns(None, kinds, asked, samples.cells, samples.status, samples.source_ticks, samples.server_ticks)


def history_data(values: bytes, count: int) -> bytes:
    """HistoryData with so many encoded DataValues."""
    body = struct.pack("<i", count) + values
    return extension_object(ua.ObjectIds.HistoryData_Encoding_DefaultBinary, body)


def value_at(samples: Samples, index: int) -> ua.Variant:
    """One value; null for a Bad one."""
    if is_bad(int(samples.status[index])):
        return ua.Variant()
    data_type = DataType(samples.data_type)
    value = samples.side.get(index)
    if value is None:
        cell = samples.cells[index : index + 1]
        return cell_variant(cell, data_type) if has_cell(data_type) else ua.Variant()
    if isinstance(value, str | bytes):
        return ua.Variant(value, ua.VariantType(samples.data_type))
    return array_variant(value, data_type)


def _one(samples: Samples, index: int, stamps: int, wanted: str | None) -> bytes:
    value, status = value_at(samples, index), int(samples.status[index])
    if wanted and value.Value is not None:
        try:
            value = index_range.cut(value, wanted)
        except ServiceError as error:
            value, status = ua.Variant(), error.code
    source, server = int(samples.source_ticks[index]), int(samples.server_ticks[index])
    fields = (
        (VALUE, value.Value is not None, variant_to_binary(value)),
        (STATUS, status != 0, struct.pack("<I", status)),
        (SOURCE, bool(stamps & SOURCE and source), struct.pack("<q", source)),
        (SERVER, bool(stamps & SERVER and server), struct.pack("<q", server)),
    )
    present = [(bit, encoded) for bit, is_there, encoded in fields if is_there]
    return bytes([sum(bit for bit, _ in present)]) + b"".join(encoded for _, encoded in present)

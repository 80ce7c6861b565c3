"""Encodes data change notifications by column: numpy records per wire layout, written out with tobytes()."""

from __future__ import annotations

import struct
from functools import cache

import numpy as np
import numpy.typing as npt

from drivers.data_types import CELL_VIEW, WIRE, DataType

VALUE, STATUS, SOURCE, SERVER = 1, 2, 4, 8
"""Bits of a DataValue's encoding mask (Part 6, 5.2.2.17)."""

LARGEST = 34
"""Bytes of the longest notification by column: a handle and a value of 8 bytes with status and both timestamps."""

_BAD = np.uint32(0x80000000)


@cache
def layout(mask: int, data_type: int) -> np.dtype[np.void]:
    """One MonitoredItemNotification (Part 4, 7.25.2) with a scalar: ClientHandle and DataValue, packed."""
    fields: list[tuple[str, object]] = [("handle", "<u4"), ("mask", "u1")]
    if mask & VALUE:
        fields += [("type", "u1"), ("value", WIRE[DataType(data_type)])]
    if mask & STATUS:
        fields.append(("status", "<u4"))
    if mask & SOURCE:
        fields.append(("source", "<i8"))
    if mask & SERVER:
        fields.append(("server", "<i8"))
    return np.dtype(fields)


def _records(mask: int, data_type: int, columns: Columns) -> npt.NDArray[np.void]:
    out = np.empty(len(columns.handle), layout(mask, data_type))
    out["handle"] = columns.handle
    out["mask"] = mask
    if mask & VALUE:
        out["type"] = data_type
        out["value"] = columns.cell.view(CELL_VIEW[DataType(data_type)])
    if mask & STATUS:
        out["status"] = columns.status
    if mask & SOURCE:
        out["source"] = columns.source
    if mask & SERVER:
        out["server"] = columns.server
    return out


class Columns:
    """n notifications as columns: handle uint32, data_type uint8, stamps uint8 (SOURCE and SERVER bits as asked for),
    cell uint64, status uint32, source and server int64 ticks."""

    __slots__ = ("cell", "data_type", "handle", "server", "source", "stamps", "status")

    def __init__(
        self,
        handle: npt.NDArray[np.uint32],
        data_type: npt.NDArray[np.uint8],
        stamps: npt.NDArray[np.uint8],
        cell: npt.NDArray[np.uint64],
        status: npt.NDArray[np.uint32],
        source: npt.NDArray[np.int64],
        server: npt.NDArray[np.int64],
    ) -> None:
        self.handle, self.data_type, self.stamps = handle, data_type, stamps
        self.cell, self.status, self.source, self.server = cell, status, source, server

    def take(self, index: npt.NDArray[np.intp]) -> Columns:
        """The notifications at these places."""
        return Columns(*(getattr(self, name)[index] for name in _ORDER))

    def encode(self, keep_order: bool) -> bytes:
        """The notifications on the wire. A Bad value goes out as null (Part 4, 7.11). keep_order: one item may occur
        twice, so the order matters; otherwise notifications of one layout stand together."""
        if not len(self.handle):
            return b""
        keys = self._layout_keys()
        first = int(keys[0])
        if (keys == first).all():
            return _records(first >> 8, first & 0xFF, self).tobytes()
        groups = [(int(key), np.flatnonzero(keys == key)) for key in np.unique(keys)]
        if not keep_order:
            return b"".join(_records(key >> 8, key & 0xFF, self.take(index)).tobytes() for key, index in groups)
        return self._interleaved(keys, groups)

    def _layout_keys(self) -> npt.NDArray[np.uint16]:
        bad = self.status >= _BAD
        mask = self.stamps | np.where(bad, np.uint8(0), np.uint8(VALUE))
        mask |= np.where(self.status != 0, np.uint8(STATUS), np.uint8(0))
        return (mask.astype(np.uint16) << np.uint16(8)) | np.where(bad, np.uint8(0), self.data_type)

    def _interleaved(self, keys: npt.NDArray[np.uint16], groups: list[tuple[int, npt.NDArray[np.intp]]]) -> bytes:
        size = np.zeros(len(keys), np.int64)
        for key, index in groups:
            size[index] = layout(key >> 8, key & 0xFF).itemsize
        end = np.cumsum(size)
        out = np.empty(int(end[-1]), np.uint8)
        for key, index in groups:
            records = _records(key >> 8, key & 0xFF, self.take(index))
            width = records.dtype.itemsize
            places = (end[index] - width)[:, None] + np.arange(width)
            out[places] = records.view(np.uint8).reshape(-1, width)
        return out.tobytes()


_ORDER = ("handle", "data_type", "stamps", "cell", "status", "source", "server")

_DATA_CHANGE_ID = b"\x01\x00" + struct.pack("<H", 811)
_EVENT_LIST_ID = b"\x01\x00" + struct.pack("<H", 916)
_STATUS_CHANGE_ID = b"\x01\x00" + struct.pack("<H", 820)
_NO_DIAGNOSTICS = struct.pack("<i", -1)


def _extension(type_id: bytes, body: bytes) -> bytes:
    return b"".join((type_id, b"\x01", struct.pack("<i", len(body)), body))


def data_change(count: int, notifications: bytes) -> bytes:
    """A DataChangeNotification (Part 4, 7.25.2) of so many already encoded notifications, as an ExtensionObject."""
    return _extension(_DATA_CHANGE_ID, b"".join((struct.pack("<i", count), notifications, _NO_DIAGNOSTICS)))


def event_list(count: int, events: bytes) -> bytes:
    """An EventNotificationList (Part 4, 7.25.3) of so many already encoded EventFieldLists."""
    return _extension(_EVENT_LIST_ID, struct.pack("<i", count) + events)


def status_change(status: int) -> bytes:
    """A StatusChangeNotification (Part 4, 7.25.4)."""
    return _extension(_STATUS_CHANGE_ID, struct.pack("<IB", status, 0))


def message(sequence_number: int, publish_time: int, notifications: list[bytes]) -> bytes:
    """A NotificationMessage (Part 4, 7.26); none is a keep-alive. publish_time in ticks."""
    return struct.pack("<Iqi", sequence_number, publish_time, len(notifications)) + b"".join(notifications)

"""Frames NotificationMessages: data changes, events and status changes whose parts are encoded already."""

from __future__ import annotations

import struct

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

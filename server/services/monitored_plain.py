"""Monitored items on what is no tag: attributes and values of the Server object, of text tags, of analytics results."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

from server.services import sampling

Read = Callable[[ua.ReadValueId, ua.TimestampsToReturn], ua.DataValue]
_OVERFLOW = 0x480


@dataclass(slots=True, eq=False)
class PlainItem:
    """One item that is sampled by reading its attribute. Its queue holds encoded MonitoredItemNotifications."""

    node: ua.ReadValueId
    handle: int
    mode: int
    trigger: int
    deadband: float
    queue_size: int
    discard_oldest: bool
    stamps: ua.TimestampsToReturn
    last: ua.DataValue | None = None
    queue: deque[ua.DataValue] = field(default_factory=deque)
    armed: bool = False
    overflows: int = 0

    def sample(self, read: Read) -> bool:
        """Read once and queue the value if it changed; whether it did."""
        if self.mode == sampling.DISABLED:
            return False
        value = read(self.node, self.stamps)
        if self.last is not None and not self._changed(self.last, value):
            return False
        self.last = value
        self._push(value)
        return True

    def _changed(self, last: ua.DataValue, new: ua.DataValue) -> bool:
        if last.StatusCode != new.StatusCode:
            return True
        if self.trigger == sampling.ON_STATUS:
            return False
        if last.Value != new.Value:
            return not self.deadband or self._beyond(last, new)
        timed = self.trigger == sampling.ON_STATUS_VALUE_TIMESTAMP and not self.deadband
        return timed and last.SourceTimestamp != new.SourceTimestamp

    def _beyond(self, last: ua.DataValue, new: ua.DataValue) -> bool:
        before, after = (dv.Value.Value if dv.Value is not None else None for dv in (last, new))
        if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
            return any(abs(b - a) > self.deadband for b, a in zip(before, after, strict=True))
        if isinstance(before, int | float) and isinstance(after, int | float):
            return abs(after - before) > self.deadband
        return True

    def _push(self, value: ua.DataValue) -> None:
        self.queue.append(value)
        if len(self.queue) <= self.queue_size:
            return
        self.overflows += self.queue_size > 1
        if self.discard_oldest or self.queue_size == 1:
            self.queue.popleft()
            place = 0
        else:
            del self.queue[-2]
            place = -1
        if self.queue_size > 1:
            self.queue[place] = _overflown(self.queue[place])

    def set_mode(self, mode: int) -> None:
        """Disabled empties the queue and forgets what was reported (Part 4, 5.12.1.3)."""
        if mode == sampling.DISABLED or self.mode == sampling.DISABLED:
            self.queue.clear()
            self.last = None
        self.mode = mode

    def resize(self, queue_size: int, discard_oldest: bool) -> None:
        """Change the queue; what no longer fits goes by the discard policy (Part 4, 5.12.3)."""
        self.queue_size, self.discard_oldest = queue_size, discard_oldest
        while len(self.queue) > queue_size:
            self.queue.popleft() if discard_oldest else self.queue.pop()

    @property
    def ready(self) -> bool:
        """Whether something waits that may be published."""
        return bool(self.queue) and (self.mode == sampling.REPORTING or self.armed)

    def take(self, most: int, room: int, *, alone: bool) -> list[bytes]:
        """Up to so many notifications in so many bytes, encoded, oldest first. alone: nothing else is in the message,
        so that a value which does not even fit then never will."""
        out: list[bytes] = []
        while self.queue and len(out) < most:
            encoded = self._encode(self.queue[0])
            if len(encoded) > room:
                if out or not alone:
                    break
                encoded = self._encode(_too_large(self.queue[0]))
            room -= len(encoded)
            self.queue.popleft()
            out.append(encoded)
        if not self.queue:
            self.armed = False
        return out

    def _encode(self, value: ua.DataValue) -> bytes:
        return struct.pack("<I", self.handle) + struct_to_binary(value)


def _too_large(value: ua.DataValue) -> ua.DataValue:
    status = ua.StatusCode(ua.UInt32(ua.StatusCodes.BadEncodingLimitsExceeded))
    return ua.DataValue(StatusCode=status, SourceTimestamp=value.SourceTimestamp, ServerTimestamp=value.ServerTimestamp)


def _overflown(value: ua.DataValue) -> ua.DataValue:
    code = value.StatusCode.value if value.StatusCode is not None else 0
    return ua.DataValue(
        Value=value.Value,
        StatusCode=ua.StatusCode(ua.UInt32(code | _OVERFLOW)),
        SourceTimestamp=value.SourceTimestamp,
        ServerTimestamp=value.ServerTimestamp,
        SourcePicoseconds=value.SourcePicoseconds,
        ServerPicoseconds=value.ServerPicoseconds,
    )

"""Takes the stream of MQTT packets apart: messages of QoS 0 and 1 at once, everything else as it came. No I/O.

These messages are nearly all of the traffic, and paho takes 15 us of Python for each; its answer to them is the same
four bytes every time. What needs more than that (QoS 2, acknowledgements, the handshake) stays with paho.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

Publish = Callable[[bytes, bytes, bool], None]
"""topic (not decoded), payload, retained."""
_PUBLISH: Final = 0x30
_QOS: Final = 0x06
_QOS_1: Final = 0x02
_QOS_2: Final = 0x04
_RETAIN: Final = 0x01
_PUBACK: Final = b"\x40\x02"


class NotMqtt(ValueError):
    """Bytes that cannot be MQTT."""


class Packets:
    """What arrived on one connection. publish is called for every message of QoS 0 and 1, in order.

    acknowledgements: the PUBACKs owed for what was published; whoever sends them empties it. others: all other
    packets, whole and in order, for paho; whoever handles them empties it.
    """

    def __init__(self, publish: Publish, version_5: bool) -> None:
        self._publish = publish
        self._version_5 = version_5
        self._rest = bytearray()
        self._wanted = 0
        self.acknowledgements = bytearray()
        self.others = bytearray()

    def feed(self, data: bytes) -> None:
        """Take in what has arrived; an unfinished packet waits for its rest. Raises NotMqtt."""
        if self._rest:
            self._rest += data
            if len(self._rest) < self._wanted:  # a large message comes in many pieces
                return
            data = bytes(self._rest)
        at, size = 0, len(data)
        while at + 2 <= size:
            length, start = data[at + 1], at + 2
            if length >= 0x80:
                length, start = variable_length(data, at + 1)
                if start == 0:
                    break
            end = start + length
            if end > size:
                self._wanted = end - at
                break
            first = data[at]
            if first & 0xF0 == _PUBLISH and not first & _QOS_2:
                self._message(data, first, start, end)
            else:
                self.others += data[at:end]
            at = end
        self._rest = bytearray(data[at:])

    def _message(self, data: bytes, first: int, start: int, end: int) -> None:
        topic_at = start + 2
        at = topic_at + (data[start] << 8 | data[start + 1]) if topic_at <= end else end + 1
        topic_end = at
        if first & _QOS:
            self.acknowledgements += _PUBACK + data[at : at + 2]
            at += 2
        if self._version_5 and at < end:
            length, at = variable_length(data, at)
            at += length
        if at > end:
            raise NotMqtt("a message is shorter than its own header says")
        self._publish(data[topic_at:topic_end], data[at:end], bool(first & _RETAIN))


def variable_length(data: bytes, at: int) -> tuple[int, int]:
    """A Variable Byte Integer (MQTT 5, 1.5.5) and where it ends; (0, 0) where its end is not there. Raises NotMqtt."""
    value = shift = 0
    for index in range(at, min(at + 4, len(data))):
        value |= (data[index] & 0x7F) << shift
        if data[index] < 0x80:
            return value, index + 1
        shift += 7
    if at + 4 <= len(data):
        raise NotMqtt("a length has more than four bytes")
    return 0, 0

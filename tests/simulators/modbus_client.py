"""One client of a simulated Modbus device, over whatever transport: answers its requests one after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from tests.simulators.modbus_framing import Asked, Framing
from tests.simulators.modbus_memory import execute, parse
from tests.simulators.modbus_orders import Misbehaviour

if TYPE_CHECKING:
    from tests.simulators.modbus_device import ModbusDevice


class Wire(Protocol):
    """Where answers go."""

    def write(self, data: bytes) -> None:
        """Send."""

    def close(self) -> None:
        """Hang up."""

    def abort(self) -> None:
        """Hang up at once."""


class Client(asyncio.Protocol):
    """Requests of a client in, answers out. on_line: units that are not there are silent, as on a serial line."""

    def __init__(self, device: ModbusDevice, framing: Framing, *, on_line: bool = False) -> None:
        self.device = device
        self.framing = framing
        self.on_line = on_line
        self.wire: Wire
        self.received = b""
        self.timer: asyncio.TimerHandle | None = None
        self.gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: somebody connected."""
        assert isinstance(transport, asyncio.Transport)
        self.open(transport)

    def open(self, wire: Wire) -> None:
        """Begin to serve."""
        self.wire = wire
        self.device.accepted += 1
        self.device.clients.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: gone."""
        self.device.clients.discard(self)
        self.gone.set()
        if self.timer is not None:
            self.timer.cancel()

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came."""
        self.received += data
        self.work()

    def work(self) -> None:
        """Answer what is there, unless an answer is being held back."""
        while self.timer is None:
            asked, self.received = self.framing.cut(self.received)
            if asked is None:
                return
            self.serve(asked)

    def serve(self, asked: Asked) -> None:
        """Answer, or misbehave."""
        unit, pdu = asked.unit, asked.pdu
        request = parse(unit, pdu)
        order = self.device.order_for(request)
        kind = order.kind if order else None
        if kind == "close":
            self.wire.close()
        if kind in ("silence", "close") or (self.on_line and unit not in self.device.units):
            return
        if order and kind == "exception":
            answer = bytes([pdu[0] | 0x80, order.code])
        else:
            answer = execute(self.device.units.get(unit), request, pdu, obey=kind != "ignore_write")
        if kind == "wrong_function":
            answer = bytes([answer[0] ^ 2]) + answer[1:]
        if kind == "wrong_length":
            answer = answer[:1] + bytes([answer[1] - 1]) + answer[2:-1]
        if kind == "wrong_transaction":
            asked = asked._replace(transaction=bytes([asked.transaction[0] ^ 0x55, asked.transaction[1]]))
        if kind == "wrong_unit":
            asked = asked._replace(unit=unit + 1)
        frame = self.framing.frame(asked, answer)
        self.send(frame[:-1] + bytes([frame[-1] ^ 0xFF]) if kind == "wrong_crc" else frame, order)

    def send(self, frame: bytes, order: Misbehaviour | None) -> None:
        """Send an answer as ordered."""
        kind = order.kind if order else None
        half = len(frame) // 2
        if kind == "garbage":
            self.wire.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        elif kind == "half_frame":
            self.wire.write(frame[:half])
        elif kind == "reset":
            self.wire.write(frame[:half])
            self.later(0.01, self.wire.abort)
        elif order and kind == "slow":
            self.later(order.delay_s, self.wire.write, frame)
        elif order and kind == "split":
            self.wire.write(frame[:half])
            self.later(order.delay_s, self.wire.write, frame[half:])
        elif kind == "noise":
            self.wire.write(b"\xff\x00" + frame)
        else:
            self.wire.write(frame * 2 if kind == "twice" else frame)

    def later(self, delay_s: float, what: object, *arguments: bytes) -> None:
        """Do something after a while and only then take the next request."""

        def now() -> None:
            self.timer = None
            what(*arguments)  # type: ignore[operator]
            self.work()

        self.timer = asyncio.get_running_loop().call_later(delay_s, now)

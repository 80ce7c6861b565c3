"""One request at a time: Modbus RTU on serial lines and through serial device servers, and all that pymodbus frames."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, cast

from drivers.driver import Traffic
from drivers.errors import LinkLost, Malformed
from drivers.modbus.channel import Answer, Channel
from drivers.modbus.framing import framing_of
from drivers.modbus.rtu_frame import silent_s, transmission_s
from drivers.modbus.settings import ModbusConnection
from drivers.modbus.volley import Request

_SETTLE_S: Final = 0.02
"""After a frame that is broken: so long nothing more must come before the line is taken to be quiet (buffering adapters
deliver in pieces of up to 16 ms)."""


class SingleChannel(Channel):
    """An answer carries no number that could be trusted; so a unit whose answer was late is left alone for timeout_s
    (`rest_until_s`), and a line on which a request was abandoned until its answer can no longer come."""

    def __init__(self, settings: ModbusConnection, traffic: Traffic) -> None:
        super().__init__(settings, traffic)
        self._framing = framing_of(settings)
        self._silent_s = silent_s(settings.baud_rate) if settings.is_rtu else 0.0
        self._quiet_at = 0.0
        self._rest: dict[int, float] = {}
        self._unanswered = 0
        self._request: Request = (0, b"")
        self._echo = b""
        self._received = b""
        self._done: asyncio.Future[Answer] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def request(self, requests: Sequence[Request]) -> list[Answer]:
        """One after the other; each answer may take timeout_s besides the time its bytes are on the line."""
        return [await self._ask(request) for request in requests]

    def rest_until_s(self, unit: int) -> float:
        """Until when a unit that did not answer in time is left alone."""
        return self._rest.get(unit, 0.0)

    async def _ask(self, request: Request) -> Answer:
        self._usable()
        if (wait_s := self._quiet_at - self._loop.time()) > 0:
            await asyncio.sleep(wait_s)
        data = self._framing.frame(*request)
        self._request, self._received = request, b""
        self._echo = data if self._settings.echo else b""
        self._send(self._usable(), data)
        self._traffic.requests += 1
        self._traffic.sent(data)
        on_line = len(data) + len(self._echo) + self._framing.answer_length(request[1])
        self._deadline = self._loop.time() + self._settings.timeout_s + self._transmission_s(on_line)
        self._done = self._loop.create_future()
        self._timer = self._loop.call_at(self._deadline, self._expire)
        try:
            return await self._done
        except asyncio.CancelledError:
            self._quiet_at = self._deadline
            raise
        finally:
            self._done = None
            self._timer.cancel()

    def _send(self, socket: asyncio.Transport, data: bytes) -> None:
        if self._settings.transport == "udp":
            cast("asyncio.DatagramTransport", socket).sendto(data)
        else:
            socket.write(data)

    def _transmission_s(self, characters: int) -> float:
        return transmission_s(characters, self._settings.baud_rate) if self._settings.is_rtu else 0.0

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes came; those for which nobody waits are dropped."""
        self._traffic.received(data)
        self._quiet_at = max(self._quiet_at, self._loop.time() + self._silent_s)
        self._unanswered = 0
        if self._done is None or self._done.done():
            return
        self._received += data
        if self._echo and not self._take_echo():
            return
        unit, asked = self._request
        found = self._framing.find(self._received, unit, asked)
        if found.pdu is not None:
            self._traffic.responses += 1
            self._done.set_result(found.pdu)
        elif found.broken:  # decided once the line is quiet
            self._restart(_SETTLE_S)

    def _take_echo(self) -> bool:
        """Drop what we sent ourselves from what came; False while it is not complete."""
        if len(self._received) < len(self._echo):
            return False
        if self._received.startswith(self._echo):
            self._received = self._received[len(self._echo) :]
        self._echo = b""
        return True

    def _restart(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        if self._done is None or self._done.done():
            return
        unit, asked = self._request
        found = self._framing.find(self._received, unit, asked)
        if self._received and found.other_unit is None and not found.late:
            what = f"{self.place}, unit {unit}: {_told(self._received, found.broken)}"
            if self._settings.transport in ("tcp", "tls"):  # what is left would begin the next answer
                self._note_malformed(what)
                self._drop(what)
            else:
                self._done.set_result(Malformed(what))
            return
        if found.other_unit is not None:
            self._note_malformed(f"{self.place}: unit {unit} was asked and unit {found.other_unit} answered")
        self._rest[unit] = self._loop.time() + self._settings.timeout_s
        self._unanswered += 1
        if self._settings.transport not in ("rtu", "udp") and self._unanswered >= self._settings.reconnect_after:
            self._drop(f"{self.place}: nothing came {self._unanswered} times in a row")
        else:
            self._done.set_result(self._no_answer(unit))

    def _fail_waiting(self, error: LinkLost) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(error)
            self._done.exception()  # seen, even when the asker has just been cancelled


def _told(received: bytes, broken: bool) -> str:
    shown = received[:16].hex(" ")
    return (
        f"an answer with a wrong CRC ({shown}); check wiring, baud rate and parity"
        if broken
        else f"half an answer, or what is no Modbus ({shown})"
    )

"""The demo's Modbus TCP device: a gateway with the drives of three pumps, the chiller and the plant's PLC behind it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

from server.demo.faults import Fault
from server.demo.modbus_pdu import respond
from server.demo.physics import CoolingPlant
from server.demo.registers import DRIVE_OF_PUMP3, UNITS
from server.demo.sensors import Instruments

_GATEWAY_TARGET_FAILED = 0x0B


class ModbusDevice:
    """Answers units 1, 2, 3, 10 and 20; any other unit gets exception 0B, as from a gateway without that target."""

    def __init__(self, plant: CoolingPlant, instruments: Instruments, commanded: Callable[[], None]) -> None:
        self._plant = plant
        self._instruments = instruments
        self._commanded = commanded
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port. Raises OSError when it is taken."""
        self._server = await asyncio.start_server(self._serve, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the listener and all connections."""
        if self._server is None:
            return
        self._server.close()
        for writer in tuple(self._open):
            writer.transport.abort()
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                header = await reader.readexactly(7)
                transaction, protocol, length, unit = struct.unpack(">HHHB", header)
                if protocol != 0 or not 2 <= length <= 254:
                    break
                response = self._respond(unit, await reader.readexactly(length - 1))
                if response is not None:
                    writer.write(struct.pack(">HHHB", transaction, 0, len(response) + 1, unit) + response)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away
        finally:
            self._open.discard(writer)
            writer.close()

    def _respond(self, unit: int, request: bytes) -> bytes | None:
        """None where the unit stays silent."""
        if unit == DRIVE_OF_PUMP3 and Fault.DriveDead in self._plant.faults:
            return None
        if unit not in UNITS:
            return bytes((request[0] | 0x80, _GATEWAY_TARGET_FAILED))
        return respond(request, UNITS[unit], self._instruments.values, self._command)

    def _command(self, path: str, value: float) -> None:
        self._plant.command(path, value)
        self._commanded()

"""Writes values: which functions a device takes, and how a part of a register is changed without touching the rest."""

from __future__ import annotations

from typing import Final

from drivers.errors import Refused, ValueNotAccepted
from drivers.modbus import pdu
from drivers.modbus.address import TABLES
from drivers.modbus.codec import encode, encode_part
from drivers.modbus.gate import Priority, Turn
from drivers.modbus.line import Line, sound
from drivers.modbus.settings import Table
from drivers.modbus.targets import Targets

_WRITE: Final = Turn(Priority.write)


class Writer:
    """Writes to targets of a line."""

    def __init__(self, line: Line, targets: Targets) -> None:
        self._line = line
        self._targets = targets
        self._no_mask_write: set[int] = set()

    async def write(self, index: int, value: object) -> None:
        """Write to the target of that index; the device has acknowledged it on return. Raises Refused,
        ValueNotAccepted, DeviceTimeout, Malformed or LinkLost."""
        layout = self._targets.layouts[index]
        unit, start = int(self._targets.unit[index]), int(self._targets.start[index])
        table = TABLES[int(self._targets.table[index])]
        if table in ("discrete", "input"):
            raise ValueNotAccepted(f"{self._line.where(unit, table, start)}: the table can only be read")
        power = await self._power(unit, table, int(self._targets.factor[index])) if layout.by_factor else 0
        if layout.is_part:
            await self._change(unit, start, *encode_part(layout, value, power))
            return
        for request in pdu.write_requests(table, start, encode(layout, value, power), self._line.settings.write_with):
            await self._confirmed(unit, table, start, request)

    async def _power(self, unit: int, table: Table, start: int) -> int:
        """What a factor register holds now."""
        request = pdu.read_request(table, start, 1)
        with self._line.noting():
            reply = sound(await self._line.ask(_WRITE, [(unit, request)]))
            value = pdu.values_of(reply, request, 2, self._line.where(unit, table, start))
        return int.from_bytes(value, "big", signed=True)

    async def _change(self, unit: int, start: int, mask: int, bits: int) -> None:
        """By FC 22, or for a unit that does not know it by reading, changing and writing within one turn."""
        if unit not in self._no_mask_write:
            try:
                await self._confirmed(unit, "holding", start, pdu.mask_write(start, mask, bits))
                return
            except Refused as error:
                if error.code != pdu.ILLEGAL_FUNCTION:
                    raise
                self._no_mask_write.add(unit)
        where = self._line.where(unit, "holding", start)
        async with self._line.turn(_WRITE):
            request = pdu.read_request("holding", start, 1)
            with self._line.noting():
                reply = await self._line.ask_now((unit, request))
                old = int.from_bytes(pdu.values_of(reply, request, 2, where), "big")
                new = (old & ~mask | bits).to_bytes(2, "big")
                (request,) = pdu.write_requests("holding", start, new, self._line.settings.write_with)
                pdu.confirm_write(await self._line.ask_now((unit, request)), request, where)

    async def _confirmed(self, unit: int, table: Table, start: int, request: bytes) -> None:
        where = self._line.where(unit, table, start)
        with self._line.noting():
            pdu.confirm_write(sound(await self._line.ask(_WRITE, [(unit, request)])), request, where)

"""The Modbus driver: polls planned blocks, writes values, and says of each reading how it went."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import numpy as np

from drivers.driver import Binding, PollGroup, Traffic
from drivers.errors import DeviceTimeout, LinkLost, Malformed, Refused, ValueNotAccepted
from drivers.modbus import pdu
from drivers.modbus.address import TABLES, label
from drivers.modbus.codec import encode
from drivers.modbus.gate import Gate, Priority
from drivers.modbus.plan import Block, ReadPlan, Targets, plan_reads
from drivers.modbus.settings import ModbusConnection, Table
from drivers.modbus.transport import Transport, open_transport
from drivers.readings import Readings, now_ticks
from drivers.status import Status

_BUSY_WAIT_S: Final = 0.1
"""How long a device that says it is busy (exceptions 05 and 06) is left alone before it is asked once more."""


class ModbusDriver:
    """One connection: Polled and Writable. One request at a time; writes go before waiting polls."""

    def __init__(self, name: str, connection: ModbusConnection, bindings: Sequence[Binding]) -> None:
        self.name = name
        self.traffic = Traffic()
        self._settings = connection
        self._targets = Targets.of(connection, bindings)
        self._index = {row: index for index, row in enumerate(self._targets.row.tolist())}
        self.groups: Sequence[PollGroup] = plan_reads(connection, self._targets)
        self._gate = Gate()
        self._transport: Transport | None = None
        self._ready_at = 0.0
        self._silent: set[Block] = set()
        self._no_mask_write: set[int] = set()

    async def connect(self) -> None:
        """Open the connection anew; raises ConnectFailed."""
        await self.close()
        self._transport = await open_transport(self._settings, self.traffic)

    async def close(self) -> None:
        """Close the connection; a request that waits for its answer gets LinkLost."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.close()

    async def read(self, group: PollGroup) -> Readings:
        """All rows of a group. A block that the device refuses or leaves unanswered is Bad, the others go on; raises
        DeviceTimeout when the unit answers nothing, and LinkLost."""
        plan: ReadPlan = group.plan
        return await self._read(plan, Priority.poll)

    async def read_rows(self, rows: Sequence[int]) -> Readings:
        """Some rows now, ahead of waiting polls; raises as `read` does."""
        chosen = self._targets.at(np.array([self._index[row] for row in rows], np.intp))
        plans: list[ReadPlan] = [group.plan for group in plan_reads(self._settings, chosen)]
        return Readings.concat([await self._read(plan, Priority.read_back) for plan in plans])

    async def write(self, row: int, value: object) -> None:
        """Write one value; the device has acknowledged it on return. Raises Refused, ValueNotAccepted, DeviceTimeout,
        Malformed or LinkLost."""
        index = self._index[row]
        layout = self._targets.layouts[index]
        unit, start = int(self._targets.unit[index]), int(self._targets.start[index])
        table = TABLES[int(self._targets.table[index])]
        if table in ("discrete", "input"):
            raise ValueNotAccepted(f"{self._where(unit, table, start)}: the table can only be read")
        data = encode(layout, value)
        if layout.bit is not None:
            await self._write_bit(unit, start, layout.bit, layout.byte_order == "little", data == b"\x01")
            return
        if table == "holding":
            request = pdu.write_registers(start, data)
        else:
            request = pdu.write_coils(start, data) if layout.elements else pdu.write_coil(start, data == b"\x01")
        async with self._turn(Priority.write) as transport:
            await self._write(transport, unit, table, start, request)

    async def _read(self, plan: ReadPlan, priority: Priority) -> Readings:
        """Block by block; those that were silent last time come last, so that one silent block hides no other."""
        answers = list(plan.blank)
        status = [int(Status.BadTimeout)] * len(answers)
        ticks = [0] * len(answers)
        order = sorted(range(len(answers)), key=lambda index: plan.blocks[index] in self._silent)
        answered, misses = False, 0
        for index in order:
            block = plan.blocks[index]
            if misses < 2:  # a unit that fell silent midway is not asked for all the rest
                try:
                    status[index], answers[index] = await self._read_block(block, plan.blank[index], priority)
                    answered, misses = True, 0
                    self._silent.discard(block)
                except DeviceTimeout:
                    self._silent.add(block)
                    misses += 1
                    if not answered:
                        raise
            ticks[index] = now_ticks()
        return plan.readings(answers, status, ticks)

    async def _read_block(self, block: Block, blank: bytes, priority: Priority) -> tuple[int, bytes]:
        """A block's status and values, blank ones where it has none."""
        request = pdu.read_request(block.table, block.start, block.size)
        try:
            async with self._turn(priority) as transport:
                answer = await self._ask(transport, block.unit, request)
            if answer[0] == request[0] and len(answer) == len(blank) + 2 and answer[1] == len(blank):
                return 0, answer[2:]
            where = self._where(block.unit, block.table, block.start)
            pdu.raise_refusal(answer, request, where)
            return 0, pdu.values_of(answer, len(blank), where)
        except Refused as error:
            return error.told_status, blank
        except Malformed as error:
            self._note(error)
            return Malformed.status, blank

    async def _write(self, transport: Transport, unit: int, table: Table, start: int, request: bytes) -> None:
        where = self._where(unit, table, start)
        answer = await self._ask(transport, unit, request)
        try:
            pdu.raise_refusal(answer, request, where)
            pdu.confirm_write(answer, request, where)
        except Malformed as error:
            self._note(error)
            raise

    async def _write_bit(self, unit: int, start: int, bit: int, swapped: bool, on: bool) -> None:
        """By FC 22, or for a unit that does not know it by reading, changing and writing within one turn."""
        bit = bit ^ 8 if swapped else bit
        async with self._turn(Priority.write) as transport:
            if unit not in self._no_mask_write:
                try:
                    await self._write(transport, unit, "holding", start, pdu.mask_write(start, bit, on))
                    return
                except Refused as error:
                    if error.code != pdu.ILLEGAL_FUNCTION:
                        raise
                    self._no_mask_write.add(unit)
            request = pdu.read_request("holding", start, 1)
            answer = await self._ask(transport, unit, request)
            where = self._where(unit, "holding", start)
            pdu.raise_refusal(answer, request, where)
            old = int.from_bytes(pdu.values_of(answer, 2, where), "big")
            new = old | 1 << bit if on else old & ~(1 << bit)
            await self._write(transport, unit, "holding", start, pdu.write_registers(start, new.to_bytes(2, "big")))

    @asynccontextmanager
    async def _turn(self, priority: Priority) -> AsyncIterator[Transport]:
        """The connection for oneself."""
        async with self._gate.turn(priority):
            if self._transport is None:
                raise LinkLost(f"{self._settings.host}:{self._settings.port}: not connected")
            yield self._transport

    async def _ask(self, transport: Transport, unit: int, request: bytes) -> bytes:
        """The answer to a request, asked twice of a busy device."""
        answer = await self._ask_once(transport, unit, request)
        if len(answer) == 2 and answer[0] & 0x80 and answer[1] in pdu.BUSY:
            await asyncio.sleep(_BUSY_WAIT_S)
            answer = await self._ask_once(transport, unit, request)
        return answer

    async def _ask_once(self, transport: Transport, unit: int, request: bytes) -> bytes:
        if not self._settings.pause_s:
            return await transport.request(unit, request)
        loop = asyncio.get_running_loop()
        if (wait_s := self._ready_at - loop.time()) > 0:
            await asyncio.sleep(wait_s)
        try:
            return await transport.request(unit, request)
        finally:
            self._ready_at = loop.time() + self._settings.pause_s

    def _where(self, unit: int, table: Table, start: int) -> str:
        return f"{self.name}: unit {unit}, {table} {label(self._settings.addresses, table, start)}"

    def _note(self, error: Malformed) -> None:
        self.traffic.malformed += 1
        self.traffic.last_malformed = str(error)

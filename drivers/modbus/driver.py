"""The Modbus driver: polls planned blocks, writes values, and says of each reading how it went."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np

from drivers.driver import Binding, PollGroup, Traffic
from drivers.errors import DeviceTimeout, LinkLost, Malformed, Refused, ValueNotAccepted, status_of
from drivers.modbus import pdu
from drivers.modbus.address import TABLES, label
from drivers.modbus.codec import encode
from drivers.modbus.gate import Gate, Priority
from drivers.modbus.plan import Block, ReadPlan, Targets, plan_reads
from drivers.modbus.raw import tell_raw
from drivers.modbus.settings import ModbusConnection, Table
from drivers.modbus.transport import Answer, Request, Transport, open_transport
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
            bit = layout.bit ^ 8 if layout.byte_order == "little" else layout.bit
            await self._write_bit(unit, start, bit, data == b"\x01")
        elif table == "holding":
            await self._write(unit, table, start, pdu.write_registers(start, data))
        elif layout.elements:
            await self._write(unit, table, start, pdu.write_coils(start, data))
        else:
            await self._write(unit, table, start, pdu.write_coil(start, data == b"\x01"))

    async def _read(self, plan: ReadPlan, priority: Priority) -> Readings:
        """As many blocks at once as the connection takes; those that were silent last time come last, so that one that
        stays silent hides no other."""
        answers = list(plan.blank)
        status = [int(Status.BadTimeout)] * len(answers)
        ticks = [now_ticks()] * len(answers)
        order = list(range(len(answers)))
        if self._silent:
            order.sort(key=lambda index: plan.blocks[index] in self._silent)
        answered, misses = False, 0
        for at in range(0, len(order), self._settings.pipeline):
            chosen = order[at : at + self._settings.pipeline]
            replies = await self._ask(priority, [plan.requests[index] for index in chosen])
            came = now_ticks()
            for index, reply in zip(chosen, replies, strict=True):
                ticks[index] = came
                status[index], answers[index] = self._values(plan, index, reply)
            silent = [reply for reply in replies if isinstance(reply, DeviceTimeout)]
            if len(silent) < len(replies):
                answered, misses = True, 0
            elif not answered:
                raise silent[0]
            elif (misses := misses + 1) == 2:  # a unit that fell silent midway is not asked for all the rest
                break
        if self.traffic.raw_tap is not None:
            tell_raw(plan, answers, status, self.traffic.raw_tap)
        return plan.readings(answers, status, ticks)

    def _values(self, plan: ReadPlan, index: int, reply: Answer) -> tuple[int, bytes]:
        """A block's status and values, blank ones where it has none."""
        block, blank, request = plan.blocks[index], plan.blank[index], plan.requests[index][1]
        if isinstance(reply, DeviceTimeout):
            self._silent.add(block)
            return reply.status, blank
        if self._silent:
            self._silent.discard(block)
        if (
            isinstance(reply, bytes)
            and reply[0] == request[0]
            and len(reply) == len(blank) + 2
            and reply[1] == len(blank)
        ):
            return 0, reply[2:]
        where = self._where(block.unit, block.table, block.start)
        try:
            with self._noting():
                return 0, pdu.values_of(_sound([reply]), request, len(blank), where)
        except (Refused, Malformed) as error:
            return status_of(error), blank

    async def _write_bit(self, unit: int, start: int, bit: int, on: bool) -> None:
        """By FC 22, or for a unit that does not know it by reading, changing and writing within one turn."""
        if unit not in self._no_mask_write:
            try:
                await self._write(unit, "holding", start, pdu.mask_write(start, bit, on))
                return
            except Refused as error:
                if error.code != pdu.ILLEGAL_FUNCTION:
                    raise
                self._no_mask_write.add(unit)
        where = self._where(unit, "holding", start)
        await self._gate.enter(Priority.write)
        try:
            request = pdu.read_request("holding", start, 1)
            with self._noting():
                reply = _sound(await self._ask_twice([(unit, request)]))
                old = int.from_bytes(pdu.values_of(reply, request, 2, where), "big")
                new = old | 1 << bit if on else old & ~(1 << bit)
                request = pdu.write_registers(start, new.to_bytes(2, "big"))
                pdu.confirm_write(_sound(await self._ask_twice([(unit, request)])), request, where)
        finally:
            self._gate.leave()

    async def _write(self, unit: int, table: Table, start: int, request: bytes) -> None:
        where = self._where(unit, table, start)
        with self._noting():
            pdu.confirm_write(_sound(await self._ask(Priority.write, [(unit, request)])), request, where)

    async def _ask(self, priority: Priority, requests: Sequence[Request]) -> list[Answer]:
        """Replies to requests, in one turn."""
        await self._gate.enter(priority)
        try:
            return await self._ask_twice(requests)
        finally:
            self._gate.leave()

    async def _ask_twice(self, requests: Sequence[Request]) -> list[Answer]:
        """Replies to requests; those to which the device says that it is busy are sent again, once."""
        replies = await self._ask_once(requests)
        busy = [index for index, reply in enumerate(replies) if _is_busy(reply)]
        if busy:
            await asyncio.sleep(_BUSY_WAIT_S)
            again = await self._ask_once([requests[index] for index in busy])
            for index, reply in zip(busy, again, strict=True):
                replies[index] = reply
        return replies

    async def _ask_once(self, requests: Sequence[Request]) -> list[Answer]:
        if self._transport is None:
            raise LinkLost(f"{self._settings.host}:{self._settings.port}: not connected")
        if not self._settings.pause_s:
            return await self._transport.request(requests)
        loop = asyncio.get_running_loop()
        if (wait_s := self._ready_at - loop.time()) > 0:
            await asyncio.sleep(wait_s)
        try:
            return await self._transport.request(requests)
        finally:
            self._ready_at = loop.time() + self._settings.pause_s

    def _where(self, unit: int, table: Table, start: int) -> str:
        return f"{self.name}: unit {unit}, {table} {label(self._settings.addresses, table, start)}"

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Counts an answer that is not what was asked for."""
        try:
            yield
        except Malformed as error:
            self.traffic.malformed += 1
            self.traffic.last_malformed = str(error)
            raise


def _sound(replies: Sequence[Answer]) -> bytes:
    """The one reply; raises the error that it is."""
    reply = replies[0]
    if not isinstance(reply, bytes):
        raise reply
    return reply


def _is_busy(reply: Answer) -> bool:
    return isinstance(reply, bytes) and len(reply) == 2 and bool(reply[0] & 0x80) and reply[1] in pdu.BUSY

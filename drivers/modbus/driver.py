"""The Modbus driver: polls planned blocks, writes values, and says of each reading how it went."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from drivers.driver import Binding, PollGroup, Traffic
from drivers.errors import DeviceTimeout, LinkLost, Malformed, Refused, status_of
from drivers.modbus import pdu
from drivers.modbus.channel import Answer
from drivers.modbus.gate import Priority, Turn
from drivers.modbus.holes import Refuses, Span
from drivers.modbus.line import Line, sound
from drivers.modbus.plan import plan_reads
from drivers.modbus.prompt import Done, PromptPolls
from drivers.modbus.raw import tell_raw
from drivers.modbus.read_plan import Block, ReadPlan
from drivers.modbus.settings import ModbusConnection
from drivers.modbus.survey import Survey
from drivers.modbus.targets import Targets
from drivers.modbus.writing import Writer
from drivers.readings import Readings, now_ticks
from drivers.status import Status

_PROBE_PATIENCE_S: Final = 10.0
"""A unit that did not answer last time lets the others go first, for so long."""
_SEARCHES: Final = 4
"""At most so many searches for missing addresses in one poll; the next poll goes on with them."""


class ModbusDriver:
    """One connection: Prompt and Writable. Writes go before read-backs, those before polls, fast before slow."""

    def __init__(
        self,
        name: str,
        connection: ModbusConnection,
        bindings: Sequence[Binding],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._settings = connection
        self._targets = Targets.of(connection, bindings)
        self._index = {row: index for index, row in enumerate(self._targets.row.tolist())}
        self._line = Line(name, connection)
        self.traffic: Traffic = self._line.traffic
        self.groups: Sequence[PollGroup] = plan_reads(connection, self._targets)
        paths = {binding.row: binding.path for binding in bindings}
        self._survey = Survey(name, connection, self.traffic, paths, clock)
        self._writer = Writer(self._line, self._targets)
        self._prompt = PromptPolls(self._line, self._complete)
        self._silent: set[Block] = set()
        self._silent_units: set[str] = set()

    async def connect(self) -> None:
        """Open the connection anew; raises ConnectFailed."""
        self._survey.forget()
        await self._line.open()

    async def close(self) -> None:
        """Close the connection; a request that waits for its answer gets LinkLost."""
        await self._line.close()

    async def read(self, group: PollGroup) -> Readings:
        """All rows of a group. A block that the device refuses or leaves unanswered is Bad, the others go on; raises
        DeviceTimeout when the unit answers nothing, and LinkLost."""
        return await self._complete(group, self._survey.plan(group), ())

    def begin(self, group: PollGroup, done: Done) -> bool:
        """`drivers.driver.Prompt.begin`: over Modbus TCP, TLS and UDP where no pause is to be kept, when nobody has the
        turn and all was well last time."""
        if self._silent or self._silent_units or self.traffic.raw_tap is not None:
            return False
        return self._prompt.begin(group, self._survey.plan(group), done)

    async def _complete(self, group: PollGroup, plan: ReadPlan, given: Sequence[Answer] | LinkLost) -> Readings:
        """The readings of a poll whose first blocks were answered already."""
        if isinstance(given, LinkLost):
            raise given
        patience_s = _PROBE_PATIENCE_S if group.unit in self._silent_units else group.rate_s
        turn = Turn(Priority.poll, patience_s)
        try:
            readings, refused = await self._read(plan, turn, given)
            for _ in range(_SEARCHES if refused else 0):  # a gap may hide another
                for block in refused:
                    await self._survey.learn(group, block, self._refuses(block, turn))
                readings, refused = await self._read(self._survey.plan(group), turn)
                if not refused:
                    break
        except DeviceTimeout:
            self._silent_units.add(group.unit)
            raise
        self._silent_units.discard(group.unit)
        return readings

    async def read_rows(self, rows: Sequence[int]) -> Readings:
        """Some rows now, ahead of waiting polls; raises as `read` does."""
        chosen = self._targets.at(np.array([self._index[row] for row in rows], np.intp))
        groups = plan_reads(self._settings, chosen, self._survey.holes)
        turn = Turn(Priority.read_back)
        return Readings.concat([(await self._read(group.plan, turn))[0] for group in groups])

    async def write(self, row: int, value: object) -> None:
        """Write one value; the device has acknowledged it on return. Raises Refused, ValueNotAccepted, DeviceTimeout,
        Malformed or LinkLost."""
        await self._writer.write(self._index[row], value)

    async def _read(self, plan: ReadPlan, turn: Turn, given: Sequence[Answer] = ()) -> tuple[Readings, Sequence[Block]]:
        """Readings, and blocks with an address that the device does not have. As many blocks at once as the connection
        takes; those that were silent last time come last, so that one that stays silent hides no other. given: answers
        to the first blocks, where those are there."""
        order = list(range(len(plan.blocks)))
        order.sort(key=lambda index: index >= len(given) and plan.blocks[index] in self._silent)
        taken = list(given)
        if given:
            await self._line.ask_again(turn, plan.requests[: len(given)], taken)
        answered, misses = False, 0
        for at in range(0, len(order), self._settings.pipeline):
            chosen = order[at : at + self._settings.pipeline]
            if at >= len(given):
                taken += await self._line.ask(turn, [plan.requests[index] for index in chosen])
            replies = taken[at : at + len(chosen)]
            silent = [reply for reply in replies if isinstance(reply, DeviceTimeout)]
            if len(silent) < len(replies):
                answered, misses = True, 0
            elif not answered:
                self._silent.update(plan.blocks[index] for index in chosen)
                raise silent[0]
            elif (misses := misses + 1) == 2:  # a unit that fell silent midway is not asked for all the rest
                break
        return self._take(plan, order, taken)

    def _take(
        self, plan: ReadPlan, order: Sequence[int], replies: Sequence[Answer]
    ) -> tuple[Readings, Sequence[Block]]:
        """Readings of a poll in which not all went well; blocks beyond the replies were not asked for. Raises
        DeviceTimeout where nothing was answered."""
        answers = list(plan.blank)
        status = [int(Status.BadTimeout)] * len(answers)
        refused: list[Block] = []
        for index, reply in zip(order, replies, strict=False):
            try:
                answers[index] = self._values(plan, index, reply)
                status[index] = 0
            except (DeviceTimeout, Malformed, Refused) as error:
                status[index] = status_of(error)
                self.traffic.blame(plan.rows[: len(plan.block_of)][plan.block_of == index].tolist(), str(error))
                if isinstance(error, Refused) and error.code == pdu.ILLEGAL_ADDRESS:
                    refused.append(plan.blocks[index])
        if replies and all(isinstance(reply, DeviceTimeout) for reply in replies):
            sound(replies)
        if self.traffic.raw_tap is not None:
            tell_raw(plan, answers, status, self.traffic.raw_tap)
        return plan.readings(answers, status, [now_ticks()] * len(answers)), refused

    def _values(self, plan: ReadPlan, index: int, reply: Answer) -> bytes:
        """A block's values; raises what stands for them."""
        block = plan.blocks[index]
        if isinstance(reply, DeviceTimeout):
            self._silent.add(block)
            raise reply
        self._silent.discard(block)
        where = self._line.where(block.unit, block.table, block.start)
        with self._line.noting():
            return pdu.values_of(sound([reply]), plan.requests[index][1], len(plan.blank[index]), where)

    def _refuses(self, block: Block, turn: Turn) -> Refuses:
        """Asks for a part of a block, and tells whether the device refuses it because of the address."""

        async def refuses(span: Span) -> bool:
            request = pdu.read_request(block.table, span[0], span[1] - span[0])
            reply = sound(await self._line.ask(turn, [(block.unit, request)]))
            return reply[:2] == bytes((request[0] | 0x80, pdu.ILLEGAL_ADDRESS))

        return refuses

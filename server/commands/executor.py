"""Commands on their way down: checked, carried out, confirmed, and audited."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from drivers.data_types import DataType, has_cell, to_cells
from drivers.errors import DriverError, status_of
from drivers.readings import Readings, now_ticks
from drivers.status import Status, is_good
from server.commands.audit import CommandAudit
from server.commands.confirm import Confirmation, Writer
from server.commands.interlock import first_broken
from server.commands.limits import CommandRefused, accept
from server.config.plant import CommandMethod, CommandRules, CommandWrite, Plant, Tag
from server.tags.table import TagTable

log = logging.getLogger(__name__)

_NOT_WHOLE = (DataType.Float, DataType.Double, DataType.Boolean)


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """What a method's caller is told. argument_status: one StatusCode per argument, Good where it is acceptable;
    argument_reasons: what is wrong with each, in words. reason: why the whole is not Good."""

    status: int
    argument_status: tuple[int, ...]
    reason: str = ""
    argument_reasons: tuple[str, ...] = ()


@dataclass(slots=True)
class _Attempt:
    """How a write stands: the value as it goes down, and what the client will be told."""

    value: object
    status: int = Status.Good
    reason: str = ""


class Commands:
    """Writes values to devices on behalf of users.

    Nothing is Good before the device has it: value check, interlock, driver, confirmation, in this order. Writes to
    one row follow each other, different rows do not wait. Who may write is checked before.
    """

    def __init__(self, plant: Plant, table: TagTable, writer: Writer) -> None:
        self._table = table
        self._writer = writer
        self._turns: dict[int, asyncio.Lock] = {}
        self._listeners: list[Callable[[CommandAudit], None]] = []
        self.adopt(plant)

    def adopt(self, plant: Plant) -> None:
        """Go on with another plant whose rows fit the running one's; writes under way end by the rules they began
        with."""
        self._plant = plant
        commands = (tag.row for tag in plant.tags if tag.command is not None)
        self._turns = {row: self._turns.get(row) or asyncio.Lock() for row in commands}

    def on_audit(self, listener: Callable[[CommandAudit], None]) -> Callable[[], None]:
        """Call listener(audit) after every attempt; returns how to stop that. A listener must not raise."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def order(self, row: int, value: object, user: str) -> tuple[int, str]:
        """Write a value (bool, int, float, str, bytes, ticks for DateTime, a sequence for an array) to the row of a
        command; the StatusCode for the client, and in words why it is not Good. Takes at most the command's within_s
        once it is its turn."""
        tag = self._plant.tags[row]
        attempt = _Attempt(value)
        if tag.command is None:
            old = self._table.python_value(row)
            attempt.status, attempt.reason = Status.BadNotWritable, "it is no command"
        else:
            async with self._turns[row]:
                old = self._table.python_value(row)
                await self._try(tag, tag.command, attempt)
        self._audit(user, tag.path, old, attempt)
        return attempt.status, attempt.reason

    async def call(self, method: CommandMethod, arguments: Sequence[object], user: str) -> CallOutcome:
        """Do a method's writes in order; the first that is refused ends it and its status is the answer. A wrong
        argument is found before anything is written: BadInvalidArgument. arguments: as many as the method has."""
        checked = [self._check_argument(a.row, v) for a, v in zip(method.arguments, arguments, strict=True)]
        argument_status = tuple(status for status, _ in checked)
        if not all(is_good(status) for status in argument_status):
            refused = _Attempt(list(arguments), Status.BadInvalidArgument, "an argument is wrong")
            self._audit(user, method.path, None, refused)
            reasons = tuple(reason for _, reason in checked)
            return CallOutcome(Status.BadInvalidArgument, argument_status, refused.reason, reasons)
        answer: int = Status.Good
        told = ""
        for write in method.writes:
            status, reason = await self.order(write.row, self._value_of(write, arguments), user)
            if not is_good(status):
                return CallOutcome(status, argument_status, reason)
            answer, told = max(answer, status), told or reason
        return CallOutcome(answer, argument_status, told)

    async def _try(self, tag: Tag, rules: CommandRules, attempt: _Attempt) -> None:
        """Carry a write out; how it ends is told by the attempt."""
        try:
            await self._carry_out(tag, rules, attempt)
        except CommandRefused as refusal:
            attempt.status, attempt.reason = refusal.status, str(refusal)
        except DriverError as error:
            attempt.status, attempt.reason = status_of(error), str(error)

    async def _carry_out(self, tag: Tag, rules: CommandRules, attempt: _Attempt) -> None:
        asked = attempt.value
        attempt.value, attempt.status = accept(tag, rules, asked)
        if attempt.status != Status.Good:
            attempt.reason = f"{asked!r} is beyond the limits"
        interlock = first_broken(rules.interlocks, self._table)
        if interlock is not None:
            raise CommandRefused(Status.BadInvalidState, interlock.message)
        if rules.confirm == "read_back":
            await self._write_and_read_back(tag, rules, attempt)
        else:
            await self._write(tag, rules, attempt)

    async def _write(self, tag: Tag, rules: CommandRules, attempt: _Attempt) -> None:
        try:
            async with asyncio.timeout(rules.within_s):
                await self._writer.write(tag.row, attempt.value)
        except TimeoutError:
            raise CommandRefused(Status.BadTimeout, f"not acknowledged within {rules.within_s:g} s") from None
        self._table.commit(reading_of(tag, attempt.value))

    async def _write_and_read_back(self, tag: Tag, rules: CommandRules, attempt: _Attempt) -> None:
        acknowledged = False
        with Confirmation(self._table, tag.row, attempt.value, rules.tolerance) as confirmation:
            try:
                async with asyncio.timeout(rules.within_s):
                    await self._writer.write(tag.row, attempt.value)
                    acknowledged = True
                    await confirmation.wait(self._writer)
            except TimeoutError:
                what = f"acknowledged, but {confirmation.reason}" if acknowledged else "not acknowledged"
                raise CommandRefused(Status.BadTimeout, f"{what} within {rules.within_s:g} s") from None

    def _check_argument(self, row: int, value: object) -> tuple[int, str]:
        tag = self._plant.tags[row]
        if tag.command is None:
            return Status.BadNotWritable, "it is no command"
        try:
            return accept(tag, tag.command, value)[1], ""
        except CommandRefused as refusal:
            return refusal.status, str(refusal)

    def _value_of(self, write: CommandWrite, arguments: Sequence[object]) -> object:
        """What a write of a method writes; YAML may say 5.0 for the whole number 5."""
        if write.argument is not None:
            return arguments[write.argument]
        value = write.value
        whole = isinstance(value, float) and self._plant.tags[write.row].data_type not in _NOT_WHOLE
        return int(value) if whole and isinstance(value, float) and value.is_integer() else value

    def _audit(self, user: str, path: str, old: object, attempt: _Attempt) -> None:
        audit = CommandAudit(now_ticks(), user, path, old, attempt.value, attempt.status, attempt.reason)
        log.info("%s", audit)
        for listener in tuple(self._listeners):
            listener(audit)


def reading_of(tag: Tag, value: Any) -> Readings:
    """A Good reading of one value, now: what the device has acknowledged is what it has, until it says otherwise."""
    batch = Readings.uniform([tag.row], Status.Good, now_ticks())
    if tag.array_length or not has_cell(tag.data_type):
        return Readings(batch.row, batch.value, batch.status, batch.source_ticks, {0: value})
    return Readings(batch.row, to_cells([value], tag.data_type), batch.status, batch.source_ticks)

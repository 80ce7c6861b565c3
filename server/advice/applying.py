"""Applies a proposal: all its commands, or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from drivers.data_types import DataType
from drivers.status import Status, is_good, name
from server.advice.proposals import Change, Proposal
from server.commands.executor import Commands
from server.config.plant import Plant, Tag
from server.tags.table import TagTable

_FLOATS: Final = (DataType.Float, DataType.Double)
_UNTOUCHED: Final = frozenset(
    (Status.BadInvalidState, Status.BadOutOfRange, Status.BadNotWritable, Status.BadTypeMismatch)
)
"""With these a write is refused before the device is asked."""


class NotApplicable(Exception):
    """A proposal that cannot be applied; nothing was written, and the message says why. final: it never can."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one command. name: as called on the twin; now: what stands, NaN where it is not known. status:
    StatusCode of the write; reason: why it is not Good. left: it could not be put back."""

    name: str
    path: str
    before: float
    proposed: float
    now: float
    status: int
    reason: str = ""
    left: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """done: all commands were written; else those before the refusal were put back, as far as that went. writes: in the
    order of writing. words: what stands now, for a person."""

    done: bool
    writes: tuple[Written, ...]
    words: str


@dataclass(frozen=True, slots=True)
class _Step:
    tag: Tag
    change: Change
    before: float
    value: float | int


class Applying:
    """Writes through the command path. One proposal at a time is right: two may mean the same commands."""

    def __init__(self, plant: Plant, table: TagTable, commands: Commands) -> None:
        self._table = table
        self._commands = commands
        self.adopt(plant)

    def adopt(self, plant: Plant) -> None:
        """Go on with another plant, whose rows fit the table."""
        self._tags = {tag.path: tag for twin in plant.walk() for tag in twin.commands}

    async def apply(self, proposal: Proposal, user: str, halted: Callable[[], str] = lambda: "") -> Applied:
        """Write what differs: first what goes up, then what goes down, so that nothing is taken away before there is
        something in its place; put back in the opposite order. halted: says why not to go on, "" to go on. Raises
        NotApplicable. To be shielded: half of it is nothing to stop at."""
        steps = self._steps(proposal)
        done: list[Written] = []
        for step in steps:
            why = halted()
            status, why = (int(Status.BadInvalidState), why) if why else await self._write(step, step.value, user)
            done.append(self._written(step, status, why))
            if status != Status.Good:
                return await self._undo(steps[: len(done)], done, user)
        return Applied(True, tuple(done), "; ".join(_said(one) for one in done) or "nothing had to be changed")

    def has(self, path: str) -> bool:
        """Whether the plant has a command."""
        return path in self._tags

    def value(self, path: str) -> float:
        """What a command holds now, NaN where it is not known."""
        tag = self._tags.get(path)
        if tag is None or not is_good(int(self._table.status[tag.row])):
            return float("nan")
        return float(self._table.as_float(np.array([tag.row], np.int32))[0])

    def same(self, path: str, one: float, other: float) -> bool:
        """Whether two values of a command are the same, as far as its device tells them apart."""
        tag = self._tags[path]
        tolerance = tag.command.tolerance if tag.command is not None else 0.0
        return abs(one - other) <= tolerance + 1e-6 * max(abs(one), abs(other))

    def _steps(self, proposal: Proposal) -> Sequence[_Step]:
        steps = [self._step(change) for change in proposal.changes]
        moving = [one for one in steps if not self.same(one.tag.path, one.before, float(one.value))]
        return sorted(moving, key=lambda one: one.value < one.before)

    def _step(self, change: Change) -> _Step:
        """Raises NotApplicable where the plant is not as the proposal found it."""
        tag = self._tags.get(change.command)
        if not change.command or change.proposed is None or change.current is None:
            raise NotApplicable(f"no command sets {change.name}, so that it cannot be applied", final=True)
        if tag is None:
            raise NotApplicable(f"the plant has no command {change.command} any more", final=True)
        now = self.value(change.command)
        if np.isnan(now):
            told = f"{change.name} has no Good value ({name(int(self._table.status[tag.row]))})"
            raise NotApplicable(f"{told}: it is not known where it stands, nor what to put back")
        if not self.same(change.command, now, change.current):
            told = f"{change.name} is {now:g}, and was {change.current:g} when it was proposed"
            raise NotApplicable(f"the plant has moved on: {told}; ask OptimizeSetpoints again", final=True)
        return _Step(tag, change, now, _fitting(change.proposed, tag))

    async def _write(self, step: _Step, value: float | int, user: str) -> tuple[int, str]:
        return await self._commands.order(step.tag.row, value, user)

    async def _undo(self, steps: Sequence[_Step], done: list[Written], user: str) -> Applied:
        """Put back what was written, the refused one too where the device may have it all the same."""
        refused = done[-1]
        for at in reversed(range(len(done))):
            step, written = steps[at], done[at]
            if at == len(done) - 1 and written.status in _UNTOUCHED:
                continue
            status, why = await self._write(step, _fitting(step.before, step.tag), user)
            back = is_good(status)
            left = "" if back else f"it could not be put back: {name(status)}{f', {why}' if why else ''}"
            words = "; ".join(one for one in (written.reason, left) if one)
            done[at] = self._written(step, written.status, words, left=not back)
        cause = (
            f"{refused.name} was refused with {name(refused.status)}{f' ({refused.reason})' if refused.reason else ''}"
        )
        others = [one for one in done if one.name != refused.name or one.left]
        return Applied(False, tuple(done), "; ".join([cause, *(_stands(one) for one in others)]))

    def _written(self, step: _Step, status: int, reason: str, *, left: bool = False) -> Written:
        now = self.value(step.tag.path)
        return Written(step.change.name, step.tag.path, step.before, float(step.value), now, status, reason, left)


def _fitting(value: float, tag: Tag) -> float | int:
    """As the type of the command can hold it."""
    if tag.data_type is DataType.Boolean:
        return bool(round(value))
    return value if tag.data_type in _FLOATS else round(value)


def _said(one: Written) -> str:
    return f"{one.name} {one.before:g} -> {one.proposed:g}"


def _stands(one: Written) -> str:
    if one.left:
        return f"{one.name} COULD NOT BE PUT BACK and stands at {one.now:g}, before at {one.before:g}"
    return f"{one.name} was put back to {one.before:g}"

"""What falls silent together and how it is polled: the units of a connection and the slots of their groups."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from drivers.driver import GoOn, PollGroup
from drivers.packed import Packed
from drivers.readings import Readings
from server.acquisition.health import WELL, Health

Read = Callable[[PollGroup], Awaitable[Readings]]
Begin = Callable[[PollGroup, Callable[[Packed | GoOn], None]], bool]


@dataclass(slots=True, eq=False)
class Unit:
    """What falls silent together: one unit of a line, or the whole device. slots: how its groups are polled; the
    first of them does the probing while the unit is given up, the others wait for `back`."""

    name: str
    health: Health = WELL
    slots: list[Slot] = field(default_factory=list)
    back: asyncio.Event = field(default_factory=asyncio.Event)

    def rows(self) -> npt.NDArray[np.int32]:
        """All rows of the unit."""
        return np.concatenate([slot.group.rows for slot in self.slots])


@dataclass(slots=True, eq=False)
class Slot:
    """A poll group and its place in time. polls: requests made; missed: slots skipped because a poll took longer than
    the group's period."""

    group: PollGroup
    unit: Unit
    shift_s: float
    polls: int = 0
    missed: int = 0

"""What scenarios need of the bridge they live in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from analytics.arguments import Context
from server.address_space.twin_space import TwinSpace
from server.config.plant import Plant, Tag, Twin
from server.history.recent import Recent
from server.tags.table import TagTable


@dataclass(frozen=True, slots=True)
class Stage:
    """plant: the one that is shown, with a tag for every row of the table. context: what is known of a twin, its models
    calibrated. seat: gives tags their rows in the plant and the table, those behind the last in order. held: rows that
    clients know by themselves. forget: the twins below a path have changed. let_go: nothing is to be remembered of the
    twins below a path and of their rows."""

    table: TagTable
    space: TwinSpace
    recent: Recent
    plant: Callable[[], Plant]
    context: Callable[[Twin], Context]
    seat: Callable[[Sequence[Tag]], None]
    held: Callable[[], frozenset[int]]
    forget: Callable[[str], None]
    let_go: Callable[[str, frozenset[int]], Awaitable[None]]

"""What is known of the addresses that devices do not have: found out once, told once, tried again later."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from drivers.driver import PollGroup, Traffic
from drivers.modbus.address import TABLES, label
from drivers.modbus.holes import Holes, Refuses, Span, clusters, search
from drivers.modbus.plan import Area, plan_again
from drivers.modbus.read_plan import Block, ReadPlan
from drivers.modbus.settings import ModbusConnection, Table

log = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 60.0
LAST_RETRY_S: Final = 3600.0


@dataclass(slots=True)
class _Known:
    """Of one table of one unit. retry_s: how long it is believed, doubling; told: logged already."""

    holes: Holes
    retry_s: float
    retry_at_s: float
    told: Holes


class Survey:
    """Keeps each group's plan clear of holes. path_of: what a row is called; clock: seconds."""

    def __init__(
        self,
        name: str,
        connection: ModbusConnection,
        traffic: Traffic,
        path_of: Mapping[int, str],
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._connection = connection
        self._traffic = traffic
        self._path_of = path_of
        self._clock = clock
        self._known: dict[Area, _Known] = {}
        self._plans: dict[str, ReadPlan] = {}

    @property
    def holes(self) -> dict[Area, Holes]:
        """All that is known."""
        return {area: known.holes for area, known in self._known.items()}

    def plan(self, group: PollGroup) -> ReadPlan:
        """How to read a group now."""
        if not self._known:
            return cast("ReadPlan", group.plan)
        area = _area(group.plan)
        known = self._known.get(area)
        if known is not None and known.holes and self._clock() >= known.retry_at_s:
            known.holes = Holes()
            self._forget_plans(area)
        return self._plans.get(group.key) or cast("ReadPlan", group.plan)

    def forget(self) -> None:
        """Believe nothing any more: the device may be another, or was still starting; what was told stays told."""
        for area, known in self._known.items():
            known.holes, known.retry_s = Holes(), FIRST_RETRY_S / 2
            self._forget_plans(area)

    async def learn(self, group: PollGroup, block: Block, refuses: Refuses) -> None:
        """Find out why the device refuses a block of the group, by asking for parts of it."""
        area = _area(group.plan)
        found = await search(_values_in(self.plan(group), block), refuses)
        known = self._known.get(area)
        if known is None:
            known = self._known[area] = _Known(Holes(), FIRST_RETRY_S / 2, 0.0, Holes())
        if not known.holes:
            known.retry_s = min(2 * known.retry_s, LAST_RETRY_S)
            known.retry_at_s = self._clock() + known.retry_s
        known.holes |= found
        self._plans[group.key] = plan_again(self._connection, group.plan.targets, known.holes)
        self._tell(group, area, known, found)

    def _tell(self, group: PollGroup, area: Area, known: _Known, found: Holes) -> None:
        new = [span for span in found.values if span not in known.told.values]
        known.told |= found
        if not new:
            return
        table = TABLES[area[1]]
        spans = ", ".join(self._span(table, span) for span in new)
        rows = _rows(group.plan, Holes(values=tuple(new)))
        paths = self._paths(rows)
        text = (
            f"unit {area[0]}, {table} {spans}: the device has no such address (exception 02); check the address of "
            f"{paths}, which shows BadConfigurationError and is tried again in {known.retry_s / 60:g} min"
        )
        log.warning("%s: %s", self._name, text)
        self._traffic.refused += 1
        self._traffic.last_refused = text
        self._traffic.blame(rows, text)

    def _span(self, table: Table, span: Span) -> str:
        first, last = (label(self._connection.addresses, table, at) for at in (span[0], span[1] - 1))
        return str(first) if first == last else f"{first}..{last}"

    def _paths(self, rows: Sequence[int]) -> str:
        paths = [self._path_of[row] for row in rows]
        return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")

    def _forget_plans(self, area: Area) -> None:
        for key, plan in list(self._plans.items()):
            if _area(plan) == area:
                del self._plans[key]


def _rows(plan: ReadPlan, holes: Holes) -> list[int]:
    """The tags that cannot be read because of holes."""
    targets = plan.targets
    bad = holes.hit(targets.start, targets.end)
    bad |= (targets.factor >= 0) & holes.hit(targets.factor, targets.factor + 1)
    rows: list[int] = targets.row[bad].tolist()
    return rows


def _area(plan: ReadPlan) -> Area:
    return int(plan.targets.unit[0]), int(plan.targets.table[0])


def _values_in(plan: ReadPlan, block: Block) -> list[Span]:
    """The values of a block that a poll reads together, and their factor registers."""
    targets, end = plan.targets, block.start + block.size
    if plan.blocks.count(block) and _is_alone(plan, block):
        return [(block.start, end)]
    starts = [*targets.start[~targets.alone].tolist(), *targets.factor[targets.factor >= 0].tolist()]
    ends = [*targets.end[~targets.alone].tolist(), *(targets.factor[targets.factor >= 0] + 1).tolist()]
    return clusters([(a, b) for a, b in zip(starts, ends, strict=True) if a >= block.start and b <= end])


def _is_alone(plan: ReadPlan, block: Block) -> bool:
    targets = plan.targets
    own = targets.alone & (targets.start == block.start) & (targets.size == block.size)
    shared = ~targets.alone & (targets.start >= block.start) & (targets.end <= block.start + block.size)
    return bool(own.any() and not shared.any())

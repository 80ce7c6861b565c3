"""Plans the reads of a connection: tags to blocks of registers, blocks to poll groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from drivers.driver import PollGroup
from drivers.modbus.address import TABLES
from drivers.modbus.codec import lane_key, make_lane
from drivers.modbus.holes import Holes
from drivers.modbus.pdu import ANSWER_BYTES
from drivers.modbus.read_plan import BIT_TABLES, Block, ReadPlan
from drivers.modbus.settings import ModbusConnection
from drivers.modbus.targets import Targets

COILS_PER_REGISTER: Final = 16
"""A gap of one register costs as many bytes as one of 16 coils."""
Area = tuple[int, int]
"""Unit and table (index in TABLES)."""
_Index = npt.NDArray[np.intp]


def plan_reads(
    connection: ModbusConnection, targets: Targets, holes: Mapping[Area, Holes] | None = None
) -> list[PollGroup]:
    """Poll groups by unit, table and rate; their blocks go over gaps up to max_gap and never split a value. A slow tag
    that lies within a block of a faster rate rides along with it."""
    if not len(targets):
        return []
    order = np.lexsort((targets.size, targets.start, targets.rate_s, targets.table, targets.unit))
    ordered = targets.at(order)
    changes = np.flatnonzero((np.diff(ordered.unit) != 0) | (np.diff(ordered.table) != 0)) + 1
    groups = []
    for first, last in pairwise([0, *changes.tolist(), len(ordered)]):
        area = ordered.at(np.arange(first, last))
        known = (holes or {}).get((int(area.unit[0]), int(area.table[0])), Holes())
        groups += [_group(connection, area.at(chosen), known) for chosen in _by_rate(connection, area, known)]
    return groups


def plan_again(connection: ModbusConnection, targets: Targets, holes: Holes) -> ReadPlan:
    """The plan of one group's targets with other knowledge about holes."""
    bad = holes.hit(targets.start, targets.end)
    if (targets.factor >= 0).any():
        bad |= (targets.factor >= 0) & holes.hit(targets.factor, targets.factor + 1)
    order = np.argsort(targets.start, kind="stable")
    good = targets.at(order[~bad[order]])
    return _read_plan(connection, targets, good, targets.row[bad], holes)


def _group(connection: ModbusConnection, targets: Targets, holes: Holes) -> PollGroup:
    unit, table = int(targets.unit[0]), TABLES[int(targets.table[0])]
    rate_s = float(targets.rate_s.min())
    plan = plan_again(connection, targets, holes)
    return PollGroup(f"unit {unit}, {table}, {rate_s:g} s", rate_s, plan.rows, plan, f"unit {unit}")


def _by_rate(connection: ModbusConnection, area: Targets, holes: Holes) -> Iterator[_Index]:
    """The targets of each group of an area, sorted by rate and start; the fastest first, with those that ride along."""
    left: _Index = np.arange(len(area))
    while len(left):
        chosen, left = _split(left, area.rate_s[left] == area.rate_s[left[0]])
        if len(left):
            riding = _inside(connection, area, chosen, left, holes)
            chosen, left = np.concatenate([chosen, left[riding]]), left[~riding]
        yield chosen


def _split(indexes: _Index, mask: npt.NDArray[np.bool_]) -> tuple[_Index, _Index]:
    return indexes[mask], indexes[~mask]


def _inside(
    connection: ModbusConnection, area: Targets, fast: _Index, slow: _Index, holes: Holes
) -> npt.NDArray[np.bool_]:
    """Which of the slow targets lie in the blocks that the fast ones need anyway."""
    items = _Items(area.at(fast))
    blocks = np.array([(start, start + size) for _, _, start, size in _cut(connection, items, holes)])
    if not len(blocks):
        return np.zeros(len(slow), np.bool_)

    def covered(start: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        at = np.searchsorted(blocks[:, 0], start, "right") - 1
        inside: npt.NDArray[np.bool_] = (at >= 0) & (end <= blocks[np.maximum(at, 0), 1])
        return inside

    factor = area.factor[slow]
    by_factor = (factor < 0) | covered(factor, factor + 1)
    return covered(area.start[slow], area.end[slow]) & by_factor & ~area.alone[slow]


class _Items:
    """What blocks must hold: the values that are not read alone, and factor registers; sorted by start."""

    def __init__(self, targets: Targets) -> None:
        factors = np.unique(targets.factor[targets.factor >= 0])
        shared = np.flatnonzero(~targets.alone)
        start = np.concatenate([targets.start[shared], factors])
        end = np.concatenate([targets.end[shared], factors + 1])
        order = np.lexsort((end, start))
        self.is_bits = bool(len(targets)) and TABLES[int(targets.table[0])] in BIT_TABLES
        self.start, self.end = start[order], end[order]


def _cut(connection: ModbusConnection, items: _Items, holes: Holes) -> Iterator[tuple[int, int, int, int]]:
    """(first item, one past the last, start, size) of each block."""
    starts, ends = items.start.tolist(), items.end.tolist()
    if not starts:
        return
    gap = connection.max_gap * (COILS_PER_REGISTER if items.is_bits else 1)
    most = connection.max_coils if items.is_bits else connection.max_registers
    first, end = 0, ends[0]
    for index in range(1, len(starts)):
        new_end = max(end, ends[index])
        apart = starts[index] > end + gap or new_end - starts[first] > most
        if apart or (holes and holes.between(starts[first], new_end)):
            yield first, index, starts[first], end - starts[first]
            first, end = index, ends[index]
        else:
            end = new_end
    yield first, len(starts), starts[first], end - starts[first]


def _read_plan(
    connection: ModbusConnection, all_targets: Targets, targets: Targets, refused: npt.NDArray[np.int32], holes: Holes
) -> ReadPlan:
    """Where each value lies in the joined frames of the answers, and lanes of like values."""
    unit, table = int(all_targets.unit[0]), TABLES[int(all_targets.table[0])]
    is_bits = table in BIT_TABLES
    shared = [(start, size) for _, _, start, size in _cut(connection, _Items(targets), holes)]
    alone = list(zip(targets.start[targets.alone].tolist(), targets.size[targets.alone].tolist(), strict=True))
    blocks = [Block(unit, table, start, size) for start, size in shared + alone]
    bases = ANSWER_BYTES + np.cumsum([0, *(ANSWER_BYTES + block.payload_bytes for block in blocks)])[:-1]
    first = np.array([block.start for block in blocks], np.int64)
    ends = np.array([start + size for start, size in shared], np.int64)

    def block_of(start: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
        """The first shared block that reaches to the end of it; blocks of overlapping values may overlap."""
        at = np.searchsorted(first[: len(shared)], start, "right") - 1
        return np.maximum(np.where((at >= 0) & (end <= ends[at]), at, at - 1), 0) if len(shared) else at

    of_value = block_of(targets.start, targets.end)
    of_value[targets.alone] = len(shared) + np.arange(len(alone))
    of_factor = np.where(targets.factor >= 0, block_of(targets.factor, targets.factor + 1), -1)
    width = 1 if is_bits else 2
    scale = 8 if is_bits else 1  # bits are numbered through
    place = bases[of_value] * scale + (targets.start - first[of_value]) * width if len(blocks) else of_value
    factor_place = bases[of_factor] + (targets.factor - first[of_factor]) * 2 if len(blocks) else of_factor
    alike: dict[tuple[object, ...], list[int]] = {}
    for index, layout in enumerate(targets.layouts):
        alike.setdefault(lane_key(layout), []).append(index)
    order = np.array([index for indexes in alike.values() for index in indexes], np.intp)
    lanes = [
        make_lane([targets.layouts[i] for i in indexes], place[indexes], factor_place[indexes])
        for indexes in alike.values()
    ]
    return ReadPlan.of(
        connection, all_targets, blocks, targets.row[order], of_value[order], of_factor[order], lanes, refused
    )

"""Plans the reads of a connection: tags to blocks of registers, blocks to poll groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from drivers.driver import Binding, PollGroup
from drivers.modbus.address import TABLES, locate
from drivers.modbus.codec import Decoded, Lane, decode, lane_key, make_lane
from drivers.modbus.layout import Definition, Layout, layout_of
from drivers.modbus.pdu import read_request
from drivers.modbus.settings import ModbusConnection, Table
from drivers.readings import Readings

BIT_TABLES: Final = ("coil", "discrete")
COILS_PER_REGISTER: Final = 16
"""A gap of one register costs as many bytes as one of 16 coils."""


class Block(NamedTuple):
    """One read request: size registers or bits from start."""

    unit: int
    table: Table
    start: int
    size: int

    @property
    def payload_bytes(self) -> int:
        """Bytes of values in the answer."""
        return (self.size + 7) // 8 if self.table in BIT_TABLES else 2 * self.size


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Where n tags lie, by column: row int32, unit, table (index in TABLES), start and size int64, rate_s float64."""

    row: npt.NDArray[np.int32]
    unit: npt.NDArray[np.int64]
    table: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    rate_s: npt.NDArray[np.float64]
    layouts: Sequence[Layout]

    @staticmethod
    def of(connection: ModbusConnection, bindings: Sequence[Binding]) -> Targets:
        """The columns of bindings that have no problems (`check`)."""
        places = [locate(connection.addresses, item.point.table, item.point.address) for item in bindings]
        layouts = [
            layout_of(Definition.of(item, table, connection)) for item, (table, _) in zip(bindings, places, strict=True)
        ]
        units = [connection.unit if item.point.unit is None else item.point.unit for item in bindings]
        return Targets(
            np.array([item.row for item in bindings], np.int32),
            np.array(units, np.int64),
            np.array([TABLES.index(table) for table, _ in places], np.int64),
            np.array([start for _, start in places], np.int64),
            np.array([layout.size for layout in layouts], np.int64),
            np.array([item.rate_s for item in bindings], np.float64),
            layouts,
        )

    def at(self, chosen: npt.NDArray[np.intp]) -> Targets:
        """Some of them."""
        return Targets(
            self.row[chosen],
            self.unit[chosen],
            self.table[chosen],
            self.start[chosen],
            self.size[chosen],
            self.rate_s[chosen],
            [self.layouts[index] for index in chosen],
        )


@dataclass(frozen=True, slots=True, eq=False)
class ReadPlan:
    """The blocks of one poll group and how their joined answers become readings, which come in the order of `rows`.

    block_of: int[n], which block each reading comes from. requests: per block the unit and the PDU that asks for it.
    blank: per block, what stands in for a missing answer.
    """

    blocks: Sequence[Block]
    requests: Sequence[tuple[int, bytes]]
    rows: npt.NDArray[np.int32]
    block_of: npt.NDArray[np.intp]
    lanes: Sequence[Lane]
    blank: Sequence[bytes]
    is_bits: bool

    def readings(self, answers: Sequence[bytes], status: Sequence[int], ticks: Sequence[int]) -> Readings:
        """The readings of a poll: per block its values (blank where it failed), status and SourceTimestamp."""
        joined = np.frombuffer(answers[0] if len(answers) == 1 else b"".join(answers), np.uint8)
        if self.is_bits:
            joined = np.unpackbits(joined, bitorder="little")
        return self._collect([decode(lane, joined) for lane in self.lanes], status, ticks)

    def _collect(self, parts: Sequence[Decoded], status: Sequence[int], ticks: Sequence[int]) -> Readings:
        single = len(parts) == 1
        failed = any(status)
        codes = np.zeros(len(self.rows), np.uint32)
        side: dict[int, object] = {}
        at = 0
        for part in parts:
            end = at + len(part.cells)
            if part.status is not None:
                codes[at:end] = part.status
            if part.side:
                side.update({at + index: value for index, value in part.side.items()})
            at = end
        if failed:
            told = np.array(status, np.uint32)[self.block_of]
            codes = np.where(told != 0, told, codes)
        return Readings(
            self.rows,
            parts[0].cells if single else np.concatenate([part.cells for part in parts]),
            codes,
            np.array(ticks, np.int64)[self.block_of],
            side,
        )


def plan_reads(connection: ModbusConnection, targets: Targets) -> list[PollGroup]:
    """Poll groups by unit, table and rate; their blocks go over gaps up to max_gap and never split a value."""
    if not len(targets.row):
        return []
    order = np.lexsort((targets.size, targets.start, targets.rate_s, targets.table, targets.unit))
    ordered = targets.at(order)
    changes = np.zeros(len(order), np.bool_)
    for column in (ordered.unit, ordered.table, ordered.rate_s):
        changes[1:] |= column[1:] != column[:-1]
    edges = [0, *np.flatnonzero(changes).tolist(), len(order)]
    return [_group(connection, ordered.at(np.arange(a, b))) for a, b in pairwise(edges)]


def _group(connection: ModbusConnection, targets: Targets) -> PollGroup:
    """The group of targets of one unit, table and rate, sorted by start."""
    unit, table, rate_s = int(targets.unit[0]), TABLES[int(targets.table[0])], float(targets.rate_s[0])
    plan = _read_plan(unit, table, targets, list(_cut(connection, table, targets)))
    return PollGroup(f"unit {unit}, {table}, {rate_s:g} s", rate_s, plan.rows, plan, f"unit {unit}")


def _cut(connection: ModbusConnection, table: Table, targets: Targets) -> Iterator[tuple[int, int, int, int]]:
    """(first target, one past the last, start, size) of each block."""
    bits = table in BIT_TABLES
    gap = connection.max_gap * (COILS_PER_REGISTER if bits else 1)
    most = connection.max_coils if bits else connection.max_registers
    starts, ends = targets.start.tolist(), (targets.start + targets.size).tolist()
    first, end = 0, ends[0]
    for index in range(1, len(starts)):
        if starts[index] > end + gap or max(end, ends[index]) - starts[first] > most:
            yield first, index, starts[first], end - starts[first]
            first, end = index, ends[index]
        else:
            end = max(end, ends[index])
    yield first, len(starts), starts[first], end - starts[first]


def _read_plan(unit: int, table: Table, targets: Targets, cuts: Sequence[tuple[int, int, int, int]]) -> ReadPlan:
    """Where each value lies in the joined answers, and lanes of like values."""
    is_bits = table in BIT_TABLES
    blocks = [Block(unit, table, start, size) for _, _, start, size in cuts]
    bases = np.cumsum([0, *(block.payload_bytes for block in blocks)])[:-1]
    block_of = np.repeat(np.arange(len(blocks)), [last - first for first, last, _, _ in cuts])
    inside = targets.start - np.array([block.start for block in blocks])[block_of]
    place = bases[block_of] * (8 if is_bits else 1) + inside * (1 if is_bits else 2)
    alike: dict[tuple[object, ...], list[int]] = {}
    for index, layout in enumerate(targets.layouts):
        alike.setdefault(lane_key(layout), []).append(index)
    order = np.array([index for indexes in alike.values() for index in indexes], np.intp)
    lanes = [make_lane([targets.layouts[i] for i in indexes], place[indexes]) for indexes in alike.values()]
    blank = [bytes(block.payload_bytes) for block in blocks]
    requests = [(unit, read_request(table, block.start, block.size)) for block in blocks]
    return ReadPlan(blocks, requests, targets.row[order], block_of[order], lanes, blank, is_bits)

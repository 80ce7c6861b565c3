"""What one poll asks, and how its answers become readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from drivers.modbus.codec import Decoded, Lane, decode
from drivers.modbus.pdu import read_request
from drivers.modbus.settings import Table
from drivers.modbus.targets import Targets
from drivers.readings import Readings
from drivers.status import Status

BIT_TABLES: Final = ("coil", "discrete")


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
class ReadPlan:
    """The blocks of one poll group and how their joined answers become readings, which come in the order of `rows`.

    targets: all of the group. requests: per block the unit and the PDU that asks for it. heads: how a good answer to it
    begins. blank: per block, what stands in for a missing answer. block_of, factor_of: int[n], which block each reading
    and its power of ten (-1: none) come from, without the `refused` rows, whose addresses the device does not have and
    which come last. good: uint32[n] of zeros, for all polls.
    """

    targets: Targets
    blocks: Sequence[Block]
    requests: Sequence[tuple[int, bytes]]
    heads: Sequence[bytes]
    blank: Sequence[bytes]
    rows: npt.NDArray[np.int32]
    block_of: npt.NDArray[np.intp]
    factor_of: npt.NDArray[np.intp] | None
    lanes: Sequence[Lane]
    refused: npt.NDArray[np.int32]
    is_bits: bool
    good: npt.NDArray[np.uint32]

    @staticmethod
    def of(
        targets: Targets,
        blocks: Sequence[Block],
        rows: npt.NDArray[np.int32],
        block_of: npt.NDArray[np.intp],
        factor_of: npt.NDArray[np.intp],
        lanes: Sequence[Lane],
        refused: npt.NDArray[np.int32],
    ) -> ReadPlan:
        """A plan with what follows from these."""
        requests = [(block.unit, read_request(block.table, block.start, block.size)) for block in blocks]
        good = np.zeros(len(rows), np.uint32)
        good.flags.writeable = False
        return ReadPlan(
            targets,
            blocks,
            requests,
            [bytes((request[0], block.payload_bytes)) for (_, request), block in zip(requests, blocks, strict=True)],
            [bytes(block.payload_bytes) for block in blocks],
            np.concatenate([rows, refused]),
            block_of,
            factor_of if (factor_of >= 0).any() else None,
            lanes,
            refused,
            bool(blocks) and blocks[0].table in BIT_TABLES,
            good,
        )

    def answers(self, replies: Sequence[object]) -> bytes | None:
        """The joined values where all blocks were answered as they should be, else None."""
        parts = []
        for reply, head, blank in zip(replies, self.heads, self.blank, strict=True):
            if type(reply) is not bytes or len(reply) != len(blank) + 2 or not reply.startswith(head):
                return None
            parts.append(reply[2:])
        return b"".join(parts)

    def good_readings(self, joined: bytes, ticks: int) -> Readings:
        """The readings of a poll of which every block was answered in the same moment."""
        batch = self._decode(joined, self.good, np.full(len(self.block_of), ticks, np.int64))
        return self._with_refused(batch, ticks)

    def readings(self, answers: Sequence[bytes], status: Sequence[int], ticks: Sequence[int]) -> Readings:
        """The readings of a poll: per block its values (blank where it failed), status and SourceTimestamp."""
        told = np.array(status, np.uint32)
        by_value = told[self.block_of]
        if self.factor_of is not None:
            by_factor = np.where(self.factor_of >= 0, told[self.factor_of], 0)
            by_value = np.where(by_value != 0, by_value, by_factor)
        batch = self._decode(b"".join(answers), by_value, np.array(ticks, np.int64)[self.block_of])
        return self._with_refused(batch, max(ticks, default=0))

    def _decode(self, joined: bytes, told: npt.NDArray[np.uint32], ticks: npt.NDArray[np.int64]) -> Readings:
        values = np.frombuffer(joined, np.uint8)
        if self.is_bits:
            values = np.unpackbits(values, bitorder="little")
        parts = [decode(lane, values) for lane in self.lanes]
        row = self.rows[: len(self.block_of)] if len(self.refused) else self.rows
        if len(parts) == 1 and parts[0].status is None:
            return Readings(row, parts[0].cells, told, ticks, parts[0].side)
        codes, side = _join(parts, len(row))
        cells = np.concatenate([part.cells for part in parts] or [np.empty(0, np.uint64)])
        return Readings(row, cells, np.where(told != 0, told, codes).astype(np.uint32), ticks, side)

    def _with_refused(self, batch: Readings, ticks: int) -> Readings:
        if not len(self.refused):
            return batch
        return Readings.concat([batch, Readings.uniform(self.refused, Status.BadConfigurationError, ticks)])


def _join(parts: Sequence[Decoded], count: int) -> tuple[npt.NDArray[np.uint32], dict[int, object]]:
    codes = np.zeros(count, np.uint32)
    side: dict[int, object] = {}
    at = 0
    for part in parts:
        end = at + len(part.cells)
        if part.status is not None:
            codes[at:end] = part.status
        if part.side:
            side.update({at + index: value for index, value in part.side.items()})
        at = end
    return codes, side

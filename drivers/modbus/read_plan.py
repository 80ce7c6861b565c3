"""What one poll asks, and how its answers become readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from drivers.modbus.codec import Lane
from drivers.modbus.pdu import ANSWER_BYTES, read_request
from drivers.modbus.settings import ModbusConnection, Table
from drivers.modbus.shape import Shape, shape_of
from drivers.modbus.targets import Targets
from drivers.modbus.volley import Request, Volley
from drivers.readings import Readings
from drivers.status import Status

BIT_TABLES: Final = ("coil", "discrete")
_HEAD: Final = bytes(ANSWER_BYTES)


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
    """The blocks of one poll group and how their answers become readings, which come in the order of `rows`.

    targets: all of the group. requests: per block the unit and the PDU that asks for it. volleys: the same, as many
    together as the device takes. blank: per block, what stands in for a missing answer. block_of, factor_of: int[n],
    which block each reading and its power of ten (-1: none) come from, without the `refused` rows, whose addresses the
    device does not have and which come last.
    """

    targets: Targets
    blocks: Sequence[Block]
    requests: Sequence[Request]
    volleys: Sequence[Volley]
    blank: Sequence[bytes]
    rows: npt.NDArray[np.int32]
    block_of: npt.NDArray[np.intp]
    factor_of: npt.NDArray[np.intp] | None
    shape: Shape
    refused: npt.NDArray[np.int32]

    @staticmethod
    def of(
        connection: ModbusConnection,
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
        sizes = [block.payload_bytes for block in blocks]
        is_bits = bool(blocks) and blocks[0].table in BIT_TABLES
        together = connection.pipeline
        return ReadPlan(
            targets,
            blocks,
            requests,
            [
                Volley.of(requests[at : at + together], sizes[at : at + together])
                for at in range(0, len(blocks), together)
            ],
            [bytes(size) for size in sizes],
            np.concatenate([rows, refused]),
            block_of,
            factor_of if (factor_of >= 0).any() else None,
            shape_of(tuple(lanes), is_bits, tuple(sizes)),
            refused,
        )

    def joined(self, answers: Sequence[bytes]) -> bytes:
        """The data of a poll from the values of each block."""
        return b"".join([_HEAD + answer for answer in answers])

    def readings(self, answers: Sequence[bytes], status: Sequence[int], ticks: Sequence[int]) -> Readings:
        """The readings of a poll: per block its values (blank where it failed), status and SourceTimestamp."""
        told = np.array(status, np.uint32)
        by_value = told[self.block_of]
        if self.factor_of is not None:
            by_factor = np.where(self.factor_of >= 0, told[self.factor_of], 0)
            by_value = np.where(by_value != 0, by_value, by_factor)
        found = self.shape.columns(self.joined(answers), 1)
        if found.status is not None:
            by_value = np.where(by_value != 0, by_value, found.status).astype(np.uint32)
        row = self.rows[: len(self.block_of)] if len(self.refused) else self.rows
        batch = Readings(row, found.cells, by_value, np.array(ticks, np.int64)[self.block_of], found.side)
        if not len(self.refused):
            return batch
        none = Readings.uniform(self.refused, Status.BadConfigurationError, max(ticks, default=0))
        return Readings.concat([batch, none])

"""Which registers or bits each value of a poll was made from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drivers.modbus.read_plan import ReadPlan
from drivers.raw import RawTap, hex_text


def tell_raw(plan: ReadPlan, answers: Sequence[bytes], status: Sequence[int], tap: RawTap) -> None:
    """Tell what came for the values of the blocks that have answered (their status is 0), in the order of the wire."""
    joined = np.frombuffer(plan.joined(answers), np.uint8)
    is_bits = plan.shape.is_bits
    if is_bits:
        joined = np.unpackbits(joined, bitorder="little")
    at = 0
    for lane in plan.shape.lanes:
        for row, block, places in zip(plan.rows[at:], plan.block_of[at:], lane.index, strict=False):
            if not status[block]:
                raw = joined[places.min() : places.max() + 1]
                tap(int(row), " ".join(map(str, raw)) if is_bits else hex_text(raw.tobytes()))
        at += len(lane.index)

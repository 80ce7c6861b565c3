"""What a connection will cost: its requests, their bytes and the share of its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from drivers.driver import Binding, PlannedRequest, PlanReport, PollGroup
from drivers.modbus.address import label
from drivers.modbus.pdu import ANSWER_BYTES, REQUEST_BYTES
from drivers.modbus.plan import plan_reads
from drivers.modbus.read_plan import Block, ReadPlan
from drivers.modbus.rtu_frame import RTU_BYTES, silent_s, transmission_s
from drivers.modbus.settings import ModbusConnection
from drivers.modbus.targets import Targets

TURNAROUND_S: Final = 0.01
"""What a request and its answer are assumed to take with a typical PLC, besides the time on a serial line."""


def report(connection: ModbusConnection, bindings: Sequence[Binding]) -> PlanReport:
    """The requests in the order of the plan. load: the share of time in which a request is under way, one at a time,
    at 10 ms each, the configured pause and the time that its bytes are on a serial line; above 1 the rates cannot be
    kept."""
    requests = [
        item
        for group in plan_reads(connection, Targets.of(connection, bindings))
        for item in _requests(connection, group)
    ]
    per_s = sum(1 / item.rate_s for item in requests)
    return PlanReport(
        requests,
        requests_per_s=per_s,
        bytes_per_s=sum(item.bytes_on_wire / item.rate_s for item in requests),
        load=sum((TURNAROUND_S + connection.pause_s + _on_line_s(connection, item)) / item.rate_s for item in requests),
    )


def _on_line_s(connection: ModbusConnection, request: PlannedRequest) -> float:
    if not connection.is_rtu:
        return 0.0
    return transmission_s(request.bytes_on_wire, connection.baud_rate) + 2 * silent_s(connection.baud_rate)


def _requests(connection: ModbusConnection, group: PollGroup) -> list[PlannedRequest]:
    plan: ReadPlan = group.plan
    around = RTU_BYTES if connection.is_rtu else REQUEST_BYTES + ANSWER_BYTES
    tags = np.bincount(plan.block_of, minlength=len(plan.blocks)).tolist()
    return [
        PlannedRequest(_name(connection, block), group.rate_s, count, around + block.payload_bytes)
        for block, count in zip(plan.blocks, tags, strict=True)
    ]


def _name(connection: ModbusConnection, block: Block) -> str:
    """ "unit 1 holding 100..149 (50 registers)", in the notation of the plant file."""
    first, last = (
        label(connection.addresses, block.table, place) for place in (block.start, block.start + block.size - 1)
    )
    what = {"coil": "coil", "discrete": "input"}.get(block.table, "register")
    return f"unit {block.unit} {block.table} {first}..{last} ({block.size} {what}{'s' if block.size > 1 else ''})"

"""A command's whole way with a device in memory: nothing is Good before the device has it."""

from __future__ import annotations

import asyncio
import logging

import numpy as np
import pytest

from drivers.driver import Binding
from drivers.errors import Malformed, Refused, ValueNotAccepted
from drivers.status import Status
from server.config.plant import CommandArgument, CommandMethod, CommandWrite, Condition, Interlock
from tests.commands.conftest import ROWS, rules
from tests.simulators.memory_driver import Device, readings
from tests.simulators.virtual_time import virtual_time

SPEED, RUN, MODE, LEVEL, BIG, TEXT, CURVE = ROWS.values()
READ_BACK = rules(confirm="read_back", tolerance=1.0)
TANK = Interlock((Condition(LEVEL, "Pump/Level", "above", 10.0),), "Tank level is below 10 %")


def polled(rate_s: float = 100.0, **rest: object) -> Device:
    return Device(groups=[("", rate_s, (SPEED, RUN, MODE, LEVEL, BIG))], **rest)  # type: ignore[arg-type]


@virtual_time
async def test_a_write_reaches_the_device_and_the_table_shows_it(start):
    device = polled(values={SPEED: 100.0})
    async with start(device) as desk:
        assert await desk.write(SPEED, 1500.0, "anna") == Status.Good
        assert device.writes == [(SPEED, 1500.0)]
        assert desk.table.python_value(SPEED) == 1500.0
        audit = desk.audits[0]
        assert (audit.user, audit.path, audit.old, audit.new) == ("anna", "Pump/Speed", 100.0, 1500.0)
        assert (audit.status, audit.reason) == (Status.Good, "")


@pytest.mark.parametrize(
    ("row", "value"), [(RUN, True), (MODE, 2), (BIG, -(2**63)), (TEXT, "on"), (CURVE, np.array([1.0, 2.0, 3.0]))]
)
@virtual_time
async def test_every_kind_of_value_can_be_written(start, row, value):
    async with start(Device()) as desk:
        assert await desk.write(row, value, "anna") == Status.Good
        shown = desk.table.python_value(row)
        assert shown.tolist() == value.tolist() if row == CURVE else shown == value


@virtual_time
async def test_a_value_out_of_range_or_of_another_type_never_leaves(start):
    device = polled()
    async with start(device, Speed=rules(limits=(0.0, 3000.0))) as desk:
        assert await desk.write(SPEED, 3001.0, "anna") == Status.BadOutOfRange
        assert await desk.write(SPEED, float("nan"), "anna") == Status.BadOutOfRange
        assert await desk.write(SPEED, "fast", "anna") == Status.BadTypeMismatch
        assert await desk.write(LEVEL, 1.0, "anna") == Status.BadNotWritable
    assert device.writes == []
    assert [audit.status for audit in desk.audits] == [
        Status.BadOutOfRange,
        Status.BadOutOfRange,
        Status.BadTypeMismatch,
        Status.BadNotWritable,
    ]
    assert desk.audits[0].reason == "3001.0 is outside the limits 0 to 3000"


@virtual_time
async def test_a_clamped_value_is_what_the_device_gets_and_the_client_is_told(start):
    device = polled()
    async with start(device, Speed=rules(limits=(0.0, 3000.0), clamp=True)) as desk:
        assert await desk.write(SPEED, 9999.0, "anna") == Status.GoodClamped
    assert device.writes == [(SPEED, 3000.0)]
    assert (desk.audits[0].new, desk.audits[0].reason) == (3000.0, "9999.0 is beyond the limits")


@virtual_time
async def test_an_interlock_refuses_until_its_condition_is_known_to_hold(start):
    device = polled(1.0, values={LEVEL: 5.0})
    async with start(device, Run=rules(interlocks=(TANK,))) as desk:
        assert await desk.write(RUN, True, "anna") == Status.BadInvalidState
        assert desk.audits[0].reason == "Tank level is below 10 %"
        device.values[LEVEL] = 50.0
        await asyncio.sleep(2)
        assert await desk.write(RUN, True, "anna") == Status.Good
        device.silent.add("")
        await asyncio.sleep(2.5)
        device.silent.clear()
        assert desk.table.python_value(LEVEL) == 50.0
        assert await desk.write(RUN, True, "anna") == Status.BadInvalidState
    assert device.writes == [(RUN, True)]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("exception 2", 2, Status.BadConfigurationError), Status.BadConfigurationError),
        (Refused("exception 4", 4), Status.BadDeviceFailure),
        (Malformed("half an answer"), Status.BadCommunicationError),
        (ValueNotAccepted("does not fit the register"), Status.BadOutOfRange),
    ],
)
@virtual_time
async def test_the_devices_own_refusal_reaches_the_client(start, error, status):
    device = polled(values={SPEED: 100.0}, failing={"write": error})
    async with start(device) as desk:
        assert await desk.write(SPEED, 1.0, "anna") == status
        assert desk.audits[0].reason == str(error)
        assert desk.table.python_value(SPEED) == 100.0


@virtual_time
async def test_a_device_that_is_away_is_told_at_once(start):
    async with start(polled(up=False)) as desk:
        assert await desk.write(SPEED, 1.0, "anna") == Status.BadNoCommunication
        assert "connection refused" in desk.audits[0].reason


@virtual_time
async def test_a_device_that_does_not_acknowledge_in_time_is_a_timeout(start):
    device = polled(silent={""}, timeout_s=0.5)
    async with start(device) as desk:
        assert await desk.write(SPEED, 1.0, "anna") == Status.BadTimeout
        device.timeout_s = 30.0
        began = asyncio.get_running_loop().time()
        assert await desk.write(SPEED, 1.0, "anna") == Status.BadTimeout
        assert asyncio.get_running_loop().time() - began == pytest.approx(1.0)
        assert desk.audits[1].reason == "not acknowledged within 1 s"


@virtual_time
async def test_a_value_read_back_within_tolerance_is_good_and_the_table_shows_what_was_read(start):
    device = polled(sticky={SPEED}, values={SPEED: 1499.5})
    async with start(device, Speed=READ_BACK) as desk:
        assert await desk.write(SPEED, 1500.0, "anna") == Status.Good
        assert desk.table.python_value(SPEED) == 1499.5


@virtual_time
async def test_a_value_that_takes_a_moment_to_show_is_waited_for(start):
    device = polled(sticky={SPEED}, values={SPEED: 0.0})
    async with start(device, Speed=READ_BACK) as desk:
        asyncio.get_running_loop().call_later(0.5, device.values.update, {SPEED: 1500.0})
        assert await desk.write(SPEED, 1500.0, "anna") == Status.Good


@virtual_time
async def test_a_device_that_acknowledges_and_never_shows_the_value_is_a_timeout(start):
    device = polled(sticky={SPEED}, values={SPEED: 1400.0})
    async with start(device, Speed=READ_BACK) as desk:
        assert await desk.write(SPEED, 1500.0, "anna") == Status.BadTimeout
        assert desk.audits[0].reason == "acknowledged, but the device shows 1400.0 within 1 s"
        assert desk.table.python_value(SPEED) == 1400.0


@virtual_time
async def test_a_device_lost_before_the_confirmation_is_told(start):
    device = polled(sticky={SPEED})
    async with start(device, Speed=READ_BACK) as desk:
        asyncio.get_running_loop().call_later(0.2, device.go)
        assert await desk.write(SPEED, 1500.0, "anna") == Status.BadNoCommunication


@virtual_time
async def test_an_error_while_reading_back_is_tried_again(start):
    device = polled(failing={"read": Malformed("half an answer")})
    async with start(device, Speed=READ_BACK) as desk:
        asyncio.get_running_loop().call_later(0.3, device.failing.clear)
        assert await desk.write(SPEED, 1500.0, "anna") == Status.Good


@virtual_time
async def test_a_device_that_speaks_by_itself_confirms_by_its_next_message(start):
    device = Device()
    bindings = {SPEED: Binding(SPEED, "", 10, 0, None, 1.0, True)}  # type: ignore[arg-type]
    async with start(device, Speed=READ_BACK) as desk:
        asyncio.get_running_loop().call_later(0.2, lambda: device.push(readings([SPEED], [700.0], bindings)))
        asyncio.get_running_loop().call_later(0.4, lambda: device.push(readings([SPEED], [1500.5], bindings)))
        assert await desk.write(SPEED, 1500.0, "anna") == Status.Good
        assert await desk.write(SPEED, 200.0, "anna") == Status.BadTimeout
        assert desk.audits[1].reason == "acknowledged, but the device never showed the value within 1 s"


@virtual_time
async def test_writes_to_one_row_follow_each_other_and_other_rows_do_not_wait(start):
    device = polled(sticky={SPEED}, values={SPEED: 0.0})
    async with start(device, Speed=READ_BACK) as desk:
        first = asyncio.create_task(desk.write(SPEED, 1000.0, "anna"))
        second = asyncio.create_task(desk.write(SPEED, 2000.0, "bert"))
        await asyncio.sleep(0.1)
        assert await desk.write(RUN, True, "carl") == Status.Good
        assert device.writes == [(SPEED, 1000.0), (RUN, True)]
        assert (await first, await second) == (Status.BadTimeout, Status.BadTimeout)
        assert device.writes == [(SPEED, 1000.0), (RUN, True), (SPEED, 2000.0)]
    assert [audit.user for audit in desk.audits] == ["carl", "anna", "bert"]


@virtual_time
async def test_every_attempt_is_in_the_log_with_its_answer(start, caplog):
    caplog.set_level(logging.INFO, "server.commands")
    async with start(polled(), Run=rules(interlocks=(TANK,))) as desk:
        await desk.write(SPEED, 1500.0, "anna\nevil")
        await desk.write(RUN, True, "anna")
    assert [record.getMessage() for record in caplog.records] == [
        "'anna\\nevil' wrote 1500.0 to Pump/Speed, before 0.0: Good",
        "'anna' wrote True to Pump/Run, before False: BadInvalidState (Tank level is below 10 %)",
    ]


SET_SPEED = CommandMethod(
    "SetSpeed",
    "Pump/SetSpeed",
    "",
    (CommandArgument("Speed", SPEED),),
    (CommandWrite(SPEED, None, 0), CommandWrite(MODE, 2.0, None), CommandWrite(RUN, True, None)),
)


@virtual_time
async def test_a_method_writes_in_order(start):
    device = polled()
    async with start(device) as desk:
        outcome = await desk.commands.call(SET_SPEED, [1500.0], "anna")
    assert (outcome.status, outcome.argument_status) == (Status.Good, (Status.Good,))
    assert device.writes == [(SPEED, 1500.0), (MODE, 2), (RUN, True)]


@virtual_time
async def test_a_method_stops_at_the_first_refusal_and_answers_with_it(start):
    device = polled()
    async with start(device, Mode=rules(interlocks=(TANK,))) as desk:
        assert (await desk.commands.call(SET_SPEED, [1500.0], "anna")).status == Status.BadInvalidState
    assert device.writes == [(SPEED, 1500.0)]


@virtual_time
async def test_a_wrong_argument_is_found_before_anything_is_written(start):
    device = polled()
    async with start(device, Speed=rules(limits=(0.0, 3000.0))) as desk:
        outcome = await desk.commands.call(SET_SPEED, [5000.0], "anna")
        assert (outcome.status, outcome.argument_status) == (Status.BadInvalidArgument, (Status.BadOutOfRange,))
        outcome = await desk.commands.call(SET_SPEED, ["fast"], "anna")
        assert outcome.argument_status == (Status.BadTypeMismatch,)
        assert [audit.path for audit in desk.audits] == ["Pump/SetSpeed"] * 2
    assert device.writes == []


@virtual_time
async def test_a_method_with_a_clamped_value_says_so(start):
    device = polled()
    async with start(device, Speed=rules(limits=(0.0, 3000.0), clamp=True)) as desk:
        assert (await desk.commands.call(SET_SPEED, [5000.0], "anna")).status == Status.GoodClamped
    assert len(device.writes) == 3


@virtual_time
async def test_nobody_listens_to_audits_any_more_after_stopping(start):
    async with start(polled()) as desk:
        heard: list[object] = []
        stop = desk.commands.on_audit(heard.append)
        await desk.write(SPEED, 1.0, "anna")
        stop()
        await desk.write(SPEED, 2.0, "anna")
    assert len(heard) == 1

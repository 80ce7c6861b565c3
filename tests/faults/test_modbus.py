"""Every way in which a Modbus device or line fails: what is lost, how long until it shows and until all is well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.status import Status
from tests.faults.table import FaultTable
from tests.faults.watch import Watch
from tests.simulators.bridge import Bridge, bridge
from tests.simulators.modbus_device import Kind, ModbusDevice
from tests.simulators.modbus_wires import ModbusLine
from tests.simulators.waiting import until

DRIVER = "Modbus"
RATE_S = 0.1
SETTINGS = (
    "Four units on one connection, `rate_s: 0.1`, `timeout_s: 0.2`. A unit is given up after 3 timeouts and probed\n"
    "every 0.3 to 1 s (by default 10 to 300 s); a lost connection is made anew after 0.1 to 0.4 s\n"
    "(by default 1 to 30 s)."
)
LOST = Status.UncertainNoCommunicationLastUsableValue
STALE = Status.UncertainLastUsableValue
WRONG = Status.BadCommunicationError
PLANT = """
plant: {{name: P}}
connections:
  line: {{driver: modbus, {place}, timeout_s: 0.2}}
twins:
  P:
    scope: asset
    rate_s: 0.1
    stale_s: 10
    connection: line
    telemetry:
      T1: {{type: UInt16, point: {{address: 5, unit: 1}}}}
      T2: {{type: UInt16, point: {{address: 5, unit: 2}}}}
      T3: {{type: UInt16, point: {{address: 5, unit: 3}}}}
      T4: {{type: UInt16, point: {{address: 5, unit: 4}}}}
"""


@pytest.fixture
def table(fault_table: FaultTable) -> FaultTable:
    """With what the figures depend on."""
    fault_table.settings[DRIVER] = SETTINGS
    return fault_table


def device_with_values() -> ModbusDevice:
    """Units 1 to 4 hold 1000, 2000, 3000 and 4000 at address 5, and other numbers around it."""
    device = ModbusDevice(units=(1, 2, 3, 4))
    for number, unit in device.units.items():
        unit.holding[:10] = 7
        unit.holding[5] = 1000 * number
    return device


def tcp(device: ModbusDevice) -> str:
    return PLANT.format(place=f"host: 127.0.0.1, port: {device.port}")


async def all_good(p: Bridge) -> None:
    await until(lambda: p.good("P/T1", "P/T2", "P/T3", "P/T4"))


@pytest.mark.parametrize(
    ("fault", "kind", "shows"),
    [
        ("it answers half a frame, once", "half_frame", LOST),
        ("it resets the connection in mid-answer, once", "reset", LOST),
        ("it hangs up instead of answering, once", "close", LOST),
        ("it sends what is no Modbus, once", "garbage", LOST),
        ("it does not answer, once", "silence", STALE),
        ("its answer is late by 0.3 s, once", "slow", STALE),
        ("it answers with another transaction number, once", "wrong_transaction", STALE),
        ("it answers as another unit, once", "wrong_unit", WRONG),
        ("it answers another function, once", "wrong_function", WRONG),
        ("it answers a byte too little, once", "wrong_length", WRONG),
        ("it answers twice, once", "twice", None),
    ],
)
async def test_one_wrong_answer_over_tcp(
    tmp_path: Path, table: FaultTable, fault: str, kind: Kind, shows: Status | None
) -> None:
    async with device_with_values() as device, bridge(tmp_path, tcp(device)) as p:
        await all_good(p)
        watch = Watch(p, "P/T1", lambda value: value == 1000)

        def begin() -> None:
            device.misbehave(kind, times=1, unit=1, delay_s=0.3)

        row = await watch.through(DRIVER, fault, begin, None, shows=shows, rate_s=RATE_S)
        table.add(row)


@pytest.mark.parametrize("fault", ["its power fails", "it falls silent", "it keeps answering half frames"])
async def test_a_device_that_is_away_for_a_while(tmp_path: Path, table: FaultTable, fault: str) -> None:
    async with device_with_values() as device, bridge(tmp_path, tcp(device)) as p:
        await all_good(p)
        watch = Watch(p, "P/T1", lambda value: value == 1000)
        begin: dict[str, Callable[[], object]] = {
            "its power fails": device.stop,
            "it falls silent": lambda: device.misbehave("silence"),
            "it keeps answering half frames": lambda: device.misbehave("half_frame"),
        }

        async def end() -> None:
            await asyncio.sleep(0.5)  # away for a while
            if fault == "its power fails":
                await device.start()
            device.behave()

        table.add(await watch.through(DRIVER, fault, begin[fault], end, shows=LOST, rate_s=RATE_S))


async def test_a_device_that_forgets_an_address(tmp_path: Path, table: FaultTable) -> None:
    """Its neighbours in the same block stay Good; here a new connection ends the wait for the next try."""
    async with device_with_values() as device, bridge(tmp_path, tcp(device).replace("5, unit: 2", "6, unit: 1")) as p:
        await all_good(p)
        watch = Watch(p, "P/T1", lambda value: value == 1000)
        neighbour = Watch(p, "P/T2", lambda value: value == 7)

        def end() -> None:
            device.behave()
            device.drop_connections()

        begun = len(neighbour.seen)
        row = await watch.through(
            DRIVER,
            "it refuses one address of a block (exception 02)",
            lambda: device.misbehave("exception", code=2, unit=1, address=5),
            end,
            shows=Status.BadConfigurationError,
            rate_s=RATE_S,
            others="the other values of the block stay Good",
        )
        before_the_end = [status for _, status in neighbour.seen[begun:] if status.name.startswith("Bad")]
        assert not before_the_end
        table.add(row)


@pytest.mark.parametrize(
    ("fault", "kind", "shows"),
    [
        ("serial line: wrong CRC, once", "wrong_crc", WRONG),
        ("serial line: half a frame, once", "half_frame", WRONG),
        ("serial line: no answer, once", "silence", STALE),
        ("serial line: an answer late by 0.3 s, once", "slow", STALE),
        ("serial line: noise before an answer, once", "noise", None),
    ],
)
async def test_one_wrong_answer_on_a_serial_line(
    tmp_path: Path, table: FaultTable, fault: str, kind: Kind, shows: Status | None
) -> None:
    device = device_with_values()
    async with ModbusLine(device) as line, bridge(tmp_path, rtu(line)) as p:
        await all_good(p)
        watch = Watch(p, "P/T1", lambda value: value == 1000)

        def begin() -> None:
            device.misbehave(kind, times=1, unit=1, delay_s=0.3)

        table.add(await watch.through(DRIVER, fault, begin, None, shows=shows, rate_s=RATE_S))


async def test_a_serial_line_with_one_dead_unit_of_four(tmp_path: Path, table: FaultTable) -> None:
    """Until it is given up each of its three timeouts holds the line up; then the others have their rate."""
    device = device_with_values()
    async with ModbusLine(device) as line, bridge(tmp_path, rtu(line)) as p:
        await all_good(p)
        watch = Watch(p, "P/T4", lambda value: value == 4000)
        others = Watch(p, "P/T1", lambda value: value == 1000)
        counted: list[int] = []

        async def end() -> None:
            before = len(others.seen)
            await asyncio.sleep(1.0)
            counted.append(len(others.seen) - before)
            device.behave()

        row = await watch.through(
            DRIVER,
            "serial line: one dead unit of four",
            lambda: device.misbehave("silence", unit=4),
            end,
            shows=LOST,
            rate_s=RATE_S,
            others="stay Good; late by one timeout at each of 3 requests and each probe",
        )
        assert all(status is Status.Good for _, status in others.seen)
        assert counted[0] >= 5
        assert not others.wrong
        table.add(row)


def rtu(line: ModbusLine) -> str:
    return PLANT.format(place=f"transport: rtu, device: {line.path}, parity: none, baud_rate: 115200")
